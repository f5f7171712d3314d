"""How fast each way out may be used, learned from what it answers, and breakers that open when it refuses us.

A way is a channel ("email", "sms"), a provider ("sms:kannel"), a recipient domain ("email:example.com") or one mailing
("mailing:7"). All workers share the rows of `Limit`; a way without a row is free. Nothing is dropped here: what may not
go now waits, and a person is called by an Alarm.
"""

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from bell.delivery import times
from bell.delivery.models import Alarm, Limit

FIRST_PER_SECOND = 5.0  # for a domain that said "slow down" for the first time
LEAST_PER_SECOND = 0.1
FREE_PER_SECOND = 100.0  # a domain that takes so many is not limited any more
FASTER_EVERY = 60.0  # seconds without a complaint until a way is tried a little faster
_FASTER, _SLOWER = 1.5, 0.5
_BURST = 1.0  # seconds of unused slots that may be caught up with
FIRST_BREAK = 300.0
LONGEST_BREAK = 4 * 3600.0
_REFRESH = 1.0
_LONGEST_HELD = 900.0  # seconds for which a message is put off at once
_AT_ONCE = 0.25


def domain(channel: str, address: str) -> str:
    """The way to one recipient domain: "email:example.com"."""
    return f"{channel}:{address.rpartition('@')[2].lower()}"[:300]


MAILING = "mailing:"


def mailing(number: int) -> str:
    """The way of one mailing: a breaker there holds it alone."""
    return f"{MAILING}{number}"


def closed(now: datetime) -> Q:
    """Limits that keep a way from being used at `now`: paused, or with an open breaker whose time is not over."""
    broken = Q(open_since__isnull=False) & (Q(open_until=None) | Q(open_until__gt=now))
    return Q(next_free_at__gt=now, per_second=None) | broken


def shut(prefix: str = "") -> QuerySet[Limit]:
    """The ways that may not be used now, whose names begin so."""
    return Limit.objects.filter(closed(times.now()), name__startswith=prefix)


def usable(name: str) -> bool:
    """Whether a way may be used now."""
    return not Limit.objects.filter(closed(times.now()), name=name).exists()


def pause(name: str, seconds: float, why: str = "") -> None:
    """Let all workers leave a way alone for a while; a longer pause that stands is kept."""
    until = times.now() + timedelta(seconds=seconds)
    limit, new = Limit.objects.get_or_create(name=name, defaults={"next_free_at": until, "why": why[:200]})
    if not new:
        Limit.objects.filter(pk=limit.pk, next_free_at__lt=until).update(next_free_at=until)


@transaction.atomic
def slow_down(name: str, *, seconds: float = 0.0, why: str = "") -> float:
    """A way said "not so fast": half the rate it had, nothing for `seconds`. The new rate in messages a second."""
    now = times.now()
    limit, _ = _locked(name, now)
    recent = limit.learned_at is not None and now - limit.learned_at < timedelta(seconds=1)
    if not recent:  # a slice full of the same answer is one answer
        limit.per_second = max(LEAST_PER_SECOND, (limit.per_second or FIRST_PER_SECOND / _SLOWER) * _SLOWER)
        limit.learned_at = limit.slowed_at = now
        limit.next_free_at = now  # the slots that were given are void
    limit.next_free_at = max(limit.next_free_at, now + timedelta(seconds=seconds * random.uniform(1.0, 1.3)))
    limit.why = limit.why if limit.open_since else why[:200]
    limit.save(update_fields=["per_second", "learned_at", "slowed_at", "next_free_at", "why"])
    return float(limit.per_second or 0.0)


@transaction.atomic
def trip(name: str, why: str, *, seconds: float | None = FIRST_BREAK, longest: float = LONGEST_BREAK) -> None:
    """Open a breaker and call a person. It is tried again after `seconds`, twice as long each time; None: never."""
    now = times.now()
    limit, _ = _locked(name, now)
    if limit.open_since is not None and (limit.open_until is None or limit.open_until > now):
        return  # open already: another worker was quicker, or a person stopped it
    limit.failures += 1
    limit.open_since, limit.why = limit.open_since or now, (why or "no reason given")[:200]
    wait = None if seconds is None else min(seconds * 2.0 ** min(limit.failures - 1, 12), longest)
    limit.open_until = None if wait is None else now + timedelta(seconds=wait * random.uniform(1.0, 1.1))
    limit.save(update_fields=["failures", "open_since", "open_until", "why"])
    raise_alarm(name, f"Stopped: {limit.why}")


@transaction.atomic
def went_well(name: str) -> None:
    """A way took something: its breaker closes, and after a quiet minute it may go faster."""
    now = times.now()
    limit = Limit.objects.select_for_update().filter(name=name).first()
    if limit is None:
        return
    if limit.open_since is not None and (limit.open_until is None or limit.open_until > now):
        return  # it was on its way when the breaker opened
    if limit.open_since is not None:
        limit.open_since = limit.open_until = None
        limit.failures = 0
        end_alarm(name)
    if limit.per_second is not None and (limit.learned_at or now) <= now - timedelta(seconds=FASTER_EVERY):
        limit.per_second, limit.learned_at = limit.per_second * _FASTER, now
    free = limit.per_second is None or limit.per_second >= FREE_PER_SECOND
    if free and limit.next_free_at <= now:
        limit.delete()
    else:
        limit.save()


def reserve(name: str, count: int, per_second: float) -> float:
    """Take the next `count` slots of a way with this rate, shared by all workers: seconds until the first of them.

    One UPDATE. Unused slots of the last second may be caught up with, older ones are gone.
    """
    now = times.now()
    floor = now - timedelta(seconds=_BURST)
    with transaction.atomic():
        limit, _ = _locked(name, now, floor=floor)
        start = max(limit.next_free_at, floor)
        Limit.objects.filter(pk=limit.pk).update(next_free_at=start + timedelta(seconds=count / per_second))
    return max(0.0, (start - now).total_seconds())


def raise_alarm(name: str, words: str) -> None:
    """Call a person: one open alarm a name, counted when it comes again."""
    now = times.now()
    alarm, new = Alarm.objects.get_or_create(
        name=name, ended_at=None, defaults={"words": words[:300], "since": now, "last_at": now}
    )
    if not new:
        Alarm.objects.filter(pk=alarm.pk).update(words=words[:300], last_at=now, times=F("times") + 1)


def end_alarm(name: str) -> None:
    """It is over."""
    Alarm.objects.filter(name=name, ended_at=None).update(ended_at=times.now())


def _locked(name: str, now: datetime, *, floor: datetime | None = None) -> tuple[Limit, bool]:
    """The row of a way, locked, made if there is none yet."""
    defaults: dict[str, Any] = {"next_free_at": floor or now}
    limit, new = Limit.objects.get_or_create(name=name, defaults=defaults)
    return Limit.objects.select_for_update().get(pk=limit.pk), new


@dataclass
class Board:
    """What one sender knows of the limits of its channel: read at most once a second."""

    channel: str
    limits: dict[str, Limit] = field(default_factory=dict)
    read_at: float = 0.0

    def look(self, *, force: bool = False) -> dict[str, Limit]:
        """The limits of the channel's ways, by name; mostly none."""
        now = time.monotonic()
        if force or now - self.read_at > _REFRESH:
            self.limits = {limit.name: limit for limit in Limit.objects.filter(name__startswith=f"{self.channel}:")}
            self.read_at = now
        return self.limits

    def waits(self, asked: Iterable[tuple[int, str, datetime | None]]) -> dict[int, float]:
        """Seconds to wait for each of these (id, address, when it got its slot) that may not go right now."""
        limits = self.look()
        if not limits:
            return {}
        by_way: dict[str, list[tuple[int, datetime | None]]] = {}
        for number, address, slot in asked:
            way = domain(self.channel, address)
            if way in limits:
                by_way.setdefault(way, []).append((number, slot))
        waits: dict[int, float] = {}
        for way, numbers in by_way.items():
            waits.update(_waits(limits[way], numbers))
        return waits


def _waits(limit: Limit, asked: list[tuple[int, datetime | None]]) -> dict[int, float]:
    """The same for one way: behind a breaker, or in its slots."""
    now = times.now()
    if limit.open_since is not None and (limit.open_until is None or limit.open_until > now):
        left = (limit.open_until - now).total_seconds() if limit.open_until else _LONGEST_HELD
        return {number: min(left, _LONGEST_HELD) + random.uniform(0.0, 30.0) for number, _ in asked}
    if limit.open_since is not None:  # half open: one message shows whether it is well again
        return {number: 10.0 + random.uniform(0.0, 5.0) for number, _ in asked[1:]}
    if limit.per_second is None:
        left = (limit.next_free_at - now).total_seconds()
        return {number: left + random.uniform(0.0, 1.0) for number, _ in asked} if left > 0 else {}
    void = limit.slowed_at
    return _slots(limit, [number for number, slot in asked if slot is None or (void is not None and slot < void)])


def _slots(limit: Limit, numbers: list[int]) -> dict[int, float]:
    """Reserve a slot for each, as far ahead as is sensible; the others ask again then, when the rate may be another."""
    rate = limit.per_second or FIRST_PER_SECOND
    ahead = max(0.0, (limit.next_free_at - times.now()).total_seconds())
    fit = numbers[: max(0, int((_LONGEST_HELD - ahead) * rate))]
    first = reserve(limit.name, len(fit), rate) if fit else 0.0
    limit.next_free_at += timedelta(seconds=len(fit) / rate)  # what this sender knows of it until it looks again
    waits = {number: random.uniform(0.7, 1.0) * _LONGEST_HELD for number in numbers[len(fit) :]}
    starts = ((number, first + place / rate) for place, number in enumerate(fit))
    return waits | {number: start for number, start in starts if start > _AT_ONCE}
