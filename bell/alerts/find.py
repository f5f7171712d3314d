"""Ready questions about alerts, asked through the person who looks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q

from bell.alerts import approving, audience, drawing, rules
from bell.alerts.models import Alert, Relation, State, Version
from bell.delivery import progress as sending
from bell.lib import shapes
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer
from bell.places import find as places
from bell.residents.models import Group

# What ends a search, and all that follows from it.
ENDED = (Relation.STAND_DOWN, Relation.OUTCOME)
_LOOK_BACK = 300
_FOLLOWED_AT_MOST = 20
# What changes when an alert is written to, sent, stopped, closed or withdrawn.
_STANDING = ("state", "edit", "practice", "relation", "sent_at")


@dataclass(frozen=True)
class Progress:
    """Where the sending of an alert stands, and how many messages were expected when it was approved."""

    sending: sending.Progress
    expected: int

    @property
    def by_channel(self) -> dict[str, dict[str, int]]:
        """{channel: {state: rows}}."""
        return self.sending.by_channel

    @property
    def total(self) -> int:
        """Messages in all: while people are still being put in, at least as many as were expected."""
        return self.sending.total if self.sending.filled else max(self.sending.total, self.expected)

    @property
    def waiting(self) -> int:
        """Messages that wait, those of people who are yet to be put in among them."""
        return self.sending.waiting + self.total - self.sending.total

    @property
    def percent(self) -> int:
        """How much of it is done, in whole percent."""
        return 100 if not self.total else (self.total - self.waiting) * 100 // self.total


def near(lon: float, lat: float, *, most: int = 20) -> list[Alert]:
    """The latest public alerts whose audience covers a point (WGS84), newest first; follow-ups come with theirs."""
    here = set(places.areas_at([lon], [lat])[0])
    found: list[Alert] = []
    for alert in Alert.objects.public().filter(follows=None).select_related("team", "organisation")[:_LOOK_BACK]:
        if covers(alert, here, lon, lat):
            found.append(alert)
        if len(found) == most:
            break
    return found


def covers(alert: Alert, area_ids: set[int], lon: float, lat: float) -> bool:
    """Whether an alert's audience covers a point that lies in these areas."""

    def lies_in(part: str) -> bool:
        if places.under(alert.audience.get(f"{part}areas", [])) & area_ids:
            return True
        drawn = [drawing.read(shape) for shape in alert.audience.get(f"{part}shapes", [])]
        return any(bool(shapes.contains(shape, [lon], [lat])[0]) for shape in drawn)

    return lies_in("") and not lies_in("not_")


def waiting_for(officer: Officer) -> list[Version]:
    """Versions that this officer may approve now, urgent ones first."""
    waiting = Alert.objects.visible_to(officer).filter(state=State.SUBMITTED)
    latest = [alert.versions.select_related("alert", "by", "alert__team").last() for alert in waiting]
    able = [one for one in latest if one is not None and not approving.barred_from_approving(officer, one)]
    return sorted(able, key=lambda one: (not one.alert.urgent, one.at))


def progress(alert: Alert) -> Progress:
    """How far the alert's mailings are, its carriers' included. Cheap enough to be asked every few seconds."""
    version = alert.versions.exclude(mailing=None).select_related("mailing").last()
    if version is None:
        return Progress(sending.of([]), 0)
    return Progress(sending.of(version.mailings()), version.emails + version.texts)


def updates(alert: Alert) -> list[Alert]:
    """Public follow-ups of an alert, oldest first."""
    return list(Alert.objects.public().filter(follows=alert).order_by("sent_at"))


def first_of(alert: Alert) -> Alert:
    """The alert that began a line of updates; an alert that follows none is its own first."""
    for _ in range(_FOLLOWED_AT_MOST):
        if alert.follows is None:
            break
        alert = alert.follows
    return alert


def line_of(alert: Alert) -> list[Alert]:
    """The alert that began it and every public follow-up, follow-ups of follow-ups too; the first one first."""
    found = [first_of(alert)]
    fresh = found
    for _ in range(_FOLLOWED_AT_MOST):
        fresh = list(Alert.objects.public().filter(follows__in=[one.pk for one in fresh]).order_by("sent_at", "pk"))
        if not fresh:
            break
        found += fresh
    return found


@dataclass(frozen=True)
class Line:
    """How an alert, what it follows and what follows it stood at one moment: to see whether a page is still true."""

    sql: str
    parameters: tuple[Any, ...]
    rows: tuple[tuple[object, ...], ...]

    @classmethod
    def around(cls, alert: Alert) -> "Line":
        """The line as it stands now; written once as SQL, as it is asked at every hit of a page.

        A missing person's goes all the way down: what ends the search may follow an update of an update. Of other
        alerts nothing below the direct follow-ups is ever shown.
        """
        ids = {alert.pk}
        for _ in range(_FOLLOWED_AT_MOST):
            if alert.follows is None:
                break
            alert = alert.follows
            ids.add(alert.pk)
        if alert.kind == Kind.MISSING:
            ids |= {one.pk for one in line_of(alert)}
        near = Alert.objects.filter(Q(pk__in=sorted(ids)) | Q(follows__in=sorted(ids))).order_by("pk")
        sql, parameters = near.values_list("pk", *_STANDING).query.sql_with_params()
        return cls(sql, parameters, _rows(sql, parameters))

    def holds(self, alert: Alert) -> bool:
        """Whether an alert, read before, is still the one of the line."""
        return any(row[0] == alert.pk and row[1] == alert.state and row[2] == alert.edit for row in self.rows)

    def stands(self) -> bool:
        """Whether nothing was added, sent, stopped, closed or changed since."""
        return self.rows == _rows(self.sql, self.parameters)


def _rows(sql: str, parameters: tuple[Any, ...]) -> tuple[tuple[object, ...], ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return tuple(tuple(row) for row in cursor.fetchall())


def search_is_over(alert: Alert) -> bool:
    """Whether a missing person was found or the search called off: then nothing personal may be shown (promises.md).

    It ends with its stand-down or outcome, and as soon as it is closed: the outcome's words may wait for approval, or
    never get it, the name may not. A stop ends no search: it says that what we sent was wrong, while the person may
    still be missing; who stops a search for good closes it too.
    """
    first = first_of(alert)
    if first.kind != Kind.MISSING:
        return False
    if first.state == State.CLOSED or alert.relation in ENDED:
        return True
    return any(one.relation in ENDED for one in line_of(alert))


def group_names(alert: Alert, ids: Iterable[int]) -> list[str]:
    """The names of groups in an alert's audience; one that was closed since is still said, since it still counts."""
    found = Group.objects.filter(organisation=alert.organisation_id, pk__in=ids)
    return list(found.values_list("name", flat=True))


def rule(alert: Alert) -> audience.Rule:
    """Who is meant by an alert as it stands now, saved or not: for counting while it is written."""
    return audience.Rule.of(
        rules.snapshot(alert), earlier_mailings(alert.follows, alert.relation, alert.organisation_id)
    )


def told_by(alert: Alert, relation: str) -> list[Alert]:
    """The alerts by which people were told what a follow-up of this one speaks of.

    What says that it is over is for everyone who was told of it, by the first or by an update of it; an update or a
    correction is for whoever got the very alert that it follows.
    """
    if relation not in ENDED:
        return [alert]
    return list({one.pk: one for one in (*line_of(alert), alert) if one.relation not in ENDED}.values()) or [alert]


def earlier_mailings(alert: Alert | None, relation: str, organisation: int) -> tuple[int, ...] | None:
    """The mailings to whose readers a follow-up goes, of one organisation; None where it follows nothing."""
    if alert is None:
        return None
    return tuple(rules.earlier_mailing(one.pk, organisation) for one in told_by(alert, relation))
