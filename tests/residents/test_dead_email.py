"""A dead email address is repaired by a text: once, by day, to those whose mobile takes texts."""

from datetime import datetime, timedelta

import pytest

from bell.delivery import blocking, inbound, outbox, post
from bell.delivery.models import Channel, Delivery, Suppression
from bell.lib import clock
from bell.residents import actions, dead_email, rules
from bell.worker.timetable import TIMETABLE
from tests.delivery.mails import bounce_address
from tests.delivery.servers import Gateway
from tests.delivery.test_bounces import a_dsn

MOBILE = "07700 900123"


@pytest.fixture
def at(monkeypatch):
    """at(hour, day): it is so late in London, on a day of June."""

    def go(hour, day=10):
        moment = datetime(2026, 6, day, hour, 30, tzinfo=clock.LONDON)
        monkeypatch.setattr(clock, "now", lambda: moment.astimezone(clock.UTC))

    go(12)
    return go


def asked(person=None):
    """Texts that ask for another address."""
    rows = Delivery.objects.filter(mailing__authority_key__startswith="dead-email-").select_related("mailing")
    return list(rows.filter(recipient_key=person.key) if person else rows)


def email_dies(person, reason=blocking.HARD_BOUNCE):
    key = person.contacts.get(channel=Channel.EMAIL).address_key
    blocking.suppress(address_key=key, channel=Channel.EMAIL, reason=reason)


def test_a_hard_bounce_by_mail_ends_as_a_text_with_a_link_to_the_account(cast, at, settings):
    person = cast.resident(mobile=MOBILE)
    contact = person.contacts.get(channel=Channel.EMAIL)
    content = post.Content(sender_name="x", subject="x", text="x")
    to = post.Address(person.key, Channel.EMAIL, contact.address)
    sent = post.post(content, authority=post.Authority("answer", "1"), stream="answer", lane=0, to=to)
    Delivery.objects.filter(pk=sent.pk).update(state="sent")
    inbound.store("lmtp", "", "mail", a_dsn("5.1.1"), envelope_from="", envelope_to=bounce_address(sent.pk))
    inbound.settle()
    work = next(entry.work for entry in TIMETABLE if entry.name == "dead email")
    assert [work(), work()] == [1, 0]
    with Gateway() as gateway:
        settings.SMS_GATEWAY_URL = gateway.url
        while outbox.run_once("test"):
            pass
    (text,) = gateway.spool
    assert text["to"] == "+447700900123" and f"{settings.SITE_URL}/account/" in text["text"]
    assert contact.address not in text["text"] and len(text["text"]) <= 160


@pytest.mark.parametrize("reason", blocking.DEAD)
def test_once_for_each_death_of_an_address(cast, at, reason):
    person = cast.resident(mobile=MOBILE)
    email_dies(person, reason)
    assert [dead_email.ask_for_another() for _ in range(3)] == [1, 0, 0]
    actions.add_contact(person, rules.reach("email", "another@home.example"), by=person)
    assert dead_email.ask_for_another() == 0
    email_dies(person, reason)
    assert dead_email.ask_for_another() == 1 and len(asked(person)) == 2


def test_who_has_no_mobile_or_stopped_texts_or_left_or_pauses_is_left_alone(cast, at):
    without = cast.resident()
    stopped, gone, pausing, silent, alive = (cast.resident(mobile=f"07700 90020{n}") for n in range(5))
    for person in (without, stopped, gone, pausing, silent):
        email_dies(person)
    key = stopped.contacts.get(channel=Channel.SMS).address_key
    blocking.suppress(address_key=key, channel=Channel.SMS, reason=inbound.STOPPED)
    actions.leave(gone, by=gone, how="web")
    actions.pause(pausing, until=clock.now() + timedelta(days=2), by=pausing)
    Suppression.objects.filter(address_key=silent.contacts.get(channel=Channel.EMAIL).address_key).update(reason="left")
    other = alive.contacts.get(channel=Channel.EMAIL).address_key
    blocking.suppress(address_key=other, channel=Channel.EMAIL, stream="1.crime", reason=blocking.HARD_BOUNCE)
    assert dead_email.ask_for_another() == 0 and not asked()
    at(12, day=13)
    assert dead_email.ask_for_another() == 1 and asked(pausing)


def test_nobody_is_woken(cast, at):
    email_dies(cast.resident(mobile=MOBILE))
    for hour in (20, 23, 0, 8):
        at(hour)
        assert dead_email.ask_for_another() == 0
    at(9)
    assert dead_email.ask_for_another() == 1


def test_the_text_waits_while_the_person_has_quiet_hours(cast, at):
    at(12)
    person = cast.resident(mobile=MOBILE)
    actions.set_quiet(person, hours=(11 * 60, 14 * 60), by=person)
    email_dies(person)
    dead_email.ask_for_another()
    text = Delivery.objects.get(channel="sms")
    assert (text.quiet_from, text.quiet_until) == person.quiet_hours == (660, 840)
