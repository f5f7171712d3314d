"""The post room's time: one clock for all workers and web processes, whatever their hosts' clocks say.

Leases, due times, pauses and slots are compared by many hosts. One whose clock is an hour wrong would take every lease
from the others, or put off what is due for an hour. On PostgreSQL its clock is everyone's; on SQLite there is one host.
"""

import time
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection

from bell.lib import clock

_ASK_AGAIN = 60.0
_TOLERATED = 1.0  # seconds that are no difference: asking takes a moment too

# What is to be added to this host's time; when that was found out, on its wall clock and on its monotonic one.
_known: tuple[float, float, float] | None = None


def now() -> datetime:
    """This moment, aware, in UTC. Asks the database once a minute, and at once when this host's clock was set."""
    moment = clock.now()
    ahead = _difference() if connection.vendor == "postgresql" else 0.0
    return moment + timedelta(seconds=ahead) if ahead else moment


def _difference() -> float:
    """Seconds that the database's clock is ahead of ours; what was known last while it cannot be asked."""
    global _known
    wall, steady = _wall(), time.monotonic()
    if _known is not None:
        found, then_wall, then_steady = _known
        passed = steady - then_steady
        if passed < _ASK_AGAIN and abs(wall - then_wall - passed) < _TOLERATED:
            return found
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())")
            ahead = float(cursor.fetchone()[0]) - _wall()
    except (DatabaseError, InterfaceError):
        return _known[0] if _known is not None else 0.0
    ahead = ahead if abs(ahead) >= _TOLERATED else 0.0
    _known = (ahead, wall, steady)
    return ahead


def _wall() -> float:
    """This host's clock, in seconds since 1970."""
    return time.time()
