"""Quiet hours at the moment of sending: nothing routine is begun in them, whatever delayed it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bell.delivery import control, leasing, outbox, post, quiet
from bell.delivery.models import Batch, Delivery, Lane, Limit, Mailing, State
from bell.lib import clock, keys
from tests.delivery.conftest import a_content, a_mailing
from tests.delivery.servers import Gateway, Relay

pytestmark = pytest.mark.django_db
NIGHT = (21 * 60, 7 * 60)
HALF_HOURS = range(0, 1440, 30)


class Town:
    """A relay, the hour, and who was begun when."""

    def __init__(self, relay):
        self.relay, self.at, self.refuses = relay, datetime(2026, 11, 20, 12, tzinfo=UTC), 0
        self.begun = []
        relay.says["RCPT"] = self.asked

    def asked(self, line):
        address = line[9:-1]
        self.begun.append((self.at, address))
        if self.refuses > 0:
            self.refuses -= 1
            return "451 4.3.0 try again later"
        return None

    def to(self):
        return [address for _, address in self.begun]

    def drain(self):
        while outbox.run_once("w1"):
            pass

    def later(self, **passed):
        self.at += timedelta(**passed)
        self.drain()


@pytest.fixture
def town(settings, monkeypatch):
    with Relay() as relay:
        settings.SMTP_URL = relay.url
        one = Town(relay)
        monkeypatch.setattr(clock, "now", lambda: one.at)
        yield one
        outbox.close()


def london(month, day, hour, minute=0, year=2026, fold=0):
    return datetime(year, month, day, hour, minute, tzinfo=clock.LONDON, fold=fold).astimezone(UTC)


def waiting(hours, *, lane=Lane.ROUTINE, channel="email"):
    """A mailing to one person for each of these quiet hours, all due now, whatever the hours say."""
    source = a_mailing(stream="source")
    address = "p{}@mail.example" if channel == "email" else "+4477009001{:02}"
    rows = [
        Delivery(
            mailing=source, recipient_key=number, channel=channel, address=address.format(number),
            address_key=keys.address_key(channel, address.format(number)), state=State.CANCELLED,
            due_at=clock.now(), state_at=clock.now(), quiet_from=one and one[0], quiet_until=one and one[1],
        )
        for number, one in enumerate(hours, 1)
    ]  # fmt: skip
    Delivery.objects.bulk_create(rows)
    mailing = a_mailing(a_content(), lane=lane)
    columns = ("recipient_key", "channel", "address", "address_key", "due_at", "quiet_from", "quiet_until")
    people = Delivery.objects.filter(mailing=source).values(*columns)
    assert post.fill(mailing, people).finished
    post.close(mailing)
    Delivery.objects.filter(mailing=source).delete()
    source.delete()
    return mailing


def test_a_try_after_a_refusal_waits_for_the_morning(town, settings):
    settings.RETRY_SECONDS = 3600
    town.at = london(11, 20, 20, 30)
    waiting([NIGHT, None])
    town.refuses = 2
    town.drain()
    assert sorted(town.to()) == ["p1@mail.example", "p2@mail.example"]
    town.begun.clear()
    town.later(hours=2)
    assert town.to() == ["p2@mail.example"]
    asleep = Delivery.objects.get(recipient_key=1)
    assert asleep.due_at == asleep.batch.due_at == london(11, 21, 7) and asleep.attempts == 1
    town.later(hours=8, minutes=29)
    assert town.to() == ["p2@mail.example"]
    town.later(minutes=1)
    assert town.to() == ["p2@mail.example", "p1@mail.example"]
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 2)}


def test_a_text_that_the_gateway_put_off_waits_for_the_morning(town, settings):
    asked = []

    def says(request):
        asked.append(town.at)
        return (429, {"error": "slow down"}, {"Retry-After": "7200"}) if len(asked) == 1 else None

    with Gateway(says) as gateway:
        settings.SMS_GATEWAY_URL = gateway.url
        town.at = london(11, 20, 20, 30)
        waiting([NIGHT], channel="sms")
        town.drain()
        assert len(asked) == 1 and not gateway.spool
        for _ in range(12):
            town.later(hours=1)
        assert len(gateway.spool) == 1 and asked[1:] == [london(11, 21, 7, 30)]


def test_a_worker_that_was_down_wakes_nobody(town):
    town.at = london(11, 20, 20)
    waiting([NIGHT] * 5 + [None])
    town.later(hours=3)
    assert town.to() == ["p6@mail.example"]
    assert Batch.objects.filter(state="ready").values_list("size", flat=True).get() == 5
    town.later(hours=8)
    assert len(town.begun) == 6 and set(Delivery.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.parametrize("whole", [True, False])
def test_what_an_operator_lets_go_on_at_night_waits(town, whole):
    town.at = london(11, 20, 20)
    mailing = waiting([NIGHT])
    name = "email" if whole else f"mailing:{mailing.pk}"
    control.hold(name, "the wrong words", by="the operator")
    town.later(hours=4)
    control.resume(name, by="the operator")
    town.drain()
    assert not town.begun
    town.later(hours=7)
    assert town.to() == ["p1@mail.example"]


def test_urgent_breaks_them_even_where_a_row_knew_them(town):
    town.at = london(11, 20, 23)
    waiting([NIGHT], lane=Lane.URGENT)
    town.drain()
    assert len(town.begun) == 1


def test_a_digest_that_is_late_waits_too(town):
    town.at = london(11, 20, 23)
    waiting([NIGHT], lane=Lane.DIGEST)
    town.drain()
    assert not town.begun


def test_what_a_person_asked_for_comes_at_once(town):
    town.at = london(11, 20, 23)
    waiting([NIGHT])
    post.post(
        a_content(), authority=post.Authority("code", "1"), stream="code", lane=Lane.NOW,
        to=post.Address(1, "email", "p1@mail.example"),
    )  # fmt: skip
    assert quiet.choose(recipient_key=1, hours=NIGHT) == 1
    town.drain()
    assert town.to() == ["p1@mail.example"]


def test_one_message_that_nobody_asked_for_waits(town):
    town.at = london(11, 20, 23)
    post.post(
        a_content(), authority=post.Authority("notice", "1"), stream="notice", lane=Lane.ROUTINE,
        to=post.Address(1, "email", "p1@mail.example"), hours=NIGHT,
    )  # fmt: skip
    town.drain()
    assert not town.begun


def test_hours_chosen_while_it_waits_hold_and_those_ended_do_not(town):
    town.at = london(11, 20, 20)
    waiting([None, NIGHT])
    quiet.choose(recipient_key=1, hours=NIGHT)
    quiet.choose(recipient_key=2, hours=None)
    town.later(hours=3)
    assert town.to() == ["p2@mail.example"]


def test_an_uncertain_message_is_not_tried_a_second_time_at_night(town, settings):
    settings.UNCERTAIN_RETRY_SECONDS = 3600
    town.at = london(11, 20, 20, 30)
    waiting([NIGHT])
    lease = leasing.take("w1")
    assert len(outbox._persist(lease, {}, [], 1)) == 1
    town.later(hours=1)
    assert outbox.sweep() == 1
    town.later(hours=2)
    assert not town.begun
    assert Delivery.objects.get().state == State.UNCERTAIN
    town.later(hours=8)
    assert Delivery.objects.get().retried and len(town.begun) == 1


def test_hours_that_begin_within_the_next_seconds_hold_already(town):
    town.at = london(11, 20, 20, 59) + timedelta(seconds=40)
    waiting([NIGHT])
    town.drain()
    assert not town.begun


def test_who_says_no_while_it_waits_for_the_morning_gets_nothing(town):
    town.at = london(11, 20, 23)
    waiting([NIGHT])
    town.drain()
    post.withdraw(recipient_key=1, reason="left")
    town.later(hours=9)
    assert not town.begun and Delivery.objects.get().state == State.SUPPRESSED


def test_many_who_sleep_share_batches(town, settings):
    settings.BATCH_SIZE = 10
    town.at = london(11, 20, 23)
    waiting([NIGHT, (22 * 60, 6 * 60)] * 20)
    town.drain()
    ready = Batch.objects.filter(state="ready")
    assert set(ready.values_list("due_at", flat=True)) == {london(11, 21, 6), london(11, 21, 7)}
    assert ready.count() <= 8 and sum(ready.values_list("size", flat=True)) == 40
    town.later(hours=9)
    assert len(town.begun) == 40


def within(at, hours):
    """Whether London's clocks show a minute of these hours."""
    here = at.astimezone(clock.LONDON)
    minute, (begins, ends) = here.hour * 60 + here.minute, hours
    return begins <= minute < ends if begins < ends else not ends <= minute < begins


# An evening, and evenings before and after the clocks change.
EVENINGS = [london(11, 20, 17), london(10, 24, 17), london(10, 25, 0), london(3, 27, 17, year=2027)]
HOURS = st.none() | st.tuples(st.sampled_from(HALF_HOURS), st.sampled_from(HALF_HOURS)).filter(
    lambda two: two[0] != two[1]
)
ACTS = st.lists(
    st.tuples(st.sampled_from(["wait", "refuse", "hold", "resume", "crash"]), st.integers(1, 500)),
    min_size=3,
    max_size=14,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(evening=st.sampled_from(EVENINGS), hours=st.lists(HOURS, min_size=1, max_size=5), acts=ACTS)
def test_nothing_routine_is_ever_begun_within_the_hours_and_all_of_it_comes(town, evening, hours, acts):
    for table in (Delivery, Batch, Mailing, Limit):
        table.objects.all().delete()
    town.begun.clear()
    town.at, town.refuses = evening, 0
    waiting(hours)
    for act, number in acts:
        if act == "refuse":
            town.refuses = number % 5
        elif act == "hold":
            control.hold("email", "a test", by=None)
        elif act == "resume":
            control.resume("email", by=None)
        elif act == "crash" and (lease := leasing.take("w2")) is not None:
            Batch.objects.filter(pk=lease.batch_id).update(lease_until=town.at - timedelta(seconds=1))
            outbox.sweep()
        town.later(minutes=number)
    town.refuses = 0
    control.resume("email", by=None)
    for _ in range(100):
        due = Batch.objects.filter(state="ready").order_by("due_at").values_list("due_at", flat=True).first()
        if due is None:
            break
        town.at = max(due, town.at + timedelta(minutes=1))
        town.drain()
    by_address = {f"p{number}@mail.example": one for number, one in enumerate(hours, 1)}
    for at, address in town.begun:
        assert by_address[address] is None or not within(at, by_address[address]), (at, address)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
