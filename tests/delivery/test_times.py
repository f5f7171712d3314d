"""One clock for all hosts: on PostgreSQL the database's, whatever a host's own clock says."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from bell.delivery import leasing, outbox, post, times
from bell.delivery.models import Batch, Delivery
from bell.lib import clock
from tests.delivery.conftest import a_mailing, an_audience, emails, filled
from tests.delivery.servers import Relay

pytestmark = pytest.mark.django_db
HOUR = 3600.0


@pytest.fixture
def set_clock(monkeypatch):
    """Sets this host's clock wrong by so many seconds."""

    def wrong(seconds: float) -> None:
        monkeypatch.setattr(times, "_wall", lambda: time.time() + seconds)
        monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=seconds))

    monkeypatch.setattr(times, "_known", None)
    return wrong


def off() -> float:
    """Seconds by which the post room's time is wrong."""
    return abs((times.now() - datetime.now(UTC)).total_seconds())


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_wrong_clock_is_noticed_at_once_where_the_database_has_one(set_clock, seconds):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no clock but the host's")
    assert off() < 1.5
    set_clock(seconds)
    assert off() < 1.5
    set_clock(0)
    assert off() < 1.5


def test_a_host_that_is_ahead_puts_nothing_off(set_clock, settings):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no clock but the host's")
    mailing = a_mailing()
    set_clock(HOUR)
    people = an_audience(emails(3))  # due now, by that host's clock
    post.fill(mailing, people)
    lease = leasing.take("ahead")
    assert lease is not None
    set_clock(0)
    assert Delivery.objects.filter(mailing=mailing, due_at__gt=clock.now() + timedelta(seconds=2)).count() == 0
    assert not leasing.recover_one()  # nor is its lease longer than another's
    assert Batch.objects.get().lease_until < clock.now() + timedelta(seconds=settings.LEASE_SECONDS + 2)


def test_a_lease_of_a_clock_that_ran_ahead_does_not_hold_for_an_hour(settings):
    filled(emails(2))
    assert leasing.take("gone") is not None
    Batch.objects.update(lease_until=clock.now() + timedelta(hours=1))
    assert outbox.sweep() == 1
    with Relay() as relay:
        settings.SMTP_URL = relay.url
        assert outbox.run_once("here") == 2
    outbox.close()
