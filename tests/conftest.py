"""Fixtures that every room's tests share."""

import pytest

from tests.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The cast, in an empty database."""
    return Cast()
