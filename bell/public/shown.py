"""An alert as the public sees it. Once a missing person is found, name, description and place are gone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bell.alerts import content, expiry, find
from bell.alerts.models import Alert, Relation, State
from bell.lib import clock, markup
from bell.organisations import kinds
from bell.organisations.rules import name_on

_COLOURS = {
    kinds.Kind.CRIME: "amber",
    kinds.Kind.INFORMATION: "blue",
    kinds.Kind.FOOTAGE: "blue",
    kinds.Kind.PREVENTION: "grey",
    kinds.Kind.EVENT: "green",
    kinds.Kind.MISSING: "red",
    kinds.Kind.SCAM: "purple",
    kinds.Kind.OUTCOME: "green",
    kinds.Kind.SURVEY: "purple",
    kinds.Kind.PARTNER: "blue",
}
_ENDED_TITLE = "This search has ended"
_ENDED_WORDS = "Thank you to everyone who looked. To protect the person, we have taken the details away."
_TEASER = 180


@dataclass(frozen=True)
class Update:
    """One thing in an alert's story: when, what, and the words (safe HTML)."""

    when: str
    at: datetime | None
    title: str
    html: str
    tone: str


@dataclass(frozen=True)
class Shown:
    """What templates show of an alert."""

    reference: str
    kind: str
    colour: str
    title: str
    html: str
    teaser: str
    facts: list[tuple[str, str]]
    when: str
    at: datetime | None
    team: str
    organisation: str
    urgent: bool
    answers: bool
    hidden: bool
    missing: bool
    relation: str
    stopped: bool
    closed: bool
    practice: bool
    over: str = ""  # since when, where it is over by itself

    @property
    def over_words(self) -> str:
        """What its page says then."""
        return f"This has been over since {self.over}."


def takes_answers(alert: Alert) -> bool:
    """Whether one-tap answers make sense: appeals do, until they are called off or closed."""
    if alert.state == State.CLOSED or expiry.over_since(alert) is not None:
        return False
    return kinds.FACTS[alert.kind].answers and alert.relation not in find.ENDED


def show(alert: Alert) -> Shown:
    """The alert for a page."""
    hidden = find.search_is_over(alert)
    plain = markup.plain(alert.body)
    named = {"kind": alert.kind, "fields": alert.fields, "follows": alert.follows_id}
    return Shown(
        reference=alert.reference,
        kind=alert.get_kind_display(),
        colour="grey" if hidden else _COLOURS[kinds.Kind(alert.kind)],
        title=_ENDED_TITLE if hidden else alert.title,
        html=f"<p>{_ENDED_WORDS}</p>" if hidden else markup.html(alert.body),
        teaser=_ENDED_WORDS if hidden else _shortened(plain),
        facts=[] if hidden else [fact for fact in content.facts(named) if fact[1]],
        when=clock.said(alert.sent_at) if alert.sent_at else "",
        at=alert.sent_at,
        team=alert.team.name,
        organisation=name_on(alert.organisation, clock.local(alert.sent_at or clock.now()).date()),
        urgent=alert.urgent and not hidden,
        answers=takes_answers(alert) and not hidden,
        hidden=hidden,
        missing=alert.kind == kinds.Kind.MISSING and not hidden and alert.state != State.CLOSED,
        relation=Relation(alert.relation).label if alert.relation else "",
        stopped=alert.state == State.STOPPED,
        closed=alert.state == State.CLOSED,
        practice=alert.practice,
        over=clock.said(over) if (over := expiry.over_since(alert)) else "",
    )


def show_all(alerts: Iterable[Alert]) -> list[Shown]:
    """Several alerts for a list."""
    return [show(alert) for alert in alerts]


def story(alert: Alert, *, hidden: bool) -> list[Update]:
    """The public updates of an alert, oldest first; without words once its person was found."""
    return [
        Update(
            when=clock.said(one.sent_at) if one.sent_at else "",
            at=one.sent_at,
            title=Relation(one.relation).label if hidden else f"{Relation(one.relation).label}: {one.title}",
            html="" if hidden else markup.html(one.body),
            tone="done" if one.relation in find.ENDED else "now",
        )
        for one in find.updates(alert)
    ]


def _shortened(words: str) -> str:
    """The first paragraph of a text on one line, cut between two words where it is long."""
    line = " ".join(words.strip().partition("\n\n")[0].split())
    return line if len(line) <= _TEASER else f"{line[:_TEASER].rsplit(' ', 1)[0]}…"
