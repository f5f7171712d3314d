"""Whether a vendor may be used now and how fast, kept where all workers see it: its breaker, its alarm, its slots."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from bell.delivery.models import Alarm, Limit
from bell.delivery.results import tidy
from bell.lib import clock

_LONGEST = {"away": 300.0, "account": 1800.0}
_FIRST = {"away": 5.0, "account": 60.0}
# A worker that was busy elsewhere for a moment may make up for so many seconds of its slots.
_CATCH_UP = 0.1


@dataclass(frozen=True)
class Shut:
    """A breaker that is open. `left`: seconds until it is tried again, 0 when that is now, None: when a person says."""

    left: float | None
    why: str


def read(names: Iterable[str]) -> dict[str, Shut]:
    """The open breakers among these names; one query."""
    now = clock.now()
    rows = Limit.objects.filter(name__in=list(names)).exclude(open_since=None)
    return {
        row.name: Shut(max((row.open_until - now).total_seconds(), 0.0) if row.open_until else None, row.why)
        for row in rows
    }


@transaction.atomic
def trip(name: str, kind: str, why: str, seconds: float | None = None) -> float:
    """Leave a vendor alone for a while and return how many seconds.

    `kind` "away" and "account" wait longer from time to time and raise an alarm; "slow" waits `seconds`, as it asked.
    """
    now = clock.now()
    row = _locked(name, now)
    if seconds is None:
        seconds = min(_FIRST[kind] * 2.0 ** min(row.failures, 10), _LONGEST[kind])
        row.failures = F("failures") + 1
    row.why = tidy(why) or kind
    if row.open_since is None:
        row.open_since = now
    row.open_until = now + timedelta(seconds=seconds)
    row.save(update_fields=["failures", "why", "open_since", "open_until"])
    if kind != "slow":
        alarm(name, f"Texts cannot go through this gateway: {tidy(why)}")
    return seconds


@transaction.atomic
def heal(name: str) -> None:
    """A vendor works again."""
    Limit.objects.filter(name=name).update(failures=0, open_since=None, open_until=None, why="")
    end_alarm(name)


@transaction.atomic
def reserve(name: str, count: int, per_second: float) -> list[float]:
    """The next `count` slots of a vendor, in monotonic seconds, taken from all workers; the first may be past."""
    now, here = clock.now(), time.monotonic()
    row = _locked(name, now)
    start = max(row.next_free_at, now - timedelta(seconds=_CATCH_UP))
    row.next_free_at = start + timedelta(seconds=count / per_second)
    row.save(update_fields=["next_free_at"])
    first = here + (start - now).total_seconds()
    return [first + number / per_second for number in range(count)]


def give_back(name: str, count: int, per_second: float) -> None:
    """Slots that were not used; whoever comes next has them."""
    Limit.objects.filter(name=name).update(next_free_at=F("next_free_at") - timedelta(seconds=count / per_second))


def alarm(name: str, words: str) -> None:
    """Tell a person, once for as long as it lasts."""
    now = clock.now()
    row, new = Alarm.objects.get_or_create(
        name=name, ended_at=None, defaults={"words": words[:300], "since": now, "last_at": now}
    )
    if not new:
        Alarm.objects.filter(pk=row.pk).update(words=words[:300], last_at=now, times=F("times") + 1)


def end_alarm(*names: str) -> None:
    """It is over."""
    Alarm.objects.filter(name__in=names, ended_at=None).update(ended_at=clock.now())


def _locked(name: str, now: datetime) -> Limit:
    """The vendor's row, locked until the transaction ends."""
    Limit.objects.get_or_create(name=name, defaults={"next_free_at": now})
    return Limit.objects.select_for_update().get(name=name)
