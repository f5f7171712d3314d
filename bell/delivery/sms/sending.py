"""Texts go out: a slice through the first vendor that can be used, many requests at once, at the permitted pace.

Another vendor gets a text only when the one before surely did not take it: no connection stood, it asked us to wait, or
it refused us and not the text. After silence nobody knows, so the text is `uncertain` and goes nowhere else; when it
comes again as `maybe`, its vendor is first asked whether it has it.

Everything happens on the caller's thread. The database is only asked while the requests' loop stands still a moment.
"""

import asyncio
import contextlib
import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.conf import settings
from django.db import DatabaseError

from bell.delivery import crash
from bell.delivery.models import Lane
from bell.delivery.results import Outcome, Result, Slice, Watch
from bell.delivery.sms import answers, caps, vendors, ways
from bell.delivery.sms.promise import Found, Gateway, Text
from bell.lib import http

log = logging.getLogger(__name__)

_DEADLINE = 10.0  # seconds a request; well inside a lease
_TICK = 0.5  # the lease is looked at so often
_AHEAD = 0.25  # seconds of slots that are reserved at once: about what a slice lasts
_MOST_FAULTS = 5  # so many silences or errors in a row, and the vendor is left alone
_ASK_AGAIN = 60.0  # when a look-up got no answer
_CLOSED = 60.0  # how long the channel waits when only a person can open a vendor again


class Texts:
    """The transport of texts. `lane` decides what a cap leaves room for; `counted` is False where nothing costs."""

    def __init__(self, gateways: Sequence[Gateway], *, lane: int = Lane.ROUTINE, counted: bool = True) -> None:
        self.gateways = gateways
        self._lane, self._counted = lane, counted

    @property
    def url(self) -> str:
        """The first vendor's address, or the first that is not on this machine: where texts may end up."""
        urls = [gateway.url for gateway in self.gateways]
        return next((url for url in urls if not http.is_loopback(url)), urls[0])

    def send(self, messages: Iterable[tuple[int, Text]], watch: Watch) -> Slice:
        """Send while `watch.may_start()`; results by delivery id. A text without one was never begun."""
        shut = ways.read(gateway.name for gateway in self.gateways)
        run = _Run([_Way(gateway, shut.get(gateway.name)) for gateway in self.gateways], watch)
        if not any(way.usable for way in run.ways):
            return run.end()
        texts = list(messages)
        granted = caps.grant(texts, self._lane) if self._counted else caps.Grant(texts)
        run.done.results.update(granted.held)
        try:
            run.go(granted.texts)
        finally:
            if self._counted:
                with _tolerated("the books"):
                    caps.refund(granted, run.done.results)
        return run.end()


def close() -> None:
    """Close this thread's kept connections."""
    if _kept.loop is not None:
        _kept.loop.run_until_complete(_kept.closed())
        _kept.loop.close()
        _kept.loop = None


@dataclass
class _Way:
    """A vendor during one slice. `unproved`: its breaker was open, so one text goes first and finds out."""

    gateway: Gateway
    was: ways.Shut | None
    usable: bool = True
    stopped: Callable[[], None] | None = None  # tells the other workers why it is not
    faults: int = 0
    works: bool = False
    slots: deque[float] = field(default_factory=deque)
    hungry: int = 0
    first: asyncio.Lock = field(default_factory=asyncio.Lock)
    fed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.name = self.gateway.name
        self.unproved = self.was is not None
        self.usable = self.was is None or self.was.left == 0

    def stop(self, tell: Callable[[], None] | None) -> None:
        """Use it no more in this slice; the other workers are told afterwards."""
        if self.usable:
            self.usable, self.stopped = False, tell

    def fault(self, why: str) -> None:
        """One more silence or error; too many in a row, and it is left alone."""
        self.faults += 1
        if self.faults >= _MOST_FAULTS:
            self.stop(partial(ways.away, self.name, why))

    def answered(self) -> None:
        """It works."""
        self.faults, self.unproved, self.works = 0, False, True


class _Run:
    """One slice."""

    def __init__(self, found: list[_Way], watch: Watch) -> None:
        self.ways, self.watch = found, watch
        self.done = Slice()
        self._texts: deque[tuple[int, Text]] = deque()
        self._wanted = asyncio.Event()

    def go(self, texts: list[tuple[int, Text]]) -> None:
        """Send the texts, and keep the lease alive meanwhile."""
        self._texts.extend(texts)
        loop = _kept.running()
        work = loop.create_task(self._all())
        try:
            while not work.done():
                loop.run_until_complete(self._tick(work))
                self.watch.beat()
                self._feed()
            work.result()
        finally:
            if not work.done():  # told to stop at once: what is under way stays without a result, and so uncertain
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    loop.run_until_complete(work)
            with _tolerated("the state of the vendors"):
                self._tell()

    def end(self) -> Slice:
        """The results; when no vendor can be used, the whole channel waits for the first that can."""
        if not any(way.usable for way in self.ways):
            shut = ways.read(way.name for way in self.ways)
            left = [(_CLOSED if one.left is None else one.left, one.why) for one in shut.values()]
            self.done.pause, self.done.why = min(left, default=(0.0, "no gateway can be used"))
            self.done.pause = max(self.done.pause, 1.0)
        return self.done

    async def _tick(self, work: asyncio.Task[None]) -> None:
        """Until the work is done, slots are wanted, or a moment is over."""
        wanted = asyncio.ensure_future(self._wanted.wait())
        await asyncio.wait({work, wanted}, timeout=_TICK, return_when=asyncio.FIRST_COMPLETED)
        wanted.cancel()
        self._wanted.clear()

    async def _all(self) -> None:
        most = max(1, min(settings.SMS_CONNECTIONS, len(self._texts)))
        await asyncio.gather(*[self._work() for _ in range(most)])

    async def _work(self) -> None:
        """One text after the other."""
        while self._texts and any(way.usable for way in self.ways) and self.watch.may_start():
            number, text = self._texts.popleft()
            try:
                result = await self._one(text)
            except Exception as error:
                # What nobody foresaw in one text must not cost the others' results.
                log.exception("a text could not be handled")
                result = Result(Outcome.UNCERTAIN, "", f"a fault of ours: {type(error).__name__}")
            if result is not None:
                self.done.results[number] = result

    async def _one(self, text: Text) -> Result | None:
        """A text's result; None when nothing was begun."""
        if not text.maybe:
            return await self._send(text)
        looked = await self._look_up(text)
        if looked is not None:
            return looked
        sent = await self._send(text)
        return None if sent is None else sent._replace(first="lost")

    async def _send(self, text: Text) -> Result | None:
        """Through the first vendor that takes it. The last refusal of a vendor is the result when none does."""
        last: Result | None = None
        tried = False
        for way in self.ways:
            if not way.usable or (tried and not self.watch.may_start()):
                continue
            tried = True
            result = await self._through(way, text)
            if result is None and way.usable:
                break  # the time is up: it keeps its place
            if result is None:
                continue
            if result.outcome is not Outcome.OURS and result.wait is None:
                return result
            last = result
        return last

    async def _through(self, way: _Way, text: Text) -> Result | None:
        """One vendor's word; None when it surely has not got the text."""
        if way.unproved:
            async with way.first:
                if way.unproved and way.usable:
                    return await self._ask(way, text)
            if not self.watch.may_start():
                return None
        return await self._ask(way, text) if way.usable else None

    async def _ask(self, way: _Way, text: Text) -> Result | None:
        if not await self._slot(way):
            return None
        try:
            reply = await _kept.client.ask(way.gateway.request(text), deadline=_DEADLINE)
        except http.NotSent as error:
            way.stop(partial(ways.away, way.name, str(error)))
            return None
        except http.Unsure as error:
            way.fault(str(error))
            return Result(Outcome.UNCERTAIN, "", str(error), provider=way.name)
        crash.point("after-reply-before-commit")
        result = way.gateway.judge(reply)
        if result.outcome is Outcome.OURS:
            way.stop(partial(ways.refused, way.name, result.words()))
        elif result.wait is not None:
            way.stop(partial(ways.slow, way.name, result.words(), result.wait))
        elif reply.status >= 500:
            way.fault(result.words())
        else:
            way.answered()
        return result._replace(provider=way.name)

    async def _look_up(self, text: Text) -> Result | None:
        """What its vendor says about a text that may have been accepted; None when it surely never had it."""
        gateway = next((way.gateway for way in self.ways if way.name == text.provider), None)
        gateway = gateway or vendors.ready(text.provider)
        question = gateway.question(text) if gateway else None
        if gateway is None or question is None:
            return Result(Outcome.UNCERTAIN, "", "the gateway cannot be asked about it", provider=text.provider)
        failed = Result(Outcome.TEMPORARY, "", "the look-up got no answer", wait=_ASK_AGAIN, provider=text.provider)
        try:
            reply = await _kept.client.ask(question, deadline=_DEADLINE)
        except http.HttpError:
            return failed
        said = answers.by_status(reply)
        if said is not None and said.outcome is not Outcome.PERMANENT and reply.status != 404:
            return failed
        found = gateway.found(text, reply)
        if found is Found.LOST:
            return None
        if found is Found.KEPT:
            return Result(Outcome.ACCEPTED, "", reference=text.provider_ref, provider=text.provider, first="kept")
        return Result(Outcome.UNCERTAIN, "", "the gateway could not say whether it had it", provider=text.provider)

    async def _slot(self, way: _Way) -> bool:
        """Wait for this vendor's next slot; False when there is no time left to start."""
        if settings.SMS_PER_SECOND <= 0:
            return True
        while not way.slots:
            way.hungry += 1
            way.fed.clear()
            self._wanted.set()
            await way.fed.wait()
            if not way.usable:
                return False
        slot = way.slots.popleft()
        delay = slot - asyncio.get_running_loop().time()
        if delay <= 0:
            return way.usable
        await asyncio.sleep(delay)
        if way.usable and self.watch.may_start():
            return True
        way.slots.appendleft(slot)
        return False

    def _feed(self) -> None:
        """Reserve the slots that are wanted. The loop stands still here."""
        rate = settings.SMS_PER_SECOND
        for way in self.ways:
            if not way.hungry:
                continue
            count = min(max(way.hungry, math.ceil(rate * _AHEAD)), way.hungry + len(self._texts))
            way.hungry = 0
            try:
                way.slots.extend(ways.reserve(way.name, count, rate))
            except DatabaseError:
                log.exception("no slots could be reserved at %s", way.name)
                way.stop(None)
            way.fed.set()

    def _tell(self) -> None:
        """Tell the other workers what became of the vendors, and give back slots that were not used."""
        for way in self.ways:
            if way.stopped is not None:
                way.stopped()
            elif way.works and way.was is not None:
                ways.works(way.name)
            if way.slots and settings.SMS_PER_SECOND > 0:
                ways.give_back(way.name, len(way.slots), settings.SMS_PER_SECOND)


@contextlib.contextmanager
def _tolerated(what: str) -> Iterator[None]:
    """Results are worth more than what is kept beside them: trouble with the database is logged here."""
    try:
        yield
    except DatabaseError:
        log.exception("%s could not be written", what)


class _Kept(threading.local):
    """This thread's loop, and its connections to vendors, kept from batch to batch."""

    loop: asyncio.AbstractEventLoop | None = None
    client: http.Client

    def running(self) -> asyncio.AbstractEventLoop:
        """The loop; made at the first text."""
        if self.loop is None:
            self.loop, self.client = asyncio.new_event_loop(), http.Client()
        return self.loop

    async def closed(self) -> None:
        """Close the connections, and let the loop see it."""
        self.client.close()
        await asyncio.sleep(0)


_kept = _Kept()
