"""`bell bench email`: claim, render, send over SMTP and record, beside Postfix's load generator (C) on the same sink.

Ours is the worker as an operator runs it (`bell worker --processes N --only-send`), with leases, marks, bulk settling
and everything else in effect, sending the demo's crime alert as text and HTML; every message is recorded one by one.
The comparator, `smtp-source`, sends messages of the same length over as many sessions as suit it best, and records
nothing.
It keeps its connections (-d) but does not pipeline: four round trips a message, where we have one.
"""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from bell.alerts import dispatch
from bell.delivery import limits, wake
from bell.delivery.content import Content
from bell.delivery.email import render
from bell.delivery.models import Batch, Channel, Delivery, Limit, Mailing, State
from bell.lib import clock, keys
from bell.proving import county
from bell.proving.bench import crowd, desk
from bell.proving.bench.measure import Row, side_by_side, sizes
from bell.proving.bench.serving import Broken

_SBIN = "/usr/sbin:/sbin:/usr/local/sbin:" + os.environ.get("PATH", "")
_SESSIONS = (10, 20, 50)
_TRY_OUT = 5_000
_LONGEST_SECONDS = 3600.0
_CHUNK = 20_000


def run(*, count: int, seed: int = 1) -> list[Row]:
    """10,000, 100,000 and 1,000,000 messages as far as `count` allows."""
    sink, source = shutil.which("smtp-sink", path=_SBIN), shutil.which("smtp-source", path=_SBIN)
    if sink is None:
        raise Broken("This benchmark needs smtp-sink (Debian: apt-get install postfix).")
    mailing = a_mailing(seed)
    length = len(_sample(mailing).data)
    rows = []
    with sinking(sink), working(processes()):
        sessions = _best_sessions(source, length) if source else 0
        for size in sizes(count):
            rows.append(_measured(mailing, size, length, source, sessions))
    return rows


def processes() -> int:
    """One sender a core."""
    return max(1, os.cpu_count() or 1)


def _measured(mailing: Mailing, size: int, length: int, source: str | None, sessions: int) -> Row:
    recorded: list[int] = []

    def before() -> None:
        put_in(mailing, size)

    def ours() -> None:
        let_go(mailing)
        _wait(size)
        recorded.append(Delivery.objects.filter(state=State.SENT).count())

    def theirs() -> None:
        assert source is not None
        _source(source, sessions, length, size)

    found = side_by_side(
        f"{size:,} emails of {length / 1024:.1f} KB",
        size,
        ours,
        theirs if source else None,
        comparator=f"smtp-source, {sessions} sessions, no recording, no pipelining",
        before=before,
        warm=size <= 100_000,
    )
    if set(recorded) != {size}:
        raise Broken(f"{min(recorded)} of {size} messages were recorded as sent")
    return found


def a_mailing(seed: int, *, urgent: bool = False) -> Mailing:
    """The mailing of an approved crime alert to the whole force, as the dispatcher opens it."""
    county.draw_ground(random.Random(seed))
    force = county.found_force()
    version = desk.approved(force, desk.officers(force), urgent=urgent)
    dispatch.begin(version.alert)
    version.refresh_from_db()
    assert version.mailing is not None
    return version.mailing


def _sample(mailing: Mailing) -> render.Letter:
    form = render.Form(Content.from_json(mailing.content), stream=mailing.stream, reference=mailing.reference)
    return form.letter(render.Person(123456, 123456, "person123456@home.example"))


def put_in(mailing: Mailing, size: int, *, first: int = 1) -> None:
    """An outbox full of this mailing, held until it is let go; whatever was in it before is gone."""
    limits.trip(limits.mailing(mailing.pk), "held by the benchmark", seconds=None)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE delivery_delivery, delivery_batch CASCADE")
        else:
            cursor.execute("DELETE FROM delivery_delivery")
            cursor.execute("DELETE FROM delivery_batch")
    fill(mailing, size, first=first)


def fill(mailing: Mailing, size: int, *, first: int = 1) -> None:
    """Rows and their batches, as filling leaves them."""
    now = clock.now()
    moment = crowd.moment()
    step = settings.BATCH_SIZE
    like = {"mailing": mailing, "channel": Channel.EMAIL, "lane": mailing.lane, "due_at": now}
    sizes_ = [min(step, size - start) for start in range(0, size, step)]
    batches = Batch.objects.bulk_create([Batch(**like, size=one) for one in sizes_], batch_size=1000)
    columns: tuple[str, ...] = ("mailing_id", "recipient_key", "channel", "address", "address_key", "state", "reason")
    columns += ("batch_id", "attempts", "due_at", "state_at", "provider_ref", "retried")
    for start in range(0, size, _CHUNK):
        places = range(start, min(start + _CHUNK, size))
        addresses = ((place, f"person{first + place}@home.example") for place in places)
        rows = (
            (mailing.pk, first + place, "email", address, keys.address_key("email", address), "queued", "",
             batches[place // step].pk, 0, moment, moment, "", False)
            for place, address in addresses
        )  # fmt: skip
        crowd.write(Delivery, columns, rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def let_go(mailing: Mailing) -> None:
    """Begin."""
    Limit.objects.filter(name=limits.mailing(mailing.pk)).delete()
    wake.ring()


def _wait(size: int) -> None:
    """Until no batch is left."""
    until = time.monotonic() + _LONGEST_SECONDS
    while Batch.objects.exclude(state=Batch.State.DONE).exists():
        if time.monotonic() > until:
            raise Broken(f"{size} messages were not sent in time")
        time.sleep(0.02)


@contextmanager
def sinking(program: str) -> Iterator[None]:
    """smtp-sink as the relay of this benchmark."""
    port = urlsplit(settings.SMTP_URL).port
    words = [program, *(["-u", "postfix"] if os.geteuid() == 0 else []), f"127.0.0.1:{port}", "1000"]
    running = subprocess.Popen(words)
    try:
        time.sleep(0.5)
        if running.poll() is not None:
            raise Broken("smtp-sink did not start")
        yield
    finally:
        running.terminate()
        running.wait(10)


@contextmanager
def working(number: int, *, only_send: bool = True) -> Iterator[None]:
    """Workers beside us, as `bell worker --processes` starts them."""
    words = [sys.executable, "-m", "bell.cli", "worker", "--senders", "1", "--processes", str(number)]
    running = subprocess.Popen(words + (["--only-send"] if only_send else []))
    try:
        time.sleep(4)
        yield
    finally:
        running.terminate()
        running.wait(40)


def _best_sessions(source: str, length: int) -> int:
    """With how many sessions smtp-source is quickest here."""
    times = {}
    for sessions in _SESSIONS:
        started = time.perf_counter()
        _source(source, sessions, length, _TRY_OUT)
        times[sessions] = time.perf_counter() - started
    return min(times, key=lambda sessions: times[sessions])


def _source(source: str, sessions: int, length: int, size: int) -> None:
    words = [source, "-d", "-s", str(sessions), "-l", str(length), "-m", str(size)]
    words += ["-f", "from@alert.example", "-t", "person1@home.example", f"127.0.0.1:{urlsplit(settings.SMTP_URL).port}"]
    done = subprocess.run(words, capture_output=True, timeout=_LONGEST_SECONDS)
    if done.returncode:
        raise Broken(f"smtp-source failed: {done.stderr.decode(errors='replace')[:200]}")
