"""The administrators' pages: they work, take two people for a role, and exist for nobody else."""

import re

import pytest
from django.test import Client

from bell.audit.models import Entry
from bell.organisations import granting, rules
from bell.organisations.models import GrantProposal, Officer, Role, Team

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(cast):
    return cast.officer("Bo Second-Admin", cast.team, Role.ADMINISTRATOR)


def text(response) -> str:
    return " ".join(response.content.decode().split())


def there(officer) -> str:
    return f"/desk/people/{officer.key}/"


def test_an_officer_is_added_and_the_password_is_shown_once(cast, at_desk):
    client = at_desk("administrator")
    given = {"name": "Nia New", "rank": "PC", "email": "nia@police.example", "mobile": "07700 900123", "on_duty": "on"}
    page = client.post("/desk/people/new/", given)
    made = Officer.objects.get(email="nia@police.example")
    password = re.search(r'id="password">([a-z0-9-]{23})<', page.content.decode())[1]
    assert made.check_password(password) and made.on_duty and "no-store" in page.headers["Cache-Control"]
    again = text(client.post("/desk/people/new/", given))
    assert "An officer with this email address exists already" in again
    for path in ("/desk/people/", there(made)):
        assert password not in text(client.get(path)) and "Nia New" in text(client.get(path))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"email": ""}, "Enter a work email address"),
        ({"email": "<script>alert(1)</script>"}, "An email address"),
        ({"name": "<b>" * 60}, "Enter a name of 120 characters or fewer"),
        ({"mobile": "999"}, "mobile"),
        ({"name": "\0"}, "Null characters are not allowed"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(cast, at_desk, changes, words):
    given = {"name": "Nia New", "email": "nia@police.example"} | changes
    page = at_desk("administrator").post("/desk/people/new/", given)
    assert page.status_code == 200 and words in text(page) and "<script>alert" not in text(page)
    assert not Officer.objects.filter(name__startswith="Nia").exists()


def test_a_role_from_proposal_to_use_by_two_browsers(cast, second, at_desk):
    first, other = at_desk("administrator"), at_desk(second)
    given = {"team": cast.team.pk, "role": "approver", "why": "She finished the course"}
    assert first.post(there(cast.author) + "roles/", given).headers["Location"] == there(cast.author)
    path = f"/desk/people/proposals/{GrantProposal.objects.get().pk}/"
    assert path in text(first.get("/desk/people/")) and path in text(other.get("/desk/people/"))
    own = text(first.get(path))
    assert "You proposed this" in own and "Confirm this role" not in own and "Take it back" in own
    assert first.post(path, {"do": "confirm"}).status_code == 403
    assert not rules.may_approve(cast.author, cast.team)
    assert "She finished the course" in text(other.get(path))
    assert other.post(path, {"do": "confirm"}).headers["Location"] == "/desk/people/"
    assert rules.may_approve(cast.author, cast.team)
    assert "Confirmed by Bo Second-Admin" in text(first.get(path))
    first.post(there(cast.author) + "take/", {"grant": f"{cast.team.pk}:approver"})
    assert not rules.may_approve(cast.author, cast.team)


def test_refusing_and_taking_back(cast, second, at_desk):
    for by, words in ((second, "Refused."), (cast.administrator, "Taken back.")):
        made = granting.propose(cast.author, cast.team, Role.MEDIA, by=cast.administrator, why="x")
        client = at_desk(by)
        assert words in text(client.post(f"/desk/people/proposals/{made.pk}/", {"do": "refuse"}, follow=True))
    assert not cast.author.grants.filter(role=Role.MEDIA).exists()


@pytest.mark.parametrize(
    "given", [{}, {"team": "9" * 30, "role": "approver", "why": "x"}, {"team": "x", "role": "<b>", "why": ""},
              {"team": "theirs", "role": "approver", "why": "x"}, {"role": "administrator", "why": "x"}],
)  # fmt: skip
def test_hostile_proposals_are_refused_in_words(cast, at_desk, given):
    if given.get("team") == "theirs":
        given = given | {"team": cast.outsider.grants.first().team.pk}
    page = at_desk("administrator").post(there(cast.author) + "roles/", given)
    assert page.status_code == 200 and "There is a problem" in text(page)
    assert not GrantProposal.objects.exists()


@pytest.mark.parametrize("grant", ["", ":", "x:author", "-1:author", "9" * 40 + ":author", "٣:author"])
def test_hostile_takings_are_not_found(cast, at_desk, grant):
    assert at_desk("administrator").post(there(cast.author) + "take/", {"grant": grant}).status_code == 404
    assert cast.author.grants.exists()


def test_nobody_works_on_themselves(cast, second, at_desk):
    client, path = at_desk("administrator"), there(cast.administrator)
    page = text(client.get(path))
    assert "This is you" in page and "Propose this role" not in page and "Switch off" not in page
    given = {"team": cast.team.pk, "role": "approver", "why": "I want it"}
    assert client.post(path + "roles/", given).status_code == 403
    assert client.post(path + "take/", {"grant": f"{cast.team.pk}:administrator"}).status_code == 403
    assert client.post(path + "access/", {"do": "off", "why": "x"}).status_code == 403
    assert client.post(path, {"name": "Me", "email": "me@police.example"}).status_code == 403
    assert not GrantProposal.objects.exists() and rules.may_administer(cast.administrator)


def test_switching_off_and_on_and_opening_again(cast, second, at_desk):
    client, path = at_desk("administrator"), there(cast.approver) + "access/"
    theirs = at_desk("approver")
    assert "Say why" in text(client.post(path, {"do": "off", "why": ""}))
    assert client.post(path, {"do": "nonsense", "why": "x"}).status_code == 404
    client.post(path, {"do": "off", "why": "Under inquiry"})
    assert theirs.get("/desk/").status_code == 302
    assert "Switched off" in text(client.get("/desk/people/"))
    assert client.post(path, {"do": "again", "why": "Saw him"}).status_code == 403
    told = client.post(path, {"do": "on", "why": "Cleared"}).content.decode()
    cast.approver.refresh_from_db()
    password = re.search(r'id="password">([a-z0-9-]{23})<', told)[1]
    assert cast.approver.is_active and cast.approver.check_password(password)
    assert client.post(path, {"do": "on", "why": "Pressed twice"}).status_code == 302
    told = client.post(path, {"do": "again", "why": "Lost it at once"}).content.decode()
    assert re.search(r'id="password">([a-z0-9-]{23})<', told)[1] != password
    assert Entry.objects.filter(verb="officer opened again", why="Lost it at once").exists()


def test_teams_are_made_and_changed_and_say_who_is_in_them(cast, at_desk):
    client = at_desk("administrator")
    page = text(client.get("/desk/teams/new/"))
    assert "West Ward" in page and "Amber Test" in page
    given = {"name": "Ripley SNT", "margin_m": "250", "areas": [cast.east.pk]}
    assert client.post("/desk/teams/new/", given).headers["Location"] == "/desk/people/"
    made = Team.objects.get(name="Ripley SNT")
    assert list(made.patch.all()) == [cast.east] and made.organisation == cast.force
    path = f"/desk/teams/{cast.team.pk}/"
    assert "Ana Author" in text(client.get(path)) and there(cast.author) in text(client.get(path))
    for wrong, words in (
        ({"name": "Far SNT", "margin_m": "1"}, "There is a team of this name already"),
        ({"name": "X", "margin_m": "much"}, "Enter the margin in metres"),
        ({"name": "X", "margin_m": "1", "areas": ["999999"]}, "Choose areas from the list"),
        ({"name": "X", "margin_m": "1", "areas": ["9" * 40]}, "Choose areas from the list"),
    ):
        assert words in text(client.post(path, wrong)), words
    assert Team.objects.get(pk=cast.team.pk).name == "Heanor SNT"


@pytest.mark.parametrize("who", ["author", "approver", "media", "dpo", "stranger", "outsider"])
def test_for_everybody_else_they_do_not_exist(cast, at_desk, who):
    client = at_desk(who)
    for path in ("/desk/people/", "/desk/people/new/", there(cast.author), "/desk/teams/new/"):
        assert client.get(path).status_code == 404, path
    assert b"People</a>" not in client.get("/desk/").content


def test_a_partners_administrator_sees_their_own_only(cast, at_desk):
    team = cast.outsider.grants.first().team
    keeper = cast.officer("Kit Keeper", team, Role.ADMINISTRATOR)
    made = granting.propose(
        cast.author, cast.team, Role.MEDIA, by=cast.officer("Bo", cast.team, Role.ADMINISTRATOR), why="x"
    )
    client = at_desk(keeper)
    page = text(client.get("/desk/people/"))
    assert "Olu Outsider" in page and "Ana Author" not in page and "Heanor" not in page
    for path in (there(cast.author), f"/desk/people/proposals/{made.pk}/", f"/desk/teams/{cast.team.pk}/"):
        assert client.get(path).status_code == 404 and client.post(path, {"do": "confirm"}).status_code == 404, path
    assert "Data protection officer" not in text(client.get(there(cast.outsider)))
    given = {"name": "Pat", "email": "pat@council.example"}
    client.post("/desk/people/new/", given)
    assert Officer.objects.get(email="pat@council.example").organisation == cast.partner


def test_looking_changes_nothing(cast, at_desk):
    client, before = at_desk("administrator"), Entry.objects.count()
    was = list(Officer.objects.values().order_by("pk"))
    for path in ("/desk/people/", there(cast.author), f"/desk/teams/{cast.team.pk}/", there(cast.author) + "access/"):
        client.get(path)
    assert Entry.objects.count() == before
    ignored = {"last_login"}
    now = list(Officer.objects.values().order_by("pk"))
    assert [{k: v for k, v in row.items() if k not in ignored} for row in was] == [
        {k: v for k, v in row.items() if k not in ignored} for row in now
    ]


def test_without_a_session_nobody_gets_in(cast):
    assert Client().get("/desk/people/").headers["Location"].startswith("/accounts/login/")
