"""What relays, gateways and mail systems report later, as a lattice: any order, any repetition, the same end (I6)."""

from enum import Enum

from django.db import transaction

from bell.delivery import times
from bell.delivery.models import Channel, Delivery, DigestItem, State
from bell.delivery.results import tidy

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


class Heard(Enum):
    """What a report did: moved a row, said nothing new, or came before what it is about (then it is kept: early.py)."""

    CHANGED = "changed"
    NOTHING = "nothing"
    EARLY = "early"


def hear(delivery_id: int, state: State, reason: str = "") -> Heard:
    """Apply a report; EARLY when no such row is committed yet, or it says "sent" before our own sender said its word.

    "Sent" only tells something when the sender's word is "uncertain": so it must come after it.
    """
    if apply(delivery_id, state, reason):
        return Heard.CHANGED
    known = Delivery.objects.filter(pk=delivery_id).values_list("state", flat=True).first()
    if known is None or (state == State.SENT and known in (State.QUEUED, State.DEFERRED)):
        return Heard.EARLY
    return Heard.NOTHING


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
        news = {"state": state, "reason": tidy(reason), "state_at": times.now()}
        changed = Delivery.objects.filter(pk=delivery_id, state__in=lower).update(**news)
        if changed:  # what became of a digest became of every message in it
            inside = DigestItem.objects.filter(digest=delivery_id).values("delivery")
            Delivery.objects.filter(pk__in=inside, state__in=lower).update(**news)
        return bool(changed)


def find(provider: str, reference: str, *, channel: str = Channel.EMAIL) -> int | None:
    """The delivery that a provider knows by its own name, or None. Rows without a provider's name are looked at too."""
    if not reference:
        return None
    rows = Delivery.objects.filter(provider_ref=reference[:64], provider__in=("", provider[:16]), channel=channel)
    return rows.order_by("-id").values_list("pk", flat=True).first()
