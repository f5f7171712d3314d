"""A member's own account: all that is held is shown, each part can be changed, and only by its owner."""

from datetime import timedelta

import pytest
from django.test import Client

from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.kinds import Kind, of_bits
from bell.residents import actions
from bell.residents.actions import Spot
from bell.residents.models import Following, GroupMember, Place, Resident
from tests.cast import FAR, IN_EAST
from tests.public.conftest import KNOWN, signed_in, the_code, wrong

PAGES = ["", "places/", "places/add/", "places/add/map/", "choices/", "email/", "mobile/", "pause/", "leave/"]
POSTS = ["resume/", "email/code/again/", "mobile/remove/"]


@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_and_is_nobody_elses(member, path):
    found = member.get(f"/account/{path}")
    assert found.status_code == 200
    assert "no-store" in found["Cache-Control"] and "noindex" in found["X-Robots-Tag"]
    assert Client().get(f"/account/{path}")["Location"] == "/sign-in/"


@pytest.mark.parametrize("path", [*PAGES, *POSTS])
def test_strangers_change_nothing(cast, meg, path):
    assert Client().post(f"/account/{path}").status_code in (302, 405)
    assert Resident.objects.get().left_at is None and meg.contacts.count() == 2


def test_everything_held_is_shown(member, cast, meg):
    actions.add_place(meg, Spot(*IN_EAST, "Work", "DE75 7CD"), by=meg)
    GroupMember.objects.create(group=cast.cctv, resident=meg)
    words = member.get("/account/").content.decode()
    for held in (KNOWN, "07700 900123", "Home", "Work", "DE75 7CD", "Crime alert", "CCTV owners", "Testshire Police"):
        assert held in words


def test_a_place_by_postcode(member, meg):
    found = member.post("/account/places/add/", {"label": "Mum's house", "postcode": "s401aa"})
    assert found["Location"] == "/account/places/"
    place = meg.places.get(label="Mum's house")
    assert place.postcode == "S40 1AA" and (place.lon, place.lat) == FAR
    assert "Mum&#x27;s house is added" in member.get("/account/places/").content.decode()


def test_a_place_by_pin(member, meg):
    member.post("/account/places/add/map/", {"label": "Allotment", "lon": "-1.33", "lat": "53.01"})
    assert meg.places.get(label="Allotment").lon == -1.33


@pytest.mark.parametrize("label", ["", "  ", "x" * 41, "\0", "a\0b"])
def test_bad_names_of_places_are_refused_in_words(member, meg, label):
    page = member.post("/account/places/add/", {"label": label, "postcode": "DE75 7AB"})
    assert page.status_code == 200 and "There is a problem" in page.content.decode()
    assert meg.places.count() == 1


def test_a_hostile_name_stays_words(member, meg):
    member.post("/account/places/add/", {"label": "</script><b>x", "postcode": "DE75 7AB"})
    for path in ("/account/", "/account/places/"):
        assert "</script><b>x" not in member.get(path).content.decode()


def test_five_places_are_the_most(member, meg):
    for number in range(4):
        actions.add_place(meg, Spot(*FAR, f"Place {number}"), by=meg)
    assert "the most one can have" in member.get("/account/places/").content.decode()
    page = member.post("/account/places/add/", {"label": "Sixth", "postcode": "DE75 7AB"})
    assert "You can have up to 5 places" in page.content.decode() and meg.places.count() == 5


def test_a_place_is_removed_after_a_question(member, meg):
    place = meg.places.get()
    page = member.get(f"/account/places/{place.pk}/remove/").content.decode()
    assert "This is your only place" in page and meg.places.count() == 1
    member.post(f"/account/places/{place.pk}/remove/")
    assert meg.places.count() == 0
    assert "You have no place" in member.get("/account/").content.decode()


def test_nobody_removes_anothers_place(member, cast):
    other = cast.resident().places.get()
    for number in (other.pk, 0, 10**30):
        assert member.get(f"/account/places/{number}/remove/").status_code == 404
        assert member.post(f"/account/places/{number}/remove/").status_code == 404
    assert Place.objects.filter(pk=other.pk).exists()


def test_choices(member, cast, meg):
    page = member.get("/account/choices/").content.decode()
    assert page.count("checked") == len(Kind) + len(Kind) + 1
    chosen = {
        "email_kinds": ["scam"],
        "sms_kinds": ["missing"],
        "groups": [cast.dog_walkers.pk],
        "organisations": [cast.force.pk, cast.partner.pk],
    }
    assert member.post("/account/choices/", chosen)["Location"] == "/account/"
    meg.refresh_from_db()
    assert of_bits(meg.email_kinds) == ["scam"] and of_bits(meg.sms_kinds) == ["missing"]
    assert GroupMember.objects.get().group == cast.dog_walkers
    assert Following.objects.of(meg).count() == 2
    assert "Your choices are saved" in member.get("/account/").content.decode()


def test_newer_kinds_are_told_of_and_off_until_chosen(member, meg):
    """Decision 24: who joined when there were eight kinds learns of the others, and has none of them."""
    meg.email_kinds = meg.sms_kinds = 255
    meg.save()
    page = member.get("/account/").content.decode()
    assert "only if you tick them: Survey of priorities, Partner notice" in page
    page = member.get("/account/choices/").content.decode()
    assert page.count("checked") == 8 + 8 + 1
    member.post("/account/choices/", {"email_kinds": ["survey", "partner"], "organisations": []})
    meg.refresh_from_db()
    assert of_bits(meg.email_kinds) == ["survey", "partner"]
    assert "only if you tick them" not in member.get("/account/").content.decode()


def test_nothing_at_all_may_be_chosen(member, meg):
    assert member.post("/account/choices/")["Location"] == "/account/"
    meg.refresh_from_db()
    assert meg.email_kinds == 0 and "Nobody" in member.get("/account/").content.decode()


def test_bad_choices_change_nothing(member, meg):
    page = member.post("/account/choices/", {"email_kinds": ["gossip"], "groups": ["x"], "organisations": ["-1"]})
    assert page.content.decode().count("Choose from the list") >= 3
    meg.refresh_from_db()
    assert len(of_bits(meg.email_kinds)) == len(Kind)


def test_a_new_email_address_needs_its_code(member, meg):
    assert member.post("/account/email/", {"address": "fresh@home.example"})["Location"] == "/account/email/code/"
    assert meg.contacts.get(channel="email").address == KNOWN  # the old one stays until then
    digits = the_code("fresh@home.example")
    assert "This code is not right" in member.post("/account/email/code/", {"email": wrong(digits)}).content.decode()
    assert member.post("/account/email/code/", {"email": digits})["Location"] == "/account/"
    assert meg.contacts.get(channel="email").address == "fresh@home.example"
    assert member.get("/account/email/code/")["Location"] == "/account/email/"


def test_a_code_for_email_proves_no_mobile(member, meg):
    member.post("/account/email/", {"address": "fresh@home.example"})
    assert member.get("/account/mobile/code/")["Location"] == "/account/mobile/"
    assert member.post("/account/mobile/code/", {"sms": the_code("fresh@home.example")}).status_code == 302
    assert meg.contacts.get(channel="sms").address == "+447700900123"


def test_an_address_of_another_looks_like_any_until_its_code(member, cast, meg):
    cast.resident(email="other@home.example")
    seen = []
    for address in ("other@home.example", "free00@home.example"):
        asked = member.post("/account/email/", {"address": address})
        seen.append((asked.status_code, asked["Location"]))
        page = member.get("/account/email/code/").content.decode()
        seen.append(page.count("Enter the code we sent you"))
    assert seen[:2] == seen[2:]
    member.post("/account/email/", {"address": "other@home.example"})
    member.post("/account/email/code/", {"email": the_code("other@home.example")})
    assert "Another account already uses this address" in member.get("/account/email/").content.decode()
    assert meg.contacts.get(channel="email").address == KNOWN


def test_an_address_is_removed_but_never_the_last(member, meg):
    member.post("/account/mobile/remove/")
    assert [one.channel for one in meg.contacts.all()] == ["email"]
    member.post("/account/email/remove/")
    assert [one.channel for one in meg.contacts.all()] == ["email"]
    assert "the only way to reach you" in member.get("/account/email/").content.decode()


@pytest.mark.parametrize("way", ["pigeon", "sms", "EMAIL", "a\u202eb", "x" * 3000])
def test_ways_that_are_none_are_not_found(member, way):
    for path in ("", "code/", "code/again/", "remove/"):
        assert member.post(f"/account/{way}/{path}").status_code == 404


def _parts(day):
    return {"until_day": day.day, "until_month": day.month, "until_year": day.year}


def test_pausing_and_going_on(member, meg):
    day = clock.local(clock.now()).date() + timedelta(days=10)
    assert member.post("/account/pause/", _parts(day))["Location"] == "/account/"
    meg.refresh_from_db()
    assert clock.local(meg.paused_until).date() == day and clock.local(meg.paused_until).hour == 0
    assert "Messages are paused" in member.get("/account/").content.decode()
    member.post("/account/resume/")
    meg.refresh_from_db()
    assert meg.paused_until is None and "Messages are on again" in member.get("/account/").content.decode()


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"until_day": "31", "until_month": "2", "until_year": "2030"},
        {"until_day": "1", "until_month": "", "until_year": ""},
        {"until_day": "1", "until_month": "1", "until_year": "2020"},
        {"until_day": "1", "until_month": "1", "until_year": "9999"},
        {"until_day": "\0", "until_month": "x", "until_year": "9" * 5000},
    ],
)
def test_bad_days_are_refused_in_words(member, meg, typed):
    page = member.post("/account/pause/", typed)
    assert page.status_code == 200 and "There is a problem" in page.content.decode()
    meg.refresh_from_db()
    assert meg.paused_until is None


def test_leaving(member, meg):
    assert "Do you want to leave?" in member.get("/account/leave/").content.decode()
    found = member.post("/account/leave/")
    assert found["Location"] == "/left/" and "You have left" in member.get("/left/").content.decode()
    assert member.get("/account/")["Location"] == "/sign-in/"
    meg.refresh_from_db()
    assert meg.left_at and not meg.contacts.exists()


def test_codes_are_the_only_mail_an_account_sends(member, meg):
    member.post("/account/email/", {"address": "fresh@home.example"})
    member.post("/account/email/code/again/")
    assert set(Delivery.objects.values_list("mailing__stream", flat=True)) == {"code"}
    assert Delivery.objects.filter(address="fresh@home.example").count() == 1  # the limit holds


def test_two_people_two_browsers(cast, meg):
    cast.resident(email="other@home.example")
    mine, theirs = signed_in(Client()), signed_in(Client(), "other@home.example")
    assert KNOWN in mine.get("/account/").content.decode()
    assert KNOWN not in theirs.get("/account/").content.decode()


def test_quiet_hours_are_chosen_and_ended(member, meg):
    assert ">None<" in member.get("/account/").content.decode()
    given = {"wanted": "yes", "begins": "1290", "ends": "420"}
    assert member.post("/account/quiet/", given)["Location"] == "/account/"
    meg.refresh_from_db()
    assert (meg.quiet_from, meg.quiet_until) == (1290, 420)
    assert "From 9:30pm until 7am" in member.get("/account/").content.decode()
    page = member.get("/account/quiet/").content.decode()
    assert '<option value="1290" selected>9:30pm</option>' in page
    member.post("/account/quiet/", {"wanted": "no", "begins": "1290", "ends": "420"})
    meg.refresh_from_db()
    assert meg.quiet_from is None and meg.quiet_until is None


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"wanted": "yes", "begins": "60", "ends": "60"},
        {"wanted": "yes", "begins": "61", "ends": "90"},
        {"wanted": "yes", "begins": "-30", "ends": "1440"},
        {"wanted": "perhaps", "begins": "x", "ends": "\0"},
    ],
)
def test_quiet_hours_that_are_none_are_refused_in_words(member, meg, typed):
    page = member.post("/account/quiet/", typed)
    assert page.status_code == 200 and "There is a problem" in page.content.decode()
    meg.refresh_from_db()
    assert meg.quiet_from is None
