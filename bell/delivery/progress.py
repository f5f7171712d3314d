"""How far the sending of one text is: by channel and state, how fast, how long still. For pages that ask all the time.

Counting a million rows takes part of a second, so what was counted is kept for everyone who looks, in proportion to
what it cost (kept.py); when the last batch is done it is counted anew, so that the end is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, Q, QuerySet, Sum

from bell.delivery import kept, times, waiting
from bell.delivery.control import Hold, holds
from bell.delivery.limits import mailing as way_of
from bell.delivery.models import Batch, Delivery, Mailing, State
from bell.delivery.waiting import Reason

_LATELY = 60.0
_FEW = 20  # one row in so many is few
_TRIED = (State.SENT, State.DELIVERED, State.BOUNCED, State.FAILED, State.UNCERTAIN)


@dataclass(frozen=True)
class Progress:
    """Where the sending of some mailings stands, seen at one moment.

    `by_channel`: {channel: {state: rows}}. `per_second`: messages tried a second within the last minute. `filled`:
    whether everyone who is meant is in it. `held`: what of its ways is stopped.
    """

    at: datetime
    by_channel: dict[str, dict[str, int]] = field(default_factory=dict)
    per_second: float = 0.0
    filled: bool = True
    batches: dict[str, int] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
    held: tuple[Hold, ...] = ()

    @property
    def total(self) -> int:
        """Rows so far."""
        return sum(sum(states.values()) for states in self.by_channel.values())

    @property
    def waiting(self) -> int:
        """Rows that wait for their first try, or for another."""
        return self.count(State.QUEUED) + self.count(State.DEFERRED)

    @property
    def seconds_left(self) -> float | None:
        """Until everything that waits for its first try was tried, at the present rate; None when nobody can say."""
        queued = self.count(State.QUEUED)
        if not queued or not self.filled or not self.per_second:
            return None
        return queued / self.per_second

    def count(self, state: str) -> int:
        """Rows in one state, of all channels."""
        return sum(states.get(state, 0) for states in self.by_channel.values())


def of(mailings: Sequence[Mailing]) -> Progress:
    """How far these mailings of one alert are, together."""
    if not mailings:
        return Progress(times.now())
    numbers = [one.pk for one in mailings]
    ended = not Batch.objects.filter(mailing__in=numbers, state=Batch.State.READY).exists()
    ended = ended and not Batch.objects.filter(mailing__in=numbers, state=Batch.State.LEASED).exists()
    parts = [_kept(one, ended) for one in mailings]
    ways = {*(channel for part in parts for channel in part.by_channel), *(way_of(number) for number in numbers)}
    return Progress(
        at=min(part.at for part in parts),
        by_channel=_together([part.by_channel for part in parts]),
        per_second=sum(part.per_second for part in parts),
        filled=all(one.filled_at is not None for one in mailings),
        batches=waiting.by_state(numbers),
        reasons=() if ended else _reasons(mailings),
        held=() if ended else tuple(one for one in holds() if one.name in ways),
    )


@dataclass(frozen=True)
class _Counted:
    at: datetime
    by_channel: dict[str, dict[str, int]]
    per_second: float


def _kept(mailing: Mailing, ended: bool) -> _Counted:
    """One mailing's rows. Its number may be given again in another database, the moment it was made hardly."""
    marks = (mailing.pk, mailing.created_at.timestamp(), mailing.filled_at is None, mailing.stopped_at is None, ended)
    return kept.kept(f"delivery-progress:{':'.join(map(str, marks))}", lambda: _count(mailing))


def _count(mailing: Mailing) -> _Counted:
    """Group the rows once; those tried within the last minute give the rate."""
    now = times.now()
    since = max(now - timedelta(seconds=_LATELY), mailing.created_at)
    lately = Count("id", filter=Q(state__in=_TRIED, state_at__gte=since))
    rows = _rows(mailing).values_list("channel", "state").order_by()
    by_channel: dict[str, dict[str, int]] = {}
    tried = 0
    for channel, state, number, recent in rows.annotate(n=Count("id"), lately=lately):
        by_channel.setdefault(channel, {})[state] = number
        tried += recent
    return _Counted(now, by_channel, tried / max(1.0, (now - since).total_seconds()))


def _rows(mailing: Mailing) -> QuerySet[Delivery]:
    """The rows of one mailing. SQLite would follow the index to them one by one, in no order: where they are more than
    a few of all, reading all is ten times as quick. PostgreSQL sees that by itself."""
    if connection.vendor == "sqlite":
        ours = Batch.objects.filter(mailing=mailing).aggregate(size=Sum("size"))["size"] or 0
        newest = Delivery.objects.aggregate(newest=Max("id"))["newest"] or 0
        if ours > newest / _FEW:
            return Delivery.objects.alias(of=F("mailing_id") + 0).filter(of=mailing.pk)
    return Delivery.objects.filter(mailing=mailing)


def _reasons(mailings: Sequence[Mailing]) -> tuple[Reason, ...]:
    first = mailings[0]
    key = f"delivery-reasons:{first.pk}:{first.created_at.timestamp()}:{len(mailings)}"
    return kept.kept(key, lambda: waiting.reasons([one.pk for one in mailings]))


def _together(parts: Sequence[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    """Counts of several mailings, added up."""
    sums: dict[str, dict[str, int]] = {}
    for part in parts:
        for channel, states in part.items():
            into: dict[str, Any] = sums.setdefault(channel, {})
            for state, number in states.items():
                into[state] = into.get(state, 0) + number
    return sums
