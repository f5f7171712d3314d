"""What relays, gateways and mail systems report later, as a lattice: any order, any repetition, the same end (I6)."""

from django.db import transaction

from bell.delivery.models import Delivery, State
from bell.delivery.results import tidy
from bell.lib import clock

# A report only ever moves a row upwards. A phone that got a text got it, whatever was said before.
_RANK = {
    State.QUEUED: 0,
    State.DEFERRED: 0,
    State.WAITING: 0,
    State.SUPPRESSED: 0,
    State.CANCELLED: 0,
    State.EXPIRED: 0,
    State.UNCERTAIN: 0,
    State.SENT: 1,
    State.FAILED: 2,
    State.BOUNCED: 3,
    State.DELIVERED: 4,
}
REPORTS = (State.SENT, State.FAILED, State.BOUNCED, State.DELIVERED)


def apply(delivery_id: int, state: State, reason: str = "") -> bool:
    """Record a report about one delivery; False when it changes nothing (repeated, late, or no such row).

    A row that still waited is not tried any more. ValueError for a state that no report can say.
    """
    if state not in REPORTS:
        raise ValueError(f"{state!r} is no report")
    lower = [below for below, rank in _RANK.items() if rank < _RANK[state]]
    if state == State.SENT:
        # "On its way" tells something new only about a message of which we were not sure.
        lower = [State.UNCERTAIN]
    with transaction.atomic():
        rows = Delivery.objects.filter(pk=delivery_id, state__in=lower)
        return bool(rows.update(state=state, reason=tidy(reason), state_at=clock.now()))
