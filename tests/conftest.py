"""Fixtures that every room's tests share."""

import pytest

from bell.public import kept
from tests.cast import Cast


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """Pages are kept in the process, and a test's database is not the one of the test before."""
    kept.forget()


@pytest.fixture
def cast(db: None) -> Cast:
    """The cast, in an empty database."""
    return Cast()
