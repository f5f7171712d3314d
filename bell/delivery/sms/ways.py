"""A vendor of texts among the limits that all workers share: whether it may be used now, and at what pace.

"sms:kannel" holds its breaker and its pauses, "rate:sms:kannel" its slots: two rows, since both need the same column.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F

from bell.delivery import limits, times
from bell.delivery.models import Limit
from bell.delivery.results import tidy

# Seconds until a vendor is tried again at first, and at most.
_AWAY = (5.0, 300.0)
_ACCOUNT = (60.0, 1800.0)
# A worker that was busy elsewhere for a moment may make up for so many seconds of its slots.
_CATCH_UP = 0.1


@dataclass(frozen=True)
class Shut:
    """A vendor that is left alone. `left`: seconds until it is tried again, 0 when that is now, None: a person says."""

    left: float | None
    why: str


def read(vendors: Iterable[str]) -> dict[str, Shut]:
    """Those of these vendors that are left alone, or were until now; one query."""
    now = times.now()
    found: dict[str, Shut] = {}
    for row in Limit.objects.filter(name__in=[_name(vendor) for vendor in vendors]):
        until = row.open_until if row.open_since else row.next_free_at
        left = None if until is None else max((until - now).total_seconds(), 0.0)
        found[row.name.removeprefix("sms:")] = Shut(left, row.why)
    return found


def away(vendor: str, why: str) -> None:
    """It cannot be reached, or keeps silent: left alone a little longer each time, with an alarm."""
    limits.trip(_name(vendor), tidy(why), seconds=_AWAY[0], longest=_AWAY[1])


def refused(vendor: str, why: str) -> None:
    """It refuses us, whatever the text: the same, for longer."""
    limits.trip(_name(vendor), tidy(why), seconds=_ACCOUNT[0], longest=_ACCOUNT[1])


def slow(vendor: str, why: str, seconds: float) -> None:
    """It asked us to wait."""
    limits.pause(_name(vendor), seconds, tidy(why))


def works(vendor: str) -> None:
    """It took a text after it had been left alone."""
    limits.went_well(_name(vendor))


@transaction.atomic
def reserve(vendor: str, count: int, per_second: float) -> list[float]:
    """The next `count` slots of a vendor, in monotonic seconds, taken from all workers; the first may be past."""
    now, here = times.now(), time.monotonic()
    name = _rate(vendor)
    Limit.objects.get_or_create(name=name, defaults={"next_free_at": now})
    row = Limit.objects.select_for_update().get(name=name)
    start = max(row.next_free_at, now - timedelta(seconds=_CATCH_UP))
    Limit.objects.filter(pk=row.pk).update(next_free_at=start + timedelta(seconds=count / per_second))
    first = here + (start - now).total_seconds()
    return [first + number / per_second for number in range(count)]


def give_back(vendor: str, count: int, per_second: float) -> None:
    """Slots that were not used; whoever comes next has them."""
    unused = timedelta(seconds=count / per_second)
    Limit.objects.filter(name=_rate(vendor)).update(next_free_at=F("next_free_at") - unused)


def _name(vendor: str) -> str:
    return f"sms:{vendor}"


def _rate(vendor: str) -> str:
    return f"rate:sms:{vendor}"
