"""Waiting for something to happen, while seeing to it that those who should make it happen still live."""

import time
from collections.abc import Callable
from dataclasses import dataclass

_LOOK = 0.05


class TooLong(Exception):
    """What should have happened did not, in time; the message says what."""


@dataclass(frozen=True)
class Patience:
    """`alive` raises when a child process has ended."""

    alive: Callable[[], None]

    def until(self, happened: Callable[[], object], what: str, *, seconds: float = 120.0) -> None:
        """Look again and again; TooLong after so many seconds."""
        if not self.maybe(happened, seconds=seconds):
            raise TooLong(f"Waited {seconds:.0f} seconds for {what}.")

    def maybe(self, happened: Callable[[], object], *, seconds: float) -> bool:
        """Look again and again; whether it happened within so many seconds."""
        end = time.monotonic() + seconds
        while True:
            if happened():
                return True
            if time.monotonic() > end:
                return False
            self.alive()
            time.sleep(_LOOK)
