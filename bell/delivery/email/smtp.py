"""Sending mail to the relay: one recipient a transaction, kept connections, and the truth about each message.

Before the final dot a lost message is surely unsent and may be tried again (temporary); after it, without a reply,
nobody knows (uncertain). RFC 5321, 3207 (STARTTLS), 4954 (AUTH), 2920 (PIPELINING), 3030 (BDAT). Part of a promise that
every sender of mail keeps: `send(letters, watch) -> Slice`.
"""

import asyncio
import base64
import logging
import math
import random
import ssl
import time
from collections import deque
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from bell.delivery import crash
from bell.delivery.email.render import Letter
from bell.delivery.email.replies import Lost, Reply
from bell.delivery.email.session import Item, Session
from bell.delivery.email.trial import Trial
from bell.delivery.results import Outcome, Result, Slice, Watch

log = logging.getLogger(__name__)

_IDLE = 30.0  # seconds after which a kept connection is not trusted any more
_LONGEST_PAUSE = 15.0
_CONNECT = 15.0
_BEAT = 1.0
_EACH = 8  # messages for which another connection is worth opening
_MOST_LOST = 3  # new connections that may be lost before a first message went over them, until we pause
_WIDER = 60.0  # seconds until one more connection is tried again, after the relay wanted fewer
_LARGE = 64 * 1024


class Down(Exception):
    """No session with the relay can be had now; no message was harmed."""


class Relay:
    """A relay named by URL: smtp://[user:password@]host[:port], or smtps:// for TLS from the first byte.

    Used by one thread at a time; at most `connections` are opened, as many as a slice is worth.
    """

    def __init__(
        self, url: str, *, name: str, deadline: float, loopback_only: bool = False, connections: int = 1
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("A relay is smtp://host:port or smtps://host:port")
        self.tls = parts.scheme == "smtps"
        self.host, self.port = parts.hostname, parts.port or (465 if self.tls else 25)
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.name, self.deadline, self.loopback_only = name, deadline, loopback_only
        self.connections = max(1, connections)
        self._most, self._wider_at = self.connections, 0.0
        self._loop = self._new_loop()
        self._sessions: list[Session] = []
        self._failures = 0
        self._offers: frozenset[str] = frozenset()
        self._trial = Trial()
        # Of the slice that is being sent.
        self._queue: deque[Item] = deque()
        self._under_way = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._lost, self._down = 0, ""
        self._watch, self._stopped = Watch(lambda: False, lambda: None), True
        self._done = Slice()
        self._over: asyncio.Future[None] | None = None
        self._mode = ""

    # The promise.

    def send(self, letters: Iterable[tuple[int, Letter]], watch: Watch) -> Slice:
        """Send each letter in its own transaction while `watch.may_start()`; results by delivery id."""
        self._queue = deque(Item(number, letter) for number, letter in letters)
        self._watch, self._stopped, self._done = watch, not self._queue, Slice()
        self._lost, self._down, self._under_way = 0, "", 0
        started, size = time.monotonic(), len(self._queue)
        large = any(len(item.letter.data) > _LARGE for item in self._queue)
        self._mode = "pipelined" if large else self._trial.mode()
        if self._loop.is_closed():
            self._loop = self._new_loop()
        if self._sessions:
            self._loop.run_until_complete(asyncio.sleep(0))  # one that was closed meanwhile is noticed now
        self._over = self._loop.create_future()
        self._loop.call_soon(self._begin)
        watch.beat()
        while not self._over.done():
            self._loop.run_until_complete(asyncio.wait([self._over], timeout=_BEAT))
            watch.beat()
        over, self._over = self._over, None
        over.result()
        if not self._done.pause and not self._stopped:
            self._trial.note(self._mode, size, time.monotonic() - started)
        return self._done

    def close(self) -> None:
        """Say goodbye and close the kept connections."""
        if self._loop.is_closed():
            return
        for session in self._sessions:
            session.goodbye()
        self._sessions.clear()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(self._fault)
        return loop

    # What sessions ask and tell (session.Source).

    def next(self) -> Item | None:
        """The next message that may be begun."""
        if self._stopped or not self._queue:
            return None
        if not self._watch.may_start():
            self._stopped = True
            return None
        self._under_way += 1
        return self._queue.popleft()

    def settle(self, item: Item, result: Result, reply: Reply | None) -> None:
        """A message has its result."""
        self._done.results[item.number] = result
        self._under_way -= 1
        if result.outcome is Outcome.ACCEPTED:
            self._failures = 0
        if not self._under_way:
            self._loop.call_soon(self._widen)

    def put_back(self, item: Item) -> None:
        """A message was surely not sent; it goes first over another connection."""
        self._queue.appendleft(item)
        self._under_way -= 1

    def lost(self, session: Session, why: str) -> None:
        """A session is over."""
        if session in self._sessions:
            self._sessions.remove(session)
        if session.fresh:
            self._lost += 1
            self._down = why
            self._narrow()
        self._loop.call_soon(self._widen)

    # One slice.

    def _begin(self) -> None:
        now = time.monotonic()
        for session in list(self._sessions):
            if now - session.used > _IDLE:
                self._sessions.remove(session)
                session.goodbye()
        if self._most < self.connections and now > self._wider_at:
            self._most, self._wider_at = self._most + 1, now + _WIDER
        self._loop.call_later(self._tick(), self._look)
        for session in list(self._sessions):
            session.mode = self._mode_of(session)
            session.pump()
        self._widen()

    def _tick(self) -> float:
        return min(0.25, self.deadline / 4)

    def _look(self) -> None:
        """No message may outlast its deadline, whatever the relay does (a drip is not an answer)."""
        if self._over is None or self._over.done():
            return
        now = time.monotonic()
        for session in list(self._sessions):
            begun = session.oldest()
            if begun is not None and now - begun > self.deadline:
                session.end("silent past the deadline")
        self._loop.call_later(self._tick(), self._look)

    def _widen(self) -> None:
        """Open as many connections as what waits is worth; let idle ones go on."""
        if not self._stopped and self._queue:
            for session in list(self._sessions):
                session.pump()
        wanted = min(self._most, math.ceil((len(self._queue) + self._under_way) / _EACH))
        if self._queue and not self._stopped and self._lost < _MOST_LOST:
            for _ in range(wanted - len(self._sessions) - len(self._opening)):
                task = self._loop.create_task(self._open())
                self._opening.add(task)
                task.add_done_callback(self._opened)
        self._check()

    def _check(self) -> None:
        """Whether the slice is over; a relay that cannot be reached pauses the channel."""
        if self._over is None or self._over.done() or self._under_way:
            return
        if self._queue and not self._stopped:
            if self._opening or any(session.open for session in self._sessions):
                return
            self._failures += 1
            self._done.pause = min(_LONGEST_PAUSE, 2.0 ** min(self._failures - 1, 5)) * random.uniform(0.8, 1.2)
            self._done.why = self._down or "no connection"
        if not self._opening:
            if self._lost:  # refused before the first one stood: that is learned now
                self._narrow()
            self._over.set_result(None)

    def _narrow(self) -> None:
        """The relay takes no more connections: those that there are will do for a while."""
        if self._sessions:
            self._most, self._wider_at = len(self._sessions), time.monotonic() + _WIDER

    def _opened(self, task: "asyncio.Task[None]") -> None:
        self._opening.discard(task)
        error = task.exception()
        if isinstance(error, Down):
            self._down = str(error)
            self._lost = _MOST_LOST
            self._narrow()
        elif error is not None:
            self._fault(self._loop, {"exception": error, "message": "opening a connection"})
            return
        self._check()

    def _fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Something that nobody foresaw ends the slice: what has no result is not known to have been sent."""
        error = context.get("exception")
        log.error("a fault while sending mail: %s", context.get("message"), exc_info=error)
        if self._over is not None and not self._over.done():
            self._over.set_exception(error or RuntimeError(str(context.get("message"))))

    # A connection.

    async def _open(self) -> None:
        """Connect, greet, secure, sign in. Down when any of it fails: that is no message's fault."""
        session = Session()
        try:
            async with asyncio.timeout(min(self.deadline, 60.0)):
                await self._greet(session)
        except TimeoutError as error:
            session.end("silent past the deadline")
            raise Down("the relay did not answer in time") from error
        except (Lost, Down, OSError) as error:
            session.end(str(error))
            words = str(error) if isinstance(error, Lost | Down) else f"no connection: {_words(error)}"
            raise Down(words) from error
        crash.point("after-connect")
        session.mode = self._mode_of(session)
        self._sessions.append(session)
        session.serve(self)

    async def _greet(self, session: Session) -> None:
        context = ssl.create_default_context() if self.tls else None
        async with asyncio.timeout(_CONNECT):
            await self._loop.create_connection(lambda: session, self.host, self.port, ssl=context)
        local = session.peer_is_loopback()
        if self.loopback_only and not local:
            raise Down("this relay is not on this machine")
        _expect(await session.ask(), 220)
        offers = await self._hello(session)
        secured = self.tls
        if "STARTTLS" in offers and not self.tls and not local:
            _expect(await session.ask("STARTTLS"), 220)
            await session.secure(ssl.create_default_context(), self.host)
            secured, offers = True, await self._hello(session)
        if self.user:
            await self._sign_in(session, offers, safe=local or secured)
        self._offers = frozenset(offers)
        self._trial.offered = "CHUNKING" in self._offers and "PIPELINING" in self._offers

    def _mode_of(self, session: Session) -> str:
        if "PIPELINING" not in self._offers:
            return "plain"
        return self._mode if self._trial.offered else "pipelined"

    async def _hello(self, session: Session) -> dict[str, str]:
        """EHLO and what the relay offers, or HELO for one that has never heard of it."""
        reply = await session.ask(f"EHLO {self.name}")
        if reply.code in (500, 501, 502, 504, 550):
            _expect(await session.ask(f"HELO {self.name}"), 250)
            return {}
        _expect(reply, 250)
        words = [line.strip().upper().partition(" ") for line in reply.lines[1:]]
        return {word: rest for word, _, rest in words}

    async def _sign_in(self, session: Session, offers: dict[str, str], *, safe: bool) -> None:
        """AUTH PLAIN or LOGIN, but never a password in the clear to another machine."""
        if not safe:
            raise Down("the relay offers no TLS, so it gets no password")
        kinds = offers.get("AUTH", "").split()
        if "PLAIN" in kinds:
            secret = base64.b64encode(f"\0{self.user}\0{self.password}".encode()).decode()
            _expect(await session.ask(f"AUTH PLAIN {secret}"), 235)
        elif "LOGIN" in kinds:
            _expect(await session.ask("AUTH LOGIN"), 334)
            _expect(await session.ask(base64.b64encode(self.user.encode()).decode()), 334)
            _expect(await session.ask(base64.b64encode(self.password.encode()).decode()), 235)
        else:
            raise Down("the relay offers no way to sign in that we know")


def _expect(reply: Reply, code: int) -> None:
    if reply.code != code:
        raise Down(f"the relay said {reply.code} {reply.text}"[:200])


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__
