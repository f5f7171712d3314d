"""Processes that one command starts, watches and ends together."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

END_SECONDS = 35.0  # the worker takes up to 30 to finish what is under way
_LOOK_SECONDS = 0.2


class ChildDied(Exception):
    """A child ended before it was told to; the message names it."""


class NotReady(Exception):
    """A child did not begin to answer in time; the message names it."""


@dataclass(frozen=True)
class Child:
    """A process by name: its arguments after `python`, and how to see that it answers (None: it only has to live)."""

    name: str
    arguments: Sequence[str]
    is_ready: Callable[[], bool] | None = None


@dataclass
class Family:
    """Children that live and end together. They are in sessions of their own, so that only we pass signals on."""

    children: Sequence[Child]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    output: int | None = None
    """The file descriptor that gets what they print (None: ours)."""
    _running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self) -> None:
        """Start all of them."""
        for child in self.children:
            self._running[child.name] = subprocess.Popen(
                [sys.executable, *child.arguments],
                env=dict(self.environment),
                stdout=self.output,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise ChildDied when one has ended."""
        for name, process in self._running.items():
            code = process.poll()
            if code is not None:
                raise ChildDied(f"{name} ended by itself ({_how(code)})")

    def wait_until_ready(self, told: threading.Event, *, seconds: float = 60.0) -> None:
        """Wait until each answers, or we are told to end. Raises ChildDied, or NotReady after so many seconds."""
        until = time.monotonic() + seconds
        for child in self.children:
            while child.is_ready is not None and not told.is_set() and not child.is_ready():
                self.check()
                if time.monotonic() > until:
                    raise NotReady(f"{child.name} did not begin to answer within {seconds:.0f} seconds")
                told.wait(_LOOK_SECONDS)
        self.check()

    def watch(self, told: threading.Event) -> None:
        """Return when told to end; raises ChildDied when one ends by itself."""
        while not told.wait(_LOOK_SECONDS):
            self.check()

    def end(self) -> None:
        """Tell all to end, wait, and end by force who does not."""
        running = [process for process in self._running.values() if process.poll() is None]
        for process in running:
            process.terminate()
        until = time.monotonic() + END_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # a session of its own: its helpers go with it
                process.wait()


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def listens(host: str, port: int) -> bool:
    """Whether something takes connections there."""
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def answers(host: str, port: int, path: str, *, named: str) -> bool:
    """Whether a GET of this path, asked for under this name, gives 200."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": named})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
