"""Taking back messages beside workers that record them: what a person wants gives way to a worker, and is done then.

A stop, an opt-out or an erasure changes many rows, as does a worker that writes what became of a slice, each in the
order in which the database comes by them. On PostgreSQL each may so hold a row for which the other waits, and one of
them is thrown out (SQLSTATE 40P01, deadlock_detected). A worker tries again by itself (outbox); here the same is done
for people, who must never read that their no was not taken. SQLite has one writer and knows no such thing.
"""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, transaction

log = logging.getLogger(__name__)

Asked = ParamSpec("Asked")
Done = TypeVar("Done")

_TRIES = 5
_DEADLOCK = "40P01"


def insist(act: Callable[Asked, Done]) -> Callable[Asked, Done]:
    """An act in one transaction, within the caller's if there is one; thrown out as a deadlock it is done anew.

    What the act itself held is let go before the next try, what its caller held before is not. The error is raised at
    the fifth in a row.
    """

    @functools.wraps(act)
    def done(*args: Asked.args, **kwargs: Asked.kwargs) -> Done:
        for left in reversed(range(_TRIES)):
            try:
                with transaction.atomic():
                    return act(*args, **kwargs)
            except OperationalError as error:
                if not left or getattr(error.__cause__, "sqlstate", "") != _DEADLOCK:
                    raise
                log.warning("%s and a worker waited for each other; once more", act.__name__)
        raise AssertionError("the last try returns or raises")

    return done
