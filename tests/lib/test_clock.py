"""Clock: aware in UTC, and said as people in England say it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.lib import clock

TODAY = date(2026, 11, 22)


def test_now_is_aware_and_in_utc():
    assert clock.now().utcoffset() == timedelta(0)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 22, 14, 40, tzinfo=UTC), "today at 2:40pm"),
        (datetime(2026, 11, 21, 9, 0, tzinfo=UTC), "yesterday at 9am"),
        (datetime(2026, 11, 23, 9, 5, tzinfo=UTC), "tomorrow at 9:05am"),
        (datetime(2026, 11, 20, 9, 15, tzinfo=UTC), "Friday 20 November at 9:15am"),
        (datetime(2026, 11, 22, 0, 0, tzinfo=UTC), "today at midnight"),
        (datetime(2026, 11, 22, 0, 5, tzinfo=UTC), "today at 12:05am"),
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), "today at midday"),
        (datetime(2026, 11, 22, 12, 30, tzinfo=UTC), "today at 12:30pm"),
        (datetime(2026, 7, 1, 11, 0, tzinfo=UTC), "Wednesday 1 July at midday"),  # summer time
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), "Wednesday 1 July at 12:30am"),
        (datetime(2025, 11, 22, 9, 0, tzinfo=UTC), "Saturday 22 November 2025 at 9am"),
    ],
)
def test_moments_in_words(at, words):
    assert clock.said(at, today=TODAY) == words


def test_today_is_londons_by_default():
    assert clock.said(clock.now()).startswith("today at ")


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        clock.local(datetime(2026, 11, 22))


@given(st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_london_shows_the_same_moment(at):
    assert clock.local(at) == at
    assert clock.local(at).utcoffset() in (timedelta(0), timedelta(hours=1))
