"""Pictures and words of what is over: gone after their days, kept while a search goes on or something is held."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from bell.alerts import actions, content, letting_go, pictures, rules
from bell.alerts.models import Alert, Picture, State, Version
from bell.audit.models import Entry
from bell.conversations import web
from bell.conversations.models import Conversation
from bell.delivery.models import Mailing
from bell.lib import clock, tokens
from bell.organisations.kinds import Kind
from bell.privacy import actions as privacy
from bell.privacy import retention
from bell.privacy.models import today
from tests.cast import Cast
from tests.lib.pictures import photo
from tests.privacy.conftest import sent
from tests.privacy.test_retention import RULES, run

pytestmark = pytest.mark.django_db


def draft(cast: Cast, **changes: Any) -> Alert:
    facts = {"fields": {"description": "Grey hair, red coat"}} if changes.get("kind") == Kind.MISSING else {}
    alert = cast.draft(**facts, **changes)
    return pictures.attach(alert, by=cast.author, alt="Joan in her red coat", data=photo())


@pytest.fixture
def search(cast: Cast) -> Alert:
    """A missing person's alert that went out with her picture."""
    cast.resident()
    return sent(cast, alert=draft(cast, kind=Kind.MISSING, title="Missing: Joan", body="Joan left home."))


def found(cast: Cast, search: Alert) -> Alert:
    """The stand-down, sent."""
    follow = actions.follow_up(search, relation="stand-down", by=cast.author)
    follow = actions.edit(follow, by=cast.author, title="Joan is found", body="She is safe.")
    return sent(cast, alert=follow)


def ago(days: int) -> None:
    """Everything so far was so long ago."""
    past = timedelta(days=days)
    for one in Alert.objects.all():
        for name in ("created_at", "saved_at", "sent_at", "finished_at", "hold_until"):
            at = getattr(one, name)
            setattr(one, name, at and at - past)
        one.save()
    for picture in Picture.objects.all():
        picture.made_at -= past
        picture.save()


def due() -> dict[str, int]:
    names = ("search pictures", "search words", "pictures", "unused pictures")
    return {name: retention.due(RULES[name]) for name in names if retention.due(RULES[name])}


def test_a_found_persons_picture_and_words_go_after_thirty_days(cast: Cast, search: Alert) -> None:
    found(cast, search)
    ago(29)
    assert due() == {}
    ago(2)
    assert due() == {"search pictures": 1, "search words": 2}
    mailing = Mailing.objects.get(reference=search.reference)
    assert mailing.content["inline"]
    hashes = dict(Mailing.objects.values_list("pk", "content_hash"))
    assert (run("search pictures"), run("search words")) == (1, 2)
    assert due() == {}
    picture = Picture.objects.get()
    assert bytes(picture.data) == b"" and picture.deleted_at is not None
    for one in Mailing.objects.filter(authority_kind="approval"):
        assert "Joan" not in str(one.content) and not one.content["inline"]
        assert one.content_hash == hashes[one.pk]
    search.refresh_from_db()
    assert search.picture is None and search.picture_alt == ""
    entry = Entry.objects.get(verb=letting_go.DELETED)
    assert (entry.target_key, entry.why, entry.facts) == (str(search.pk), "retention", {"sha256": picture.sha256})


def test_the_version_can_still_be_checked_and_says_what_became_of_the_picture(cast: Cast, search: Alert) -> None:
    before = Version.objects.get(alert=search)
    found(cast, search)
    ago(31)
    run("search pictures")
    version = Version.objects.get(alert=search)
    assert rules.digest(version.frozen) == version.digest == before.digest
    assert version.frozen["picture"] == before.frozen["picture"]
    assert not pictures.intact(version.frozen)
    said = content.parts(version.frozen)
    assert said.picture is None and said.picture_gone is not None and "cid:" not in content.build(version.frozen).html


def test_a_search_that_goes_on_keeps_everything(cast: Cast, search: Alert) -> None:
    ago(900)
    assert due() == {}


def test_one_that_was_stopped_and_closed_ends_too(cast: Cast, search: Alert) -> None:
    Alert.objects.filter(pk=search.pk).update(state=State.STOPPED, finished_at=clock.now())
    ago(29)
    assert due() == {}
    ago(2)
    assert due() == {"search pictures": 1, "search words": 1}


def test_what_waits_to_be_sent_keeps_its_words(cast: Cast, search: Alert) -> None:
    found(cast, search)
    ago(31)
    mailing = Mailing.objects.get(reference=search.reference)
    mailing.deliveries.update(state="queued")
    assert due()["search words"] == 1
    mailing.deliveries.update(state="delivered")
    assert due()["search words"] == 2


def test_a_held_answer_keeps_what_was_asked_until_it_is_released(cast: Cast, search: Alert) -> None:
    found(cast, search)
    row = Mailing.objects.get(reference=search.reference).deliveries.get()
    web.answer(tokens.sign_int("answer", row.pk), text="I saw her at the bus stop")
    talk = Conversation.objects.get()
    ago(31)
    held = privacy.hold(talk, person_key=None, reason="a court asked", review_on=today() + timedelta(5), by=cast.dpo)
    assert due() == {}
    held.released_at = clock.now()
    held.save()
    assert due() == {"search pictures": 1, "search words": 2}


def test_other_pictures_stay_a_year_and_the_words_of_their_mail_for_good(cast: Cast) -> None:
    cast.resident()
    alert = sent(cast, alert=draft(cast, kind=Kind.PREVENTION))
    ago(364)
    assert due() == {}
    ago(2)
    assert due() == {"pictures": 1}
    run("pictures")
    mailing = Mailing.objects.get(reference=alert.reference)
    assert not mailing.content["inline"] and "white van" in mailing.content["text"]


def test_an_appeal_that_nobody_closed_keeps_its_picture(cast: Cast) -> None:
    cast.resident()
    alert = sent(cast, alert=draft(cast, kind=Kind.CRIME))
    ago(500)
    assert due() == {}
    Alert.objects.filter(pk=alert.pk).update(state=State.STOPPED)
    assert due() == {"pictures": 1}


def test_a_picture_that_another_alert_still_needs_stays(cast: Cast, search: Alert) -> None:
    found(cast, search)
    ago(31)
    other = draft(cast)
    assert Picture.objects.count() == 1 and due() == {"search words": 2}
    pictures.remove(other, by=cast.author)
    assert due() == {"search pictures": 1, "search words": 2}


def test_a_picture_that_is_put_into_a_draft_at_the_last_moment_stays(cast: Cast, search: Alert) -> None:
    """Retention had read what is due, and waited for the row."""
    found(cast, search)
    ago(31)
    ids = list(Picture.objects.values_list("pk", flat=True))
    other = draft(cast)
    letting_go.delete_pictures(ids)
    letting_go.drop_unused(ids)
    assert Picture.objects.get().deleted_at is None and Alert.objects.get(pk=other.pk).picture is not None


def test_a_deleted_picture_that_is_uploaded_again_is_there_again(cast: Cast, search: Alert) -> None:
    found(cast, search)
    ago(31)
    run("search pictures")
    other = draft(cast)
    kept = Picture.objects.get()
    assert other.picture == kept and kept.deleted_at is None
    assert hashlib.sha256(kept.data).hexdigest() == kept.sha256


def test_a_picture_of_a_draft_that_was_given_up_goes_after_a_week(cast: Cast) -> None:
    alert = draft(cast)
    actions.withdraw(alert, by=cast.author)
    ago(6)
    assert due() == {}
    ago(2)
    assert due() == {"unused pictures": 1}
    run("unused pictures")
    alert.refresh_from_db()
    assert not Picture.objects.exists() and alert.picture is None and alert.picture_alt == ""


def test_a_draft_that_waits_keeps_it(cast: Cast) -> None:
    draft(cast)
    ago(800)
    assert due() == {}


def test_pages_say_so_and_show_no_broken_picture(cast: Cast, search: Alert) -> None:
    sha256 = Picture.objects.get().sha256
    desk = Client()
    desk.force_login(cast.author, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert desk.get(f"/desk/alerts/{search.reference}/picture/{sha256}.jpg").status_code == 200
    found(cast, search)
    ago(31)
    run("search pictures")
    run("search words")
    page = desk.get(f"/desk/alerts/{search.reference}/")
    words = page.content.decode()
    assert page.status_code == 200 and "The picture was deleted on" in words and "Picture deleted by retention" in words
    assert sha256 + ".jpg" not in words
    assert desk.get(f"/desk/alerts/{search.reference}/picture/{sha256}.jpg").status_code == 404
    stranger = Client()
    assert stranger.get(f"/a/{search.reference}/").status_code == 200
    assert stranger.get(f"/a/{search.reference}/picture.jpg").status_code == 404


def test_a_public_page_of_a_year_ago_shows_no_picture(cast: Cast) -> None:
    cast.resident()
    alert = sent(cast, alert=draft(cast, kind=Kind.PREVENTION))
    assert "picture.jpg" in Client().get(f"/a/{alert.reference}/").content.decode()
    ago(370)
    run("pictures")
    page = Client().get(f"/a/{alert.reference}/?again")
    assert page.status_code == 200 and "picture.jpg" not in page.content.decode()
