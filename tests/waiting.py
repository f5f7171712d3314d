"""Waiting for what another thread or process does: as long as a busy machine may need for it, and no longer."""

import time
from collections.abc import Callable
from typing import Any


def until(fact: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Ask until there is an answer and return it; a test fails where there is none in so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := fact():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
