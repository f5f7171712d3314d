"""Answers that this process keeps for some seconds, so that whoever asks again soon does not wait again."""

import threading
import time
from collections.abc import Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Kept(Generic[Answer]):
    """At most `most` answers by what was asked, each for `seconds`; when there are too many, the oldest go first."""

    def __init__(self, *, seconds: float, most: int) -> None:
        self._seconds, self._most = seconds, most
        self._answers: dict[Hashable, tuple[float, Answer]] = {}
        self._lock = threading.Lock()

    def find(self, asked: Hashable) -> Answer | None:
        """The answer that was kept, None where there is none or it is too old."""
        with self._lock:
            until, answer = self._answers.get(asked, (0.0, None))
            return answer if until > time.monotonic() else None

    def keep(self, asked: Hashable, answer: Answer) -> None:
        """Keep an answer from now on."""
        with self._lock:
            self._answers.pop(asked, None)
            self._answers[asked] = (time.monotonic() + self._seconds, answer)
            while len(self._answers) > self._most:
                del self._answers[next(iter(self._answers))]

    def forget(self) -> None:
        """Keep nothing of what was kept."""
        with self._lock:
            self._answers.clear()
