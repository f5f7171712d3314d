"""A statement that SQLite refused lets go of its connection at once, and is not left to whoever collects rubbish.

Django's database errors hold the frames they came through, and those the error: a circle, which only the garbage
collector breaks, later and in whichever thread happens to allocate. To free the cursor in it SQLite wants the mutex of
the cursor's connection. If that connection's thread waits meanwhile for the write lock, and the collecting thread holds
it, neither goes on until the waiting one gives up, twenty seconds later: the whole database seems locked. Found by the
fault matrix (docs/faults.md); `tests/lib/test_cursors.py` shows it without this module. Left alone: a cursor that is
still being read (`.iterator()`) when something else fails; such loops run in commands and in single threads here.
"""

from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


def let_go(
    execute: Callable[[str, Any, bool, dict[str, Any]], Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """An execute wrapper (django.db.backends): what failed is closed by its own thread before anybody hears of it."""
    try:
        return execute(sql, params, many, context)
    except BaseException:
        context["cursor"].close()
        raise


def _watch(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    if connection.vendor == "sqlite" and let_go not in connection.execute_wrappers:
        # First, not last: a block that adds one for a while takes the last away at its end.
        connection.execute_wrappers.insert(0, let_go)


def install() -> None:
    """From now on every SQLite connection that is opened, in any thread, closes its cursors that failed."""
    connection_created.connect(_watch, dispatch_uid="bell.lib.cursors")
