"""Stopping a way out, letting it go on, seeing an alarm: what senders do about it, and what the record says."""

from datetime import timedelta

import pytest

from bell.audit.models import Entry
from bell.delivery import control, leasing, limits
from bell.delivery.models import Alarm, Limit
from bell.lib import clock
from tests.delivery.conftest import emails, filled

pytestmark = pytest.mark.django_db


def test_a_stopped_channel_is_left_alone_until_a_person_resumes_it():
    filled([*emails(3), (9, "sms", "+447700900009")])
    held = control.hold("EMAIL", "the relay signs wrongly, says jo@home.example", by="an officer")
    assert held.until is None and held.whole_channel and held.words == "Email" and "@" not in held.why
    assert [batch.channel for batch in leasing.due()] == ["sms"]
    limits.went_well("email")  # a success of a message that was under way does not undo it
    limits.trip("email", "550 5.7.1 no")
    assert [one.why for one in control.holds()] == [held.why]
    assert control.resume("email", by="an officer", why="signed again")
    assert sorted(batch.channel for batch in leasing.due()) == ["email", "sms"]
    assert not Limit.objects.exists() and not control.holds()
    assert not control.resume("email", by="an officer")
    verbs = Entry.objects.order_by("pk").values_list("verb", "by_type", "why", "facts")
    assert list(verbs) == [
        ("sending stopped", "an officer", held.why, {"way": "email"}),
        ("sending resumed", "an officer", "signed again", {"way": "email"}),
    ]


def test_a_breaker_can_be_taken_over_and_ended_by_a_person():
    limits.trip("email:example.com", "550 5.7.1 policy")
    (by_itself,) = control.holds()
    assert by_itself.until is not None and by_itself.words == "Email to example.com"
    held = control.hold("email:example.com", "they are on the phone", by="x")
    assert held.since == by_itself.since and held.until is None
    assert control.resume("email:example.com", by="x")
    assert not Alarm.objects.filter(ended_at=None).exists() and Alarm.objects.count() == 1


def test_a_rate_that_was_learned_outlives_a_stop():
    limits.slow_down("email:example.com", why="421 too many")
    (slow,) = control.slow()
    assert slow.per_second == 5.0 and slow.words == "Email to example.com"
    control.hold("email:example.com", "wait", by="x")
    assert not control.slow()
    control.resume("email:example.com", by="x")
    assert Limit.objects.get().per_second == 5.0


def test_a_mailing_held_by_its_failures_is_named_by_its_reference():
    mailing = filled(emails(2), reference="DA-77")
    limits.trip(limits.mailing(mailing.pk), "60 of 200 were refused", seconds=None)
    (one,) = control.holds()
    assert one.words == "The alert DA-77" and not leasing.due().exists()
    assert control.resume(one.name, by="x") and leasing.due().exists()


def test_a_pause_is_shown_and_can_be_ended_but_a_set_rate_is_neither():
    limits.pause("sms", 60, "the gateway asked us to wait")
    limits.reserve("rate:email", 1000, 1.0)
    limits.reserve("rate:email", 1, 1.0)
    (one,) = control.holds()
    assert one.name == "sms" and one.since is None and one.until > clock.now()
    assert control.resume("sms", by="x") and not control.holds()
    with pytest.raises(control.BadWay):
        control.resume("rate:email", by="x")


@pytest.mark.parametrize("name", ["", "post", "email:", "email:jo@home.example", "sms:a b", "rate:email", "mailing:x"])
def test_only_ways_out_can_be_stopped(name):
    with pytest.raises(control.BadWay):
        control.hold(name, "why", by="x")
    assert not Limit.objects.exists() and not Entry.objects.exists()


def test_a_stop_needs_a_reason():
    with pytest.raises(control.BadWay):
        control.hold("email", "  ", by="x")


def test_what_is_half_open_is_still_shown():
    limits.trip("email", "5.7.26 unsigned")
    Limit.objects.update(open_until=clock.now() - timedelta(seconds=1))
    assert len(control.holds()) == 1 and control.resume("email", by="x")


def test_an_alarm_is_seen_once_and_comes_again():
    limits.raise_alarm("email", "Stopped: 5.7.26")
    (alarm,) = control.alarms()
    assert control.acknowledge(alarm, by="x") and not control.acknowledge(alarm, by="x")
    assert not control.alarms()
    limits.raise_alarm("email", "Stopped: 5.7.26")
    assert len(control.alarms()) == 1
    assert list(Entry.objects.values_list("verb", "facts")) == [("alarm seen", {"way": "email"})]
