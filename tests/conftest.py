"""Fixtures that every room's tests share, and how they leave things behind: an empty database, no folder."""

import os
import shutil

import hypothesis
import pytest
from django.db import connections, transaction
from django.db.models import Value
from django.test import TransactionTestCase

from bell.alerts import squares
from bell.public import kept
from tests.cast import Cast
from tests.settings import RUN_DIR


@pytest.fixture
def everyone_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """While drawing, nobody counts twice or not at all, as chance has it elsewhere: for tests that name a number."""
    monkeypatch.setattr(squares, "weight", lambda key: Value(1))


# How long one example takes, or making it up, says how busy the machine is, and nothing of our code.
hypothesis.settings.register_profile("bell", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("bell")

# Django makes their rows when it makes the database, and tests never change them.
_KEPT = {"django_content_type", "auth_permission"}

# What pytest-django's fixtures of a database all rest on.
_DATABASE = {"db", "transactional_db", "django_db_setup"}


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """Pages are kept in the process, and a test's database is not the one of the test before."""
    kept.forget()


@pytest.fixture
def cast(db: None) -> Cast:
    """The cast, in an empty database."""
    return Cast()


def _empty(case: TransactionTestCase) -> None:
    """What a test left that commits is deleted: of some sixty tables only those that hold a row.

    Django's own way truncates every table and makes all permissions anew, which takes longer than most tests. Foreign
    keys are checked at the end of the transaction, so the order of the tables does not matter.
    """
    for name in case._databases_names(include_mirrors=False):
        connection = connections[name]
        quote = connection.ops.quote_name
        tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - _KEPT
        asked = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})" for table in tables)
        with transaction.atomic(using=name), connection.cursor() as cursor:
            cursor.execute(asked)
            for (table,) in cursor.fetchall():
                cursor.execute(f"DELETE FROM {quote(table)}")


TransactionTestCase._fixture_teardown = _empty


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database-only`: for a second run of the same tests on another database."""
    parser.addoption(
        "--database-only",
        action="store_true",
        help="only tests that ask for the run's database: the others did the same in the run on the first one",
    )
    parser.addoption("--seeds", type=int, default=1, help="fault scenarios of each kind, from seed 1 on")
    parser.addoption("--seed", type=int, default=0, help="replay this fault scenario alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the database of the run a test is the same on every database: also one whose processes make their own."""
    if not config.getoption("--database-only"):
        return
    asks = {
        one: bool(_DATABASE & set(getattr(one, "fixturenames", ()))) or one.get_closest_marker("django_db") is not None
        for one in items
    }
    config.hook.pytest_deselected(items=[one for one in items if not asks[one]])
    items[:] = [one for one in items if asks[one]]


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that began the run removes its folder; the workers of a parallel run have theirs in it."""
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        shutil.rmtree(RUN_DIR, ignore_errors=True)
