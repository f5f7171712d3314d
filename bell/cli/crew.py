"""Several processes that send side by side: started together, replaced when one dies, ended together."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bell.cli.children import END_SECONDS

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
_LONGEST_WAIT = 10.0
_LIVED_SECONDS = 60.0  # one that lived so long is replaced at once


@dataclass
class _Member:
    """One place in the crew."""

    arguments: list[str]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    deaths: int = 0
    not_before: float = 0.0


@dataclass
class Crew:
    """`size` workers; the first keeps the timetable, the others only send. Whoever dies is replaced."""

    size: int
    arguments: Sequence[str]
    keeps_time: bool = True
    _members: list[_Member] = field(default_factory=list)

    def work(self, told: threading.Event) -> None:
        """Keep everyone at work until told to end, then let them finish what is under way."""
        common = ["-m", "bell.cli", "worker", "--child-of", str(os.getpid()), *self.arguments]
        only = ["--only-send"]
        first = [] if self.keeps_time else only
        self._members = [_Member([*common, *(only if place else first)]) for place in range(self.size)]
        try:
            while not told.is_set():
                for member in self._members:
                    self._look_after(member)
                told.wait(_LOOK_SECONDS)
        finally:
            self._end()

    def _look_after(self, member: _Member) -> None:
        """Start a member, or start it anew; one that keeps dying less and less often."""
        now = time.monotonic()
        if member.process is not None and (code := member.process.poll()) is not None:
            log.error("a worker ended by itself (%s); another takes its place", code)
            member.deaths = 0 if now - member.started > _LIVED_SECONDS else member.deaths + 1
            member.not_before = now + (min(2.0**member.deaths / 2, _LONGEST_WAIT) if member.deaths else 0.0)
            member.process = None
        if member.process is None and now >= member.not_before:
            member.started = now
            member.process = subprocess.Popen([sys.executable, *member.arguments], start_new_session=True)

    def _end(self) -> None:
        """Tell all to end, wait, and end by force who does not."""
        running = [member.process for member in self._members if member.process is not None]
        for process in running:
            process.terminate()
        until = time.monotonic() + END_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def orphaned(told: threading.Event, parent: int) -> None:
    """Set `told` when the process that started us is gone: nobody would end us otherwise."""

    def look() -> None:
        while not told.wait(1.0):
            if os.getppid() != parent:
                log.warning("the process that started this worker is gone")
                told.set()

    threading.Thread(target=look, daemon=True).start()
