"""Roles: proposed by one administrator, given when another confirms; taken away by one, at once."""

from datetime import timedelta

from django.db import transaction

from bell.audit.record import record
from bell.lib import clock
from bell.organisations import notices, rules, signin
from bell.organisations.actions import NotAllowed
from bell.organisations.models import Grant, GrantProposal, Officer, Organisation, Role, Team
from bell.organisations.officers import Facts, NotAnOfficer, check_somebody_stays, make, tell_others

LASTS = timedelta(days=7)
"""How long a proposal waits for the second administrator."""

State = GrantProposal.State


@transaction.atomic
def propose(officer: Officer, team: Team, role: str, *, by: Officer, why: str) -> GrantProposal:
    """Ask for a role. It is nothing until another administrator confirms it; proposing twice asks once."""
    check_keeps(by, officer)
    _check_role(officer, team, role)
    if not why.strip():
        raise NotAnOfficer({"why": "Say why. Whoever confirms it reads this"})
    now = clock.now()
    # The officer's row first, so that two who propose the same at once do it one after the other.
    fresh = Officer.objects.select_for_update().get(pk=officer.pk)
    if not fresh.is_active:
        raise NotAllowed("This account is switched off.")
    same = GrantProposal.objects.filter(officer=fresh, team=team, role=role, state=State.WAITING)
    same.filter(expires_at__lte=now).update(state=State.EXPIRED, decided_at=now)
    waiting = same.first()
    if waiting is not None:
        return waiting
    made = GrantProposal.objects.create(
        officer=fresh, team=team, role=role, why=why.strip()[:200], proposed_by=by, proposed_at=now,
        expires_at=now + LASTS,
    )  # fmt: skip
    record("role proposed", fresh, by=by, why=made.why, role=role, team=team.pk)
    tell_others(fresh.organisation, "A role is proposed. It needs your decision.", key=f"proposal {made.pk}", but=by)
    return made


@transaction.atomic
def confirm(proposal: GrantProposal, *, by: Officer) -> GrantProposal:
    """Give the role: by another administrator than who proposed it, within its seven days. Twice does it once."""
    fresh = _locked(proposal)
    refusal = rules.why_not_confirm(by, fresh)
    if refusal:
        raise NotAllowed(refusal)
    if fresh.state == State.CONFIRMED:
        return fresh
    _check_waits(fresh)
    _settle(fresh, State.CONFIRMED, by)
    Grant.objects.get_or_create(officer=fresh.officer, team=fresh.team, role=fresh.role)
    record("role given", fresh.officer, by=by, role=fresh.role, team=fresh.team_id, proposal=fresh.pk)
    notices.notify(fresh.officer, "You have a new role.", key=f"proposal {fresh.pk}")
    notices.notify(fresh.proposed_by, "A role you proposed was confirmed.", key=f"proposal {fresh.pk}")
    return fresh


@transaction.atomic
def refuse(proposal: GrantProposal, *, by: Officer) -> GrantProposal:
    """End a proposal: whoever made it takes it back, any other administrator refuses it."""
    fresh = _locked(proposal)
    if not rules.may_administer(by) or by.organisation_id != fresh.officer.organisation_id:
        raise NotAllowed("Only an administrator of the same organisation decides on a role.")
    if fresh.state in (State.REFUSED, State.WITHDRAWN):
        return fresh
    _check_waits(fresh)
    own = by.pk == fresh.proposed_by_id
    _settle(fresh, State.WITHDRAWN if own else State.REFUSED, by)
    record("role proposal taken back" if own else "role refused", fresh.officer, by=by, role=fresh.role,
           team=fresh.team_id, proposal=fresh.pk)  # fmt: skip
    if not own:
        notices.notify(fresh.proposed_by, "A role you proposed was refused.", key=f"proposal {fresh.pk}")
    return fresh


@transaction.atomic
def take(officer: Officer, team: Team, role: str, *, by: Officer) -> None:
    """Take a role away, at once and by one. With the last one every session ends. Twice does it once."""
    check_keeps(by, officer)
    fresh = Officer.objects.select_for_update().get(pk=officer.pk)
    if role == Role.ADMINISTRATOR:
        administers = fresh.grants.filter(role=role)
        if administers.filter(team=team).exists() and administers.count() == 1:
            check_somebody_stays(fresh)
    if not Grant.objects.filter(officer=fresh, team=team, role=role).delete()[0]:
        return
    if not fresh.grants.exists():
        signin.end_sessions(fresh)
    record("role taken", fresh, by=by, role=role, team=team.pk)
    tell_others(fresh.organisation, "A colleague took a role away.", key=f"officer {fresh.pk}", but=by)


@transaction.atomic
def begin(organisation: Organisation, facts: Facts, *, why: str) -> tuple[Officer, str]:
    """By an operator on the server: the first administrator of an organisation that has none, and their password."""
    if rules.administrators(organisation):
        raise NotAllowed(f"{organisation} has an administrator already, who adds officers on the desk.")
    _needs(why)
    team = organisation.teams.order_by("-whole_force", "pk").first() or Team.objects.create(
        organisation=organisation, name="Administration", slug="administration"
    )
    officer = make(facts, organisation)
    Grant.objects.create(officer=officer, team=team, role=Role.ADMINISTRATOR)
    password = signin.tell_password(officer, by=None)
    record("officer added", officer, by="operator", why=why.strip()[:200], role=Role.ADMINISTRATOR, team=team.pk)
    return officer, password


@transaction.atomic
def give_by_operator(officer: Officer, team: Team, role: str, *, why: str) -> None:
    """By an operator on the server, where there are no two administrators who could do it together."""
    keepers = [one for one in rules.administrators(officer.organisation) if one.pk != officer.pk]
    if len(keepers) > 1:
        raise NotAllowed("Two administrators can give this role on the desk: one proposes it, the other confirms.")
    _check_role(officer, team, role)
    _needs(why)
    if not officer.is_active:
        raise NotAllowed("This account is switched off.")
    Grant.objects.get_or_create(officer=officer, team=team, role=role)
    record("role given", officer, by="operator", why=why.strip()[:200], role=role, team=team.pk)
    tell_others(officer.organisation, "An operator gave a role on the server.", key=f"officer {officer.pk}", but=None)


def check_keeps(by: Officer, officer: Officer) -> None:
    """Raise NotAllowed unless this officer may propose and take the roles of that one."""
    if by.pk == officer.pk:
        raise NotAllowed("Nobody changes their own roles. Ask another administrator.")
    if not rules.keeps_officer(by, officer):
        raise NotAllowed("Only an administrator of the same organisation decides on roles.")


def _check_role(officer: Officer, team: Team, role: str) -> None:
    problems = {}
    if team.organisation_id != officer.organisation_id:
        problems["team"] = "Choose a team of the officer’s own organisation"
    if role not in dict(rules.role_choices(officer.organisation)):
        problems["role"] = "Choose a role"
    if not problems and Grant.objects.filter(officer=officer, team=team, role=role).exists():
        problems["role"] = "They have this role already"
    if problems:
        raise NotAnOfficer(problems)


def _needs(why: str) -> None:
    if not why.strip():
        raise NotAllowed("Say why. It is kept in the record.")


def _locked(proposal: GrantProposal) -> GrantProposal:
    """The row, locked, with the people it names."""
    Officer.objects.select_for_update().get(pk=proposal.officer_id)
    held = GrantProposal.objects.select_for_update(of=("self",))
    return held.select_related("officer__organisation", "team", "proposed_by").get(pk=proposal.pk)


def _check_waits(proposal: GrantProposal) -> None:
    if proposal.state != State.WAITING:
        raise NotAllowed("Somebody decided on this already.")
    if proposal.expires_at <= clock.now():
        raise NotAllowed("Nobody confirmed this within seven days. Propose it again.")


def _settle(proposal: GrantProposal, state: str, by: Officer) -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, by, clock.now()
    proposal.save(update_fields=["state", "decided_by", "decided_at"])
