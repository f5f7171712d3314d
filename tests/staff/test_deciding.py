"""Approving, returning, rejecting, undoing, stopping, following up: each button once, whoever presses how often."""

import pytest

from bell.alerts import actions as alert_actions
from bell.alerts import dispatch
from bell.alerts.models import Alert, Approval, State
from bell.lib import clock
from bell.organisations.kinds import Kind


@pytest.fixture
def alert(cast) -> Alert:
    for _ in range(3):
        cast.resident()
    return cast.draft()


@pytest.fixture
def version(cast, alert):
    return alert_actions.submit(alert, by=cast.author)


def press(client, alert, verb):
    return client.post(f"/desk/alerts/{alert.reference}/do/{verb}/", follow=True)


def decide(client, version, do, **more):
    given = {"do": do, "number": version.number, "digest": version.digest, "reason": ""} | more
    return client.post(f"/desk/alerts/{version.alert.reference}/approve/", given, follow=True)


def state(alert) -> str:
    return Alert.objects.get(pk=alert.pk).state


def going(alert) -> None:
    """The hold is over and the worker begins."""
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    dispatch.run_due()


def test_the_approver_sees_exactly_the_frozen_version(cast, version, at_desk):
    Alert.objects.filter(pk=version.alert_id).update(title="Changed behind the back")
    page = at_desk("approver").get(f"/desk/alerts/{version.alert.reference}/approve/").content.decode()
    assert "Shed burglaries in Heanor" in page and "Changed behind the back" not in page.split("<main")[1]
    assert version.digest[:8] in page and "Approve and send" in page and "West Ward" in page
    assert '<dd class="app-stat__number">3' in page, "the exact number stands on the frozen version"


def test_approving_twice_approves_once_and_starts_the_hold(cast, alert, version, at_desk):
    client = at_desk("approver")
    first = decide(client, version, "approve")
    until = Alert.objects.get().hold_until
    assert "you can still undo" in first.content.decode()
    assert decide(client, version, "approve").status_code == 200
    assert state(alert) == State.HELD and Approval.objects.count() == 1
    assert Alert.objects.get().hold_until == until


def test_a_second_approver_comes_too_late_without_prolonging_the_hold(cast, alert, version, at_desk):
    decide(at_desk("approver"), version, "approve")
    until = Alert.objects.get().hold_until
    page = decide(at_desk("second_approver"), version, "approve").content.decode()
    assert "nothing to decide now" in page
    assert Approval.objects.count() == 1 and Alert.objects.get().hold_until == until


@pytest.mark.parametrize("who", ["author", "administrator"])
@pytest.mark.parametrize("do", ["approve", "return", "reject"])
def test_who_may_not_decide_is_told_why(cast, alert, version, at_desk, who, do):
    client = at_desk(who)
    page = client.get(f"/desk/alerts/{alert.reference}/approve/").content.decode()
    assert "You cannot decide on this one" in page and "Approve and send" not in page
    answer = decide(client, version, do, reason="because").content.decode()
    assert "a colleague must approve it" in answer or "You are not an approver" in answer
    assert state(alert) == State.SUBMITTED and not Approval.objects.exists()


def test_an_approver_who_edited_is_barred_too(cast, at_desk):
    alert = alert_actions.edit(cast.draft(), by=cast.approver, title="Edited by the approver")
    version = alert_actions.submit(alert, by=cast.author)
    decide(at_desk("approver"), version, "approve")
    assert state(alert) == State.SUBMITTED
    decide(at_desk("second_approver"), version, "approve")
    assert state(alert) == State.HELD


@pytest.mark.parametrize("do", ["return", "reject"])
def test_turning_back_needs_a_reason(cast, alert, version, at_desk, do):
    page = decide(at_desk("approver"), version, do).content.decode()
    assert "There is a problem" in page and "Say why" in page and 'href="#id_reason"' in page
    assert state(alert) == State.SUBMITTED
    decide(at_desk("approver"), version, do, reason="Name the street.")
    assert state(alert) == (State.RETURNED if do == "return" else State.REJECTED)
    shown = at_desk("author").get(f"/desk/alerts/{alert.reference}/").content.decode()
    assert "Name the street." in shown and "Ben Approver" in shown


def test_the_next_version_shows_what_changed_and_why(cast, alert, version, at_desk):
    decide(at_desk("approver"), version, "return", reason="Name the street.")
    alert_actions.edit(alert, by=cast.author, title="Shed burglaries in Ray Street")
    alert_actions.submit(alert, by=cast.author)
    page = at_desk("approver").get(f"/desk/alerts/{alert.reference}/approve/").content.decode()
    assert (
        "Name the street." in page
        and "Changed: title." in page
        and "Heanor</del>" in page
        and "Ray Street</ins>" in page
    )


@pytest.mark.parametrize("wrong", [
    {"digest": "0" * 64}, {"digest": ""}, {"digest": "x" * 65}, {"number": "9"}, {"number": "x"}, {"number": ""},
    {"do": "explode"}, {"do": ""}, {"digest": "\0"}, {"reason": "\0"}, {"reason": "x" * 501},
])  # fmt: skip
def test_a_forged_or_stale_decision_changes_nothing(cast, alert, version, at_desk, wrong):
    given = {"do": "approve", "number": version.number, "digest": version.digest, "reason": ""} | wrong
    response = at_desk("approver").post(f"/desk/alerts/{alert.reference}/approve/", given, follow=True)
    assert response.status_code == 200
    assert state(alert) == State.SUBMITTED and not Approval.objects.exists()


def test_an_older_version_cannot_be_approved(cast, alert, version, at_desk):
    alert_actions.take_back(alert, by=cast.author)
    alert_actions.edit(alert, by=cast.author, title="A newer title")
    newer = alert_actions.submit(alert, by=cast.author)
    page = decide(at_desk("approver"), version, "approve").content.decode()
    assert "changed since you opened it" in page and state(alert) == State.SUBMITTED
    decide(at_desk("approver"), newer, "approve")
    assert state(alert) == State.HELD


def test_a_draft_has_nothing_to_decide(cast, alert, at_desk):
    response = at_desk("approver").get(f"/desk/alerts/{alert.reference}/approve/", follow=True)
    assert "has not been submitted yet" in response.content.decode()


def test_undo_and_send_again(cast, alert, version, at_desk):
    decide(at_desk("approver"), version, "approve")
    author = at_desk("author")
    page = author.get(f"/desk/alerts/{alert.reference}/").content.decode()
    assert "Undo" in page and "data-countdown" in page and "Stop sending" not in page
    for _ in range(2):
        assert press(author, alert, "undo").status_code == 200
        assert state(alert) == State.APPROVED
    for _ in range(2):
        press(author, alert, "send")
        assert state(alert) == State.HELD


def test_stopping_while_it_goes_out(cast, alert, version, at_desk):
    decide(at_desk("approver"), version, "approve")
    going(alert)
    author = at_desk("author")
    page = author.get(f"/desk/alerts/{alert.reference}/").content.decode()
    assert "Stop sending" in page and "0% of 3" in page and 'class="staff-bar__wait"' in page
    assert "Undo" not in page.split("<main")[1]
    for _ in range(2):
        press(author, alert, "stop")
        assert state(alert) == State.STOPPED
    page = author.get(f"/desk/alerts/{alert.reference}/").content.decode()
    assert "Sending stopped" in page and "3 messages were not sent" in page and "Not sent: stopped" in page


def test_taking_back_and_withdrawing(cast, alert, version, at_desk):
    author = at_desk("author")
    assert press(author, alert, "take-back").request["PATH_INFO"].endswith("/edit/")
    assert state(alert) == State.DRAFT
    for _ in range(2):
        press(author, alert, "withdraw")
        assert state(alert) == State.WITHDRAWN
    assert "cannot be done now" in press(author, alert, "take-back").content.decode()


@pytest.mark.parametrize("verb", ["stop", "undo", "send"])
def test_what_cannot_be_done_now_is_said_in_words(cast, alert, at_desk, verb):
    page = press(at_desk("author"), alert, verb).content.decode()
    assert "cannot be done now" in page or "needs a colleague" in page
    assert state(alert) == State.DRAFT


@pytest.mark.parametrize("verb", ["take-back", "withdraw"])
def test_a_colleague_without_a_writing_role_is_refused_in_words(cast, alert, version, at_desk, verb):
    assert "You cannot change" in press(at_desk("administrator"), alert, verb).content.decode()
    assert state(alert) == State.SUBMITTED


def test_unknown_verbs_do_not_exist(cast, alert, at_desk):
    assert press(at_desk("author"), alert, "explode").status_code == 404
    assert at_desk("author").post(f"/desk/alerts/{alert.reference}/follow/", {"relation": "x"}).status_code == 404


def test_following_up_goes_to_the_same_people(cast, alert, version, at_desk):
    author = at_desk("author")
    refused = author.post(f"/desk/alerts/{alert.reference}/follow/", {"relation": "update"}, follow=True)
    assert "Only an alert that went out" in refused.content.decode()
    decide(at_desk("approver"), version, "approve")
    going(alert)
    page = author.get(f"/desk/alerts/{alert.reference}/").content.decode()
    assert "Send an update" in page and "Send an outcome" in page and "Stand down" not in page
    response = author.post(f"/desk/alerts/{alert.reference}/follow/", {"relation": "outcome"})
    outcome = Alert.objects.get(follows=alert)
    assert outcome.kind == Kind.OUTCOME and response.url == f"/desk/alerts/{outcome.reference}/edit/"
    assert "What followed" in author.get(f"/desk/alerts/{alert.reference}/").content.decode()


def test_a_missing_person_can_be_stood_down(cast, at_desk):
    alert, _ = cast.approved(kind=Kind.MISSING, fields={"description": "A boy of nine, red coat"})
    going(alert)
    assert "Stand down" in at_desk("author").get(f"/desk/alerts/{alert.reference}/").content.decode()


def test_the_timeline_tells_who_did_what(cast, alert, version, at_desk):
    decide(at_desk("approver"), version, "approve")
    press(at_desk("author"), alert, "undo")
    page = at_desk("author").get(f"/desk/alerts/{alert.reference}/").content.decode()
    history = page[page.index("What happened") :]
    order = [
        "Begun",
        "Ana Author",
        "Submitted for approval",
        "Version 1, 3 people",
        "Approved",
        "Ben Approver",
        "undone",
    ]
    places = [history.index(words) for words in order]
    assert places == sorted(places)


def test_the_live_part_of_the_page_changes_only_when_something_did(cast, alert, version, at_desk):
    client = at_desk("author")
    path = f"/desk/alerts/{alert.reference}/live/"
    first = client.get(path).content.decode()
    have = first.split("have=")[1].split("&")[0]
    assert client.get(path, {"have": have, "news": ""}).status_code == 204
    decide(at_desk("approver"), version, "approve")
    assert b"Undo" in client.get(path, {"have": have, "news": ""}).content


def test_what_the_checks_noticed_stands_before_the_approver_and_asks_for_a_reason(cast, at_desk):
    for _ in range(3):
        cast.resident()
    alert = cast.draft(body="It happened at 14 Sowbury Park Road.")
    version = alert_actions.submit(alert, by=cast.author)
    client = at_desk("approver")
    page = client.get(f"/desk/alerts/{alert.reference}/approve/").content.decode()
    assert "What the checks noticed" in page and "<q>14 Sowbury Park Road</q>" in page and "Needs a reason" in page
    refused = decide(client, version, "approve").content.decode()
    assert "Say why it may go as it is" in refused and state(alert) == State.SUBMITTED
    decide(client, version, "approve", reason="The shop asked us to name it.")
    assert state(alert) == State.HELD and Approval.objects.get().reason == "The shop asked us to name it."


def test_what_is_grave_is_not_for_the_teams_own_approver(cast, at_desk):
    cast.resident()
    version = alert_actions.submit(cast.draft(body="See bit.ly/3abcd for more."), by=cast.author)
    page = at_desk("approver").get(f"/desk/alerts/{version.alert.reference}/approve/").content.decode()
    assert "You cannot decide on this one" in page and "whole force" in page
    decide(at_desk("media"), version, "approve", reason="Checked with the bank.")
    assert state(version.alert) == State.HELD
