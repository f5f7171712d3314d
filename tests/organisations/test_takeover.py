"""One administrator alone cannot come in as a colleague, by whatever path. Each path has a test; the last ones find new
paths."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver

import bell
from bell.audit.models import Entry
from bell.delivery.models import Delivery
from bell.lib import clock, oidc
from bell.organisations import actions as organisation_actions
from bell.organisations import granting, officers, rules, sso
from bell.organisations.actions import NotAllowed
from bell.organisations.models import Grant, GrantProposal, Officer, Role, SignOnLink
from bell.organisations.officers import Facts
from bell.organisations.recovery import open_again
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db
WHY = "Saw his warrant card"


@pytest.fixture
def honest(cast):
    """Another administrator, who means well and is tired."""
    return cast.officer("Bo Second-Admin", cast.team, Role.ADMINISTRATOR)


@pytest.fixture
def thief(cast):
    """The administrator who wants to come in as a colleague, the approver."""
    return cast.administrator


@pytest.fixture
def victim(cast):
    return cast.approver


def enters(login: str, password: str) -> Client:
    """A browser in which somebody typed these, and chose a password of their own if they were asked to."""
    client = Client()
    client.post("/accounts/login/", {"login": login, "password": password})
    own = "a password that nobody told"
    client.post("/accounts/password/", {"oldpassword": password, "password1": own, "password2": own})
    return client


def powers(officer) -> set[tuple[int, str]]:
    return set(Grant.objects.filter(officer=officer).values_list("team", "role"))


def waiting(officer) -> set[tuple[int, str]]:
    return set(GrantProposal.objects.waiting().filter(officer=officer).values_list("team", "role"))


# Recovery.


def test_opened_again_means_without_any_role_until_another_confirms(cast, thief, honest, victim):
    had = powers(victim)
    password = open_again(victim, by=thief, why=WHY)
    assert had and not powers(victim) and waiting(victim) == had
    client = enters(victim.email, password)
    alert = cast.draft()
    assert client.get("/desk/").status_code == 200, "the account itself is in, and sees nothing"
    assert client.get(f"/desk/alerts/{alert.reference}/").status_code == 404
    assert not rules.may_approve(Officer.objects.get(pk=victim.pk), cast.team)
    for proposal in GrantProposal.objects.waiting().filter(officer=victim):
        granting.confirm(proposal, by=honest)
    assert powers(victim) == had and rules.may_approve(Officer.objects.get(pk=victim.pk), cast.team)


def test_the_record_and_the_others_are_told(thief, honest, victim):
    open_again(victim, by=thief, why=WHY)
    entry = Entry.objects.get(verb="officer opened again")
    assert entry.facts["roles_waiting"] == len(waiting(victim)) and entry.why == WHY
    assert Entry.objects.filter(verb="role proposed", target_key=str(victim.key)).count() == len(waiting(victim))
    words = Delivery.objects.get(recipient_key=honest.key, mailing__authority_kind="notice").mailing.content["text"]
    assert "Its roles need your decision" in words


def test_who_opened_it_confirms_nothing(thief, honest, victim):
    open_again(victim, by=thief, why=WHY)
    for proposal in GrantProposal.objects.waiting().filter(officer=victim):
        with pytest.raises(NotAllowed, match="You proposed this"):
            granting.confirm(proposal, by=thief)
        with pytest.raises(NotAllowed):
            granting.confirm(proposal, by=victim)


def test_a_second_administrator_who_was_opened_again_confirms_nothing(cast, thief, honest, victim):
    """The thief opens the account of the one who should check, and is both."""
    open_again(victim, by=thief, why=WHY)
    password = open_again(honest, by=thief, why=WHY)
    assert not powers(honest)
    client = enters(honest.email, password)
    for proposal in GrantProposal.objects.waiting():
        assert client.get(f"/desk/people/proposals/{proposal.pk}/").status_code == 404
        with pytest.raises(NotAllowed):
            granting.confirm(proposal, by=Officer.objects.get(pk=honest.pk))


def test_what_others_had_proposed_for_the_real_one_gives_the_thief_nothing(cast, thief, honest, victim):
    """Proposed by an honest administrator before; the thief opens the account and confirms that."""
    earlier = granting.propose(victim, cast.other_team, Role.MEDIA, by=honest, why="New post")
    open_again(victim, by=thief, why=WHY)
    earlier.refresh_from_db()
    assert earlier.state == GrantProposal.State.WITHDRAWN
    with pytest.raises(NotAllowed):
        granting.confirm(earlier, by=thief)
    assert (cast.other_team.pk, Role.MEDIA) in waiting(victim)
    anew = GrantProposal.objects.waiting().get(officer=victim, team=cast.other_team)
    assert anew.proposed_by == thief


def test_what_others_propose_afterwards_is_not_confirmed_by_who_told_the_password(
    cast, thief, honest, victim, monkeypatch
):
    open_again(victim, by=thief, why=WHY)
    later = granting.propose(victim, cast.other_team, Role.MEDIA, by=honest, why="New post")
    with pytest.raises(NotAllowed, match="You told them a password"):
        granting.confirm(later, by=thief)
    third = cast.officer("Cy Third-Admin", cast.team, Role.ADMINISTRATOR)
    granting.confirm(later, by=third)
    assert powers(victim) == {(cast.other_team.pk, Role.MEDIA)}
    week = clock.now() + timedelta(days=8)
    monkeypatch.setattr(clock, "now", lambda: week)
    again = granting.propose(Officer.objects.get(pk=victim.pk), cast.team, Role.AUTHOR, by=honest, why="x")
    assert rules.why_not_confirm(thief, again) == ""


def test_by_the_shell_it_is_the_same(cast, thief, honest, victim, monkeypatch, capsys):
    monkeypatch.setattr("getpass.getpass", lambda prompt: PASSWORD)
    call_command("officer", "again", victim.email, "--by", thief.email, "--why", WHY)
    assert "wait until another administrator" in capsys.readouterr().out
    assert not powers(victim) and waiting(victim)


def test_the_pages_say_so(cast, thief, honest, victim):
    desk = Client()
    desk.force_login(thief, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "waits until another administrator confirms it" in desk.get(f"/desk/people/{victim.key}/").content.decode()
    told = desk.post(f"/desk/people/{victim.key}/access/", {"do": "again", "why": WHY}).content.decode()
    assert "proposed anew" in told and "Until another administrator confirms" in told
    proposal = GrantProposal.objects.waiting().filter(officer=victim).first()
    other = Client()
    other.force_login(honest, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = other.get(f"/desk/people/proposals/{proposal.pk}/").content.decode()
    assert f"{thief} told {victim} a password on" in page and "Confirm this role" in page
    other.post(f"/desk/people/proposals/{proposal.pk}/", {"do": "confirm"})
    assert powers(victim) == {(proposal.team_id, proposal.role)}


def test_where_nobody_else_administers_the_page_says_who_can_help(cast, thief, victim):
    desk = Client()
    desk.force_login(thief, backend="allauth.account.auth_backends.AuthenticationBackend")
    told = desk.post(f"/desk/people/{victim.key}/access/", {"do": "again", "why": WHY}).content.decode()
    assert "bell officer grant" in told
    granting.give_by_operator(Officer.objects.get(pk=victim.pk), cast.team, Role.APPROVER, why="Called the station")
    assert powers(victim) == {(cast.team.pk, Role.APPROVER)}


# Switched off and on.


def test_switched_off_and_on_again_means_no_role_and_nothing_that_waits(cast, thief, honest, victim):
    earlier = granting.propose(victim, cast.other_team, Role.MEDIA, by=honest, why="New post")
    officers.switch_off(victim, by=thief, why="x")
    _, password = officers.switch_on(victim, by=thief, why="x")
    enters(victim.email, password)
    assert not powers(victim) and not waiting(victim)
    for by in (thief, honest):
        with pytest.raises(NotAllowed):
            granting.confirm(earlier, by=by)


# Change of who somebody is.


def test_another_email_address_gives_no_way_in_and_ends_none(thief, victim):
    there = Client()
    there.force_login(victim, backend="allauth.account.auth_backends.AuthenticationBackend")
    officers.change(victim, Facts("thief@police.example", victim.name, mobile="07700 900999"), by=thief)
    assert there.get("/desk/").status_code == 200, "the real one is still in"
    assert enters("thief@police.example", PASSWORD + "x").get("/desk/").status_code == 302
    assert Officer.objects.get(pk=victim.pk).check_password(PASSWORD)


def test_no_address_sends_a_new_password_or_a_code_to_sign_in():
    found = [str(one.pattern) for one in _walk(get_resolver().url_patterns)]
    staff = [one for one in found if one.startswith("accounts/") or "desk" in one]
    assert not [one for one in staff if re.search(r"reset|forgot|confirm-email|magic|login/code|signup", one)]


def _walk(patterns):
    for one in patterns:
        if hasattr(one, "url_patterns"):
            yield from _walk(one.url_patterns)
        else:
            yield one


# Single sign-on and second factors.


def test_nobody_links_their_account_at_the_provider_to_a_colleagues(thief, victim):
    identity = oidc.Identity(issuer="https://idp.example", subject="thief", mfa=True)
    sso.link(identity, by=thief)
    with pytest.raises(NotAllowed):
        sso.link(identity, by=victim)
    with pytest.raises(NotAllowed):
        sso.unlink(victim, issuer="https://idp.example", by=thief)
    assert sso.find(identity) == thief and not SignOnLink.objects.filter(officer=victim).exists()


def test_a_link_or_key_of_before_opens_nothing_afterwards(thief, victim):
    """Also not the other way round: the thief sets one up, and the account is opened again for the real one."""
    open_again(victim, by=thief, why=WHY)
    identity = oidc.Identity(issuer="https://idp.example", subject="thief", mfa=True)
    sso.link(identity, by=Officer.objects.get(pk=victim.pk))
    Authenticator.objects.create(user=victim, type=Authenticator.Type.TOTP, data={"secret": ""})
    open_again(victim, by=thief, why=WHY)
    assert sso.find(identity) is None and not Authenticator.objects.filter(user=victim).exists()


# One's own roles.


def test_a_new_account_of_the_thief_gets_no_role_by_the_thief_alone(cast, thief, honest):
    made, _ = officers.add(Facts("other@police.example", "Other Name"), by=thief)
    asked = granting.propose(made, cast.team, Role.APPROVER, by=thief, why="x")
    with pytest.raises(NotAllowed):
        granting.confirm(asked, by=thief)
    # Nor by confirming what an honest colleague proposed for an account whose password the thief knows.
    asked = granting.propose(made, cast.team, Role.AUTHOR, by=honest, why="x")
    with pytest.raises(NotAllowed, match="You told them a password"):
        granting.confirm(asked, by=thief)
    assert not powers(made)


def test_duty_gives_no_power(cast, thief, honest, victim):
    before = powers(victim)
    organisation_actions.set_duty(victim, on=True, by=thief)
    assert powers(victim) == before


# New paths.


def test_every_place_that_makes_a_password_or_a_role_is_listed_here():
    """Whoever adds one comes by here, and adds its test above."""
    found: dict[str, set[str]] = {}
    for path in sorted(Path(bell.__file__).parent.rglob("*.py")):
        if "migrations" in path.parts or "proving" in path.parts:
            continue
        text = path.read_text()
        for name in ("tell_password(", "Grant.objects.create", "Grant.objects.get_or_create", "set_password("):
            if name in text:
                found.setdefault(name, set()).add(path.name)
    assert found == {
        "tell_password(": {"signin.py", "officers.py", "granting.py", "recovery.py"},
        "set_password(": {"signin.py", "models.py"},
        "Grant.objects.create": {"granting.py"},
        "Grant.objects.get_or_create": {"granting.py"},
    }


def test_every_page_of_administrators_about_people_is_listed_here():
    views = ("bell.staff.views.people.", "bell.staff.views.roles.", "bell.staff.views.teams.")
    names = {one.name for one in _walk(get_resolver().url_patterns) if one.lookup_str.startswith(views)}
    assert names == {
        "staff-people", "staff-officer-new", "staff-officer", "staff-officer-access", "staff-officer-roles",
        "staff-officer-take", "staff-proposal", "staff-team-new", "staff-team",
    }  # fmt: skip
