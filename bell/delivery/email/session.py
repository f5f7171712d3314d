"""One SMTP connection that sends many messages, one recipient each, and knows what became of every one of them.

RFC 5321; with PIPELINING (RFC 2920) the end of one message and the envelope of the next share a write, so that a
message costs one round trip; with CHUNKING (RFC 3030) several are on their way at once. Before a message's last byte
is written it is surely unsent; after it, without a reply, nobody knows. asyncio.BufferedProtocol, because a plain
protocol allocates 256 KiB for every read.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bell.delivery import crash
from bell.delivery.email.render import Letter
from bell.delivery.email.replies import Lost, Reader, Reply, judge
from bell.delivery.results import Outcome, Result

_READ = 16 * 1024
_IN_ONE_WRITE = (
    64 * 1024
)  # larger messages wait until all but the dot has left, so that a loss is known to be before it
CHUNKS_UNDER_WAY = 4  # messages on their way at once over one connection with BDAT: all of them uncertain if it breaks


@dataclass(eq=False, slots=True)
class Item:
    """One message on its way."""

    number: int
    letter: Letter
    begun: float = 0.0  # monotonic seconds
    sent: bool = False  # its last byte was written
    refused: Result | None = None
    again: bool = False  # was put back once because its connection turned out to be dead
    done: bool = False  # has its result


class Source(Protocol):
    """Where a session gets messages from and says what became of them."""

    def next(self) -> Item | None:
        """The next message to begin now, or None."""

    def settle(self, item: Item, result: Result, reply: Reply | None) -> None:
        """A message has its result."""

    def put_back(self, item: Item) -> None:
        """A message was surely not sent and is to be begun again, over another connection."""

    def lost(self, session: "Session", why: str) -> None:
        """The session is over."""


class Session(asyncio.BufferedProtocol):
    """A connection, from its greeting to its end. `mode` is "plain", "pipelined" or "chunks"."""

    def __init__(self) -> None:
        self.mode = "plain"
        self.open = True
        self.used = time.monotonic()
        self.fresh = True  # nothing was accepted over it yet
        self._transport: asyncio.Transport | None = None
        self._source: Source | None = None
        self._reader = Reader()
        self._room = bytearray(_READ)
        self._view = memoryview(self._room)
        self._waiting: asyncio.Future[Reply] | None = None  # of `ask`, before messages are sent
        self._said: deque[Reply] = deque()
        self._expected: deque[tuple[str, Item]] = deque()  # replies that are still to come, in order
        self._clear = False  # the relay may think of a transaction that we gave up: RSET first
        self._after_drain: Callable[[], None] | None = None
        self._why = ""

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, or turned to TLS."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # "Paused" then means: not everything has left yet.
        transport.set_write_buffer_limits(high=0)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go. A view: TLS fills it piece by piece, and a piece of a bytearray would be a copy."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came: whole replies are handed on."""
        try:
            replies = self._reader.feed(bytes(self._view[:nbytes]))
        except Lost as error:
            self.end(str(error))
            return
        for reply in replies:
            if not self.open:
                return
            if self._source is None:
                self._hear(reply)
            else:
                self._reply(reply)

    def eof_received(self) -> bool:
        """The relay has said its last word."""
        self._why = self._why or "closed by the relay"
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        words = getattr(exc, "strerror", None) or type(exc).__name__ if exc else "closed by the relay"
        self.end(self._why or f"lost: {words}")

    def resume_writing(self) -> None:
        """Everything has left."""
        act, self._after_drain = self._after_drain, None
        if act is not None and self.open:
            act()

    # Before messages are sent.

    async def ask(self, command: str = "") -> Reply:
        """Write a command line (none: only listen) and wait for the next reply; Lost when the connection ends."""
        if not self.open:
            raise Lost(self._why)
        if command:
            self._write(command.encode("ascii") + b"\r\n")
        if self._said:
            return self._said.popleft()
        self._waiting = asyncio.get_running_loop().create_future()
        return await self._waiting

    async def secure(self, context: "object", host: str) -> None:
        """Turn the connection to TLS (RFC 3207). What came in the clear before it is forgotten."""
        self._reader, self._said = Reader(), deque()
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(self._transport, self, context, server_hostname=host)  # type: ignore[arg-type]
        except OSError as error:
            raise Lost(f"no TLS: {type(error).__name__}") from error
        if transport is None:
            raise Lost("no TLS: closed by the relay")
        self.connection_made(transport)

    def peer_is_loopback(self) -> bool:
        """Whether the other end is on this machine."""
        name = self._transport.get_extra_info("peername")[0] if self._transport else ""
        return str(name) == "::1" or str(name).startswith(("127.", "::ffff:127."))

    def _hear(self, reply: Reply) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reply)
        else:
            self._said.append(reply)

    # Sending.

    def serve(self, source: Source) -> None:
        """Begin to send what the source has; it is told of each result, and when the session is over."""
        self._source = source
        self.pump()

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._expected and self._after_drain is None

    def oldest(self) -> float | None:
        """When the oldest message on its way was begun (monotonic seconds)."""
        return self._expected[0][1].begun if self._expected else None

    def pump(self) -> None:
        """Begin what may be begun now."""
        if self._source is None or not self.open:
            return
        if self.mode == "chunks":
            self._chunks()
        elif self.idle and (piece := self._envelope()):
            self._write(piece)

    def _chunks(self) -> None:
        """Envelope and message in one write, several on their way; each begins with RSET, come what came before."""
        pieces: list[bytes] = []
        under_way = sum(1 for kind, _ in self._expected if kind == "DOT")
        while under_way < CHUNKS_UNDER_WAY and (item := self._begin()):
            size = b"BDAT %d LAST\r\n" % len(item.letter.data)
            pieces += [b"RSET\r\n", self._command("MAIL", item), self._command("RCPT", item), size, item.letter.data]
            self._expected += (("RSET", item), ("MAIL", item), ("RCPT", item), ("DOT", item))
            item.sent = True
            under_way += 1
        if pieces:
            self._write(b"".join(pieces))

    def _begin(self) -> Item | None:
        """The source's next message, its clock started."""
        item = self._source.next() if self._source is not None else None
        if item is not None:
            item.begun = time.monotonic()
            item.refused = None
        return item

    def _envelope(self) -> bytes:
        """The next message's commands up to DATA (only the first, where they are wanted one by one); b"" at the end."""
        item = self._begin()
        if item is None:
            return b""
        clear, self._clear = self._clear, False
        if clear:
            self._expected.append(("RSET", item))
        if self.mode == "plain":
            if not clear:
                self._expected.append(("MAIL", item))
            return b"RSET\r\n" if clear else self._command("MAIL", item)
        self._expected += (("MAIL", item), ("RCPT", item), ("DATA", item))
        words = self._command("MAIL", item) + self._command("RCPT", item) + b"DATA\r\n"
        return b"RSET\r\n" + words if clear else words

    @staticmethod
    def _command(kind: str, item: Item) -> bytes:
        if kind == "MAIL":
            return b"MAIL FROM:<" + item.letter.sender.encode("ascii") + b">\r\n"
        if kind == "RCPT":
            return b"RCPT TO:<" + item.letter.recipient.encode("ascii") + b">\r\n"
        return b"DATA\r\n"

    def _reply(self, reply: Reply) -> None:
        """One reply, matched with what it answers."""
        if not self._expected:
            self.end(f"the relay said {reply.code} unasked")
            return
        kind, item = self._expected.popleft()
        if reply.code == 421:
            self._leave(kind, item, reply)
        elif kind in ("MAIL", "RCPT", "RSET"):
            self._answered(kind, item, reply)
        elif kind == "DATA":
            self._data(item, reply)
        elif kind == "DOT":
            self._dot(item, reply)
        else:  # the lone dot after a refusal that the relay took for nothing
            self.pump()

    def _answered(self, kind: str, item: Item, reply: Reply) -> None:
        """MAIL, RCPT or RSET has its reply."""
        good = reply.code // 100 == 2
        if good and kind == "MAIL":
            crash.point("after-mail")
        elif good and kind == "RCPT":
            crash.point("after-rcpt")
        elif not good and kind != "RSET":
            item.refused = item.refused or judge(reply, kind)
        if self.mode != "plain":
            return
        if item.refused:
            self._refuse(item, reply)
            self.pump()
            return
        following = {"RSET": "MAIL", "MAIL": "RCPT", "RCPT": "DATA"}[kind]
        self._expected.append((following, item))
        self._write(self._command(following, item))

    def _data(self, item: Item, reply: Reply) -> None:
        """The reply to DATA: go on, or the end of this message."""
        if item.refused and reply.code == 354:
            # It refused and says go on all the same: an empty message to nobody (RFC 2920 3.1).
            self._refuse(item, reply)
            self._expected.append(("NOTHING", item))
            self._write(b".\r\n")
        elif item.refused or reply.code != 354:
            item.refused = item.refused or judge(reply, "DATA")
            self._refuse(item, reply)
            self.pump()
        else:
            self._expected.append(("DOT", item))
            self._body(item)

    def _body(self, item: Item) -> None:
        """The message and its dot; with pipelining the next envelope goes in the same write."""
        body = stuffed(item.letter.data)
        if crash.armed("mid-data"):
            self._write(body[: len(body) // 2])
            crash.point("mid-data")
            body = body[len(body) // 2 :]
        if len(body) <= _IN_ONE_WRITE:
            self._finish_body(item, body + b".\r\n")
            return
        self._after_drain = lambda: self._finish_body(item, b".\r\n")
        self._write(body)
        if self._transport is not None and not self._transport.get_write_buffer_size():
            self.resume_writing()

    def _finish_body(self, item: Item, rest: bytes) -> None:
        item.sent = True
        following = self._envelope() if self.mode == "pipelined" else b""
        self._write(rest + following)
        crash.point("after-final-dot")

    def _dot(self, item: Item, reply: Reply) -> None:
        """The reply that decides."""
        if item.refused:  # of MAIL or RCPT, with BDAT
            self._refuse(item, reply)
        elif reply.code // 100 == 2:
            self.fresh = False
            self.used = time.monotonic()
            crash.point("after-reply-before-commit")
            self._tell(item, Result(Outcome.ACCEPTED, str(reply.code), reply.text), reply)
        else:
            item.refused = judge(reply, "DOT")
            # Its transaction is over with this reply (RFC 5321 4.1.1.4); the next envelope may be on its way already.
            self._refuse(item, reply, clear=not self._expected)
        self.pump()

    def _refuse(self, item: Item, reply: Reply, *, clear: bool = True) -> None:
        assert item.refused is not None
        self._clear = clear
        self.used = time.monotonic()
        self._tell(item, item.refused, reply)

    def _leave(self, kind: str, item: Item, reply: Reply) -> None:
        """421: the relay closes. What had begun has its answer; what had not goes elsewhere."""
        self._why = f"the relay said 421 {reply.text}"[:200]
        if kind in ("MAIL", "RSET") and not item.sent:
            self._expected = deque(one for one in self._expected if one[1] is not item)
            if self._source is not None:
                self._source.put_back(item)
        else:
            self._tell(item, item.refused or judge(reply, kind), reply)
        self.end(self._why)

    def _tell(self, item: Item, result: Result, reply: Reply | None) -> None:
        """A message's result, once."""
        if self._source is not None and not item.done:
            item.done = True
            self._source.settle(item, result, reply)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and self.open:
            self._transport.write(data)

    # The end.

    def end(self, why: str) -> None:
        """Close at once. Messages whose last byte was written are uncertain; others were surely not sent."""
        if not self.open:
            return
        self.open, self._why = False, why
        if self._transport is not None:
            self._transport.abort()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(Lost(why))
        if self._source is None:
            return
        untouched = bool(self._expected) and self._expected[0][0] in ("MAIL", "RSET")
        left = dict.fromkeys(item for _, item in self._expected if not item.done)
        for place, item in enumerate(left):
            if item.sent:
                self._tell(item, item.refused or Result(Outcome.UNCERTAIN, "", why), None)
            elif item.again or (place == 0 and (self.fresh or not untouched)):
                self._tell(item, item.refused or Result(Outcome.TEMPORARY, "", why), None)
            else:
                item.again = True
                self._source.put_back(item)
        self._expected.clear()
        self._source.lost(self, why)

    def goodbye(self) -> None:
        """QUIT, without waiting for an answer."""
        if self._transport is not None and self.open and self.idle:
            self._transport.write(b"QUIT\r\n")
            self.open = False
            self._transport.close()


def stuffed(data: bytes) -> bytes:
    """The message with leading dots doubled (RFC 5321 4.5.2) and a line's end at its end."""
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    if data.startswith(b"."):
        data = b"." + data
    return data.replace(b"\r\n.", b"\r\n..") if b"\r\n." in data else data
