"""Choosing a digest, without JavaScript; its unsubscribe link; what a person sees of it in their own data."""

import json

import pytest
from django.test import Client

from bell.alerts import dispatch
from bell.audit.models import Entry
from bell.delivery import unsubscribe
from bell.delivery.models import Delivery, DigestItem, Suppression
from bell.privacy import access, erase
from bell.residents import digests
from bell.residents.models import Often, Resident
from tests.alerts.test_life import release
from tests.public.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(meg):
    return meg


@pytest.fixture
def browser(client, meg):
    return signed_in(client)


def kept(cast):
    """An alert that waits for a digest."""
    alert, _ = cast.approved()
    release(alert)
    while dispatch.run_due():
        pass
    return alert


def test_choose_and_change(browser, member, cast):
    assert "At once, each in an email" in browser.get("/account/").text
    page = browser.get("/account/digest/").text
    assert "Once a day, at 5pm" in page and "Once a week, on Friday at 5pm" in page and "checked" in page
    done = browser.post("/account/digest/", {"often": "weekly"}, follow=True).text
    assert "Your next digest comes" in done and "Once a week, on Friday at 5pm" in done
    member.refresh_from_db()
    assert member.digest == Often.WEEKLY and Entry.objects.get(verb="digest chosen").facts["often"] == "weekly"
    kept(cast)
    assert "kept for the digest" in browser.get("/account/sent/").text.lower()
    assert "comes at once" in browser.post("/account/digest/", {"often": "at-once"}, follow=True).text
    member.refresh_from_db()
    assert member.digest == Often.AT_ONCE


def test_looking_changes_nothing_and_nonsense_gets_words(browser, member):
    before = list(Entry.objects.values_list("verb", flat=True))
    browser.get("/account/digest/")
    assert list(Entry.objects.values_list("verb", flat=True)) == before
    assert "Choose when emails should come" in browser.post("/account/digest/", {}).text
    assert "Choose one of these times" in browser.post("/account/digest/", {"often": "<b>hourly"}).text
    member.refresh_from_db()
    assert member.digest == ""


def test_a_stranger_is_asked_to_sign_in(cast):
    assert Client().get("/account/digest/").headers["Location"] == "/sign-in/"
    assert Client().post("/account/digest/", {"often": "daily"}).headers["Location"] == "/sign-in/"


def token(member):
    return unsubscribe.token(member.key, "digest")


def test_one_click_stops_digests_and_no_kind(client, cast, member):
    digests.choose(member, Often.DAILY, by=member)
    kept(cast)
    kinds = member.email_kinds
    page = client.get(f"/u/{token(member)}/").text
    assert "Stop digests by email?" in page and "nothing comes by email but what is urgent" in page
    assert Delivery.objects.filter(state="waiting").count() == 1  # looking stopped nothing
    assert "no more digests" in client.post(f"/u/{token(member)}/").text
    assert not Delivery.objects.filter(state="waiting").exists()
    member.refresh_from_db()
    assert (member.email_kinds, member.digest) == (kinds, "daily")
    assert Suppression.objects.filter(stream="digest").count() == 1
    assert "You will get no more digests by email" in client.get(f"/u/{token(member)}/stop/").text
    signed_in(client)
    assert "You stopped these emails" in client.get("/account/").text
    assert "You stopped your digests" in client.get("/account/digest/").text


def test_what_is_held_on_a_person_says_which_digest(cast, member):
    digests.choose(member, Often.DAILY, by=member)
    kept(cast)
    assert DigestItem.objects.count() == 1
    text = json.dumps(access.everything(member), default=str)
    assert "Which messages came in which digest" in text and '"digest": "daily"' in text


def test_leaving_forgets_the_choice_with_all_others(cast, member):
    digests.choose(member, Often.DAILY, by=member)
    alert = kept(cast)
    erase.erase(member, by=member, why="asked")
    assert not Resident.objects.filter(pk=member.pk).exists()
    assert Delivery.objects.get(mailing__reference=alert.reference).state == "suppressed"
