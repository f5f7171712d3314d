"""Where the processes of a scenario come from: everything is imported once, and each of them is forked from here.

Reads orders as lines of JSON, answers each with one: {"role", "settings", "crash", "clock", "log", "words"} gives
{"pid"}; {"look": [pids]} gives {pid: exit status, or null while it lives}. As with a shell, killed is 128 + the signal.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

import dj_database_url  # noqa: E402 (Django must be ready first)
from django.conf import settings  # noqa: E402
from django.db import connections, transaction  # noqa: E402
from django.db.models import DateTimeField, IntegerField, Value  # noqa: E402

from bell.delivery import crash, digests, inbound, outbox, post, slots, times  # noqa: E402
from bell.delivery.models import Delivery, Mailing  # noqa: E402
from bell.lib import clock, keys  # noqa: E402
from bell.worker import loop  # noqa: E402
from bell.worker.timetable import Entry  # noqa: E402
from tests.delivery.conftest import a_content  # noqa: E402

APPROVED = post.Authority("approval", "1:abc")


def work() -> None:
    """The worker as it is, with the post room's part of its timetable."""
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    timetable = (
        Entry("sweep", 0.3, outbox.sweep), Entry("receive", 0.2, inbound.settle), Entry("digests", 0.2, make_digests)
    )  # fmt: skip
    loop.run(told, senders=2, timetable=timetable)


def make_digests() -> int:
    """A round of digests, as the room above does it, with a text that names what is in it."""
    done = 0
    while made := digests.build(digests.Writer(lambda mailings: {}, write_digest)):
        done += made
    digests.close()
    while settled := digests.settle():
        done += settled
    return done


def write_digest(mailings: Sequence[int]) -> post.Content:
    """The names of the mailings in it, each with its answer link."""
    known = dict(Mailing.objects.filter(pk__in=mailings).values_list("pk", "reference"))
    lines = [f"In it: {known[number]} /r/{slots.answer_item(place)}/" for place, number in enumerate(mailings)]
    return a_content(
        subject="About digest", text="\n".join(lines), html="", sms="", list_id="digest",
        items=[[number, "1.crime"] for number in mailings],
    )  # fmt: skip


def people(rows: list[list[Any]]) -> None:
    """Keep an audience: rows of an old mailing, from which `fill` selects; one that shares an address is of another."""
    now = clock.now()
    mailings: dict[int, Mailing] = {}
    seen: dict[str, int] = {}
    made = []
    for key, channel, address in rows:
        place = seen[address] = seen.get(address, -1) + 1
        if place not in mailings:
            mailings[place] = _mailing("source", "source", 2, False)
        made.append(
            Delivery(
                mailing=mailings[place], recipient_key=key, channel=channel, address=address, state="cancelled",
                address_key=keys.address_key(channel, address), due_at=now, state_at=now,
            )
        )  # fmt: skip
    Delivery.objects.bulk_create(made)


def open_mailing(name: str, lane: int, practice: bool) -> None:
    """An approved text by this name."""
    _mailing(name, "1.crime", lane, practice)


def _mailing(name: str, stream: str, lane: int, practice: bool) -> Mailing:
    content = a_content(subject=f"About {name}", sms=f"About {name}: lock your bicycle.")
    with transaction.atomic():
        return post.open_mailing(
            content, authority=APPROVED, stream=stream, lane=lane, practice=practice, reference=name
        )


def fill(name: str, step: int) -> None:
    """Fill a mailing step by step, from the beginning, as one does who died in the middle."""
    mailing = Mailing.objects.get(reference=name, stream="1.crime")
    source = Delivery.objects.filter(mailing__stream="source").values(
        "recipient_key", "channel", "address", "address_key"
    )
    after, finished = 0, mailing.filled_at is not None
    while not finished:
        audience = source.annotate(due_at=Value(clock.now(), output_field=DateTimeField()))
        done = post.fill(mailing, audience, after=after, step=step)
        after, finished = done.after, done.finished
        time.sleep(0.02)
    if mailing.filled_at is None:
        post.close(mailing)


def keep(name: str, seconds: float) -> None:
    """Fill a mailing of which everybody wants the email in a digest, due in so many seconds."""
    mailing = Mailing.objects.get(reference=name, stream="1.crime")
    due = clock.now() + timedelta(seconds=seconds)
    source = Delivery.objects.filter(mailing__stream="source", channel="email")
    audience = source.values("recipient_key", "channel", "address", "address_key").annotate(
        due_at=Value(due, output_field=DateTimeField()), waits=Value(1, output_field=IntegerField())
    )
    post.fill(mailing, audience)
    post.close(mailing)


def opt_out(key: int) -> None:
    """A person says no, to everything, on every channel."""
    with transaction.atomic():
        for channel, address_key in Delivery.objects.filter(recipient_key=key).values_list("channel", "address_key"):
            if address_key is not None:
                post.suppress(address_key=address_key, channel=channel, reason="opted out")
        post.withdraw(recipient_key=key, reason="opted out")


def stop(name: str) -> None:
    """Somebody presses Stop sending."""
    post.stop(Mailing.objects.get(reference=name, stream="1.crime"), reason="stopped by an officer")


def store(kind: str, raw: str) -> None:
    """A callback of the gateway's, at the door."""
    inbound.store("simulator", "", kind, raw.encode())


ROLES: dict[str, Callable[..., None]] = {
    "work": work, "people": people, "open": open_mailing, "fill": fill, "keep": keep,
    "opt out": opt_out, "stop": stop, "store": store,
}  # fmt: skip


def become(order: dict[str, Any]) -> None:
    """In a child: be what is ordered, with the settings, crash point and clock of the order."""
    for name, value in order["settings"].items():
        setattr(settings, name, value)
    found = dj_database_url.parse(order["database"], conn_max_age=60, conn_health_checks=True)
    for name in ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS"):
        connections.databases["default"][name] = found[name]
    if "sqlite" not in found["ENGINE"]:
        connections.databases["default"]["OPTIONS"] = {}  # those of the zygote's own settings are SQLite's
    with suppress(AttributeError):
        del connections["default"]  # made when something was imported, never opened
    crash._wanted, _, crash._nth = order.get("crash", "").partition(":")
    if path := order.get("clock"):
        wall = Path(path)

        def wrong() -> float:
            return float(wall.read_text() or 0)

        clock.now = lambda: datetime.now(UTC) + timedelta(seconds=wrong())
        times._wall = lambda: time.time() + wrong()
    ROLES[order["role"]](*order.get("words", []))


def fork(order: dict[str, Any]) -> int:
    """Start one."""
    if pid := os.fork():
        return pid
    status = 1
    try:
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for number in (1, 2):
            os.dup2(log, number)
        # Not closed: SQLite closes a database file that gets the number 0 again, and with it this process's locks.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        become(order)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Take orders until there are no more."""
    ended: dict[int, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[Any, Any]
        if "look" in order:
            answer = {}
            for pid in order["look"]:
                if pid not in ended:
                    done, status = os.waitpid(pid, os.WNOHANG)
                    if done:
                        code = os.waitstatus_to_exitcode(status)
                        ended[pid] = code if code >= 0 else 128 - code
                answer[pid] = ended.get(pid)
        else:
            pid = fork(order)
            ended.pop(pid, None)  # how an earlier process with this number ended: a long run uses numbers up
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
