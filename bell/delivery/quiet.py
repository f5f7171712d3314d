"""Quiet hours at the moment of sending: what is routine is never begun in them, whatever delayed it (C6, B8).

Filling makes a message due when its person's quiet hours are over. But a message may come late: refused for a while, a
way out that was stopped, a worker that was down. So each row carries its person's quiet hours, minutes after midnight
on London's clocks, and is asked for them once more when its turn comes; then it waits in another batch until they end.

Urgent messages, and what a person asked for, carry none. A message whose turn came just before may be under way when
the quiet hours begin: so they are taken to begin a little earlier.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from bell.delivery import blocking
from bell.delivery.models import OPEN, PENDING, Batch, Delivery, Lane, Mailing
from bell.lib import clock

Hours = tuple[int, int]
"""From and until, minutes after midnight in London; over midnight when they begin later than they end."""

EARLIER = timedelta(seconds=30)
"""Rows are read ahead for a second, and may then wait for a slot of their way."""

KEEPING = (Lane.ROUTINE, Lane.DIGEST)
_SOON = timedelta(seconds=1)


def until(begins: int | None, ends: int | None, now: datetime) -> datetime | None:
    """When a row's quiet hours are over, which hold now or very soon; None when it may be sent."""
    if begins is None or ends is None:
        return None
    return clock.quiet_end(now + EARLIER, begins, ends) or clock.quiet_end(now, begins, ends)


def put_off(mailing: Mailing, channel: str, batch: int, rows: Iterable[tuple[int, datetime]], now: datetime) -> None:
    """Move rows (id, when its quiet hours end) of a batch to batches that are due then; it costs them no attempt.

    To be called by whoever holds the batch, in the transaction in which the rows were read and not begun.
    """
    by_end: dict[datetime, list[int]] = defaultdict(list)
    for number, end in rows:
        by_end[end].append(number)
    for end, ids in by_end.items():
        later = _batch(mailing, channel, end, len(ids), now)
        # Who was taken back meanwhile stays so, and leaves the batch it was in as any other.
        Delivery.objects.filter(pk__in=ids, batch=batch, state__in=PENDING).update(batch=later, due_at=end)


def _batch(mailing: Mailing, channel: str, end: datetime, size: int, now: datetime) -> Batch:
    """A batch due at that moment with room for so many: one that waits already, or a new one."""
    alike = Batch.objects.filter(mailing=mailing, channel=channel, state=Batch.State.READY, due_at=end, fence=0)
    found = alike.filter(size__lte=settings.BATCH_SIZE - size).order_by("id").first() if end > now + _SOON else None
    if found and Batch.objects.filter(pk=found.pk, state=Batch.State.READY).update(size=F("size") + size):
        return found
    return Batch.objects.create(mailing=mailing, channel=channel, lane=mailing.lane, due_at=end, size=size)


@transaction.atomic
def choose(*, recipient_key: int, hours: Hours | None) -> int:
    """A person chose other quiet hours, or none: they hold for what already waits too. How many messages.

    What was put off until the end of hours that are no more still comes then.
    """
    blocking.hold_withdrawal()  # a fill under way has read the hours of before
    begins, ends = hours or (None, None)
    rows = Delivery.objects.filter(recipient_key=recipient_key, state__in=OPEN, mailing__lane__in=KEEPING)
    return rows.update(quiet_from=begins, quiet_until=ends)
