"""Other languages for everybody: an alert's page in each, and a member's own choice."""

import pytest
from django.test import Client

from bell.alerts import actions, dispatch
from bell.alerts.models import Alert
from bell.lib import clock
from bell.organisations.kinds import Kind
from tests.alerts.test_languages import BOTH, POLISH, URDU
from tests.public.conftest import send


def test_the_page_offers_each_language_and_each_has_a_page(cast, client):
    alert = send(cast, languages=BOTH)
    page = client.get(f"/a/{alert.reference}/").content.decode()
    assert f'lang="ur" dir="rtl" hreflang="ur" href="/a/{alert.reference}/in/ur/"' in page and "اردو" in page
    urdu = client.get(f"/a/{alert.reference}/in/ur/")
    assert 'lang="ur" dir="rtl"' in urdu.content.decode() and URDU["body"] in urdu.content.decode()
    assert "<strong>białą furgonetkę</strong>" in client.get(f"/a/{alert.reference}/in/pl/").content.decode()
    assert "public" in urdu["Cache-Control"]


@pytest.mark.parametrize("tag", ["cy", "en-GB", "PL", "x" * 200, "%00"])
def test_a_language_that_it_does_not_speak_is_not_found(cast, client, tag):
    alert = send(cast, languages=BOTH)
    assert client.get(f"/a/{alert.reference}/in/{tag}/").status_code == 404


def test_an_alert_in_english_offers_nothing_else(cast, client):
    alert = send(cast)
    assert "hreflang" not in client.get(f"/a/{alert.reference}/").content.decode()
    assert client.get(f"/a/{alert.reference}/in/pl/").status_code == 404


def test_a_draft_has_no_page_in_any_language(cast, client):
    alert = cast.draft(languages=BOTH)
    assert client.get(f"/a/{alert.reference}/in/pl/").status_code == 404


def test_once_the_person_is_found_no_language_names_them(cast, client):
    alert = send(cast, kind=Kind.MISSING, fields={"description": "Grey hair"}, languages=BOTH)
    assert client.get(f"/a/{alert.reference}/in/pl/").status_code == 200
    follow = actions.follow_up(alert, relation="stand-down", by=cast.author)
    follow = actions.edit(follow, by=cast.author, title="Found", body="Thank you.")
    version = actions.submit(follow, by=cast.author)
    actions.approve(version, by=cast.approver, digest=version.digest, reason="Found.")
    Alert.objects.filter(pk=follow.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    gone = client.get(f"/a/{alert.reference}/in/pl/")
    assert gone.status_code == 302 and POLISH["title"] not in client.get(gone.url).content.decode()
    assert "hreflang" not in client.get(gone.url).content.decode()


def test_a_member_chooses_a_language(member, meg):
    page = member.get("/account/language/").content.decode()
    assert "Polski (Polish)" in page
    meg.refresh_from_db()
    assert meg.language == ""
    assert member.post("/account/language/", {"language": "pl"})["Location"] == "/account/"
    meg.refresh_from_db()
    assert meg.language == "pl" and "Polski" in member.get("/account/").content.decode()
    member.post("/account/language/", {"language": ""})
    meg.refresh_from_db()
    assert meg.language == ""


def test_a_language_that_is_none_is_refused_in_words(member, meg):
    page = member.post("/account/language/", {"language": "tlh"})
    assert b"Choose from the list" in page.content
    meg.refresh_from_db()
    assert meg.language == ""


def test_nobody_else_chooses(meg):
    assert Client().post("/account/language/", {"language": "pl"})["Location"] == "/sign-in/"
