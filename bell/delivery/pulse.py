"""The pulse of sending: how much went through each way, in buckets of ten seconds, for people and machines that watch.

A sender counts in memory and writes the sums every two seconds at most, so that counting costs sending nothing. What a
killed process had not written is lost: nobody is owed a number here, the rows of the outbox are the truth.
"""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import F, Max, Q, Sum

from bell.delivery import times
from bell.delivery.models import Pulse
from bell.delivery.results import Outcome, Result

log = logging.getLogger(__name__)

BUCKET_SECONDS = 10
FLUSH_SECONDS = 2.0
KEPT = timedelta(days=8)
_SWEEP_SECONDS = 3600.0

_Key = tuple[datetime, str, str]


class _Sums:
    """What this process counted and has not written."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.counts: dict[_Key, list[int]] = {}
        self.written_at = -FLUSH_SECONDS
        self.swept_at = -_SWEEP_SECONDS

    def add(self, key: _Key, numbers: Sequence[int]) -> None:
        with self.lock:
            kept = self.counts.setdefault(key, [0, 0, 0, 0])
            for place, number in enumerate(numbers):
                kept[place] += number

    def take(self, *, force: bool) -> dict[_Key, list[int]]:
        """Everything, if there is any and it is time; it is then the caller's."""
        now = time.monotonic()
        with self.lock:
            if not self.counts or (not force and now - self.written_at < FLUSH_SECONDS):
                return {}
            taken, self.counts, self.written_at = self.counts, {}, now
        return taken

    def may_sweep(self) -> bool:
        now = time.monotonic()
        with self.lock:
            if now - self.swept_at < _SWEEP_SECONDS:
                return False
            self.swept_at = now
        return True


_sums = _Sums()


def count(
    channel: str, provider: str, *, sent: int = 0, failed: int = 0, deferred: int = 0, uncertain: int = 0
) -> None:
    """Count what became of a slice. `provider` "": the relay, or the only gateway. Touches no database."""
    if sent or failed or deferred or uncertain:
        _sums.add((_bucket(times.now()), channel, provider[:16]), (sent, failed, deferred, uncertain))


def count_slice(channel: str, results: Iterable[Result]) -> None:
    """Count what became of each message of a slice, by who took it."""
    by_provider: dict[str, dict[str, int]] = {}
    for result in results:
        sums = by_provider.setdefault(result.provider, {})
        what = _WORDS[result.outcome]
        sums[what] = sums.get(what, 0) + 1
    for provider, sums in by_provider.items():
        count(channel, provider, **sums)


_WORDS = {
    Outcome.ACCEPTED: "sent",
    Outcome.PERMANENT: "failed",
    Outcome.TEMPORARY: "deferred",
    Outcome.OURS: "deferred",
    Outcome.HELD: "deferred",
    Outcome.UNCERTAIN: "uncertain",
}


# The same statement on PostgreSQL and SQLite. Sums are added, so that any number of processes may write.
_UPSERT = """
INSERT INTO delivery_pulse (bucket, channel, provider, sent, failed, deferred, uncertain)
VALUES {rows}
ON CONFLICT (bucket, channel, provider) DO UPDATE
SET sent = delivery_pulse.sent + excluded.sent, failed = delivery_pulse.failed + excluded.failed,
    deferred = delivery_pulse.deferred + excluded.deferred, uncertain = delivery_pulse.uncertain + excluded.uncertain
"""


def flush(*, force: bool = False) -> int:
    """Write the sums when two seconds are over, or at once; how many rows. Never raises: sending goes on without.

    Inside a transaction nothing is written: if it were rolled back, the counts would be gone. They wait for the next.
    """
    if connection.in_atomic_block:
        return 0
    taken = _sums.take(force=force)
    if not taken:
        return 0
    try:
        _write(taken)
    except (DatabaseError, InterfaceError):
        log.exception("the pulse could not be written; it is tried again")
        for key, numbers in taken.items():
            _sums.add(key, numbers)
        return 0
    if _sums.may_sweep():
        _sweep()
    return len(taken)


def _write(sums: dict[_Key, list[int]]) -> None:
    moment = connection.ops.adapt_datetimefield_value
    params: list[Any] = []
    for (bucket, channel, provider), numbers in sorted(
        sums.items()
    ):  # in order: two writers wait, never for each other
        params += [moment(bucket), channel, provider, *numbers]
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(sums))
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT.format(rows=rows), params)


def _sweep() -> None:
    """Old buckets go."""
    try:
        Pulse.objects.filter(bucket__lt=times.now() - KEPT).delete()
    except (DatabaseError, InterfaceError):
        log.exception("old buckets of the pulse could not be deleted")


def forget() -> None:
    """Drop what was not written, as a process does that is killed."""
    _sums.take(force=True)
    _sums.written_at = -FLUSH_SECONDS


@dataclass(frozen=True)
class Rate:
    """What one way did in a stretch of `seconds` up to now."""

    channel: str
    provider: str
    seconds: float
    sent: int
    failed: int
    deferred: int
    uncertain: int

    @property
    def per_second(self) -> float:
        """Messages accepted a second."""
        return self.sent / self.seconds


def rates(minutes: float) -> tuple[Rate, ...]:
    """Every way that did anything in the last so many minutes, rounded out to a whole bucket."""
    now = times.now()
    start = _bucket(now - timedelta(minutes=minutes))
    seconds = (now - start).total_seconds()
    found = Pulse.objects.filter(bucket__gte=start).values_list("channel", "provider").order_by("channel", "provider")
    sums = found.annotate(Sum("sent"), Sum("failed"), Sum("deferred"), Sum("uncertain"))
    return tuple(Rate(channel, provider, seconds, *numbers) for channel, provider, *numbers in sums)


@dataclass(frozen=True)
class Signs:
    """When one way last took a message, and when it last did not; None: not within eight days."""

    channel: str
    provider: str
    success: datetime | None
    trouble: datetime | None


def signs() -> tuple[Signs, ...]:
    """The last signs of every way used within eight days, to ten seconds."""
    trouble = Q(failed__gt=0) | Q(deferred__gt=0) | Q(uncertain__gt=0)
    found = Pulse.objects.values_list("channel", "provider").order_by("channel", "provider")
    last = found.annotate(good=Max("bucket", filter=Q(sent__gt=0)), bad=Max("bucket", filter=trouble))
    return tuple(Signs(*row) for row in last)


@dataclass(frozen=True)
class Minute:
    """What went out and what did not in one minute of one channel."""

    start: datetime
    channel: str
    sent: int
    trouble: int


def minutes(count: int = 60) -> list[Minute]:
    """The last so many whole and begun minutes in which anything was sent, oldest first."""
    start = times.now().replace(second=0, microsecond=0) - timedelta(minutes=count - 1)
    sums: dict[tuple[datetime, str], list[int]] = {}
    rows = Pulse.objects.filter(bucket__gte=start).annotate(bad=F("failed") + F("deferred") + F("uncertain"))
    for bucket, channel, sent, bad in rows.values_list("bucket", "channel", "sent", "bad"):
        kept = sums.setdefault((bucket.replace(second=0), channel), [0, 0])
        kept[0] += sent
        kept[1] += bad
    return [Minute(minute, channel, *numbers) for (minute, channel), numbers in sorted(sums.items())]


def _bucket(at: datetime) -> datetime:
    """The beginning of the bucket that a moment lies in."""
    return at.replace(second=at.second - at.second % BUCKET_SECONDS, microsecond=0)
