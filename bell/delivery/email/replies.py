"""What a relay says: replies put together from bytes, with a bound on everything (RFC 5321 4.2, RFC 2034, RFC 3463)."""

import functools
from dataclasses import dataclass

from bell.delivery.results import Outcome, Result

_LONGEST_LINE = 4096  # RFC 5321 4.5.3.1.5 asks for 512; some relays say more
_MOST_LINES = 100
_SHORT = 40

# RFC 3463: no such mailbox, no such system, bad syntax, mailbox moved, null MX (RFC 7505): nobody is there.
DEAD = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")
# Systems, networks and policies: our reputation, our DNS, our relay; and complaints about our own sender.
OURS = ("5.3.", "5.4.", "5.7.", "5.1.7", "5.1.8")


class Lost(Exception):
    """The connection is of no more use: closed, reset, silent past the deadline, or nonsense was said."""


@dataclass(frozen=True)
class Reply:
    """A whole reply; `lines` without their codes. `enhanced` is the RFC 3463 status, "" when there is none."""

    code: int
    lines: tuple[str, ...]

    @property
    def enhanced(self) -> str:
        """The enhanced status of the reply's last line, such as "5.1.1", if it agrees with the code."""
        status = self.lines[-1].split(" ", 1)[0]
        parts = status.split(".")
        fits = len(parts) == 3 and all(p.isascii() and p.isdigit() and len(p) <= 3 for p in parts)
        return status if fits and parts[0] == str(self.code)[0] else ""

    @property
    def text(self) -> str:
        """All lines as one text."""
        return " ".join(self.lines)


class Reader:
    """Bytes in, whole replies out."""

    def __init__(self) -> None:
        self._kept = b""
        self._lines: list[str] = []

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that are whole now; Lost when what came is no reply."""
        if self._kept:
            data = self._kept + data
        *lines, self._kept = data.split(b"\n")
        if len(self._kept) > _LONGEST_LINE:
            raise Lost("the reply had no end of line")
        return [reply for line in lines if (reply := self._line(line)) is not None]

    def _line(self, line: bytes) -> Reply | None:
        """The reply that this line ends, if it ends one."""
        if len(line) <= _SHORT and not self._lines and line[3:4] != b"-":
            return _short(line)
        if len(line) > _LONGEST_LINE:
            raise Lost("the reply had no end of line")
        code, more, words = _parse(line)
        self._lines.append(words)
        if more:
            if len(self._lines) >= _MOST_LINES:
                raise Lost("the reply had no end")
            return None
        lines, self._lines = tuple(self._lines), []
        return Reply(code, lines)


def _parse(line: bytes) -> tuple[int, bool, str]:
    """(code, whether more lines follow, the rest) of one line of a reply; Lost when it is none."""
    code, separator = line[:3], line[3:4].strip()
    if not (code.isdigit() and b"200" <= code <= b"599" and separator in (b"", b"-")):
        raise Lost("the reply was nonsense")
    return int(code), bool(separator), line[4:].rstrip(b"\r").decode("utf-8", "replace")


@functools.lru_cache(maxsize=256)
def _short(line: bytes) -> Reply:
    """A reply of one short line: a relay says the same three to every message."""
    code, _, words = _parse(line)
    return Reply(code, (words,))


def judge(reply: Reply, phase: str) -> Result:
    """What a refusal means. Only a structured "nobody there" at RCPT says that an address is dead (promises.md)."""
    status = reply.enhanced
    code, text = str(reply.code), reply.text
    if reply.code // 100 == 4:
        return Result(Outcome.TEMPORARY, code, text)
    if reply.code // 100 != 5:  # a 2xx or 3xx where it makes no sense
        return Result(Outcome.UNCERTAIN if phase == "DOT" else Outcome.TEMPORARY, code, text)
    if phase == "MAIL" or any(status == s or (s.endswith(".") and status.startswith(s)) for s in OURS):
        return Result(Outcome.OURS, code, text)
    return Result(Outcome.PERMANENT, code, text, dead=phase == "RCPT" and status in DEAD)
