"""Joining: the whole way, going back, skipping ahead, and hostile hands."""

import json

import pytest
from django.contrib.sessions.models import Session

from bell.delivery.models import Delivery
from bell.organisations.kinds import TICKED_BITS, Kind, of_bits
from bell.places.models import Postcode
from bell.public import session
from bell.residents.models import Code, Consent, Contact, Following, GroupMember, Place, Resident
from bell.residents.rules import CONSENT_WORDING
from tests.public.conftest import KNOWN, NEW, the_code, wrong

STEPS = ["place", "contact", "code", "kinds", "groups", "finish"]


def go(client, step, **data):
    return client.post(f"/join/{step}/", data)


def at(response):
    """Where a redirect leads."""
    assert response.status_code == 302, response.content.decode()
    return response["Location"]


def to_code(client, *, email=NEW, mobile=""):
    assert at(go(client, "place", postcode="de757ab")) == "/join/contact/"
    assert at(go(client, "contact", email=email, mobile=mobile)) == "/join/code/"


def to_kinds(client, email=NEW):
    to_code(client, email=email)
    return at(go(client, "code", email=the_code(email)))


def test_the_whole_way_by_email_and_mobile(client, cast):
    assert "Start" in client.get("/join/").content.decode()
    to_code(client, mobile="07700 900456")
    page = client.get("/join/code/").content.decode()
    assert NEW in page and "07700 900456" in page
    found = go(client, "code", email=the_code(NEW), sms=the_code("+447700900456"))
    assert at(found) == "/join/kinds/"
    assert at(go(client, "kinds", email_kinds=["crime", "missing"], sms_kinds=["missing"])) == "/join/groups/"
    assert at(go(client, "groups", groups=[cast.cctv.pk])) == "/join/finish/"
    assert CONSENT_WORDING in client.get("/join/finish/").content.decode()
    assert at(go(client, "finish", organisations=[cast.force.pk])) == "/join/done/"
    assert "You have joined" in client.get("/join/done/").content.decode()

    person = Resident.objects.get()
    assert {one.address for one in person.contacts.all()} == {NEW, "+447700900456"}
    assert of_bits(person.email_kinds) == ["crime", "missing"] and of_bits(person.sms_kinds) == ["missing"]
    assert Place.objects.get().postcode == "DE75 7AB"
    assert GroupMember.objects.get().group == cast.cctv and Following.objects.get().organisation == cast.force
    assert Consent.objects.get(what="messages").wording == CONSENT_WORDING
    assert client.get("/account/").status_code == 200


def test_nothing_is_kept_and_nothing_but_the_code_is_sent_before_the_end(client, cast):
    to_kinds(client)
    assert not Resident.objects.exists() and not Contact.objects.exists() and not Place.objects.exists()
    assert set(Delivery.objects.values_list("mailing__stream", flat=True)) == {"code"}


def test_by_mobile_alone_everything_comes_by_text_at_first(client, cast):
    to_code(client, email="", mobile="07700 900456")
    go(client, "code", sms=the_code("+447700900456"))
    page = client.get("/join/kinds/").content.decode()
    assert "By email" not in page and page.count("checked") == 8


def test_partners_are_not_ticked_for_anybody(client, cast):
    to_kinds(client)
    go(client, "kinds", email_kinds=["crime"])
    go(client, "groups")
    page = client.get("/join/finish/").content.decode()
    assert f'value="{cast.force.pk}"' in page and page.count("checked") == 1


def test_skipping_ahead_leads_to_the_first_open_question(client, cast):
    for step in STEPS[1:]:
        assert at(client.get(f"/join/{step}/")) == "/join/place/"
        assert at(go(client, step, email=NEW)) == "/join/place/"
    for step in ("code/again", "code/without"):
        assert at(client.post(f"/join/{step}/")) == "/join/place/"
    go(client, "place", postcode="DE75 7AB")
    assert at(client.get("/join/finish/")) == "/join/contact/"
    assert at(client.get("/join/done/")) == "/join/"


def test_going_back_keeps_what_was_said(client, cast):
    to_kinds(client)
    assert 'value="DE75 7AB"' in client.get("/join/place/").content.decode()
    assert f'value="{NEW}"' in client.get("/join/contact/").content.decode()
    assert at(client.get("/join/code/")) == "/join/kinds/"
    # The same address again needs no second code.
    assert at(go(client, "contact", email=NEW)) == "/join/kinds/"
    assert Code.objects.count() == 1
    # Another one does.
    assert at(go(client, "contact", email="other@home.example")) == "/join/code/"


def test_the_last_button_pressed_twice_joins_once(client, cast):
    to_kinds(client)
    go(client, "kinds", email_kinds=["crime"])
    go(client, "groups")
    go(client, "finish", organisations=[cast.force.pk])
    assert at(go(client, "finish", organisations=[cast.force.pk])) == "/account/"
    assert Resident.objects.count() == 1


def test_joining_in_two_windows_makes_one_member(client, cast):
    to_kinds(client)
    go(client, "kinds", email_kinds=["crime"])
    go(client, "groups")
    cast.resident(email=NEW)  # the other window was quicker
    assert at(go(client, "finish", organisations=[cast.force.pk])) == "/account/"
    assert Resident.objects.count() == 1
    assert client.get("/account/").status_code == 200


def test_a_member_who_joins_again_is_signed_in(client, meg):
    to_code(client, email=KNOWN)
    assert at(go(client, "code", email=the_code(KNOWN))) == "/account/"
    assert "You joined before" in client.get("/account/").content.decode()
    assert Resident.objects.count() == 1
    assert at(client.get("/join/")) == "/account/" == at(client.get("/join/place/"))


def test_a_second_proved_address_becomes_the_members_if_free(client, cast):
    person = cast.resident(email=KNOWN)
    to_code(client, email=KNOWN, mobile="07700 900789")
    go(client, "code", email=the_code(KNOWN), sms=the_code("+447700900789"))
    assert person.contacts.get(channel="sms").address == "+447700900789"


def test_a_second_proved_address_never_replaces_one_and_never_takes_anothers(client, cast, meg):
    other = cast.resident(email="other@home.example")
    to_code(client, email="other@home.example", mobile="07700 900123")  # Meg's number, and her phone is here
    go(client, "code", email=the_code("other@home.example"), sms=the_code("+447700900123"))
    assert [one.channel for one in other.contacts.all()] == ["email"]
    assert meg.contacts.count() == 2


def test_one_code_that_never_comes_does_not_stop_the_other(client, cast):
    to_code(client, mobile="07700 900456")
    assert at(go(client, "code/without")) == "/join/code/"  # nothing is proved yet
    assert at(go(client, "code", email=the_code(NEW))) == "/join/code/"
    page = client.get("/join/code/").content.decode()
    assert "is confirmed" in page and "Continue without it" in page
    assert at(go(client, "code/without")) == "/join/kinds/"
    assert "By text message" not in client.get("/join/kinds/").content.decode()


def stopped_half_way(client, monkeypatch, minutes):
    """Meg's email has had its code, her phone was not at hand, and so many minutes later somebody sits here."""
    to_code(client, email=KNOWN, mobile="07700 900456")
    assert at(go(client, "code", email=the_code(KNOWN))) == "/join/code/"
    then = session.time.time() + minutes * 60
    monkeypatch.setattr(session.time, "time", lambda: then)


def test_who_goes_on_where_a_member_stopped_is_signed_in_while_the_code_is_fresh(client, meg, monkeypatch):
    stopped_half_way(client, monkeypatch, 14)
    assert at(go(client, "code/without")) == "/account/"


def test_who_goes_on_where_a_member_stopped_a_while_ago_needs_a_code_of_theirs(client, meg, monkeypatch):
    stopped_half_way(client, monkeypatch, 16)
    assert at(go(client, "code/without")) == "/sign-in/"
    assert "It is a while since you typed a code" in client.get("/sign-in/").content.decode()
    assert at(client.get("/account/")) == "/sign-in/" and "joining" not in client.session


def test_a_thief_who_goes_on_there_with_a_phone_of_theirs_gains_nothing(client, cast, monkeypatch):
    meg = cast.resident(email=KNOWN)
    stopped_half_way(client, monkeypatch, 16)
    assert at(go(client, "contact", email=KNOWN, mobile="07700 900789")) == "/join/code/"
    assert at(go(client, "code", sms=the_code("+447700900789"))) == "/sign-in/"
    assert at(client.get("/account/")) == "/sign-in/"
    assert [one.channel for one in meg.contacts.all()] == ["email"]


def test_a_right_and_a_wrong_code_together(client, cast):
    to_code(client, mobile="07700 900456")
    page = go(client, "code", email=the_code(NEW), sms=wrong(the_code("+447700900456")))
    words = page.content.decode()
    assert page.status_code == 200 and "is confirmed" in words and "This code is not right" in words
    assert at(go(client, "code", sms=the_code("+447700900456"))) == "/join/kinds/"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３４５６x", "1" * 41, "\0" * 6, "१२३४५"])
def test_codes_of_the_wrong_shape_are_said_in_words(client, cast, typed):
    to_code(client)
    page = go(client, "code", email=typed)
    assert page.status_code == 200 and "There is a problem" in page.content.decode()


def test_the_sixth_guess_never_wins(client, cast):
    to_code(client)
    digits = the_code(NEW)
    for _ in range(5):
        assert "This code is not right" in go(client, "code", email=wrong(digits)).content.decode()
    assert "This code is not right" in go(client, "code", email=digits).content.decode()


def test_a_code_is_used_up(client, cast):
    to_kinds(client)
    digits = the_code(NEW)
    client.cookies.clear()
    to_code(client)
    assert the_code(NEW) == digits  # within the hour no second one is sent
    assert "This code is not right" in go(client, "code", email=digits).content.decode()


def test_a_code_with_a_space_is_fine(client, cast):
    to_code(client)
    digits = the_code(NEW)
    assert at(go(client, "code", email=f" {digits[:3]} {digits[3:]} ")) == "/join/kinds/"


@pytest.mark.parametrize(
    "postcode",
    [
        "",
        " ",
        "DE75",
        "nonsense",
        "ZZ99 9ZZ",
        "DE75\x007AB",
        "\u202eDE75 7AB!",
        "x" * 10_000,
        "'; drop table--",
        "💥",
        "DE757AB DE757AB",
    ],
)
def test_bad_postcodes_are_refused_in_words(client, cast, postcode):
    page = go(client, "place", postcode=postcode)
    assert page.status_code == 200
    assert "There is a problem" in page.content.decode() and "id_postcode_error" in page.content.decode()


def test_a_postcode_outside_is_refused_kindly_with_whom_to_ask(client, cast):
    Postcode.objects.create(code="AB10 1AB", lon=-2.1, lat=57.1)
    words = go(client, "place", postcode="AB10 1AB").content.decode()
    assert "We only cover the area of Testshire Police" in words and "police.uk" in words
    assert at(client.get("/join/contact/")) == "/join/place/"


@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        ("", ""),
        ("nan", "53"),
        ("inf", "53"),
        ("-1.37", "-inf"),
        ("1e400", "53"),
        ("-1.37", ""),
        ("[]", "{}"),
        ("999", "53"),
        ("53.02", "-1.375"),
        ("\0", "\0"),
        ("-1.37" * 4000, "53"),
        ("-2.1", "57.1"),
        ("٣", "५३e99"),
    ],
)
def test_bad_pins_are_refused_in_words(client, cast, lon, lat):
    page = client.post("/join/place/map/", {"lon": lon, "lat": lat})
    assert page.status_code == 200 and "There is a problem" in page.content.decode()


def test_a_pin_is_as_good_as_a_postcode(client, cast):
    assert at(client.post("/join/place/map/", {"lon": "-1.375", "lat": "53.02"})) == "/join/contact/"
    assert 'value="-1.375"' in client.get("/join/place/map/").content.decode()


@pytest.mark.parametrize(
    ("email", "mobile"),
    [
        ("", ""),
        ("not an address", ""),
        ("", "0800 1111"),
        ("a@b@c.example", ""),
        ("x" * 5000, ""),
        ("", "9" * 5000),
        ("a\0@home.example", ""),
        ("a@home.example\r\nBcc: b@home.example", ""),
        ("", "+1 212 555 0100"),
        ("real@gmail.com", ""),
        ("", "07911 123456"),
    ],
)
def test_bad_addresses_are_refused_in_words_and_nothing_is_sent(client, cast, email, mobile):
    go(client, "place", postcode="DE75 7AB")
    page = go(client, "contact", email=email, mobile=mobile)
    assert page.status_code == 200 and "There is a problem" in page.content.decode()
    assert not Delivery.objects.exists()


def test_choices_must_be_on_the_list(client, cast):
    to_kinds(client)
    assert "Select at least one" in go(client, "kinds").content.decode()
    assert "Choose from the list" in go(client, "kinds", email_kinds=["crime", "gossip"]).content.decode()
    go(client, "kinds", email_kinds=["crime"])
    cast.cctv.active = False
    cast.cctv.save()
    for bad in (str(cast.cctv.pk), "x", "-1", "9" * 60, "\0"):
        assert "Choose from the list" in go(client, "groups", groups=[bad]).content.decode()
    go(client, "groups")
    assert "Select at least one organisation" in go(client, "finish").content.decode()
    assert "Choose from the list" in go(client, "finish", organisations=["999999"]).content.decode()
    assert not Resident.objects.exists()


@pytest.mark.parametrize(
    "kept",
    [
        None,
        1,
        "x",
        [],
        {},
        {"at": "nan"},
        {"at": 1e18},
        {"at": 9e9, "spot": 3, "addresses": []},
        {
            "at": 9e9,
            "spot": None,
            "addresses": [{"channel": "pigeon", "address": "x", "proved": True, "proved_at": 9e9}],
        },
        {"at": 9e9, "spot": None, "addresses": [{"channel": "email"}]},
    ],
)
def test_a_session_that_is_not_as_we_wrote_it_is_a_fresh_start(client, cast, kept):
    client.get("/join/place/")
    store = client.session
    store["joining"], store["resident"], store["new_address"] = kept, kept, kept
    store.save()
    assert client.get("/join/place/").status_code == 200
    assert at(client.get("/join/code/")) == "/join/place/"
    assert at(client.get("/account/")) == "/sign-in/"


@pytest.mark.parametrize("key", [0, -1, 2**63, 2**200, True, "1", 1.5])
def test_a_key_that_is_no_members_signs_nobody_in(client, meg, key):
    store = client.session
    store["resident"] = key
    store.save()
    assert at(client.get("/account/")) == "/sign-in/"


def test_a_half_finished_form_is_forgotten_after_two_hours(client, cast, monkeypatch):
    to_kinds(client)
    now = session.time.time()
    monkeypatch.setattr(session.time, "time", lambda: now + session.PATIENCE_SECONDS + 1)
    assert at(client.get("/join/kinds/")) == "/join/place/"


def test_the_session_forgets_what_was_typed_once_one_is_in(client, cast):
    to_kinds(client)
    go(client, "kinds", email_kinds=["crime"])
    go(client, "groups")
    before = client.session.session_key
    go(client, "finish", organisations=[cast.force.pk])
    assert client.session.session_key != before  # a name known before is worth nothing
    assert NEW not in json.dumps([one.get_decoded() for one in Session.objects.all()])


def test_every_kind_is_offered_and_ticked_by_email(client, cast):
    to_kinds(client)
    page = client.get("/join/kinds/").content.decode()
    assert page.count('name="email_kinds"') == len(Kind)
    # What came after the first eight is for the person to tick (decision 24).
    assert page.count("checked") == bin(TICKED_BITS).count("1") == 8
