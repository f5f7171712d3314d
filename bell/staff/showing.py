"""How a message, its sending and what may be done with it are shown: plain values for the templates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bell.alerts import approving, audience, content, ending, expiry, find, practice, rules, translations
from bell.alerts.find import Progress
from bell.alerts.models import Alert, Approval, Carrier, Relation, State, Version
from bell.delivery import slots
from bell.delivery.models import Channel
from bell.delivery.models import State as Delivered
from bell.lib import clock, text
from bell.organisations import kinds, languages
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer, Organisation
from bell.staff import ground, words

# States of deliveries in the order of the bar, with the tone each is drawn in.
_ORDER = {
    Delivered.DELIVERED: "good",
    Delivered.SENT: "sent",
    Delivered.UNCERTAIN: "doubt",
    Delivered.QUEUED: "wait",
    Delivered.DEFERRED: "wait",
    Delivered.WAITING: "wait",
    Delivered.BOUNCED: "bad",
    Delivered.FAILED: "bad",
    Delivered.SUPPRESSED: "none",
    Delivered.CANCELLED: "none",
    Delivered.EXPIRED: "none",
}


_OWN = "their-own-link"


@dataclass(frozen=True)
class Message:
    """A message as people will read it, with what its text costs a person."""

    parts: content.Parts
    subject: str
    by_email: bool
    by_sms: bool
    urgent: bool
    sms: str
    segments: text.Segments
    replaced: tuple[tuple[str, str], ...]
    emails: int
    plain: str
    pence_each: float
    language: languages.Language = languages.ENGLISH

    @property
    def marks(self) -> str:
        """The attributes of an element in another language than the page's; "" for English."""
        return content.marked(self.language) if self.language != languages.ENGLISH else ""

    @property
    def parts_most(self) -> int:
        """How many parts a text may have."""
        return rules.TEXT_SEGMENTS_MOST if self.language == languages.ENGLISH else translations.SEGMENTS_MOST


def message(frozen: dict[str, Any], carrier: Organisation | None = None, *, emails: int = 0) -> Message:
    """Read frozen data (alerts.rules.snapshot), drawn by the same code that sends it; a carrier's copy names it."""
    whole = content.sms(frozen, carrier)
    return Message(
        parts=content.parts(frozen, carrier),
        subject=content.subject(frozen),
        by_email=frozen["by_email"],
        by_sms=frozen["by_sms"],
        urgent=frozen["urgent"],
        sms=whole.replace(slots.ANSWER, _OWN),
        segments=text.segments(whole),
        replaced=text.to_gsm(frozen["sms_text"].strip() or frozen["title"])[1],
        emails=emails,
        plain=content.said(frozen, carrier)["text"].replace(slots.ANSWER, _OWN).replace(slots.UNSUBSCRIBE, _OWN),
        pence_each=audience.pence(1, whole),
        language=languages.of(frozen.get("language", "")),
    )


def spoken(frozen: dict[str, Any], carrier: Organisation | None = None) -> list[Message]:
    """The same message in each of its other languages."""
    return [message(content.in_language(frozen, tag), carrier) for tag in frozen.get("languages", {})]


@dataclass(frozen=True)
class Audience:
    """Who is meant, in words, and as a map."""

    follows: Alert | None
    also: bool
    areas: list[str]
    shapes: list[str]
    groups: list[str]
    left_out: list[str]
    also_in: list[str]
    also_groups: list[str]
    map: dict[str, Any]


def meant(alert: Alert, rule: dict[str, Any]) -> Audience:
    """The audience of an alert, by its own rule or a frozen one."""

    def named(key: str) -> list[str]:
        return find.group_names(alert, rule.get(key, []))

    return Audience(
        follows=alert.follows,
        also=bool(alert.follows and rule),
        areas=ground.names(rule),
        shapes=ground.described(rule),
        groups=named("groups"),
        left_out=[
            *ground.names(rule, "not_areas"),
            *ground.described(rule, "not_shapes"),
            *(f"People in {name}" for name in named("not_groups")),
        ],
        also_in=[*ground.names(rule, "also_areas"), *ground.described(rule, "also_shapes")],
        also_groups=named("also_groups"),
        map=ground.of_audience(rule if not alert.follows else alert.follows.audience),
    )


@dataclass(frozen=True)
class Partner:
    """An organisation that is asked to carry an alert, and what it said."""

    name: str
    decision: str = ""
    colour: str = "grey"
    reason: str = ""


@dataclass(frozen=True)
class Together:
    """Who carries an alert with us, who asked for it, and when it goes."""

    carriers: list[Partner]
    behalf: str
    send_at: datetime | None
    expires: datetime | None


_DECIDED = {Carrier.Decision.AGREED: "green", Carrier.Decision.DECLINED: "grey", Carrier.Decision.ASKED: "amber"}


def together(alert: Alert, frozen: dict[str, Any], version: Version | None = None) -> Together:
    """Frozen carriers with their decisions; a draft's are named only, since nobody was asked yet."""
    decided = version.carriers.select_related("organisation") if version else []
    asked = [
        Partner(one.organisation.name, one.get_decision_display(), _DECIDED[Carrier.Decision(one.decision)], one.reason)
        for one in decided
    ]
    named = Organisation.objects.public().filter(pk__in=frozen.get("carriers", [])).order_by("name")
    at = frozen.get("send_at")
    return Together(
        carriers=asked or ([] if version else [Partner(one.name) for one in named]),
        behalf=alert.on_behalf_of.name if alert.on_behalf_of else "",
        send_at=datetime.fromisoformat(at) if at else None,
        expires=expiry.read(frozen),
    )


@dataclass(frozen=True)
class Bar:
    """One part of a bar: where it begins and how long it is, in percent."""

    words: str
    number: str
    tone: str
    start: float
    width: float


@dataclass(frozen=True)
class Lane:
    """One channel's bar."""

    name: str
    total: str
    bars: list[Bar]


def lanes(progress: Progress, officer: Officer) -> list[Lane]:
    """A bar for each channel, parts in a fixed order; a partner's numbers are rounded, and so are its bars."""
    return [
        Lane(_channel(channel), words.number(sum(states.values()), officer), _bars(states, officer))
        for channel, states in sorted(progress.by_channel.items())
    ]


def _channel(name: str) -> str:
    return {Channel.EMAIL: "Email", Channel.SMS: "Text message"}.get(Channel(name), name)


def _bars(states: dict[str, int], officer: Officer) -> list[Bar]:
    if officer.organisation.sort == Organisation.Sort.FORCE:
        drawn = states
    else:  # a bar drawn to scale would say the number that its words hide
        drawn = {state: audience.hidden(number) or 5 for state, number in states.items() if number}
    total, start, bars = sum(drawn.values()) or 1, 0.0, []
    for state, tone in _ORDER.items():
        if number := states.get(state, 0):
            width = drawn[state] * 100 / total
            said = words.number(number, officer)
            bars.append(Bar(str(state.label).capitalize(), said, tone, round(start, 3), round(width, 3)))
            start += width
    return bars


@dataclass(frozen=True)
class Sending:
    """What is said of an alert that goes out, line by line; why messages were put off: (words, number).

    `kept`: how many wait for their digest.
    """

    lines: list[str]
    reasons: list[tuple[str, str]]
    kept: int = 0


def sending(progress: Progress, officer: Officer) -> Sending | None:
    """How far it is, how fast it goes and how long still, honest about what is put off, stopped or uncertain.

    None for a partner: these are exact numbers.
    """
    if officer.organisation.sort != Organisation.Sort.FORCE:
        return None
    now = progress.sending
    lines = [] if now.filled else [f"In the outbox so far: {now.total:,} of about {progress.total:,} messages."]
    lines += [f"{one.words} stopped{_since(one.since)}: {one.why.rstrip('.')}." for one in now.held]
    if now.count(Delivered.QUEUED) and now.per_second:
        left = f", about {words.roughly(now.seconds_left)} left" if now.seconds_left is not None else ""
        lines.append(f"Going out at {words.rate(now.per_second)}{left}.")
    if kept := now.count(Delivered.WAITING):
        wait = "1 waits for its digest" if kept == 1 else f"{kept:,} wait for their digest"
        lines.append(f"{wait}: these people chose one email a day or a week.")
    if put_off := now.count(Delivered.DEFERRED):
        lines.append(f"{put_off:,} put off for now; each is tried again.")
    if unsure := now.count(Delivered.UNCERTAIN):
        lines.append(f"{unsure:,} may have arrived: the line broke while they were handed over.")
    reasons = [(one.words, f"{one.messages:,}") for one in now.reasons] if put_off else []
    return Sending(lines, reasons, kept)


def _since(at: datetime | None) -> str:
    return f" since {clock.said(at)}" if at else " for a moment"


@dataclass(frozen=True)
class Doing:
    """What this officer may do with this alert now."""

    edit: bool
    take_back: bool
    withdraw: bool
    decide: bool
    send: bool
    undo: bool
    stop: bool
    follow: list[tuple[str, str]]


def doing(officer: Officer, alert: Alert, version: Version | None) -> Doing:
    """Ask the rules once for everything that the page offers."""
    write = organisation_rules.may_write(officer, alert.team)
    act = write or organisation_rules.may_approve(officer, alert.team)
    moves = rules.MOVES[alert.state]
    waits = version if alert.state == State.SUBMITTED else None
    same = not practice.refusal(officer, alert)
    return Doing(
        edit=rules.may_edit(officer, alert),
        take_back=write and State.DRAFT in moves and alert.state != State.RETURNED,
        withdraw=write and State.WITHDRAWN in moves,
        decide=waits is not None and not approving.barred_from_approving(officer, waits),
        send=act and same and alert.state == State.APPROVED and version is not None and approving.is_approved(version),
        undo=act and alert.state in (State.HELD, State.SCHEDULED),
        stop=act and ending.still_goes(alert),
        follow=_follow_ups(alert, officer) if write and same else [],
    )


def _follow_ups(alert: Alert, officer: Officer) -> list[tuple[str, str]]:
    """The ways to follow an alert that went out: (relation, words)."""
    if alert.state not in (State.SENDING, State.SENT, State.STOPPED, State.CLOSED):
        return []
    offered = [(Relation.UPDATE, "Send an update")] if alert.state != State.STOPPED else []
    version = alert.versions.exclude(mailing=None).last() if alert.state != State.SENDING else None
    if version and (people := audience.reached(version)):
        offered.insert(0, (Relation.CORRECTION, _correction(alert, people, officer)))
    if alert.kind == kinds.Kind.MISSING:
        offered.append((Relation.STAND_DOWN, "Stand down"))
    if kinds.FACTS[alert.kind].answers:
        offered.append((Relation.OUTCOME, "Send an outcome"))
    return [(str(relation), label) for relation, label in offered]


def _correction(alert: Alert, people: int, officer: Officer) -> str:
    """What the button says: of a stopped alert, who got it all the same."""
    if alert.state != State.STOPPED:
        return "Send a correction"
    who = "1 person" if people == 1 else f"{words.number(people, officer)} people"
    return f"Send a correction to the {who} who already got it"


def decided(version: Version | None) -> Approval | None:
    """The latest decision on a version."""
    return version.approvals.select_related("officer").last() if version else None
