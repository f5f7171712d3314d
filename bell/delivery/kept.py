"""Counts that are dear are kept for a while, for everyone who looks; counts that cost nothing are taken fresh.

How long depends on what counting cost: however many people watch, and however full the outbox is, counting takes at
most a small part of the time. While one counts anew the others see what was counted before.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache import cache

T = TypeVar("T")

FREE_SECONDS = 0.02
"""What costs less is counted each time, so that it is exact."""
TIMES_ITS_COST = 10.0
_LONGEST = 300.0
_COUNTING = 30


def kept(key: str, count: Callable[[], T], *, least: float = 0.0) -> T:
    """What `count` says, at most `least` seconds or ten times its cost old, whichever is longer.

    The value must be picklable. `key` must name a thing for good: numbers that a database gives again are not enough.
    """
    found: Any = cache.get(key)
    if found is not None:
        value, made_at, seconds = found
        if 0 <= time.time() - made_at < seconds or not cache.add(f"{key}:counting", 1, _COUNTING):
            return value  # type: ignore[no-any-return]
    started = time.perf_counter()
    try:
        fresh = count()
        cost = time.perf_counter() - started
        seconds = max(least, cost * TIMES_ITS_COST if cost > FREE_SECONDS else 0.0)
        if seconds:
            cache.set(key, (fresh, time.time(), seconds), _LONGEST)
        elif found is not None:
            cache.delete(key)
    finally:
        if found is not None:
            cache.delete(f"{key}:counting")
    return fresh
