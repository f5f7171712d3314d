"""How much memory this process and all that it started hold together, and the most they held while something ran."""

import os
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_EVERY_SECONDS = 0.1
_PROC = Path("/proc")


@dataclass
class Peak:
    """The most that was seen: megabytes of all processes together, and of the largest one alone."""

    mb: float = 0.0
    largest_mb: float = 0.0

    def look(self) -> None:
        """Look once."""
        held = [_megabytes(one) for one in _family(os.getpid())]
        self.mb = max(self.mb, sum(held))
        self.largest_mb = max(self.largest_mb, *held)


@contextmanager
def watched() -> Iterator[Peak]:
    """Look ten times a second while the block runs. A database server is not one of our processes and not counted."""
    peak, done = Peak(), threading.Event()

    def look() -> None:
        while not done.wait(_EVERY_SECONDS):
            peak.look()

    watcher = threading.Thread(target=look, daemon=True)
    peak.look()
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
        peak.look()


def _family(pid: int) -> list[int]:
    """A process and its descendants; where the system does not say (no /proc), the process alone."""
    found, waiting = [pid], [pid]
    while waiting:
        one = waiting.pop()
        for tasks in _PROC.glob(f"{one}/task/*/children"):
            try:
                children = [int(number) for number in tasks.read_text().split()]
            except OSError:
                continue  # it ended meanwhile
            found += children
            waiting += children
    return found


def _megabytes(pid: int) -> float:
    """What a process holds; pages that several share are shared out among them (Linux: PSS)."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return _own_most() if pid == os.getpid() else 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def _own_most() -> float:
    """The most that this process ever held: kilobytes on Linux, bytes on macOS."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)
