"""`bell bench inbound`: so many replies by email and as many by text at once, through the real doors.

Mails come over LMTP as a mail server hands them in, texts as signed callbacks over HTTP; a worker threads them, while
an officer keeps the inbox open. Beside it: a bare INSERT of as many bytes, one commit each, which is the least that a
door must do before it says yes. One run: what came in cannot come in again.
"""

import hashlib
import hmac
import http.client
import json
import random
import smtplib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from bell.alerts import dispatch
from bell.conversations.models import Turn
from bell.delivery.models import Batch, Channel, Delivery, Inbound, State
from bell.lib import clock, tokens
from bell.organisations.models import Officer
from bell.proving import county
from bell.proving.bench import crowd, desk, memory
from bell.proving.bench.measure import Row, row
from bell.proving.bench.serving import Broken, Visitor, gunicorn, wait_for

_LINES = 4  # connections at once, to each door
_LOOK_SECONDS = 0.25
_LONGEST_SECONDS = 900.0
_BARE = 2_000
_SPARE = 1.4  # people for each reply: not everybody chose this kind, by every channel

Piece = tuple[str, bytes]  # where it goes to (a reply address, "" for a text), its bytes
Sender = Callable[[int, Sequence[Piece]], None]


def run(*, count: int, seed: int = 1) -> list[Row]:
    """`count` replies by email and `count` by text."""
    officer = prepare(count, seed)
    mails, texts = _mails(count), _texts(count)
    with ExitStack() as running:
        site = running.enter_context(gunicorn("bell.config.wsgi", workers=2))
        for name, at in (("catch", ""), ("lmtp", settings.LMTP_LISTEN), ("worker", "")):
            running.enter_context(_command(name, at))
        visitor = _seated(site, officer)
        with memory.watched() as peak:
            stored, threaded, pages = _storm(site, visitor, mails, texts)
        _check(count)
    bare = _bare([raw for _, raw in [*mails, *texts]])
    words = "a bare INSERT of the same bytes, a commit each"
    took = {"stored": stored, "threaded": threaded}
    rows = [
        row(f"{2 * count:,} replies, all {what}", 2 * count, [seconds], [bare], comparator=words, peak_mb=peak.mb)
        for what, seconds in took.items()
    ]
    return [*rows, *_told(pages, peak.mb)]


def prepare(count: int, seed: int) -> Officer:
    """A force, its people, and an alert that all of them were sent; the officer who wrote it."""
    county.draw_ground(random.Random(seed))
    force = county.found_force()
    officers = desk.officers(force)
    crowd.settle(int(count * _SPARE) + 50, force=force, seed=seed, texts=1.0)
    version = desk.approved(force, officers)
    while dispatch.run_due():
        pass
    version.refresh_from_db()
    Delivery.objects.update(state=State.SENT, attempts=1, state_at=clock.now())
    Batch.objects.update(state=Batch.State.DONE)
    dispatch.run_due()
    return officers[0]


def _sent(channel: str, count: int) -> list[Delivery]:
    """Deliveries of the alert that are answered."""
    found = Delivery.objects.filter(channel=channel, mailing__authority_kind="approval").order_by("id")[:count]
    if len(found) < count:
        raise Broken(f"only {len(found)} people were sent the alert by {channel}")
    return list(found)


def _mails(count: int) -> list[Piece]:
    """Replies as mail programs write them, with the alert quoted below."""
    made = []
    for one in _sent(Channel.EMAIL, count):
        message = EmailMessage()
        to = f"r-{tokens.sign_int('reply', one.pk)}@{settings.REPLY_DOMAIN}"
        message["From"], message["To"], message["Subject"] = one.address, to, "Re: Sheds broken into overnight"
        message["Message-ID"] = f"<reply{one.pk}@home.example>"
        message.set_content(
            f"I looked at my camera. A white van stopped at ten past three, number {one.pk}.\n\n"
            "On Monday the police wrote:\n" + "> Garden sheds were broken into in the early hours.\n" * 20
        )
        made.append((to, message.as_bytes()))
    return made


def _texts(count: int) -> list[Piece]:
    """Callbacks of the phone simulator."""
    return [
        (
            "",
            json.dumps(
                {
                    "id": f"text{one.pk}",
                    "from": one.address,
                    "to": settings.SMS_NUMBER,
                    "text": f"Saw a white van, number {one.pk}",
                }
            ).encode(),
        )
        for one in _sent(Channel.SMS, count)
    ]


@contextmanager
def _command(name: str, at: str) -> Iterator[None]:
    """A `bell` command beside us, listening `at` host:port if that is said; catchers stand where relays would."""
    words = [sys.executable, "-m", "bell.cli", name]
    if name == "catch":
        words += ["--smtp", urlsplit(settings.SMTP_URL).netloc, "--http", urlsplit(settings.SMS_GATEWAY_URL).netloc]
        at = urlsplit(settings.SMTP_URL).netloc
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        if at:
            wait_for(int(at.rpartition(":")[2]), running)
        yield
    finally:
        running.terminate()
        running.wait(60)


def _seated(site: int, officer: Officer) -> Visitor:
    """A browser in which the officer sits at the desk, by the stage's door."""
    visitor = Visitor(site)
    visitor.get("/demo/")
    visitor.post("/demo/sit/", officer=str(officer.pk))
    return visitor


def _storm(
    site: int, visitor: Visitor, mails: Sequence[Piece], texts: Sequence[Piece]
) -> tuple[float, float, list[float]]:
    """Seconds until all were stored and until all were threaded; seconds that each look at the inbox took."""
    pages: list[float] = []
    wrongs: list[Exception] = []
    over = threading.Event()

    def guarded(act: Callable[[], None]) -> threading.Thread:
        def work() -> None:
            try:
                act()
            except Exception as error:
                wrongs.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            began = time.perf_counter()
            visitor.get("/desk/inbox/")
            pages.append(time.perf_counter() - began)

    started = time.perf_counter()
    watcher = guarded(look)
    senders: list[tuple[Sender, int, Sequence[Piece]]] = [
        (_hand_in, int(settings.LMTP_LISTEN.rpartition(":")[2]), mails),
        (_call_back, site, texts),
    ]
    for send, port, pieces in senders:
        for line in range(_LINES):
            guarded(lambda send=send, port=port, mine=pieces[line::_LINES]: send(port, mine))  # type: ignore[misc]
    stored = _until(lambda: Inbound.objects.count(), len(mails) + len(texts), started, wrongs)
    threaded = _until(lambda: Turn.objects.count(), len(mails) + len(texts), started, wrongs)
    over.set()
    watcher.join()
    if wrongs:
        raise Broken("the storm broke something") from wrongs[0]
    return stored, threaded, pages


def _until(count: Callable[[], int], wanted: int, started: float, wrongs: list[Exception]) -> float:
    """Seconds since the start when so many were there."""
    while count() < wanted:
        took = time.perf_counter() - started
        if wrongs or took > _LONGEST_SECONDS:
            raise Broken(f"{count()} of {wanted} after {took:.0f} s") from (wrongs[0] if wrongs else None)
        time.sleep(0.1)
    return time.perf_counter() - started


def _hand_in(port: int, mails: Sequence[Piece]) -> None:
    """A mail server that hands in one mail after the other over a kept connection."""
    with smtplib.LMTP("127.0.0.1", port, timeout=120) as line:
        for to, raw in mails:
            line.sendmail("someone@home.example", [to], raw)


def _call_back(port: int, texts: Sequence[Piece]) -> None:
    """A gateway that calls back, signed, over a kept connection."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    for _, raw in texts:
        signature = hmac.new(settings.SMS_GATEWAY_SECRET.encode(), raw, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Signature": signature}
        line.request("POST", "/gateways/simulator/inbound/", body=raw, headers=headers)
        reply = line.getresponse()
        reply.read()
        if reply.status != 200:
            raise Broken(f"a callback was answered with {reply.status}")


def _check(count: int) -> None:
    """Nothing lost, nothing twice, everything where it belongs."""
    turns = Turn.objects.filter(inbound__isnull=False)
    if turns.count() != 2 * count or turns.exclude(conversation__alert=None).count() != 2 * count:
        raise Broken("not every reply is in its conversation exactly once")


def _bare(raws: Sequence[bytes]) -> float:
    """Seconds for as many bare INSERTs, reckoned from some of them."""
    some = raws[:: max(1, len(raws) // _BARE)]
    with connection.cursor() as cursor:
        kind = "bytea" if connection.vendor == "postgresql" else "blob"
        cursor.execute(f"CREATE TABLE bench_raw (raw {kind} NOT NULL)")
        started = time.perf_counter()
        for raw in some:
            cursor.execute("INSERT INTO bench_raw (raw) VALUES (%s)", [raw])
        return (time.perf_counter() - started) * len(raws) / len(some)


def _told(pages: list[float], peak_mb: float) -> list[Row]:
    """The inbox page meanwhile: half of the looks were quicker than p50, nineteen in twenty than p95."""
    if len(pages) < 2:
        return []
    twentieths = statistics.quantiles(pages, n=20, method="inclusive")
    found = {"p50": twentieths[9], "p95": twentieths[18], "the slowest": max(pages)}
    return [
        row(f"the inbox page meanwhile, {name}", 1, [seconds], [], comparator="", peak_mb=peak_mb)
        for name, seconds in found.items()
    ]
