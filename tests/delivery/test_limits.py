"""What the post room learns from refusals: slower, stopped, held, and well again; nobody is lost over it."""

import itertools
from datetime import timedelta

import pytest

from bell.delivery import leasing, limits, outbox, post, settling
from bell.delivery.models import Alarm, Batch, Delivery, Limit
from bell.lib import clock
from tests.delivery.conftest import emails, filled
from tests.delivery.servers import Relay

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_new_process():
    outbox.close()
    yield
    outbox.close()


@pytest.fixture
def relay(settings):
    with Relay() as running:
        settings.SMTP_URL = running.url
        yield running


def people(*domains):
    """One person at each of these domains."""
    return [(n, "email", f"person{n}@{domain}") for n, domain in enumerate(domains, 1)]


def drain():
    while outbox.run_once("w1"):
        pass


def all_due():
    Batch.objects.filter(state="ready").update(due_at=clock.now())


def at(domain):
    return Delivery.objects.filter(address__endswith=f"@{domain}")


def says(domain, reply):
    """RCPT is answered so for this domain, and with yes for all others."""
    return lambda line: reply if f"@{domain}>" in line else None


@pytest.mark.parametrize("reply", ["421 4.7.0 slow down", "450 4.7.1 too many from you"])
def test_a_domain_that_says_slow_down_is_slowed_and_the_others_are_not(relay, settings, reply):
    settings.BATCH_SIZE = 40
    mailing = filled(people(*["slow.example", "quick.example"] * 60))
    relay.says["RCPT"] = says("slow.example", reply)
    drain()
    limit = Limit.objects.get(name="email:slow.example")
    assert limit.per_second <= limits.FIRST_PER_SECOND and not limit.open_since
    assert set(at("quick.example").values_list("state", flat=True)) == {"sent"}
    tried = at("slow.example").filter(attempts=1)
    put_off = at("slow.example").filter(attempts=0)
    assert tried.count() < 40 and put_off.count() > 20  # what was under way when it spoke, and whose slot has come
    assert set(put_off.values_list("state", "reason")) == {("deferred", settling.HELD)}
    times = sorted(put_off.values_list("due_at", flat=True))
    assert times[-1] - times[0] > timedelta(seconds=3)  # spread out at five a second
    relay.says.clear()
    Limit.objects.all().delete()
    outbox.close()
    all_due()
    drain()
    assert post.tally(mailing) == {"email": {"sent": 120}}
    assert len(relay.spool) == 120


def test_each_slow_down_halves_and_a_quiet_minute_raises_until_it_is_free():
    rates = []
    for _ in range(8):
        rates.append(limits.slow_down("email:slow.example"))
        Limit.objects.update(learned_at=clock.now() - timedelta(seconds=2))
    assert rates[:3] == [5.0, 2.5, 1.25] and rates[-1] == limits.LEAST_PER_SECOND
    assert limits.slow_down("email:slow.example") == limits.slow_down("email:slow.example")  # one slice is one answer
    seen = []
    for _ in range(40):
        Limit.objects.update(learned_at=clock.now() - timedelta(seconds=61), next_free_at=clock.now())
        limits.went_well("email:slow.example")
        if not Limit.objects.exists():
            break
        seen.append(Limit.objects.get().per_second)
    assert seen == sorted(seen) and seen[0] == pytest.approx(0.15)
    assert not Limit.objects.exists()


def test_a_row_that_waited_for_its_slot_is_not_put_off_again(relay):
    filled(people("slow.example"))
    Limit.objects.create(
        name="email:slow.example",
        next_free_at=clock.now() + timedelta(seconds=30),
        per_second=0.1,
        learned_at=clock.now(),
    )
    drain()
    assert relay.spool == [] and Delivery.objects.get().state == "deferred"
    waits = (Batch.objects.get(state="ready").due_at - clock.now()).total_seconds()
    assert 20 < waits < 60
    all_due()
    drain()
    assert Delivery.objects.get().state == "sent" and Delivery.objects.get().attempts == 1


def test_a_domain_that_refuses_us_is_left_alone_and_a_person_called(relay):
    filled(people(*["cross.example", "kind.example"] * 30))
    relay.says["RCPT"] = says("cross.example", "550 5.7.1 blocked by policy")
    drain()
    limit = Limit.objects.get(name="email:cross.example")
    assert limit.open_since and limit.open_until > clock.now() + timedelta(seconds=200)
    assert "5.7.1" in limit.why
    alarm = Alarm.objects.get()
    assert alarm.name == "email:cross.example" and alarm.ended_at is None and "@" not in alarm.words
    assert set(at("kind.example").values_list("state", flat=True)) == {"sent"}
    assert (
        at("cross.example").filter(attempts=0).exists() and not at("cross.example").exclude(state="deferred").exists()
    )
    # When its time is over one message goes ahead; it goes well, and the rest follow.
    relay.says.clear()
    Limit.objects.filter(pk=limit.pk).update(open_until=clock.now() - timedelta(seconds=1))
    outbox.close()
    all_due()
    while outbox.run_once("w1"):
        all_due()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert not Limit.objects.filter(name="email:cross.example").exists()
    assert Alarm.objects.get().ended_at is not None


def test_a_breaker_that_opens_again_stays_open_longer():
    waits = []
    for _ in range(4):
        limits.trip("email:cross.example", "550 5.7.1 no")
        limit = Limit.objects.get()
        waits.append((limit.open_until - clock.now()).total_seconds())
        Limit.objects.update(open_until=clock.now() - timedelta(seconds=1))
    assert all(later > 1.5 * earlier for earlier, later in itertools.pairwise(waits))
    assert Alarm.objects.get().times == 4
    Limit.objects.update(open_until=clock.now() + timedelta(seconds=60))
    limits.trip("email:cross.example", "550 5.7.1 no")  # while it is open nothing is counted
    assert Limit.objects.get().failures == 4


@pytest.mark.parametrize("status", ["5.7.26", "5.7.515"])
def test_a_refusal_of_our_own_authentication_stops_the_whole_channel(relay, status):
    mailing = filled(people(*["big.example"] * 10, *["small.example"] * 60))
    relay.says["RCPT"] = says("big.example", f"550 {status} not authenticated")
    drain()
    assert Limit.objects.get(name="email").open_since
    assert Alarm.objects.filter(name="email", ended_at=None).exists()
    assert leasing.take("w2") is None and post.waiting(mailing)
    assert not Delivery.objects.filter(state__in=["failed", "bounced", "suppressed"]).exists()  # nobody is unsubscribed
    relay.says.clear()
    Limit.objects.update(open_until=clock.now() - timedelta(seconds=1))
    outbox.close()
    all_due()
    drain()
    assert post.tally(mailing) == {"email": {"sent": 70}}
    assert Alarm.objects.get().ended_at is not None


def test_a_mailing_that_fails_for_too_many_is_held_alone_until_a_person_looks(relay, settings):
    settings.BATCH_SIZE = 100
    bad = filled(emails(600))
    relay.says["RCPT"] = "550 5.2.1 mailbox disabled"
    drain()
    assert Limit.objects.get().name == limits.mailing(bad.pk)
    tally = post.tally(bad)["email"]
    assert tally["failed"] < 600 and tally["queued"] == 600 - tally["failed"]
    assert "refused for good" in Alarm.objects.get().words
    relay.says.clear()
    other = filled(emails(5))
    drain()
    assert post.tally(other) == {"email": {"sent": 5}} and post.tally(bad)["email"] == tally
    Limit.objects.all().delete()
    drain()
    assert post.tally(bad) == {"email": {"failed": tally["failed"], "sent": tally["queued"]}}


def test_slots_are_shared_and_only_a_second_of_them_is_caught_up_with():
    assert limits.reserve("rate:email", 10, 10.0) == 0.0  # the burst of a way that was idle
    assert limits.reserve("rate:email", 10, 10.0) == pytest.approx(0.0, abs=0.1)
    assert limits.reserve("rate:email", 10, 10.0) == pytest.approx(1.0, abs=0.1)
    assert limits.reserve("rate:email", 1, 10.0) == pytest.approx(2.0, abs=0.1)


def test_what_all_workers_may_send_a_second_is_kept(relay, settings, monkeypatch):
    settings.SMTP_PER_SECOND = 100.0
    slept = []
    monkeypatch.setattr(outbox.time, "sleep", slept.append)
    asked = []
    real = limits.reserve

    def reserve(name, count, rate):
        asked.append((name, count, rate))
        return real(name, count, rate)

    monkeypatch.setattr(limits, "reserve", reserve)
    filled(emails(60))
    begun = clock.now()
    drain()
    assert sum(count for _, count, _ in asked) == 60 and {(n, r) for n, _, r in asked} == {("rate:email", 100.0)}
    taken = Limit.objects.get(name="rate:email").next_free_at - begun
    assert taken > timedelta(seconds=-0.41)  # sixty slots of a hundred a second, from a second ago on


def test_a_pause_is_never_made_shorter():
    limits.pause("email", 100)
    limits.pause("email", 1)
    assert Limit.objects.get().next_free_at > clock.now() + timedelta(seconds=90)
    assert not limits.usable("email") and limits.usable("sms")
