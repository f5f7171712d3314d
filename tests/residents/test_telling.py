"""Whoever changes an address of somebody's account, that person hears of it where they were reached before."""

import pytest

from bell.delivery import blocking, post
from bell.delivery.models import Channel, Delivery, Lane
from bell.organisations import notices
from bell.privacy import access, erase
from bell.privacy import person as persons
from bell.residents import actions, rules

OLD, NEW, MOBILE = "old@home.example", "new@home.example", "+447700900123"


@pytest.fixture
def meg(cast):
    return cast.resident(email=OLD, mobile=MOBILE)


def told() -> dict[str, str]:
    """{address: the words that went there}."""
    rows = Delivery.objects.filter(mailing__authority_kind="notice").select_related("mailing").order_by("id")
    words = {row.address: row.mailing.content["sms" if row.channel == Channel.SMS else "text"] for row in rows}
    assert len(words) == len(rows)
    return words


def change(person, channel, address):
    actions.add_contact(person, rules.reach(channel, address), by=person)


def test_who_gets_a_new_email_address_hears_it_at_the_old_one_and_by_text(meg, settings):
    change(meg, "email", NEW)
    words = told()
    assert set(words) == {OLD, MOBILE}
    for one in words.values():
        assert "email address of your account was changed" in one and f"{settings.SITE_URL}/contact/" in one
        assert OLD not in one and NEW not in one
    assert len(words[MOBILE]) <= 160
    assert {one.state for one in Delivery.objects.all()} == {"queued"}


def test_an_address_that_is_added_or_removed_is_told_too(cast):
    person = cast.resident(email=OLD)
    change(person, "sms", MOBILE)
    assert set(told()) == {OLD} and "A mobile number was added to your account" in told()[OLD]
    Delivery.objects.all().delete()
    actions.remove_contact(person, "email", by=person)
    assert set(told()) == {OLD, MOBILE} and "the email address of your account was removed" in told()[MOBILE]


def test_what_changes_nothing_is_not_told(meg):
    change(meg, "email", OLD)
    only = rules.contact_at(rules.reach("email", OLD)).resident
    actions.remove_contact(only, "sms", by=only)
    Delivery.objects.all().delete()
    actions.remove_contact(only, "sms", by=only)
    actions.remove_contact(only, "email", by=only)
    assert told() == {}


def test_joining_with_two_addresses_tells_nobody(meg):
    assert told() == {}


def test_a_dead_address_and_one_that_said_stop_are_left_in_peace(meg):
    email, mobile = (meg.contacts.get(channel=one).address_key for one in ("email", "sms"))
    post.suppress(address_key=mobile, channel="sms", reason="STOP")
    change(meg, "email", NEW)
    assert set(told()) == {OLD}
    Delivery.objects.all().delete()
    post.suppress(address_key=rules.reach("email", NEW).key, channel="email", reason=blocking.HARD_BOUNCE)
    change(meg, "email", OLD)
    assert told() == {} and email == meg.contacts.get(channel="email").address_key


def test_a_text_waits_for_the_morning_and_an_email_does_not(meg):
    actions.set_quiet(meg, hours=(22 * 60, 7 * 60), by=meg)
    change(meg, "email", NEW)
    email, text = Delivery.objects.order_by("channel")
    assert (email.quiet_from, text.quiet_from, text.quiet_until) == (None, 22 * 60, 7 * 60)
    assert (email.mailing.lane, text.mailing.lane) == (Lane.NOW, Lane.ROUTINE)


def test_the_notice_is_in_the_copy_and_goes_with_the_person_and_an_officers_is_not_touched(cast, meg):
    """An officer who lives here, with the same address for both."""
    cast.author.email = OLD
    cast.author.save()
    notices.notify(cast.author, "Somebody answered", key="x")
    change(meg, "email", NEW)
    copy = str(access.everything(meg))
    assert "Your email address was changed" in copy and "Somebody answered" not in copy
    assert persons.deliveries(persons.of(meg)).count() == 2
    erase.erase(meg, by=meg, why="asked")
    left = Delivery.objects.exclude(address="")
    assert [(one.recipient_key, one.address) for one in left] == [(cast.author.key, OLD)]
    assert not Delivery.objects.filter(recipient_key=meg.key).exists()
