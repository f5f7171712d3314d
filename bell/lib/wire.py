"""One connection to an HTTP/1.1 server (RFC 9112), one request at a time; h11 reads, asyncio waits."""

import asyncio
import select
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import h11

LARGEST_BODY = 1024 * 1024
_KEEP_SECONDS = 15.0  # an idle connection is used again within this time; servers close theirs a little later


class HttpError(Exception):
    """A request that got no answer; the message names the reason without the address or the body."""


class NotSent(HttpError):
    """The server surely accepted nothing: refused, not found, no connection in time."""


class Unsure(HttpError):
    """The server may have accepted: silence, loss or nonsense after the connection stood."""


@dataclass(frozen=True)
class Reply:
    """What the server answered; header names in lower case."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Line(asyncio.Protocol):
    """A connection that stands. After an answer it can be used again while `usable()`."""

    def __init__(self) -> None:
        self._talk = h11.Connection(h11.CLIENT)
        self._answer: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport | None = None
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands (with TLS where that was asked for)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send one request and wait for its answer. Raises NotSent for what cannot be said in HTTP, else Unsure."""
        assert self._transport is not None
        try:
            head = self._talk.send(h11.Request(method=method, target=target, headers=[*headers.items()]))
            data = self._talk.send(h11.Data(data=body)) if body else b""
            self._talk.send(h11.EndOfMessage())
        except (h11.LocalProtocolError, UnicodeError) as error:
            self.close()
            raise NotSent(f"{type(error).__name__}: {error}") from error
        self._body.clear()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write((head or b"") + (data or b""))
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._answer = None
            self._idle_since = time.monotonic()

    def usable(self) -> bool:
        """Whether the next request may go this way: open, idle for a short time, and the server has said nothing since.

        The event loop may have stood still meanwhile, so the socket itself is asked too.
        """
        if self._transport is None or self._transport.is_closing() or self._talk.our_state is not h11.IDLE:
            return False
        if time.monotonic() - self._idle_since > _KEEP_SECONDS:
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer; bytes that nobody asked for spoil the connection."""
        if self._answer is None:
            self.close()
            return
        self._hear(data)

    def eof_received(self) -> None:
        """The server says no more: for a body without a length this is its end."""
        if self._answer is not None and self._talk.their_state is not h11.SEND_RESPONSE:
            self._hear(b"")

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever still waits will not be answered."""
        self._fail(f"ReadError: {error or 'the connection was lost'}")

    def _hear(self, data: bytes) -> None:
        try:
            self._talk.receive_data(data)
            while (event := self._talk.next_event()) is not h11.NEED_DATA:
                if self._take(event):
                    return
        except h11.RemoteProtocolError as error:
            self._fail(f"RemoteProtocolError: {error}")
            self.close()

    def _take(self, event: object) -> bool:
        """One event of an answer; True when nothing more is to be read of it."""
        if isinstance(event, h11.Response):
            self._status, self._headers = event.status_code, {}
            for name, value in event.headers:
                key, words = name.decode("latin-1"), value.decode("latin-1")
                self._headers[key] = f"{self._headers[key]}, {words}" if key in self._headers else words
            return False
        if isinstance(event, h11.Data):
            self._body += event.data
            if len(self._body) < LARGEST_BODY:
                return False
            self.close()
        elif isinstance(event, h11.EndOfMessage):
            self._end()
        elif isinstance(event, h11.InformationalResponse):
            return False
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Reply(self._status, bytes(self._body[:LARGEST_BODY]), self._headers))
        return True

    def _end(self) -> None:
        """Ready for the next request, or closed when either side wants it so."""
        if self._talk.our_state is h11.DONE and self._talk.their_state is h11.DONE:
            self._talk.start_next_cycle()
        else:
            self.close()

    def _fail(self, words: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Unsure(words))
