"""Roles take two administrators; taking one away takes one. Nobody gives themselves anything, by whatever way."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from bell.audit.models import Entry
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations import granting, officers, rules
from bell.organisations.actions import NotAllowed
from bell.organisations.models import Grant, GrantProposal, Officer, Organisation, Role, Team
from bell.organisations.officers import Facts, NotAnOfficer
from bell.organisations.recovery import open_again

pytestmark = pytest.mark.django_db

WHY = "She finished the course"


@pytest.fixture
def second(cast):
    return cast.officer("Bo Second-Admin", cast.team, Role.ADMINISTRATOR)


@pytest.fixture
def proposal(cast, second):
    return granting.propose(cast.author, cast.team, Role.APPROVER, by=cast.administrator, why=WHY)


def told(officer) -> int:
    """How many notices went to an officer."""
    return Delivery.objects.filter(recipient_key=officer.key, mailing__authority_kind="notice").count()


def test_a_role_begins_when_another_administrator_confirms_it(cast, second, proposal):
    assert not rules.may_approve(cast.author, cast.team), "proposed is nothing"
    assert told(second) == 1 and told(cast.administrator) == 0
    for _ in range(2):
        granting.confirm(proposal, by=second)
    assert rules.may_approve(cast.author, cast.team)
    assert [one.verb for one in Entry.objects.filter(verb__startswith="role").order_by("pk")] == [
        "role proposed",
        "role given",
    ]
    assert told(cast.author) == 1 and told(cast.administrator) == 1
    assert Grant.objects.filter(officer=cast.author, role=Role.APPROVER).count() == 1


@pytest.mark.parametrize("role", Role.values)
def test_every_role_takes_two(cast, second, role):
    newcomer, _ = officers.add(Facts("nia@police.example", "Nia New"), by=cast.administrator)
    granting.propose(newcomer, cast.team, role, by=cast.administrator, why=WHY)
    assert not newcomer.grants.exists()


def test_who_proposed_it_does_not_confirm_it(cast, proposal):
    with pytest.raises(NotAllowed, match="You proposed this"):
        granting.confirm(proposal, by=cast.administrator)
    assert not rules.may_approve(cast.author, cast.team)


def test_whom_it_is_about_does_not_confirm_it(cast, second):
    asked = granting.propose(second, cast.team, Role.APPROVER, by=cast.administrator, why=WHY)
    with pytest.raises(NotAllowed, match="of their own"):
        granting.confirm(asked, by=second)


@pytest.mark.parametrize("facts", [{"name": "ada  ADMIN"}, {"mobile": "+447700900555"}])
def test_a_second_account_of_the_same_person_is_no_second_person(cast, second, proposal, facts):
    Officer.objects.filter(pk=cast.administrator.pk).update(mobile="07700 900555")
    Officer.objects.filter(pk=second.pk).update(**facts)
    second.refresh_from_db()
    with pytest.raises(NotAllowed, match="You proposed this"):
        granting.confirm(proposal, by=second)


def test_whoever_was_just_told_a_password_by_the_proposer_is_no_second_person(cast, second, proposal, monkeypatch):
    """The proposer knows that password, and might be the one who types it."""
    open_again(second, by=cast.administrator, why="Lost her phone")
    Grant.objects.create(officer=second, team=cast.team, role=Role.ADMINISTRATOR)  # as somebody else confirmed
    second.refresh_from_db()
    with pytest.raises(NotAllowed, match="told you your password"):
        granting.confirm(proposal, by=second)
    later = clock.now() + timedelta(days=6, hours=23)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(NotAllowed, match="told you your password"):
        granting.confirm(proposal, by=second)


@pytest.mark.parametrize("who", ["author", "approver", "dpo", "stranger", "outsider"])
def test_nobody_else_proposes_confirms_refuses_or_takes(cast, second, proposal, who):
    by = getattr(cast, who)
    for act in (
        lambda: granting.propose(cast.second_approver, cast.team, Role.MEDIA, by=by, why=WHY),
        lambda: granting.confirm(proposal, by=by),
        lambda: granting.refuse(proposal, by=by),
        lambda: granting.take(cast.approver, cast.team, Role.APPROVER, by=by),
    ):
        with pytest.raises(NotAllowed):
            act()
    proposal.refresh_from_db()
    assert proposal.state == "waiting"


def test_a_partners_administrator_has_no_say_in_the_force(cast, second, proposal):
    keeper = cast.officer("Kit Keeper", cast.outsider.grants.first().team, Role.ADMINISTRATOR)
    for act in (
        lambda: granting.confirm(proposal, by=keeper),
        lambda: granting.refuse(proposal, by=keeper),
        lambda: granting.take(cast.approver, cast.team, Role.APPROVER, by=keeper),
        lambda: granting.take(cast.outsider, cast.team, Role.AUTHOR, by=cast.administrator),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_nobody_changes_their_own_roles(cast, second):
    with pytest.raises(NotAllowed, match="own roles"):
        granting.propose(second, cast.team, Role.DPO, by=second, why=WHY)
    with pytest.raises(NotAllowed, match="own roles"):
        granting.take(second, cast.team, Role.ADMINISTRATOR, by=second)


def test_after_seven_days_it_is_proposed_again(cast, second, proposal, monkeypatch):
    later = clock.now() + timedelta(days=7)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(NotAllowed, match="within seven days"):
        granting.confirm(proposal, by=second)
    again = granting.propose(cast.author, cast.team, Role.APPROVER, by=second, why=WHY)
    assert again.pk != proposal.pk
    proposal.refresh_from_db()
    assert proposal.state == "expired"
    granting.confirm(again, by=cast.administrator)
    assert rules.may_approve(cast.author, cast.team)


def test_proposing_twice_asks_once(cast, second, proposal):
    assert granting.propose(cast.author, cast.team, Role.APPROVER, by=second, why=WHY).pk == proposal.pk
    assert GrantProposal.objects.count() == 1 and told(second) == 1


def test_refused_or_taken_back_it_is_over(cast, second, proposal):
    granting.refuse(proposal, by=second)
    proposal.refresh_from_db()
    assert proposal.state == "refused" and told(cast.administrator) == 1
    with pytest.raises(NotAllowed, match="decided on this already"):
        granting.confirm(proposal, by=second)
    own = granting.propose(cast.author, cast.team, Role.APPROVER, by=second, why=WHY)
    assert granting.refuse(own, by=second).state == "withdrawn"


def test_a_proposer_who_is_no_administrator_any_more_counts_no_more(cast, second, proposal):
    granting.take(cast.administrator, cast.team, Role.ADMINISTRATOR, by=second)
    with pytest.raises(NotAllowed, match="no administrator any more"):
        granting.confirm(proposal, by=second)


def test_an_account_that_was_switched_off_gets_no_role(cast, second, proposal):
    officers.switch_off(cast.author, by=second, why="Left")
    with pytest.raises(NotAllowed, match="switched off"):
        granting.confirm(proposal, by=second)


def test_a_role_is_taken_by_one_at_once(cast, second):
    for _ in range(2):
        granting.take(cast.approver, cast.team, Role.APPROVER, by=cast.administrator)
    assert not rules.may_approve(cast.approver, cast.team)
    assert Entry.objects.filter(verb="role taken").count() == 1 and told(second) == 1


def test_the_last_administrator_stays(cast, second):
    granting.take(cast.administrator, cast.team, Role.ADMINISTRATOR, by=second)
    other = cast.officer("Cy Other", cast.media_team, Role.APPROVER)
    Grant.objects.create(officer=other, team=cast.media_team, role=Role.ADMINISTRATOR)
    granting.take(second, cast.team, Role.ADMINISTRATOR, by=other)
    with pytest.raises(NotAllowed):
        granting.take(other, cast.media_team, Role.ADMINISTRATOR, by=second)
    assert rules.administrators(cast.force) == [other]


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"role": "king"}, "role"), ({"role": Role.AUTHOR}, "role"), ({"why": "  "}, "why"), ({"team": "theirs"}, "team")],
)
def test_what_is_no_role_is_said_in_words(cast, second, changes, field):
    given = {"team": cast.team, "role": Role.MEDIA, "why": WHY} | changes
    if given["team"] == "theirs":
        given["team"] = cast.outsider.grants.first().team
    with pytest.raises(NotAnOfficer) as refused:
        granting.propose(cast.author, given["team"], given["role"], by=cast.administrator, why=given["why"])
    assert list(refused.value.problems) == [field]


def test_a_partner_has_no_data_protection_officer(cast):
    team = cast.outsider.grants.first().team
    keeper = cast.officer("Kit Keeper", team, Role.ADMINISTRATOR)
    with pytest.raises(NotAnOfficer):
        granting.propose(cast.outsider, team, Role.DPO, by=keeper, why=WHY)


def test_the_table_itself_refuses_a_confirmation_by_the_proposer(cast, proposal):
    for by in (cast.administrator, cast.author):
        with pytest.raises(IntegrityError), transaction.atomic():
            GrantProposal.objects.filter(pk=proposal.pk).update(
                state="confirmed", decided_by=by, decided_at=clock.now()
            )


def test_an_operator_gives_a_role_only_where_two_administrators_could_not(cast):
    """The force of the cast has one administrator."""
    words = ["officer", "grant", cast.approver.email, "--team", "heanor", "--role", "administrator", "--why", "Asked"]
    call_command(*words)
    assert rules.may_administer(cast.approver)
    entry = Entry.objects.get(verb="role given")
    assert (entry.by_type, entry.why) == ("operator", "Asked") and told(cast.administrator) == 1
    words[2], words[6] = cast.author.email, "approver"
    with pytest.raises(CommandError, match="Two administrators can give this role"):
        call_command(*words)
    assert not rules.may_approve(cast.author, cast.team)


def test_an_operator_begins_an_organisation_once(cast, capsys):
    partner = Organisation.objects.create(sort="partner", name="Fire and Rescue", slug="fire")
    words = ["officer", "begin", "fi@fire.example", "--organisation", "fire", "--name", "Fi Fire", "--why", "Agreed"]
    call_command(*words)
    made = Officer.objects.get(email="fi@fire.example")
    assert made.check_password(capsys.readouterr().out.strip().rpartition(" ")[2]) and made.must_choose
    assert rules.administrators(partner) == [made] and Team.objects.get(organisation=partner).name == "Administration"
    words[2] = "fo@fire.example"
    with pytest.raises(CommandError, match="has an administrator already"):
        call_command(*words)
    with pytest.raises(CommandError, match="There is no organisation"):
        call_command(*[*words[:4], "nowhere", *words[5:]])
    with pytest.raises(CommandError, match="--role is missing"):
        call_command("officer", "grant", cast.author.email, "--team", "heanor", "--why", "x")
