"""Opening an account again for somebody who lost every way in: by one administrator, without any role (decision 15).

Whoever opens it knows the password for its first sign-in, and may be the one who types it. So each role that the
officer had, or was to get, is proposed anew, and is nothing until another administrator confirms it.
"""

from django.db import transaction

from bell.audit.record import record
from bell.lib import clock
from bell.organisations import notices, rules, signin
from bell.organisations.actions import NotAllowed
from bell.organisations.granting import LASTS
from bell.organisations.models import Grant, GrantProposal, Officer
from bell.organisations.officers import end_proposals

_WHY = "Had it before their account was opened again"


@transaction.atomic
def open_again(officer: Officer, *, by: Officer, why: str) -> str:
    """For an officer who lost every way in, after an administrator saw in person who they are: a password for one use.

    Old password, factors, links and sessions are gone, and every role waits for another administrator. `why` says how
    the administrator made sure. The password is returned once, to be told by voice, and kept nowhere.
    """
    if not rules.may_administer(by) or by.organisation_id != officer.organisation_id:
        raise NotAllowed("Only an administrator of the same organisation opens an account again.")
    if by.pk == officer.pk:
        raise NotAllowed("Nobody opens their own account again: ask another administrator.")
    if not why.strip():
        raise NotAllowed("Say how you made sure who it is.")
    fresh = Officer.objects.select_for_update().get(pk=officer.pk)
    if not fresh.is_active:
        raise NotAllowed("This account is switched off.")
    password = signin.tell_password(fresh, by=by)
    signin.forget_factors(fresh)
    waiting = _propose_anew(fresh, by=by)
    record("officer opened again", fresh, by=by, why=why.strip()[:200], roles_waiting=waiting)
    others = [one for one in rules.administrators(fresh.organisation) if one.pk not in (by.pk, fresh.pk)]
    notices.notify(fresh, "An administrator opened your account again.", key=f"officer {fresh.pk}")
    words = "A colleague opened an account again."
    if waiting:
        words += " Its roles need your decision."
    for one in others:
        notices.notify(one, words, key=f"officer {fresh.pk}")
    return password


def _propose_anew(officer: Officer, *, by: Officer) -> int:
    """Take every role and every open proposal, and propose the same anew in the name of who opens; how many."""
    had = set(Grant.objects.filter(officer=officer).values_list("team", "role"))
    Grant.objects.filter(officer=officer).delete()
    # What others proposed, they proposed for whoever it was before.
    asked = end_proposals(officer, by=by)
    now = clock.now()
    for team, role in sorted(had | asked):
        why = _WHY if (team, role) in had else "Was proposed before their account was opened again"
        GrantProposal.objects.create(
            officer=officer, team_id=team, role=role, why=why, proposed_by=by, proposed_at=now, expires_at=now + LASTS
        )
        record("role proposed", officer, by=by, why=why, role=role, team=team)
    return len(had | asked)
