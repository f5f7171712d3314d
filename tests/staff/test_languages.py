"""Other languages in the composer: added and taken out without scripts, previewed, compared, shown to the approver."""

import pytest

from bell.alerts import actions
from bell.alerts.models import Alert
from bell.organisations.kinds import Kind
from tests.alerts.test_languages import BOTH, POLISH, URDU
from tests.staff.test_composing import path, sent
from tests.staff.test_saving import page as quiet_page


@pytest.fixture
def desk(cast, at_desk):
    return at_desk("author")


@pytest.fixture
def alert(cast) -> Alert:
    return cast.draft()


def spoken(cast, **changes):
    words = {"lang_pl_title": POLISH["title"], "lang_pl_body": POLISH["body"], "lang_pl_sms_text": "Szopy!"}
    return sent(cast, languages="1", lang=["pl"], **words) | changes


def test_a_language_is_added_and_nothing_typed_is_lost(cast, desk, alert):
    given = sent(cast, do="language", add_language="ur", languages="1", title="Typed before")
    page = desk.post(path(alert), given).content.decode()
    assert 'name="lang_ur_title"' in page and 'lang="ur" dir="rtl"' in page and 'value="Typed before"' in page
    more = desk.post(path(alert), spoken(cast, do="language", add_language="ur")).content.decode()
    assert more.count('name="lang" value="pl"') == 1 and 'name="lang_ur_title"' in more and POLISH["title"] in more
    alert.refresh_from_db()
    assert alert.languages == {}


def test_what_is_said_in_a_language_is_saved_and_shown_again(cast, desk, alert):
    assert desk.post(path(alert), spoken(cast)).status_code == 302
    alert.refresh_from_db()
    assert alert.languages == {"pl": POLISH}
    page = desk.get(path(alert)).content.decode()
    assert POLISH["title"] in page and 'name="lang" value="pl"' in page


def test_a_language_is_taken_out(cast, desk, alert):
    desk.post(path(alert), spoken(cast))
    page = desk.post(path(alert), spoken(cast, do="language-out:pl", seen="1")).content.decode()
    assert 'name="lang_pl_title"' not in page
    desk.post(path(alert), sent(cast, seen="1", languages="1"))
    alert.refresh_from_db()
    assert alert.languages == {}


def test_a_form_that_shows_no_languages_changes_none(cast, desk, alert):
    desk.post(path(alert), spoken(cast))
    desk.post(path(alert), sent(cast, seen="1"))
    alert.refresh_from_db()
    assert alert.languages == {"pl": POLISH}


@pytest.mark.parametrize("tags", [["tlh"], ["pl", "pl"], ["<b>"], [""], ["pl\0"]])
def test_hostile_tags_add_nothing(cast, desk, alert, tags):
    assert desk.post(path(alert), spoken(cast, lang=tags)).status_code == 302
    alert.refresh_from_db()
    assert set(alert.languages) <= {"pl"}


def test_words_that_are_too_long_are_refused_in_words(cast, desk, alert):
    page = desk.post(path(alert), spoken(cast, lang_pl_title="ł" * 101)).content.decode()
    assert "The title in Polish must be 100 characters or fewer" in page


def test_a_half_translation_is_refused_at_its_field(cast, desk, alert):
    page = desk.post(path(alert), spoken(cast, do="submit", lang_pl_body="")).content.decode()
    assert "Enter the message in Polish, or take Polish out" in page and 'href="#id_lang_pl_body"' in page


def test_facts_in_words_are_translated_too(cast, desk):
    alert = cast.draft(kind=Kind.FOOTAGE)
    desk.post(path(alert), spoken(cast, lang_pl_look_for="Biała furgonetka"))
    alert.refresh_from_db()
    assert alert.languages["pl"]["fields"] == {"look_for": "Biała furgonetka"}


def test_the_preview_shows_each_language_and_what_its_text_takes(cast, desk, alert):
    page = desk.post(path(alert, "preview"), spoken(cast, channels=["email", "sms"])).content.decode()
    assert POLISH["title"] in page and 'lang="pl"' in page and "UCS-2" not in page.split("In Polish")[0]
    assert "No check reads Polish" in page
    urdu = {f"lang_ur_{name}": URDU[name] for name in ("title", "body")}
    page = desk.post(path(alert, "preview"), sent(cast, languages="1", lang=["ur"], channels=["sms"], **urdu))
    assert "UCS-2" in page.content.decode()


def test_a_colleagues_translation_stands_beside_mine(cast, desk, alert):
    actions.edit(alert, by=cast.approver, languages={"pl": POLISH | {"title": "Ich"}})
    answer = desk.post(path(alert, "saving"), quiet_page(cast, **spoken(cast)))
    assert answer.status_code == 409 and "Ich" in answer.json()["theirs"] and "Polish" in answer.json()["theirs"]


def test_who_approves_sees_every_language(cast, at_desk):
    version = actions.submit(cast.draft(languages=BOTH), by=cast.author)
    page = at_desk("approver").get(path(version.alert, "approve")).content.decode()
    assert POLISH["title"] in page and URDU["title"] in page and 'dir="rtl"' in page
    assert "No check reads Urdu" in page
