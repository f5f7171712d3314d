"""The loop, to be read at one sitting: sending and work on files in threads of their own, all else in the main thread.

Sending has its own threads, each with its own database connection, because a batch to a slow relay may take as long as
its lease, and an alert that falls due or a reply that comes in meanwhile must not wait for it. On SQLite their writes
still take turns, one short transaction each. Nothing is kept here that matters: whatever a worker leaves undone when
it dies stands in the tables, and the next worker, here or elsewhere, goes on with it.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import close_old_connections, connections

from bell.delivery import outbox
from bell.delivery.wake import DEAF_SECONDS, Ear
from bell.worker.timetable import TIMETABLE, Entry

log = logging.getLogger(__name__)

LONGEST_BACKOFF = 10.0  # a repaired fault is noticed well within the minute that promises.md gives (I10)
PATIENCE_SECONDS = 25.0  # for the message under way when told to end; of the 30 s that a supervisor gives


@dataclass
class Turn:
    """One entry's place in the day: when it is due next (monotonic seconds), how often it failed in a row."""

    entry: Entry
    due: float = 0.0
    failures: int = field(default=0)

    def take(self) -> int | None:
        """Do the work; how much was done, or None when it failed. A failure is logged and slows only this entry."""
        started = time.monotonic()
        close_old_connections()
        try:
            done = self.entry.work()
        except Exception:
            self.failures += 1
            self.due = time.monotonic() + backoff(self.entry.every, self.failures)
            log.exception("%s failed, %s in a row", self.entry.name, self.failures)
            return None
        finally:
            close_old_connections()
        self.failures = 0
        self.due = max(started + self.entry.every, time.monotonic())
        return done


def backoff(every: float, failures: int) -> float:
    """Seconds until a failing entry is tried again: twice as long each time, up to LONGEST_BACKOFF."""
    return float(min(every * 2.0 ** min(failures, 16), LONGEST_BACKOFF))


def run(told: threading.Event, *, senders: int = 1, timetable: Sequence[Entry] = TIMETABLE) -> None:
    """Work until told to end; then the message under way is finished, what is left of its batch given back.

    With an empty timetable it only sends: one process of several.
    """
    ear = Ear()
    threads = [threading.Thread(target=_send, args=(told, ear, number), daemon=True) for number in range(senders)]
    threads.append(threading.Thread(target=_hear, args=(told, ear), daemon=True))
    apart = [Turn(entry) for entry in timetable if entry.apart]
    threads += [threading.Thread(target=_apart, args=(told, apart), daemon=True)] if apart else []
    for thread in threads:
        thread.start()
    log.info("the worker begins, %s of it sending", senders)
    _in_turn(told, [Turn(entry) for entry in timetable if not entry.apart])
    ear.shout()
    until = time.monotonic() + PATIENCE_SECONDS
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        # The batch's lease runs out by itself; the next worker knows by its mark what may have been sent.
        log.warning("a message under way did not end in time; its batch is left to the next worker")
    connections.close_all()
    log.info("the worker ends")


def _in_turn(told: threading.Event, turns: list[Turn]) -> None:
    """Do what is due, one after the other, until told to end."""
    while not told.is_set():
        for turn in turns:
            if turn.due <= time.monotonic() and not told.is_set():
                turn.take()
        told.wait(max(0.0, min(turn.due for turn in turns) - time.monotonic()) if turns else None)


def _apart(told: threading.Event, turns: list[Turn]) -> None:
    """The same beside the main thread, with a database connection of its own."""
    try:
        _in_turn(told, turns)
    finally:
        connections.close_all()


def once(*, timetable: Sequence[Entry] = TIMETABLE) -> dict[str, int | None]:
    """Do each entry once, then send until nothing is due: {name: how much, or None when it failed}."""
    done = {entry.name: Turn(entry).take() for entry in timetable}
    sent = 0
    while count := outbox.run_once(owner()):
        sent += count
    outbox.close()
    return {**done, "send": sent}


def owner(number: int = 0) -> str:
    """The name under which a sender holds its leases."""
    return f"{socket.gethostname()[:32]}:{os.getpid()}:{number}"


def _hear(told: threading.Event, ear: Ear) -> None:
    """Listen for what was put into the outbox."""
    try:
        ear.listen(told)
    finally:
        connections.close_all()


def _send(told: threading.Event, ear: Ear, number: int) -> None:
    """Send batch after batch; when there is none wait for the bell, and look now and then all the same."""

    def go_on() -> bool:
        return not told.is_set()

    def batch() -> int:
        return outbox.run_once(owner(number), keep_going=go_on)

    turn = Turn(Entry("send", DEAF_SECONDS, batch))
    try:
        while go_on():
            heard = ear.mark()
            done = turn.take()
            if done:
                continue
            if done is None:
                told.wait(max(0.0, turn.due - time.monotonic()))  # it failed: no bell makes it well sooner
            else:
                ear.wait(heard, told)
    finally:
        _last(outbox.close)
        connections.close_all()


def _last(act: Callable[[], None]) -> None:
    """Something nice to do at the end; a failure of it is only logged."""
    try:
        act()
    except Exception:
        log.exception("could not close everything")
