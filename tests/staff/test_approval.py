"""The page of approval and practice, and the approver's page where two must say yes."""

import pytest

from bell.alerts import actions
from bell.alerts.models import Alert, State
from bell.audit.models import Entry
from bell.organisations import approvals
from bell.organisations.approvals import Terms
from bell.organisations.models import ApprovalRoute, Officer, Role, Team
from tests.staff.test_deciding import decide, press

PAGE = "/desk/approval/"
RULE = {
    "do": "rule", "rule-team": "", "rule-kind": "missing", "rule-from_people": "500", "rule-from_level": "0",
    "rule-people": "2", "rule-senior": "on",
}  # fmt: skip


def text(response):
    return " ".join(response.content.decode().split())


def test_an_administrator_adds_and_removes_a_rule(cast, at_desk):
    client = at_desk("administrator")
    assert "Until you make rules of your own" in text(client.get(PAGE))
    for _ in range(2):
        assert client.post(PAGE, RULE).url == PAGE
    rule = ApprovalRoute.objects.get()
    page = text(client.get(PAGE))
    assert "Two people, one of them for the whole force" in page
    assert "Missing person, to 500 people or more" in page
    assert "Until you make rules" not in page
    for _ in range(2):
        client.post(PAGE, {"do": f"remove:{rule.pk}"})
    assert not ApprovalRoute.objects.exists()
    assert Entry.objects.filter(verb="approval rule removed").count() == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rule-people": "1", "rule-senior": ""}, "Every alert needs one approver anyway"),
        ({"rule-people": "9"}, "Select a valid choice"),
        ({"rule-from_people": "many"}, "Enter a whole number"),
        ({"rule-from_people": "-1"}, "0 or more"),
        ({"rule-kind": "<script>"}, "Select a valid choice"),
        ({"rule-team": "999999"}, "Select a valid choice"),
        ({"rule-from_level": "\0"}, "Select a valid choice"),
    ],
)
def test_what_is_no_rule_is_said_in_words(cast, at_desk, wrong, words):
    page = text(at_desk("administrator").post(PAGE, RULE | wrong))
    assert "There is a problem" in page and words in page and "<script>" not in page.partition("<main")[2]
    assert not ApprovalRoute.objects.exists()


@pytest.mark.parametrize("do", ["remove:", "remove:x", "remove:" + "9" * 30, "remove:٣", "explode:1", "explode", ""])
def test_hostile_buttons_do_not_exist(cast, at_desk, do):
    assert at_desk("administrator").post(PAGE, {"do": do}).status_code == (302 if do == "remove:1" else 404)


@pytest.mark.parametrize("who", ["author", "approver", "media", "stranger", "outsider", "dpo"])
def test_only_administrators_see_it(cast, at_desk, who):
    client = at_desk(who)
    assert client.get(PAGE).status_code == 403 and client.post(PAGE, RULE).status_code == 403
    assert not ApprovalRoute.objects.exists() and PAGE not in client.get("/desk/").content.decode()


def test_looking_changes_nothing_and_another_organisation_sees_none_of_it(cast, at_desk):
    rule = approvals.add_rule(Terms(people=3), by=cast.administrator)
    keeper = cast.officer("Kit Keeper", Team.objects.get(slug="desk"), Role.ADMINISTRATOR)
    before = Entry.objects.count()
    page = text(at_desk(keeper).get(PAGE, {"do": f"remove:{rule.pk}"}))
    assert "Three people" not in page and "Heanor SNT" not in page and Entry.objects.count() == before
    at_desk(keeper).post(PAGE, {"do": f"remove:{rule.pk}"})
    assert ApprovalRoute.objects.exists()
    assert at_desk(keeper).post(PAGE, {"do": f"practise-team:{cast.team.pk}"}).status_code == 404
    assert at_desk(keeper).post(PAGE, {"do": f"end-officer:{cast.author.pk}"}).status_code == 404
    found = text(at_desk(keeper).post(PAGE, {"do": "person", "person-email": cast.author.email, "person-number": "1"}))
    assert "There is no account with this email" in found


def test_accounts_of_one_person_are_named(cast, at_desk):
    client = at_desk("administrator")
    for email in (cast.author.email, cast.outsider.email.upper()):
        client.post(PAGE, {"do": "person", "person-email": email, "person-number": "pc 4711"})
    page = text(client.get(PAGE))
    assert page.count("PC4711") == 2 and "Olu Outsider, Test Council" in page
    refused = client.post(PAGE, {"do": "person", "person-email": cast.administrator.email, "person-number": "1"})
    assert refused.status_code == 403 and "ask another administrator" in text(refused)


def test_practice_of_a_team_and_of_an_officer(cast, at_desk):
    client = at_desk("administrator")
    for _ in range(2):
        client.post(PAGE, {"do": f"practise-team:{cast.team.pk}"})
    assert Team.objects.get(pk=cast.team.pk).practice
    assert Entry.objects.filter(verb="team practice on").count() == 1
    assert "never leaves this building" in text(at_desk("author").get("/desk/"))
    client.post(PAGE, {"do": f"end-team:{cast.team.pk}"})
    assert "never leaves this building" not in text(at_desk("author").get("/desk/"))
    client.post(PAGE, {"do": "practise", "practise-email": cast.author.email})
    assert Officer.objects.get(pk=cast.author.pk).practice and "Ana Author" in text(client.get(PAGE))
    assert "never leaves this building" in text(at_desk("author").get("/desk/"))
    client.post(PAGE, {"do": f"end-officer:{cast.author.pk}"})
    assert not Officer.objects.get(pk=cast.author.pk).practice
    wrong = text(client.post(PAGE, {"do": "practise", "practise-email": cast.outsider.email}))
    assert "There is no account with this email" in wrong


def test_an_alert_of_the_other_mode_says_so_on_every_page(cast, at_desk):
    alert = cast.draft()
    version = actions.submit(alert, by=cast.author)
    at_desk("administrator").post(PAGE, {"do": "practise", "practise-email": cast.approver.email})
    client = at_desk("approver")
    path = f"/desk/alerts/{alert.reference}/"
    words = "You are in practice mode, and this is a real alert"
    assert words in text(client.get(path)) and "Look and decide" not in text(client.get(path))
    assert words in text(client.get(f"{path}approve/")) and words in text(decide(client, version, "approve"))
    actions.take_back(alert, by=cast.author)
    assert words in text(client.get(f"{path}edit/", follow=True))
    assert words in text(client.post(f"{path}edit/", {"do": "save", "title": "Mine"}, follow=True))
    assert Alert.objects.get().title == "Shed burglaries in Heanor"


# The approver's page where two must say yes.


@pytest.fixture
def version(cast):
    approvals.add_rule(Terms(people=2, senior=True), by=cast.administrator)
    for _ in range(3):
        cast.resident()
    return actions.submit(cast.draft(), by=cast.author)


def test_the_page_says_what_was_given_and_what_is_missing(cast, version, at_desk):
    path = f"/desk/alerts/{version.alert.reference}/approve/"
    page = text(at_desk("approver").get(path))
    assert "Two people, one of them for the whole force, must approve every alert." in page
    assert "0 of 2 given. Two needed, from Heanor SNT or Media Team." in page
    assert "Approve and send" not in page and "It waits for another approval after yours" in page
    done = text(decide(at_desk("approver"), version, "approve"))
    assert "1 of 2 given: Ben Approver. One more needed, from Media Team." in done
    again = text(at_desk("approver").get(path))
    assert "You have approved this." in again and 'value="approve"' not in again and "Return to the author" in again
    other = text(at_desk("second_approver").get(path))
    assert "An approver of a team for the whole force must decide" in other and 'value="return"' in other
    assert "Approve and send" in text(at_desk("media").get(path))
    assert "about to go" in text(decide(at_desk("media"), version, "approve"))
    assert Alert.objects.get().state == State.HELD


def test_the_back_button_and_a_double_tap_do_it_once(cast, version, at_desk):
    client = at_desk("approver")
    for _ in range(3):
        decide(client, version, "approve")
    assert version.approvals.count() == 1 and Alert.objects.get().state == State.SUBMITTED
    media = at_desk("media")
    decide(media, version, "approve")
    until = Alert.objects.get().hold_until
    for one in (media, client):
        decide(one, version, "approve")
    assert Alert.objects.get().hold_until == until and version.approvals.count() == 2


def test_who_has_approved_is_not_asked_again(cast, version, at_desk):
    path = f"/desk/alerts/{version.alert.reference}/approve/"
    assert path in at_desk("approver").get("/desk/").content.decode()
    decide(at_desk("approver"), version, "approve")
    assert path not in at_desk("approver").get("/desk/").content.decode()
    assert path not in at_desk("second_approver").get("/desk/").content.decode()
    assert path in at_desk("media").get("/desk/").content.decode()


def test_nobody_else_to_approve_is_said_in_the_composer(cast, at_desk):
    approvals.add_rule(Terms(people=3), by=cast.administrator)
    cast.media.is_active = False
    cast.media.save()
    alert = cast.draft()
    client = at_desk("author")
    data = {"do": "submit", "whole": "1", "seen": "0", "title": alert.title, "body": alert.body, "channels": ["email"]}
    data |= {"areas": [cast.west.pk]}
    done = text(client.post(f"/desk/alerts/{alert.reference}/edit/", data))
    assert "There is a problem" in done and "Only Ben Approver and Cas Second may" in done
    assert Alert.objects.get(pk=alert.pk).state == State.DRAFT
    assert press(client, alert, "withdraw").status_code == 200
