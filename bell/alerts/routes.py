"""Which approvals an alert needs: how many people, of which sort. Rules by team, kind, number of people, findings.

Every rule that fits counts, and the strictest wins; what a version needs is fixed when it is submitted (decision 17).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bell.alerts.checks import Level
from bell.alerts.models import Alert, Version
from bell.organisations.kinds import Kind
from bell.organisations.models import ApprovalRoute

# For so many people two colleagues look, where an organisation made no rules of its own.
MANY = 50_000
MOST_APPROVERS = 3
_LEVELS = {
    Level.NOTE: "the checks noticed something",
    Level.CARE: "the checks found something that needs a reason",
    Level.SENIOR: "the checks found something grave",
}
_EVERY = "every alert needs that"
_NUMBERS = {1: "one person", 2: "two people", 3: "three people"}


@dataclass(frozen=True)
class Needs:
    """What a version needs. `senior`: one of them approves for a team for the whole force. `why`: the rules' words."""

    people: int = 1
    senior: bool = False
    reason: bool = False
    why: tuple[str, ...] = ()

    def and_(self, other: "Needs") -> "Needs":
        """Both together: of each the stricter."""
        why = (*self.why, *(words for words in other.why if words not in self.why))
        return Needs(max(self.people, other.people), self.senior or other.senior, self.reason or other.reason, why)

    def as_json(self) -> dict[str, Any]:
        """As it is kept beside the version."""
        return {**asdict(self), "why": list(self.why)}

    @property
    def words(self) -> str:
        """What is needed and why: "Two people must approve it: it goes to 50,000 people or more."."""
        who = f"{_who(self.people, senior=self.senior)}{',' if self.senior and self.people > 1 else ''} must approve"
        special = [words for words in self.why if words != _EVERY]
        return f"{who} it: {', and '.join(special)}." if special else f"{who} every alert."


def asked(alert: Alert, *, people: int, level: int) -> Needs:
    """What an alert to so many people needs, by the rules of its organisation and what the checks found."""
    rules = list(ApprovalRoute.objects.filter(organisation=alert.organisation_id).select_related("team"))
    found = _by_checks(level)
    for one in rules or defaults(alert.organisation_id):
        if fits(one, alert, people=people, level=level):
            found = found.and_(Needs(one.people, one.senior, one.reason, (said(one),)))
    return found


def defaults(organisation: int) -> list[ApprovalRoute]:
    """The rules of an organisation that made none, as rows that are not kept."""
    return [ApprovalRoute(organisation_id=organisation, from_people=MANY, people=2, senior=True)]


def fits(route: ApprovalRoute, alert: Alert, *, people: int, level: int) -> bool:
    """Whether a rule is for this alert."""
    return (
        route.team_id in (None, alert.team_id)
        and route.kind in ("", alert.kind)
        and people >= route.from_people
        and level >= route.from_level
    )


def said(route: ApprovalRoute) -> str:
    """What a rule is for: "it is a missing person alert of Heanor SNT to 500 people or more"."""
    parts = []
    if route.kind:
        parts.append(f"it is of the kind {Kind(route.kind).label.lower()}")
    if route.team:
        parts.append(f"{route.team.name} sends it")
    if route.from_people:
        parts.append(f"it goes to {route.from_people:,} people or more")
    if route.from_level:
        parts.append(_LEVELS[Level(route.from_level)])
    return ", ".join(parts) or _EVERY


def _by_checks(level: int) -> Needs:
    """What holds everywhere: grave findings need someone for the whole force, careful ones a reason (decision 12)."""
    senior = level >= Level.SENIOR
    return Needs(1, senior, level >= Level.CARE, (_LEVELS[Level.SENIOR],) if senior else ())


def gravest(checks: Iterable[Mapping[str, Any]]) -> int:
    """The highest level among the findings that are kept beside a version; 0 when the checks noticed nothing."""
    return max((int(one["level"]) for one in checks), default=0)


def needs(version: Version) -> Needs:
    """What a version needs: as it was fixed when it was submitted, and never less than its findings ask for."""
    kept = version.route
    fixed = Needs(kept["people"], kept["senior"], kept["reason"], tuple(kept["why"])) if kept else Needs()
    return fixed.and_(_by_checks(gravest(version.checks)))


def described(routes: Iterable[ApprovalRoute]) -> Iterator[tuple[ApprovalRoute, str, str]]:
    """(rule, when it holds, what it asks for), in words for the page of the rules."""
    for one in routes:
        asks = _who(one.people, senior=one.senior) + ("; each gives a reason" if one.reason else "")
        yield one, _when(one), asks


def _who(people: int, *, senior: bool) -> str:
    """ "Two people, one of them for the whole force", "One person for the whole force"."""
    who = _NUMBERS[people].capitalize()
    if not senior:
        return who
    return f"{who}, one of them for the whole force" if people > 1 else f"{who} for the whole force"


def _when(route: ApprovalRoute) -> str:
    """What a rule is for, as a heading: "Missing person by Heanor SNT, to 500 people or more"."""
    what = Kind(route.kind).label if route.kind else "Every alert"
    by = f" by {route.team.name}" if route.team else ""
    to = f", to {route.from_people:,} people or more" if route.from_people else ""
    found = f", when {_LEVELS[Level(route.from_level)]}" if route.from_level else ""
    return f"{what}{by}{to}{found}"
