"""The catchers' memory: one JSON object a line, appended and flushed, never synced, read again from any process.

A mail's line is {"at", "from", "to": [...], "data": latin-1 text}, a text message's {"at", "id", "reference", "to",
"from", "text"}. Readers keep their own place in the file, so that the server that catches mail and the one that shows
it need not be the same process.
"""

import ipaddress
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

MAILS = "mail.jsonl"
TEXTS = "texts.jsonl"
REPLIES = "replies.jsonl"


class NotLoopback(ValueError):
    """A catcher was asked to listen where other machines could reach it."""


def check_loopback(host: str) -> None:
    """Refuse (NotLoopback) any host that is not this machine by its literal address or the name localhost."""
    try:
        ours = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        ours = False
    if not ours:
        raise NotLoopback(f"The catchers listen on this machine only (127.0.0.1, ::1 or localhost), never on {host!r}")


class Spool:
    """A file of JSON lines that one process writes and any process reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def append(self, line: dict[str, Any]) -> None:
        """Add one line; it is with the operating system when this returns (a crash of the machine may lose it)."""
        words = json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                if file.tell() and self._torn(file):
                    words = b"\n" + words  # a writer died in the middle of its line: do not glue ours to it
                file.write(words)

    @staticmethod
    def _torn(file: Any) -> bool:
        file.seek(-1, 2)
        return bool(file.read(1) != b"\n")

    def lines(self, start: int = 0) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """(offset, length, object) of each whole line from `start`; a torn or strange line is passed over."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(start)
            offset = start
            for raw in file:
                if not raw.endswith(b"\n"):
                    return
                line = _object(raw)
                if line is not None:
                    yield offset, len(raw), line
                offset += len(raw)

    def all(self) -> Iterator[dict[str, Any]]:
        """Every object, oldest first."""
        return (line for _, _, line in self.lines())

    def at(self, offset: int, length: int) -> dict[str, Any]:
        """The object that stands at a place which `lines` gave."""
        with self.path.open("rb") as file:
            file.seek(offset)
            return _object(file.read(length)) or {}


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


class Index:
    """Which lines of a spool belong to whom: places in the file only, at most `most` of them, the newest kept."""

    def __init__(self, spool: Spool, owners: Callable[[dict[str, Any]], list[str]], most: int = 20_000) -> None:
        self._spool, self._owners, self._most = spool, owners, most
        self._lock = threading.Lock()
        self._begin(file=0)

    def _begin(self, file: int) -> None:
        """Know nothing yet of a file (its inode number)."""
        self._file, self._next = file, 0
        self._places: dict[str, deque[tuple[int, int]]] = {}
        self._order: deque[str] = deque()

    def of(self, owner: str) -> list[dict[str, Any]]:
        """The owner's objects, newest first; what was appended since the last look is read first."""
        with self._lock:
            self._catch_up()
            places = list(self._places.get(owner, ()))
        return [self._spool.at(*place) for place in reversed(places)]

    def _catch_up(self) -> None:
        try:
            now = self._spool.path.stat()
        except FileNotFoundError:
            return self._begin(file=0)
        if now.st_ino != self._file or now.st_size < self._next:  # the demo began anew
            self._begin(now.st_ino)
        for offset, length, line in self._spool.lines(self._next):
            self._next = offset + length
            for owner in self._owners(line):
                self._places.setdefault(owner, deque()).append((offset, length))
                self._order.append(owner)
            while len(self._order) > self._most:
                self._forget(self._order.popleft())
        return None

    def _forget(self, owner: str) -> None:
        places = self._places[owner]
        places.popleft()
        if not places:
            del self._places[owner]
