"""Callbacks that come before what they are about: kept, tried again with growing waits, given up after a day.

A provider's event can overtake the commit that records the message, or a restored backup may not know it at all.
"""

from datetime import datetime, timedelta

from bell.delivery import times
from bell.delivery.models import Inbound

LONGEST = timedelta(hours=24)
GIVEN_UP = "names nothing that we know, after a day of asking again"
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(hours=2)


def keep(inbound: Inbound) -> bool:
    """Mark a row (not saved here) to be looked at again; False when it has been long enough.

    The wait is as long as the row is old: it doubles, from seconds to two hours.
    """
    now = times.now()
    age = now - inbound.received_at
    if age >= LONGEST:
        return False
    inbound.state = Inbound.State.EARLY
    inbound.again_at = now + min(max(age, _FIRST_WAIT), _LONGEST_WAIT)
    return True


def wake(limit: int = 500) -> int:
    """Make those new again whose time has come; how many. Called by inbound.settle."""
    due = Inbound.objects.filter(state=Inbound.State.EARLY, again_at__lte=times.now())
    ids = list(due.order_by("again_at").values_list("pk", flat=True)[:limit])  # a plain read: mostly there is nothing
    if not ids:
        return 0
    return Inbound.objects.filter(pk__in=ids, state=Inbound.State.EARLY).update(state=Inbound.State.NEW, again_at=None)


def given_up(since: datetime) -> int:
    """How many callbacks since then ended without a message that they could be about."""
    return Inbound.objects.filter(kind=Inbound.Kind.RECEIPT, what=Inbound.What.UNKNOWN, received_at__gte=since).count()
