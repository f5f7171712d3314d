"""When the people of a group are usually out (F2): hours on London's clocks, in words, and the next time they begin."""

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any

from bell.lib import clock

MOST_PAIRS = 4
Hours = list[list[int]]  # [[5, 8], [18, 21]]: from and to, whole hours of one day, 0 to 24
_PAIR = re.compile(r"([0-9]{1,2}) ?(?:-|–|to) ?([0-9]{1,2})")


class HoursError(ValueError):
    """These are no hours; the message says why in plain words."""


def read(text: str) -> Hours:
    """Hours as an administrator types them, "5-8, 18-21"; nothing means no special hours. Raises HoursError."""
    pairs = [part.strip() for part in text.split(",") if part.strip()]
    found: Hours = []
    for part in pairs[: MOST_PAIRS + 1]:
        match = _PAIR.fullmatch(part)
        if match is None:
            raise HoursError("Enter hours like 5-8, 18-21: whole hours from 0 to 24")
        found.append([int(match[1]), int(match[2])])
    return check(found)


def check(pairs: Any) -> Hours:
    """Hours in order, none beyond the day, none overlapping. Raises HoursError."""
    if not isinstance(pairs, list) or len(pairs) > MOST_PAIRS:
        raise HoursError(f"Enter up to {MOST_PAIRS} times of day")
    for pair in pairs:
        plain = isinstance(pair, list) and len(pair) == 2 and all(type(hour) is int for hour in pair)
        if not plain or not 0 <= pair[0] < pair[1] <= 24:
            raise HoursError("Each time of day must begin before it ends, between 0 and 24")
    ordered: Hours = sorted(pairs)
    if any(later[0] < earlier[1] for earlier, later in pairwise(ordered)):
        raise HoursError("Two of these times of day overlap")
    return ordered


def typed(pairs: Sequence[Sequence[int]]) -> str:
    """The hours as `read` understands them."""
    return ", ".join(f"{first}-{last}" for first, last in pairs)


def said(pairs: Sequence[Sequence[int]]) -> str:
    """ "5–8am and 6–9pm"."""
    words = [_pair(first, last) for first, last in pairs]
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _pair(first: int, last: int) -> str:
    begins, ends = _hour(first), _hour(last)
    same = begins[-2:] == ends[-2:] and begins[-2:] in ("am", "pm")
    return f"{begins[:-2] if same else begins}–{ends}"


def _hour(hour: int) -> str:
    if hour in (0, 12, 24):
        return "midday" if hour == 12 else "midnight"
    return f"{hour % 12}{'am' if hour < 12 else 'pm'}"


def is_now(pairs: Sequence[Sequence[int]], now: datetime) -> bool:
    """Whether they are usually out at this moment."""
    hour = clock.local(now).hour
    return any(first <= hour < last for first, last in pairs)


def next_start(pairs: Sequence[Sequence[int]], now: datetime) -> datetime | None:
    """The next moment at which they go out, aware, today or tomorrow; None without hours.

    An hour that the clocks skip in spring is taken as the hour after it.
    """
    here = clock.local(now)
    for day in (here.date(), here.date() + timedelta(days=1)):
        for first in sorted(pair[0] for pair in pairs):
            begins = datetime.combine(day, time(first), tzinfo=clock.LONDON)
            if begins > here:
                return begins
    return None
