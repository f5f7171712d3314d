"""When an alert is over by itself: when its author said, an event at the end of its day, a survey when it closes.

What has not gone by then goes no more, its page says that it is over, and feeds drop it. Nothing else ends by itself:
a missing person is stood down by a person.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from bell.alerts import ballots, calendars, rules
from bell.alerts.models import Alert, Carrier, State, Version
from bell.audit.record import record
from bell.delivery import post
from bell.delivery.models import Delivery
from bell.delivery.models import State as Delivered
from bell.lib import clock

WHY = "over before it was sent"
_BEFORE = (State.APPROVED, State.SCHEDULED, State.HELD)


def read(frozen: Mapping[str, Any]) -> datetime | None:
    """The moment after which a frozen alert (alerts.rules.snapshot) is over, or None: a person says so."""
    said = frozen.get("expires_at")
    return _ends(datetime.fromisoformat(said) if said else None, frozen["kind"], frozen["fields"])


def _ends(named: datetime | None, kind: str, fields: Mapping[str, Any]) -> datetime | None:
    """The named moment, else the end of the event's day; a survey ends when it closes, if that is earlier."""
    if (closes := ballots.closes(kind, fields)) is not None:
        return min(closes, named) if named else closes
    return named or _end_of_day(calendars.begins(kind, fields))


def useful_until(frozen: Mapping[str, Any]) -> datetime | None:
    """Until when it is of use to hear of it: nobody goes to an event that has begun."""
    ends = [at for at in (read(frozen), calendars.begins(frozen["kind"], frozen["fields"])) if at is not None]
    return min(ends) if ends else None


def _end_of_day(at: datetime | None) -> datetime | None:
    """Midnight after a moment, on London's clocks: nobody is asked how long an event lasts."""
    if at is None:
        return None
    day = clock.local(at).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=clock.LONDON)


def is_over(frozen: Mapping[str, Any], now: datetime) -> bool:
    """Whether that moment has passed."""
    until = read(frozen)
    return until is not None and until <= now


def of(alert: Alert) -> datetime | None:
    """The same of an alert as it stands."""
    return _ends(alert.expires_at, alert.kind, alert.fields)


def over_since(alert: Alert) -> datetime | None:
    """Since when an alert has been over by itself; None while it is not."""
    until = of(alert)
    return until if until is not None and until <= clock.now() else None


def run_due() -> int:
    """End what is over: alerts that wait to be sent, and what of one that is going out has not gone. How many."""
    done = 0
    for alert in Alert.objects.filter(state__in=_BEFORE):
        if over_since(alert) is not None:
            done += expire(alert)
    for version in Version.objects.filter(alert__state=State.SENDING, mailing__isnull=False).select_related("alert"):
        if is_over(version.frozen, clock.now()):
            done += cut_short(version)
    # Of one that was sent, a partner's copies may still be on their way: it agreed later.
    still = Delivery.objects.filter(post.to_try(), mailing=OuterRef("mailing"))
    late = Carrier.objects.filter(Exists(still), version__alert__state=State.SENT, mailing__stopped_at=None)
    for carrier in late.select_related("version__alert"):
        if is_over(carrier.version.frozen, clock.now()):
            done += cut_short(carrier.version)
    return done


@transaction.atomic
def expire(alert: Alert) -> bool:
    """An alert whose time passed before it was sent: a person may take it back, change it and hand it in again."""
    fresh = Alert.objects.select_for_update(of=("self",)).get(pk=alert.pk)
    if fresh.state not in _BEFORE or over_since(fresh) is None:
        return False
    rules.check_move(fresh, State.EXPIRED)
    fresh.state = State.EXPIRED
    fresh.save(update_fields=["state"])
    record("alert expired", fresh, by=None)
    return True


@transaction.atomic
def cut_short(version: Version) -> bool:
    """Send no more of an alert that is over while it goes out; False when that was done before."""
    going = [mailing for mailing in version.mailings() if mailing.stopped_at is None]
    ended = sum(post.stop(mailing, reason=WHY, as_=Delivered.EXPIRED) for mailing in going)
    if going:
        record("alert expired", version.alert, by=None, messages=ended)
    return bool(going)
