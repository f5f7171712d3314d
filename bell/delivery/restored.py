"""What a restored backup may still send: nothing. It may have gone out after the backup was made (promises.md).

So nothing that waited is sent, and nothing is called unsent: each such message ends as *uncertain*, which is shown.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from bell.delivery import times
from bell.delivery.models import Batch, Delivery, DigestItem, Mailing, State

REASON = "restored from a backup: may have been sent after it was made"


@dataclass(frozen=True)
class Held:
    """How much was held back: mailings that were open, and messages in them that now count as uncertain."""

    mailings: int
    messages: int


@transaction.atomic
def hold_back() -> Held:
    """Close every open mailing and end every message that waited. For the moment after a restore, nobody sending."""
    now = times.now()
    Batch.objects.filter(state=Batch.State.LEASED).update(
        state=Batch.State.READY, owner="", lease_until=None, fence=F("fence") + 1
    )
    going = Batch.objects.filter(mailing=OuterRef("pk")).exclude(state=Batch.State.DONE)
    open_mailings = Mailing.objects.filter(Q(filled_at=None) | Exists(going), stopped_at=None)
    mailings = open_mailings.update(stopped_at=now)
    waiting = Delivery.objects.filter(state__in=[State.QUEUED, State.DEFERRED, State.WAITING])
    messages = waiting.update(state=State.UNCERTAIN, reason=REASON, batch=None, state_at=now)
    Delivery.objects.filter(state=State.UNCERTAIN).exclude(batch=None).update(batch=None)  # no second try
    DigestItem.objects.filter(over=False).update(over=True)
    Batch.objects.exclude(state=Batch.State.DONE).update(state=Batch.State.DONE)
    return Held(mailings, messages)
