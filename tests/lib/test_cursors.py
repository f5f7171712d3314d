"""What failed in one thread must not be what another thread waits for."""

import gc
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection, connections, transaction

from bell.lib import cursors


@pytest.fixture
def collected_by_hand() -> Iterator[None]:
    """Rubbish is collected when the test says so, in the thread that says so."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _wait_at_most(milliseconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")


@pytest.mark.django_db(transaction=True)
def test_who_collects_rubbish_within_a_transaction_waits_for_nobody(collected_by_hand: None) -> None:
    """One thread was refused the write lock and waits for it anew; who holds it collects what the refusal left."""
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has one write lock and a mutex for each connection")
    waits = threading.Event()
    came: list[str] = []

    def other() -> None:
        try:
            _wait_at_most(50)
            try:
                with transaction.atomic():
                    came.append("too early")
            except OperationalError:
                _wait_at_most(8000)
            waits.set()
            with transaction.atomic():
                came.append("in its turn")
        except OperationalError:
            came.append("gave up")
        finally:
            connections.close_all()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        thread.start()
        assert waits.wait(20)
        time.sleep(0.3)  # so that it is inside SQLite, waiting
        gc.collect()
    thread.join(30)
    assert came == ["in its turn"]


@pytest.mark.django_db
def test_a_block_that_watches_statements_takes_its_own_watch_away() -> None:
    """Also where the connection is opened within the block."""
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite's connections are watched")

    def mine(execute, sql, params, many, context):  # type: ignore[no-untyped-def] # as Django documents it
        return execute(sql, params, many, context)

    kept = list(connection.execute_wrappers)
    assert cursors.let_go in kept
    connection.execute_wrappers.clear()
    with connection.execute_wrapper(mine):
        cursors._watch(connection=connection)
    assert connection.execute_wrappers == [cursors.let_go]
    connection.execute_wrappers[:] = kept
