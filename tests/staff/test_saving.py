"""The composer saves by itself: what it keeps, what it never overwrites, and how little of it the record is told."""

from datetime import timedelta

import pytest
from django.test import Client

from bell.alerts import actions as alert_actions
from bell.alerts import sittings
from bell.alerts.models import Alert, State
from bell.audit.models import Entry
from bell.lib import clock
from tests.staff.test_composing import path, sent

HERE, THERE = "sitting-of-ana", "sitting-of-ben"


@pytest.fixture
def alert(cast) -> Alert:
    return cast.draft()


@pytest.fixture
def desk(cast, at_desk):
    return at_desk("author")


def page(cast, who="author", **changes):
    """What a page that saves by itself sends."""
    mine = {"writer": str(getattr(cast, who).key), "sitting": HERE}
    return sent(cast, **mine) | changes


def edits(alert):
    return Entry.objects.filter(verb="alert edited", target_key=str(alert.pk))


def test_what_was_typed_is_saved_and_the_page_told_when(cast, desk, alert):
    answer = desk.post(path(alert, "saving"), page(cast, title="Bikes t"))
    alert.refresh_from_db()
    assert (alert.title, alert.last_editor, alert.edit) == ("Bikes t", cast.author, 1)
    assert answer.json() == {"saved": f"Saved at {sittings.said(alert.saved_at)}", "seen": 1, "but": ""}
    assert f"Saved at {sittings.said(alert.saved_at)}" in desk.get(path(alert)).content.decode()


def test_what_is_wrong_is_named_and_the_rest_saved(cast, desk, alert):
    answer = desk.post(path(alert, "saving"), page(cast, title="New", send_at="2001-01-01T10:00")).json()
    alert.refresh_from_db()
    assert alert.title == "New" and alert.send_at is None and answer["but"] == "Send at"


def test_nothing_changed_is_nothing_saved(cast, desk, alert):
    desk.post(path(alert, "saving"), page(cast))
    for seen in ("1", "1"):
        assert desk.post(path(alert, "saving"), page(cast, seen=seen)).json()["seen"] == 1
    alert.refresh_from_db()
    assert alert.edit == 1


def test_a_page_is_never_its_own_colleague(cast, desk, alert):
    """The answer to a save was lost, or a button was pressed while it was under way: the page shows an old number."""
    desk.post(path(alert, "saving"), page(cast, title="One"))
    assert desk.post(path(alert, "saving"), page(cast, title="Two", seen="0")).status_code == 200
    assert desk.post(path(alert), page(cast, title="Three", seen="0")).status_code == 302
    alert.refresh_from_db()
    assert alert.title == "Three"


def test_a_colleagues_words_are_never_overwritten(cast, desk, at_desk, alert):
    theirs = page(cast, "approver", sitting=THERE, title="Theirs")
    assert at_desk("approver").post(path(alert, "saving"), theirs).status_code == 200
    for where in ("saving", "edit"):
        answer = desk.post(path(alert, where), page(cast, title="Mine"))
        assert answer.status_code == 409
        shown = answer.json()["theirs"] if where == "saving" else answer.content.decode()
        assert "Mine" in shown and "Theirs" in shown and "Ben Approver saved this alert" in shown
    alert.refresh_from_db()
    assert alert.title == "Theirs" and alert.last_editor == cast.approver
    # Seen and chosen: then it is mine.
    assert desk.post(path(alert), page(cast, title="Mine", mine="1")).status_code == 302
    alert.refresh_from_db()
    assert alert.title == "Mine"


def test_a_choice_holds_only_for_what_was_shown(cast, desk, alert):
    for title in ("Theirs", "Theirs again"):
        alert_actions.edit(alert, by=cast.approver, sitting=THERE, title=title)
    assert desk.post(path(alert), page(cast, title="Mine", mine="1")).status_code == 409
    for odd in ("", "x", "٣", "9" * 12, "-1"):
        assert desk.post(path(alert), page(cast, title="Mine", mine=odd)).status_code == 409


def test_two_pages_of_one_officer_notice_each_other(cast, desk, alert):
    desk.post(path(alert, "saving"), page(cast, title="First page"))
    answer = desk.post(path(alert, "saving"), page(cast, sitting=THERE, title="Second page"))
    assert answer.status_code == 409


@pytest.mark.parametrize("name", ["", "short", "x" * 40, "with space 1", "<script>alert(1)"])
def test_a_sitting_that_is_none_proves_nothing(cast, desk, alert, name):
    desk.post(path(alert, "saving"), page(cast, sitting=name, title="One"))
    assert desk.post(path(alert, "saving"), page(cast, sitting=name, title="Two")).status_code == 409


def test_saves_by_themselves_do_not_flood_the_record(cast, desk, alert, monkeypatch):
    begun = clock.now()
    for minute in range(12):
        monkeypatch.setattr(clock, "now", lambda at=begun + timedelta(minutes=minute): at)
        desk.post(path(alert, "saving"), page(cast, title=f"Bikes {minute}", seen=str(minute)))
    alert.refresh_from_db()
    assert alert.edit == 12
    assert [entry.facts for entry in edits(alert).order_by("pk")] == [
        {"edit": 1, "by_itself": True},
        {"edit": 11, "by_itself": True},
    ]


def test_a_save_that_was_asked_for_and_another_hand_are_always_recorded(cast, desk, at_desk, alert):
    desk.post(path(alert, "saving"), page(cast, title="One"))
    desk.post(path(alert), page(cast, title="Two", seen="1"))
    at_desk("approver").post(path(alert, "saving"), page(cast, "approver", sitting=THERE, title="Three", seen="2"))
    desk.post(path(alert, "saving"), page(cast, title="Four", seen="3"))
    who = [entry.by_key for entry in edits(alert).order_by("pk")]
    assert who == [str(cast.author.key)] * 2 + [str(cast.approver.key), str(cast.author.key)]


def test_who_types_cannot_approve(cast, desk, at_desk, alert):
    at_desk("approver").post(path(alert, "saving"), page(cast, "approver", title="Theirs"))
    version = alert_actions.submit(alert, by=cast.author)
    assert at_desk("approver").get(path(alert, "approve")).content.decode().count("a colleague must approve it") == 1
    assert version.alert.last_editor == cast.approver


def test_a_session_that_ended_saves_nothing_and_says_so(cast, alert):
    answer = Client().post(path(alert, "saving"), page(cast))
    assert answer.status_code == 302 and "/accounts/login/" in answer.url
    alert.refresh_from_db()
    assert alert.edit == 0


def test_a_page_may_ask_for_a_new_token_and_changes_nothing_by_it(cast, desk, alert):
    answer = desk.get(path(alert, "saving"))
    assert set(answer.json()) == {"token"} and "no-store" in answer["Cache-Control"]
    alert.refresh_from_db()
    assert alert.edit == 0


def test_one_officers_page_is_not_saved_as_another_officers(cast, at_desk, alert):
    answer = at_desk("approver").post(path(alert, "saving"), page(cast, "author"))
    assert answer.status_code == 409 and "Somebody else is signed in" in answer.json()["stopped"]
    alert.refresh_from_db()
    assert alert.edit == 0


def test_what_left_the_desk_is_not_changed(cast, desk, alert):
    alert_actions.submit(alert, by=cast.author)
    answer = desk.post(path(alert, "saving"), page(cast, title="Late"))
    assert answer.status_code == 409 and "cannot be changed now" in answer.json()["stopped"]
    alert.refresh_from_db()
    assert alert.title != "Late" and alert.state == State.SUBMITTED


@pytest.mark.parametrize("who", ["stranger", "outsider"])
def test_a_stranger_finds_nothing(cast, at_desk, alert, who):
    assert at_desk(who).get(path(alert, "saving")).status_code == 404
    assert at_desk(who).post(path(alert, "saving"), page(cast, who)).status_code == 404


def test_a_colleague_who_may_only_look_saves_nothing(cast, at_desk, alert):
    answer = at_desk("administrator").post(path(alert, "saving"), page(cast, "administrator"))
    assert answer.status_code == 409
    alert.refresh_from_db()
    assert alert.edit == 0
