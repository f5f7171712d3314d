"""Which groups and hours answer: answers per 100 people asked. And the ledger: what came of each appeal."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, QuerySet

from bell.alerts.models import PUBLISHED, Alert, Relation
from bell.conversations.models import Answer, Conversation
from bell.delivery.models import Delivery, State
from bell.insight import hiding
from bell.lib import clock, markup
from bell.organisations.kinds import FACTS
from bell.organisations.models import Officer
from bell.residents.models import Group, GroupMember

# Fewer people asked than this tell nothing: chance would speak.
ASKED_LEAST = 100
_DAYS = 365
_MOST_ALERTS = 300
_ARRIVED = (State.SENT, State.DELIVERED, State.UNCERTAIN)
_NOTE = 240

Pairs = set[tuple[int, int]]


@dataclass(frozen=True)
class Rate:
    """How some people answered: `asked` rounded to 5; `per_100` None where too few were asked or answered."""

    name: str
    asked: int | None
    per_100: float | None


@dataclass(frozen=True)
class Line:
    """One appeal in the ledger, with what came of it."""

    alert: Alert
    asked: int | None
    answered: int
    per_100: float | None
    useful: int
    outcomes: list[tuple[Alert, str]]


@dataclass(frozen=True)
class Appeals:
    """The appeals that are looked at, how many people each asked, and who answered."""

    alerts: list[Alert]
    asked: dict[str, int]
    answered: Pairs


def appeals(officer: Officer) -> Appeals:
    """Appeals of the last year that the officer may see, the newest first. Practice is not counted."""
    asking = [kind for kind, facts in FACTS.items() if facts.answers]
    since = clock.now() - timedelta(days=_DAYS)
    found = Alert.objects.visible_to(officer).filter(
        follows=None, practice=False, state__in=PUBLISHED, kind__in=asking, sent_at__gte=since
    )
    alerts = list(found.select_related("team").order_by("-sent_at", "-pk")[:_MOST_ALERTS])
    return Appeals(alerts, _asked(alerts), _answered(alerts))


def _sent(alerts: Iterable[Alert]) -> QuerySet[Delivery]:
    """What reached people of these alerts."""
    references = [alert.reference for alert in alerts]
    return Delivery.objects.filter(mailing__reference__in=references, mailing__practice=False, state__in=_ARRIVED)


def _by_reference(rows: QuerySet[Delivery]) -> dict[str, int]:
    """People by alert, each once whatever the channels."""
    counted = rows.order_by().values_list("mailing__reference")
    return dict(counted.annotate(people=Count("recipient_key", distinct=True)))


def _asked(alerts: list[Alert]) -> dict[str, int]:
    return _by_reference(_sent(alerts))


def _answered(alerts: list[Alert]) -> Pairs:
    """(alert, resident) of everyone known who tapped or wrote."""
    pairs: Pairs = set()
    for rows in (Answer.objects.filter(alert__in=alerts), Conversation.objects.filter(alert__in=alerts)):
        for alert_id, resident_id in rows.order_by().values_list("alert_id", "resident_id"):
            if alert_id is not None and resident_id is not None:
                pairs.add((alert_id, resident_id))
    return pairs


def rate(name: str, asked: int, answered: int) -> Rate:
    """Answers per 100, when enough were asked and at least 5 answered."""
    tells = asked >= ASKED_LEAST and answered >= hiding.LEAST
    return Rate(name, hiding.shown(asked), round(answered * 100 / asked, 1) if tells else None)


def by_group(appealed: Appeals) -> list[Rate]:
    """Groups, those that answer best first. A person in two groups counts in both."""
    answered: Counter[int] = Counter()
    members = GroupMember.objects.filter(resident__in={resident for _, resident in appealed.answered})
    of_resident: dict[int, list[int]] = {}
    for group_id, resident_id in members.values_list("group_id", "resident_id"):
        of_resident.setdefault(resident_id, []).append(group_id)
    for _, resident_id in appealed.answered:
        answered.update(of_resident.get(resident_id, []))
    found = []
    for group in Group.objects.public():
        keys = GroupMember.objects.filter(group=group).values("resident__key")
        asked = sum(_by_reference(_sent(appealed.alerts).filter(recipient_key__in=keys)).values())
        found.append(rate(group.name, asked, answered[group.pk]))
    return sorted(found, key=lambda one: (one.per_100 is None, -(one.per_100 or 0), one.name))


def by_hour(appealed: Appeals) -> list[Rate]:
    """The 24 hours of London's clocks at which appeals went out."""
    asked: Counter[int] = Counter()
    answered: Counter[int] = Counter()
    hours = {alert.pk: clock.local(alert.sent_at).hour for alert in appealed.alerts if alert.sent_at}
    for alert in appealed.alerts:
        asked[hours[alert.pk]] += appealed.asked.get(alert.reference, 0)
    for alert_id, _ in appealed.answered:
        answered[hours[alert_id]] += 1
    return [rate(_hour(hour), asked[hour], answered[hour]) for hour in range(24)]


def _hour(hour: int) -> str:
    """ "midnight to 1am", "2pm to 3pm"."""
    return f"{_on_the_clock(hour)} to {_on_the_clock((hour + 1) % 24)}"


def _on_the_clock(hour: int) -> str:
    if hour % 12 == 0:
        return "midday" if hour else "midnight"
    return f"{hour % 12}{'am' if hour < 12 else 'pm'}"


def ledger(appealed: Appeals) -> list[Line]:
    """Each appeal with its outcomes, the newest first."""
    answered = Counter(alert_id for alert_id, _ in appealed.answered)
    useful = Counter(
        Conversation.objects.filter(alert__in=appealed.alerts, useful=True).values_list("alert_id", flat=True)
    )
    outcomes: dict[int, list[tuple[Alert, str]]] = {}
    told = Alert.objects.public().filter(follows__in=appealed.alerts, relation=Relation.OUTCOME)
    for one in told.order_by("sent_at", "pk"):
        outcomes.setdefault(one.follows_id or 0, []).append((one, _note(one)))
    return [
        Line(
            alert=alert,
            asked=appealed.asked.get(alert.reference),
            answered=answered[alert.pk],
            per_100=rate("", appealed.asked.get(alert.reference, 0), answered[alert.pk]).per_100,
            useful=useful[alert.pk],
            outcomes=outcomes.get(alert.pk, []),
        )
        for alert in appealed.alerts
    ]


def _note(outcome: Alert) -> str:
    """What the outcome said, on one line."""
    words = " ".join(markup.plain(outcome.body).split())
    return words if len(words) <= _NOTE else f"{words[:_NOTE].rsplit(' ', 1)[0]}…"
