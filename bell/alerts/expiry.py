"""When an alert is over by itself: an event once it has begun."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bell.alerts import calendars


def read(frozen: Mapping[str, Any]) -> datetime | None:
    """The moment after which a frozen alert (alerts.rules.snapshot) is over, or None: a person says so."""
    return calendars.begins(frozen["kind"], frozen["fields"])


def is_over(frozen: Mapping[str, Any], now: datetime) -> bool:
    """Whether that moment has passed."""
    until = read(frozen)
    return until is not None and until <= now
