"""Waking workers when something was put into the outbox: by NOTIFY on PostgreSQL; elsewhere they look by themselves."""

import logging
import threading
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections

log = logging.getLogger(__name__)

CHANNEL = "bell_outbox"
DEAF_SECONDS = 0.25
"""How often an idle sender looks into the outbox where nobody can wake it."""
HEARING_SECONDS = 1.0
"""The same where it is woken: what falls due by the clock rings no bell."""
_AGAIN_SECONDS = 2.0


def ring(using: str = DEFAULT_DB_ALIAS) -> None:
    """Tell waiting workers, when the caller's transaction commits, that batches may be due."""
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


class Ear:
    """One a process: a thread that listens, and any number that wait for what it hears."""

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        self.using = using
        self.hears = False
        self._rung = 0
        self._bell = threading.Condition()

    def mark(self) -> int:
        """Where the counting of rings stands: to be taken before one looks for work."""
        return self._rung

    def wait(self, since: int, told: threading.Event, seconds: float | None = None) -> None:
        """Wait until the bell was rung after `since`, or for so many seconds (default: until it is time to look)."""
        if told.is_set():
            return
        idle = HEARING_SECONDS if self.hears else DEAF_SECONDS
        with self._bell:
            if self._rung == since:
                self._bell.wait(idle if seconds is None else seconds)

    def shout(self) -> None:
        """Wake everyone here: something was heard, or it is time to end."""
        with self._bell:
            self._rung += 1
            self._bell.notify_all()

    def listen(self, told: threading.Event) -> None:
        """Listen until told to end; a lost connection is opened anew. Returns at once where there is no NOTIFY."""
        if connections[self.using].vendor != "postgresql":
            return
        while not told.is_set():
            try:
                self._listen(told)
            except (DatabaseError, InterfaceError, OperationalError):
                log.warning("the bell cannot be heard; looking into the outbox instead", exc_info=True)
            self.hears = False
            told.wait(_AGAIN_SECONDS)

    def _listen(self, told: threading.Event) -> None:
        """One connection's life, of its own beside the thread's usual one."""
        line = connections[self.using].copy()
        try:
            with line.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            psycopg: Any = line.connection
            self.hears = True
            self.shout()  # something may have been put in before we listened
            while not told.is_set():
                with line.wrap_database_errors:
                    for _ in psycopg.notifies(timeout=HEARING_SECONDS, stop_after=1):
                        self.shout()
        finally:
            line.close()
