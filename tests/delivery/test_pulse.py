"""The pulse: counted in memory, written by upsert, read as rates; never lost to somebody's rollback."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connections, transaction

from bell.delivery import pulse
from bell.delivery.models import Pulse
from bell.lib import clock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh():
    pulse.forget()
    yield
    pulse.forget()


def sums():
    """{(channel, provider): [sent, failed, deferred, uncertain]} of all buckets."""
    found: dict[tuple[str, str], list[int]] = {}
    for row in Pulse.objects.values_list("channel", "provider", "sent", "failed", "deferred", "uncertain"):
        kept = found.setdefault(row[:2], [0, 0, 0, 0])
        for place, number in enumerate(row[2:]):
            kept[place] += number
    return found


def test_counts_of_many_threads_and_processes_add_up():
    def work():
        for _ in range(50):
            pulse.count("email", "", sent=2, failed=1)
            pulse.count("sms", "a vendor with a long name", uncertain=1, deferred=1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not Pulse.objects.exists()
    assert pulse.flush(force=True) >= 2
    pulse.count("email", "", sent=1)
    pulse.flush(force=True)  # as another process would: into the same bucket, or the next
    assert sums() == {("email", ""): [401, 200, 0, 0], ("sms", "a vendor with a "): [0, 0, 200, 200]}


def test_it_is_written_every_two_seconds_at_most():
    pulse.count("email", "", sent=1)
    assert pulse.flush() == 1
    pulse.count("email", "", sent=1)
    assert pulse.flush() == 0 and sums() == {("email", ""): [1, 0, 0, 0]}
    assert pulse.flush(force=True) == 1 and sums() == {("email", ""): [2, 0, 0, 0]}
    assert pulse.flush(force=True) == 0


def test_a_transaction_that_fails_takes_no_counts_with_it():
    pulse.count("email", "", sent=3)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert pulse.flush(force=True) == 0
        raise ZeroDivisionError
    assert pulse.flush(force=True) == 1 and sums() == {("email", ""): [3, 0, 0, 0]}


def test_a_database_in_trouble_stops_nobody(monkeypatch):
    pulse.count("email", "", sent=3)

    def broken(*args):
        raise DatabaseError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(pulse, "_write", broken)
        assert pulse.flush(force=True) == 0
    assert pulse.flush(force=True) == 1 and sums() == {("email", ""): [3, 0, 0, 0]}


def test_two_writers_do_not_lock_each_other_out():
    errors = []

    def work(ways):
        try:
            for _ in range(10):
                pulse._write({(bucket, "sms", way): [1, 0, 0, 0] for way in ways})
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    bucket = pulse._bucket(clock.now())
    threads = [threading.Thread(target=work, args=(ways,)) for ways in (["a", "b", "c"], ["c", "b", "a"])]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not errors and sums() == {("sms", way): [20, 0, 0, 0] for way in "abc"}


def test_rates_and_last_signs():
    now = clock.now()
    bucket = pulse._bucket(now)
    for minutes, sent in ((0, 60), (5, 600), (30, 6000)):
        Pulse.objects.create(bucket=bucket - timedelta(minutes=minutes), channel="email", sent=sent)
    Pulse.objects.create(bucket=bucket - timedelta(minutes=30), channel="sms", provider="kannel", uncertain=1)
    (last,) = pulse.rates(1)
    assert (last.channel, last.sent) == ("email", 60) and 60 <= last.seconds < 71
    assert last.per_second == pytest.approx(60 / last.seconds)
    (ten,) = pulse.rates(10)
    assert ten.sent == 660
    email, sms = pulse.signs()
    assert email.success == bucket and email.trouble is None
    assert sms.success is None and sms.trouble == bucket - timedelta(minutes=30)
    drawn = pulse.minutes(60)
    assert [one.sent for one in drawn if one.channel == "email"] == [6000, 600, 60]
    assert [one.trouble for one in drawn if one.channel == "sms"] == [1]


def test_old_buckets_go():
    old = pulse._bucket(clock.now())
    Pulse.objects.create(bucket=old - timedelta(days=9), channel="email", sent=1)
    Pulse.objects.create(bucket=old - timedelta(days=7), channel="email", sent=1)
    pulse._sums.swept_at = -1e9
    pulse.count("email", "", sent=1)
    pulse.flush(force=True)
    assert Pulse.objects.count() == 2
