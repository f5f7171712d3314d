"""Leases on batches: one row says who works on it, a fence refuses whoever held it before, a mark says how far.

Works the same on PostgreSQL (FOR UPDATE SKIP LOCKED) and SQLite (one writer at a time, BEGIN IMMEDIATE).
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, Left

from bell.delivery import crash, limits, times, wake
from bell.delivery.models import PENDING, TAKEN_BACK, Batch, Channel, Delivery, Lane, Limit, Mailing, State

WORKER_LOST = "the worker was lost while sending"


class LeaseLost(Exception):
    """Another worker has this batch now: whatever we know about it is refused."""


@dataclass
class Lease:
    """A batch that is ours until `ends` (monotonic seconds), as long as its fence is still the same."""

    batch_id: int
    fence: int
    owner: str
    mailing: Mailing
    channel: str
    lane: int
    ends: float
    lost: bool = False

    def mine(self) -> QuerySet[Batch]:
        """The batch's row, if it is still ours."""
        return Batch.objects.filter(pk=self.batch_id, fence=self.fence, owner=self.owner, state=Batch.State.LEASED)


def due() -> QuerySet[Batch]:
    """Batches that may be leased now, the next one first: lane, due time, id."""
    now = times.now()
    ready = Batch.objects.filter(state=Batch.State.READY, due_at__lte=now, mailing__stopped_at=None)
    shut = Limit.objects.filter(limits.closed(now))
    ready = ready.exclude(channel__in=shut.filter(name__in=Channel.values).values("name"))
    held = Concat(Value(limits.MAILING), Cast("mailing_id", CharField()))
    ready = ready.alias(way=held).exclude(way__in=shut.filter(name__startswith=limits.MAILING).values("name"))
    return ready.order_by("lane", "due_at", "id")


def take(owner: str) -> Lease | None:
    """Lease the next batch, or None when nothing is due that another worker does not hold."""
    if not due().exists():  # a plain read: an idle worker takes no write lock
        return None
    crash.point("before-claim")
    with transaction.atomic():
        ends = time.monotonic() + settings.LEASE_SECONDS
        batch = due().select_related("mailing").select_for_update(skip_locked=True, of=("self",)).first()
        if batch is None:
            return None
        batch.state, batch.owner = Batch.State.LEASED, owner
        batch.fence += 1
        batch.attempts += 1
        batch.lease_until, batch.begun_through = _until(), None
        batch.save(update_fields=["state", "owner", "fence", "attempts", "lease_until", "begun_through"])
        lease = Lease(batch.pk, batch.fence, owner, batch.mailing, batch.channel, batch.lane, ends)
    crash.point("after-claim")
    return lease


def renew(lease: Lease) -> None:
    """Push the end of the lease on; inside a transaction this also locks the batch. Raises LeaseLost."""
    ends = time.monotonic() + settings.LEASE_SECONDS
    if not lease.mine().update(lease_until=_until()):
        lease.lost = True
        raise LeaseLost(f"batch {lease.batch_id} is no longer held by {lease.owner}")
    lease.ends = ends


def _until() -> datetime:
    """When a lease taken now ends, on the wall clock, for other workers to see."""
    return times.now() + timedelta(seconds=settings.LEASE_SECONDS)


def mark(lease: Lease, through: int) -> None:
    """Raise `begun_through`, to be committed before the first of these messages goes out."""
    lease.mine().update(begun_through=through)


# One statement before each slice: the lease goes on, the mark is raised, and neither a stop nor a higher lane waits.
_GO_ON = """
UPDATE delivery_batch SET begun_through = %s, lease_until = %s
WHERE id = %s AND fence = %s AND owner = %s AND state = 'leased'
  AND NOT EXISTS (SELECT 1 FROM delivery_mailing m WHERE m.id = delivery_batch.mailing_id AND m.stopped_at IS NOT NULL)
  AND NOT EXISTS (
      SELECT 1 FROM delivery_batch b WHERE b.state = 'ready' AND b.lane < delivery_batch.lane AND b.due_at <= %s)
"""


def go_on(lease: Lease, through: int) -> bool:
    """Raise the mark and renew the lease, cheaply; False when there is something to look at first."""
    ends = time.monotonic() + settings.LEASE_SECONDS
    moment = connection.ops.adapt_datetimefield_value
    params = [through, moment(_until()), lease.batch_id, lease.fence, lease.owner, moment(times.now())]
    with connection.cursor() as cursor:
        cursor.execute(_GO_ON, params)
        if cursor.rowcount != 1:
            return False
    lease.ends = ends
    return True


def release(lease: Lease) -> None:
    """Give the batch back with what is left in it; nothing of it may be under way."""
    lease.mine().update(state=Batch.State.READY, owner="", lease_until=None, begun_through=None)


def finish(lease: Lease) -> None:
    """Nothing is left in the batch."""
    lease.mine().update(state=Batch.State.DONE, owner="", lease_until=None)


def overtaken(lease: Lease) -> bool:
    """Whether a batch of a higher lane waits: then this one is given back, and a code is not behind a million."""
    return lease.lane > Lane.NOW and due().filter(lane__lt=lease.lane).exists()


def recover_one() -> bool:
    """Free one batch whose worker is gone; False when there is none.

    Rows past the mark were surely not begun. Unsettled ones up to it may have been sent: an email is tried once more
    after UNCERTAIN_RETRY_SECONDS under the same Message-ID, a text is not.
    """
    with transaction.atomic():
        now = times.now()
        # No true lease ends so long after now: that one was taken while the clock ran ahead, which is put right since.
        over = Q(lease_until__lt=now) | Q(lease_until__gt=now + timedelta(seconds=2 * settings.LEASE_SECONDS))
        expired = Batch.objects.filter(over, state=Batch.State.LEASED).order_by("id")
        batch = expired.select_related("mailing").select_for_update(skip_locked=True, of=("self",)).first()
        if batch is None:
            return False
        if batch.begun_through is not None:
            _mark_uncertain(batch, batch.begun_through)
        batch.state = Batch.State.DONE if batch.mailing.stopped_at else Batch.State.READY
        batch.fence += 1
        batch.owner, batch.lease_until, batch.begun_through = "", None, None
        batch.save(update_fields=["state", "fence", "owner", "lease_until", "begun_through"])
        wake.ring()
        crash.point("before-sweep-commit")
        return True


def _mark_uncertain(batch: Batch, through: int) -> None:
    now = times.now()
    rows = Delivery.objects.filter(batch=batch, pk__lte=through)
    begun = rows.filter(state__in=PENDING)
    begun.filter(state=State.UNCERTAIN).update(
        batch=None, retried=True, attempts=F("attempts") + 1, state_at=now, reason=WORKER_LOST
    )
    again = None
    if batch.channel == Channel.EMAIL and batch.mailing.stopped_at is None and begun.exists():
        again = like(batch.mailing, batch.channel, settings.UNCERTAIN_RETRY_SECONDS, begun.count())
    begun.update(state=State.UNCERTAIN, batch=again, attempts=F("attempts") + 1, state_at=now, reason=WORKER_LOST)
    # Whoever said no, or stopped it, while it was perhaps under way: it may have arrived, and is not tried again. Last,
    # so that a no that came just now, for which the statement above waited, is seen.
    rows.filter(state__in=TAKEN_BACK).update(
        state=State.UNCERTAIN, batch=None, attempts=F("attempts") + 1, state_at=now,
        reason=Left(Concat(Value(f"{WORKER_LOST}, then: "), "reason"), 200),
    )  # fmt: skip


def like(mailing: Mailing, channel: str, seconds: float, size: int) -> Batch:
    """A batch due after about so many seconds for rows that are tried again: one that waits already, or a new one.

    To be called inside the transaction that moves the rows. A batch due within the next second is not joined: it may
    be leased before the rows are in it.
    """
    now = times.now()
    window = (now + timedelta(seconds=max(seconds * 0.8, 1.0)), now + timedelta(seconds=seconds * 1.2))
    waiting = Batch.objects.filter(
        mailing=mailing, channel=channel, state=Batch.State.READY, due_at__range=window, fence=0
    ).filter(size__lte=settings.BATCH_SIZE - size)
    found = waiting.order_by("id").first()
    if found and Batch.objects.filter(pk=found.pk, state=Batch.State.READY).update(size=F("size") + size):
        return found
    return Batch.objects.create(
        mailing=mailing, channel=channel, lane=mailing.lane, due_at=now + timedelta(seconds=seconds), size=size
    )
