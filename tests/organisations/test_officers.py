"""Officers are added, changed, switched off and on; sessions end then, and none comes to life again."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from bell.audit.models import Entry
from bell.delivery.models import Delivery
from bell.organisations import granting, officers, teams
from bell.organisations.actions import NotAllowed
from bell.organisations.models import Officer, Role, Team
from bell.organisations.officers import Facts, NotAnOfficer
from bell.organisations.recovery import open_again
from bell.organisations.teams import NotATeam, Terms
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def second(cast):
    return cast.officer("Bo Second-Admin", cast.team, Role.ADMINISTRATOR)


def signed_in(officer: Officer) -> Client:
    client = Client()
    client.force_login(officer, backend=BACKEND)
    assert client.get("/desk/").status_code == 200
    return client


def is_in(client: Client) -> bool:
    return client.get("/desk/").status_code == 200


def test_an_officer_is_added_without_a_role_and_with_a_password_for_once(cast, second):
    made, password = officers.add(Facts(" Nia@Police.example ", "Nia  New", mobile="07700900123"), by=second)
    assert (made.email, made.name, made.mobile) == ("nia@police.example", "Nia New", "+447700900123")
    assert made.check_password(password) and made.must_choose and made.told_by == second
    assert not made.grants.exists() and made.organisation == cast.force
    assert password not in str(list(Entry.objects.values())) and password not in str(list(Delivery.objects.values()))
    assert Delivery.objects.filter(recipient_key=cast.administrator.key).count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"email": "ANA.author@police.example"}, "email"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"rank": "x" * 61}, "rank"),
        ({"mobile": "01332 123456"}, "mobile"),
    ],
)
def test_what_is_no_officer_is_said_in_words(cast, changes, field):
    with pytest.raises(NotAnOfficer) as refused:
        officers.add(Facts(**{"email": "nia@police.example", "name": "Nia New"} | changes), by=cast.administrator)
    assert list(refused.value.problems) == [field]


def test_a_changed_address_is_told_to_the_old_one(cast):
    facts = Facts("ana.new@police.example", "Ana Author", rank="PC")
    officers.change(cast.author, facts, by=cast.administrator)
    assert Delivery.objects.filter(address="ana.author@police.example").exists()
    assert Entry.objects.get(verb="officer changed").facts["fields"] == ["email", "rank"]
    officers.change(cast.author, facts, by=cast.administrator)
    assert Entry.objects.filter(verb="officer changed").count() == 1


@pytest.mark.parametrize("who", ["author", "approver", "dpo", "stranger", "outsider"])
def test_only_administrators_of_the_same_organisation_do_any_of_it(cast, second, who):
    by = getattr(cast, who)
    for act in (
        lambda: officers.add(Facts("x@police.example", "X"), by=by),
        lambda: officers.change(second, Facts("x@police.example", "X"), by=by),
        lambda: officers.switch_off(second, by=by, why="x"),
        lambda: officers.switch_on(second, by=by, why="x"),
        lambda: teams.make(Terms("X"), by=by),
        lambda: teams.change(cast.team, Terms("X"), by=by),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_nobody_does_it_to_themselves(cast, second):
    for act in (
        lambda: officers.change(second, Facts("x@police.example", "X"), by=second),
        lambda: officers.switch_off(second, by=second, why="x"),
    ):
        with pytest.raises(NotAllowed, match="own account"):
            act()


def test_the_last_administrator_is_not_switched_off(cast, second):
    officers.switch_off(cast.administrator, by=second, why="Left")
    with pytest.raises(NotAllowed):
        officers.switch_off(second, by=cast.administrator, why="x")
    assert Officer.objects.get(pk=second.pk).is_active


def test_switching_off_ends_every_session_and_switching_on_revives_none(cast, second):
    one, two = signed_in(cast.approver), signed_in(cast.approver)
    bystander = signed_in(cast.author)
    officers.switch_off(cast.approver, by=second, why="Under suspicion")
    assert not is_in(one) and not is_in(two) and is_in(bystander)
    Officer.objects.filter(pk=cast.approver.pk).update(is_active=True)
    three = Client()
    three.cookies = two.cookies
    assert not is_in(one) and not is_in(two) and not is_in(three), "an old session came back with the account"


def test_an_officer_who_was_never_looked_at_while_off_is_out_too(cast, second):
    """The session was not asked for while the account was off: nothing had the chance to delete it."""
    client = signed_in(cast.approver)
    officers.switch_off(cast.approver, by=second, why="Long leave")
    _, password = officers.switch_on(cast.approver, by=second, why="Came back")
    assert not is_in(client)
    fresh = Officer.objects.get(pk=cast.approver.pk)
    assert fresh.check_password(password) and not fresh.grants.exists() and fresh.must_choose
    assert not Authenticator.objects.filter(user=fresh).exists()


def test_losing_every_role_and_a_told_password_end_sessions_too(cast, second):
    client = signed_in(cast.stranger)
    granting.take(cast.stranger, cast.other_team, Role.AUTHOR, by=second)
    assert is_in(client), "one role is left"
    granting.take(cast.stranger, cast.other_team, Role.APPROVER, by=second)
    assert not is_in(client)
    client = signed_in(cast.author)
    open_again(cast.author, by=second, why="Saw her")
    assert not is_in(client)


def test_a_session_that_is_half_way_in_ends_as_well(cast, second, settings):
    """The password was given, the second factor not yet, when an administrator opened the account again."""
    settings.SECOND_FACTOR = True
    Authenticator.objects.create(user=cast.approver, type=Authenticator.Type.TOTP, data={"secret": ""})
    thief = Client()
    there = thief.post("/accounts/login/", {"login": cast.approver.email, "password": PASSWORD})
    assert there.headers["Location"].startswith("/accounts/2fa/authenticate/")
    open_again(cast.approver, by=second, why="Lost his phone")
    thief.get("/accounts/2fa/authenticate/")
    assert "_auth_user_id" not in thief.session
    assert thief.get("/accounts/2fa/totp/activate/").status_code == 302


def test_who_was_told_a_password_chooses_one_first(cast, second):
    made, password = officers.add(Facts("nia@police.example", "Nia New"), by=second)
    client = Client()
    client.post("/accounts/login/", {"login": made.email, "password": password})
    assert client.get("/desk/").headers["Location"] == "/accounts/password/"
    page = client.get("/accounts/password/").content.decode()
    assert "Choose your own password" in page
    wrong = client.post("/accounts/password/", {"oldpassword": password, "password1": "short", "password2": "short"})
    assert wrong.status_code == 200 and client.get("/desk/").status_code == 302
    own = "a password that nobody told"
    done = client.post("/accounts/password/", {"oldpassword": password, "password1": own, "password2": own})
    assert done.headers["Location"] == "/desk/" and is_in(client)
    made.refresh_from_db()
    assert made.check_password(own) and not made.must_choose


def test_teams_are_made_and_changed(cast, second):
    made = teams.make(Terms("Ripley  SNT", [cast.east.pk], 250), by=second)
    assert (made.name, made.slug, list(made.patch.all())) == ("Ripley SNT", "ripley-snt", [cast.east])
    teams.change(made, Terms("Ripley", [cast.west.pk], 100), by=second)
    made.refresh_from_db()
    assert (made.name, made.slug, made.margin_m, list(made.patch.all())) == ("Ripley", "ripley-snt", 100, [cast.west])
    assert Delivery.objects.filter(recipient_key=cast.administrator.key).count() == 2, "made, widened"


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(" "), "name"),
        (Terms("heanor snt"), "name"),
        (Terms("X", [99999999]), "areas"),
        (Terms("X", [], -1), "margin_m"),
        (Terms("X", [], 20_001), "margin_m"),
    ],
)
def test_what_is_no_team_is_said_in_words(cast, terms, field):
    with pytest.raises(NotATeam) as refused:
        teams.make(terms, by=cast.administrator)
    assert list(refused.value.problems) == [field]


def test_nobody_widens_the_team_that_they_write_for(cast, second):
    writer = cast.officer("Wyn Writer", cast.team, Role.ADMINISTRATOR, Role.APPROVER)
    areas = [cast.west.pk, cast.east.pk]
    for wider in (Terms("Heanor SNT", [*areas, cast.far.pk]), Terms("Heanor SNT", areas, 501),
                  Terms("Heanor SNT", areas, 500, True)):  # fmt: skip
        with pytest.raises(NotAllowed, match="another administrator"):
            teams.change(cast.team, wider, by=writer)
    teams.change(cast.team, Terms("Heanor", [cast.west.pk], 400), by=writer)
    teams.change(cast.team, Terms("Heanor", areas, 500), by=second)
    assert Team.objects.get(pk=cast.team.pk).margin_m == 500
