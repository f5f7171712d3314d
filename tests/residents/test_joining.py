"""Joining, choosing and leaving."""

from datetime import timedelta

import pytest

from bell.delivery import post
from bell.delivery.models import Delivery, Suppression
from bell.lib import clock
from bell.organisations.kinds import ALL_BITS, FACTS, Kind, bits, of_bits
from bell.residents import actions, areas, codes, digests, rules
from bell.residents.actions import AddressTaken, Choices, Spot, TooManyPlaces
from bell.residents.models import Code, Consent, Contact, Place, PlaceArea, Resident
from tests.cast import FAR, IN_EAST, IN_WEST


def the_code(address: str) -> str:
    """The digits in the newest message to an address."""
    newest = Delivery.objects.filter(address=address).order_by("-pk").select_related("mailing").first()
    return newest.mailing.content["subject"][:6]


def age_codes(by: timedelta) -> None:
    for code in Code.objects.all():
        Code.objects.filter(pk=code.pk).update(made_at=code.made_at - by)


def test_every_kind_has_a_bit_of_its_own():
    assert set(FACTS) == set(Kind.values)
    assert sum(facts.bit for facts in FACTS.values()) == ALL_BITS == 2 ** len(Kind) - 1
    assert of_bits(bits(["scam", "crime"])) == ["crime", "scam"]


def test_joining_keeps_what_was_agreed_to(cast):
    person = cast.resident(IN_WEST, email="New@Home.Example", mobile="07700 900321", groups=(cast.cctv,))
    assert {contact.channel for contact in person.contacts.all()} == {"email", "sms"}
    assert person.contacts.get(channel="sms").address == "+447700900321"
    consent = Consent.objects.get(resident=person)
    assert consent.given and consent.wording == rules.CONSENT_WORDING
    here = set(PlaceArea.objects.filter(place__resident=person).values_list("area__name", flat=True))
    assert here == {"West Ward", "Amber Test", "Testshire"}


def test_an_address_is_of_one_person(cast):
    cast.resident(email="taken@home.example")
    before = Resident.objects.count()
    with pytest.raises(AddressTaken):
        cast.resident(email="TAKEN@home.example")
    assert Resident.objects.count() == before


@pytest.mark.parametrize(
    ("channel", "typed"),
    [
        ("email", ""),
        ("email", "nobody"),
        ("email", "a@b@c.example"),
        ("email", "a\r\nBcc: x@home.example"),
        ("email", "x" * 300 + "@home.example"),
        ("sms", "01332 555000"),
        ("sms", "0909 8790000"),
        ("sms", "12"),
        ("sms", "+33 6 12 34 56 78"),
        ("sms", "07700 900123; drop table"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused_in_words(channel, typed):
    with pytest.raises(rules.AddressError) as caught:
        rules.reach(channel, typed)
    assert len(str(caught.value)) > 10


def test_a_code_proves_an_address_once(cast):
    where = rules.reach("email", "new@home.example")
    codes.send_code(where, name="Alert")
    digits = the_code("new@home.example")
    assert not codes.check_code(where, "000000" if digits != "000000" else "111111")
    assert codes.check_code(where, f" {digits[:3]} {digits[3:]} ")
    assert not codes.check_code(where, digits)


def test_a_code_dies_after_five_wrong_tries_and_after_its_time(cast):
    where = rules.reach("email", "new@home.example")
    codes.send_code(where, name="Alert")
    digits = the_code("new@home.example")
    wrong = "000000" if digits != "000000" else "111111"
    for _ in range(rules.CODE_TRIES):
        assert not codes.check_code(where, wrong)
    assert not codes.check_code(where, digits)
    age_codes(timedelta(hours=2))
    codes.send_code(where, name="Alert")
    Code.objects.update(expires_at=clock.now())
    assert not codes.check_code(where, the_code("new@home.example"))


def test_a_code_of_one_address_opens_no_other(cast):
    mine, yours = rules.reach("email", "mine@home.example"), rules.reach("email", "yours@home.example")
    codes.send_code(mine, name="Alert")
    codes.send_code(yours, name="Alert")
    if the_code(mine.address) != the_code(yours.address):
        assert not codes.check_code(yours, the_code(mine.address))


def test_codes_are_limited_more_for_an_address_nobody_confirmed(cast):
    cast.resident(email="known@home.example")
    known, unknown = rules.reach("email", "known@home.example"), rules.reach("email", "unknown@home.example")
    for where in (known, unknown):
        codes.send_code(where, name="Alert")
        codes.send_code(where, name="Alert")
    assert Delivery.objects.filter(mailing__authority_kind="code").count() == 2
    age_codes(timedelta(minutes=2))
    for where in (known, unknown):
        codes.send_code(where, name="Alert")
    assert Delivery.objects.filter(address="known@home.example").count() == 2
    assert Delivery.objects.filter(address="unknown@home.example").count() == 1
    for _ in range(9):
        age_codes(timedelta(hours=1, minutes=5))
        codes.send_code(unknown, name="Alert")
    assert Delivery.objects.filter(address="unknown@home.example").count() == 3


def test_codes_reach_people_who_said_stop_to_everything_else(cast):
    person = cast.resident(email="left@home.example")
    actions.leave(person, by=person, how="web")
    where = rules.reach("email", "left@home.example")
    codes.send_code(where, name="Alert")
    assert Delivery.objects.get(address=where.address).state == "queued"


def test_places_know_their_areas_and_there_are_five_at_most(cast):
    person = cast.resident(IN_WEST)
    work = actions.add_place(person, Spot(*IN_EAST, "Work"), by=person)
    assert PlaceArea.objects.filter(place=work, area=cast.east).exists()
    for number in range(3):
        actions.add_place(person, Spot(*FAR, f"Place {number}"), by=person)
    with pytest.raises(TooManyPlaces):
        actions.add_place(person, Spot(*FAR), by=person)
    actions.remove_place(person, work, by=person)
    assert person.places.count() == 4


def test_nobody_removes_another_persons_place(cast):
    mine, yours = cast.resident(), cast.resident()
    actions.remove_place(mine, yours.places.get(), by=mine)
    assert yours.places.count() == 1


def test_unsubscribing_ends_one_kind_and_choosing_it_again_lifts_that(cast):
    person = cast.resident()
    name = actions.stream(cast.force.pk, Kind.CRIME)
    assert actions.unsubscribe(recipient_key=person.key, stream=name, by="link")
    assert actions.unsubscribe(recipient_key=person.key, stream=name, by="link")  # twice is once
    person.refresh_from_db()
    assert Kind.CRIME not in of_bits(person.email_kinds) and Kind.SCAM in of_bits(person.email_kinds)
    assert Suppression.objects.filter(stream=name).count() == 1
    choices = Choices(email_kinds=[Kind.CRIME], organisations=[cast.force.pk])
    actions.set_choices(person, choices, by=person)
    assert not Suppression.objects.exists()
    assert of_bits(person.email_kinds) == [Kind.CRIME]


def test_unsubscribing_someone_unknown_says_so_quietly(db):
    assert not actions.unsubscribe(recipient_key=12345, stream="1.crime", by="link")


def test_leaving_forgets_everything_but_the_silence(cast):
    person = cast.resident(mobile="07700 900444", groups=(cast.cctv,))
    addresses = list(person.contacts.values_list("address_key", flat=True))
    actions.leave(person, by=person, how="web")
    assert not Contact.objects.filter(resident=person).exists()
    assert not Place.objects.filter(resident=person).exists()
    assert Suppression.objects.filter(address_key__in=addresses, stream="").count() == 2
    assert not Consent.objects.filter(resident=person).last().given


def test_who_left_may_join_again_with_the_same_address(cast):
    person = cast.resident(email="again@home.example")
    actions.leave(person, by=person, how="web")
    cast.resident(email="again@home.example")
    assert not Suppression.objects.exists()


def test_an_address_may_be_replaced_but_not_taken_from_another(cast):
    person, other = cast.resident(email="old@home.example"), cast.resident(email="other@home.example")
    actions.add_contact(person, rules.reach("email", "new@home.example"), by=person)
    assert person.contacts.get().address == "new@home.example"
    with pytest.raises(AddressTaken):
        actions.add_contact(person, rules.reach("email", "other@home.example"), by=person)
    assert person.contacts.get().address == "new@home.example"
    assert other.contacts.get().address == "other@home.example"


def change_email(person, address):
    actions.add_contact(person, rules.reach("email", address), by=person)


def refused(address):
    """Streams that an email address refuses, "" for all of them."""
    return set(
        Suppression.objects.filter(address_key=rules.reach("email", address).key).values_list("stream", flat=True)
    )


def test_a_no_to_digests_goes_with_the_person_to_their_new_address(cast):
    person = cast.resident(email="old@home.example")
    digests.choose(person, "daily", by=person)
    digests.stop(person, by="one-click")
    change_email(person, "new@home.example")
    assert digests.is_stopped(person)
    change_email(person, "newer@home.example")
    assert digests.is_stopped(person)
    digests.choose(person, "weekly", by=person)
    assert not digests.is_stopped(person)


def test_an_older_no_of_an_address_does_not_outlive_a_newer_choice(cast):
    person = cast.resident(email="old@home.example")
    for kind in (Kind.CRIME, Kind.SCAM):
        actions.unsubscribe(recipient_key=person.key, stream=actions.stream(cast.force.pk, kind), by="link")
    digests.choose(person, "daily", by=person)
    digests.stop(person, by="one-click")
    change_email(person, "new@home.example")
    actions.set_choices(person, Choices(email_kinds=[Kind.CRIME], organisations=[cast.force.pk]), by=person)
    digests.choose(person, "weekly", by=person)
    change_email(person, "old@home.example")
    assert refused("old@home.example") == {actions.stream(cast.force.pk, Kind.SCAM)}
    assert not digests.is_stopped(person)


def test_a_no_that_stands_comes_back_with_the_old_address(cast):
    person = cast.resident(email="old@home.example")
    name = actions.stream(cast.force.pk, Kind.CRIME)
    post.suppress(address_key=person.contacts.get().address_key, channel="email", stream=name, reason="complaint")
    change_email(person, "new@home.example")
    change_email(person, "old@home.example")
    assert refused("old@home.example") == {name}


def test_what_holds_for_a_dead_address_stays_with_it(cast):
    person = cast.resident(email="old@home.example")
    key, name = person.contacts.get().address_key, actions.stream(cast.force.pk, Kind.CRIME)
    post.suppress(address_key=key, channel="email", reason="hard bounce")
    post.suppress(address_key=key, channel="email", stream=name, reason="complaint")
    change_email(person, "new@home.example")
    assert refused("new@home.example") == {name}
    assert Suppression.objects.get(stream=name, address_key=person.contacts.get().address_key).reason == "complaint"


def test_the_last_address_stays(cast):
    person = cast.resident(mobile="07700 900555")
    actions.remove_contact(person, "email", by=person)
    actions.remove_contact(person, "sms", by=person)
    assert [contact.channel for contact in person.contacts.all()] == ["sms"]


def test_everyone_is_placed_again_when_areas_change(cast):
    person = cast.resident(IN_WEST)
    PlaceArea.objects.all().delete()
    assert areas.refresh(Place.objects.all()) == 1
    assert PlaceArea.objects.filter(place__resident=person).count() == 3
