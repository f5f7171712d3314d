"""One SMTP connection: bytes out, replies in, every wait bounded by one deadline and broken by a heart-beat.

RFC 5321. Sockets and not smtplib, because the sender must know in which phase a connection was lost, a server that
drips one byte at a time must not outlast the deadline, and the worker's lease is renewed while it waits.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

_TICK = 1.0  # seconds between two heart-beats
_LONGEST_LINE = 4096  # RFC 5321 4.5.3.1.5 asks for 512; some relays say more
_MOST_LINES = 100
_CHUNK = 64 * 1024


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


class Wire:
    """An open connection. `deadline` is monotonic seconds and may be set anew before each message."""

    def __init__(self, sock: socket.socket, *, deadline: float, beat: Callable[[], None]) -> None:
        self.sock = sock
        self.deadline = deadline
        self.beat = beat
        self._kept = b""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @classmethod
    def connect(cls, host: str, port: int, *, deadline: float, beat: Callable[[], None]) -> "Wire":
        """Open a connection or raise Lost; tries each address of the host within the deadline."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise Lost("no time left to connect")
        try:
            sock = socket.create_connection((host, port), timeout=min(left, 15.0))
        except OSError as error:
            raise Lost(f"no connection: {error.strerror or type(error).__name__}") from error
        return cls(sock, deadline=deadline, beat=beat)

    def secure(self, host: str, context: ssl.SSLContext) -> None:
        """Turn the connection to TLS; Lost when that fails. What came in the clear before it is forgotten."""
        self._kept = b""
        try:
            self.sock.settimeout(max(self.deadline - time.monotonic(), 0.001))
            self.sock = context.wrap_socket(self.sock, server_hostname=host)
        except OSError as error:
            self.close()
            raise Lost(f"no TLS: {type(error).__name__}") from error

    def write(self, data: bytes) -> None:
        """Send everything or raise Lost."""
        view = memoryview(data)
        while view:
            try:
                self._wait()
                sent = self.sock.send(view[:_CHUNK])
            except TimeoutError:
                continue
            except OSError as error:
                raise Lost(f"lost while writing: {error.strerror or type(error).__name__}") from error
            view = view[sent:]

    def reply(self) -> Reply:
        """The next whole reply, or Lost."""
        lines: list[str] = []
        while True:
            line = self._line()
            code, separator = line[:3], line[3:4]
            if not (code.isascii() and code.isdigit() and "200" <= code <= "599" and separator in ("", " ", "-")):
                raise Lost("the reply was nonsense")
            lines.append(line[4:])
            if separator != "-":
                return Reply(int(code), tuple(lines))
            if len(lines) >= _MOST_LINES:
                raise Lost("the reply had no end")

    def ask(self, command: str) -> Reply:
        """Send one command line and wait for its reply."""
        self.write(command.encode("ascii") + b"\r\n")
        return self.reply()

    def peer_is_loopback(self) -> bool:
        """Whether the other end is on this machine."""
        name = self.sock.getpeername()[0]
        return str(name) == "::1" or str(name).startswith(("127.", "::ffff:127."))

    def close(self) -> None:
        """Close without another word."""
        with contextlib.suppress(OSError):
            self.sock.close()

    def _wait(self) -> None:
        """Set the socket's time-out to the next heart-beat or the deadline; beat; Lost when the deadline is past."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Lost("silent past the deadline")
        self.beat()
        self.sock.settimeout(min(left, _TICK))

    def _line(self) -> str:
        """The next line without its end."""
        while b"\n" not in self._kept:
            if len(self._kept) > _LONGEST_LINE:
                raise Lost("the reply had no end of line")
            try:
                self._wait()
                more = self.sock.recv(_CHUNK)
            except TimeoutError:
                continue
            except OSError as error:
                raise Lost(f"lost while reading: {error.strerror or type(error).__name__}") from error
            if not more:
                raise Lost("closed by the relay")
            self._kept += more
        line, _, self._kept = self._kept.partition(b"\n")
        if len(line) > _LONGEST_LINE:
            raise Lost("the reply had no end of line")
        return line.rstrip(b"\r").decode("utf-8", "replace")
