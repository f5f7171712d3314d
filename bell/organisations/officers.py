"""What administrators do to officers: add, change, switch off and on. Nobody does any of it to themselves."""

from dataclasses import asdict, dataclass

from django.db import transaction

from bell.audit.record import record
from bell.lib import clock, emails, phones
from bell.lib.problems import FieldProblems
from bell.organisations import notices, rules, signin
from bell.organisations.actions import NotAllowed
from bell.organisations.models import Grant, GrantProposal, Officer, Organisation, Role


class NotAnOfficer(FieldProblems):
    """What was typed is no officer. `problems` maps a field of the form to words."""


@dataclass(frozen=True)
class Facts:
    """Who an officer is: what an administrator types."""

    email: str
    name: str
    rank: str = ""
    mobile: str = ""
    on_duty: bool = False
    practice: bool = False


@transaction.atomic
def add(facts: Facts, *, by: Officer) -> tuple[Officer, str]:
    """A new officer without any role, and the password for their first sign-in, which is told once and kept nowhere."""
    if not rules.may_administer(by):
        raise NotAllowed("Only an administrator adds officers.")
    officer = make(facts, by.organisation)
    password = signin.tell_password(officer, by=by)
    record("officer added", officer, by=by)
    tell_others(officer.organisation, "A colleague added an officer.", key=f"officer {officer.pk}", but=by)
    return officer, password


def make(facts: Facts, organisation: Organisation) -> Officer:
    """The row, without a password anybody knows. Raises NotAnOfficer."""
    checked = _checked(facts)
    email = str(checked.pop("email"))
    return Officer.objects.create_user(email, None, organisation=organisation, **checked)


@transaction.atomic
def change(officer: Officer, facts: Facts, *, by: Officer) -> Officer:
    """Change who an officer is. Another email address is told to the old one."""
    fresh = _kept(officer, by)
    checked = _checked(facts, known=fresh)
    changed = sorted(name for name, value in checked.items() if getattr(fresh, name) != value)
    if "email" in changed:
        notices.notify(fresh, "Your work email address was changed.", key=f"officer {fresh.pk}")
    for name in changed:
        setattr(fresh, name, checked[name])
    if changed:
        fresh.save(update_fields=changed)
        record("officer changed", fresh, by=by, fields=changed)
    return fresh


@transaction.atomic
def switch_off(officer: Officer, *, by: Officer, why: str) -> Officer:
    """No way in from this moment on: every session ends, and none comes to life again. Roles are kept."""
    fresh = _kept(officer, by)
    _needs(why)
    if fresh.is_active:
        check_somebody_stays(fresh)
        fresh.is_active = fresh.on_duty = False
        fresh.save(update_fields=["is_active", "on_duty"])
        signin.end_sessions(fresh)
        record("officer switched off", fresh, by=by, why=why.strip()[:200])
        tell_others(fresh.organisation, "An officer’s account was switched off.", key=f"officer {fresh.pk}", but=by)
    return fresh


@transaction.atomic
def switch_on(officer: Officer, *, by: Officer, why: str) -> tuple[Officer, str]:
    """Let somebody in again who came back: with a new password, told once, and factors set up anew.

    All roles are gone: each is proposed and confirmed as if it were new. Pressing twice tells no second password.
    """
    fresh = _kept(officer, by)
    _needs(why)
    if fresh.is_active:
        return fresh, ""
    fresh.is_active = True
    fresh.save(update_fields=["is_active"])
    lost = Grant.objects.filter(officer=fresh).delete()[0]
    end_proposals(fresh, by=by)
    password = signin.tell_password(fresh, by=by)
    signin.forget_factors(fresh)
    record("officer switched on", fresh, by=by, why=why.strip()[:200], roles_lost=lost)
    tell_others(fresh.organisation, "An officer’s account was switched on again.", key=f"officer {fresh.pk}", but=by)
    return fresh, password


def end_proposals(officer: Officer, *, by: Officer) -> set[tuple[int, str]]:
    """End what waits for a second administrator, in the caller's transaction: it was proposed for whoever had the
    account before. Returns (team, role) of what was still open."""
    now = clock.now()
    waiting = GrantProposal.objects.filter(officer=officer, state=GrantProposal.State.WAITING)
    found = set(waiting.filter(expires_at__gt=now).values_list("team", "role"))
    waiting.update(state=GrantProposal.State.WITHDRAWN, decided_by=by, decided_at=now)
    return found


def tell_others(organisation: Organisation, words: str, *, key: str, but: Officer | None) -> None:
    """A notice to every administrator but the one who acts: what is done alone is not done unseen."""
    for one in rules.administrators(organisation):
        if but is None or one.pk != but.pk:
            notices.notify(one, words, key=key)


def check_somebody_stays(officer: Officer) -> None:
    """Raise NotAllowed if nobody else administers the officer's organisation."""
    Organisation.objects.select_for_update().get(pk=officer.organisation_id)  # two who take each other's place, in turn
    others = [one for one in rules.administrators(officer.organisation) if one.pk != officer.pk]
    if not others and Grant.objects.filter(officer=officer, role=Role.ADMINISTRATOR).exists():
        raise NotAllowed("Nobody else administers your organisation. Give another officer that role first.")


def _kept(officer: Officer, by: Officer) -> Officer:
    """The row, locked, for an administrator of the same organisation who is somebody else."""
    if by.pk == officer.pk:
        raise NotAllowed("Nobody changes their own account. Ask another administrator.")
    if not rules.keeps_officer(by, officer):
        raise NotAllowed("Only an administrator of the same organisation changes an officer.")
    return Officer.objects.select_for_update().get(pk=officer.pk)


def _needs(why: str) -> None:
    if not why.strip():
        raise NotAnOfficer({"why": "Say why. It is kept in the record"})


def _checked(facts: Facts, known: Officer | None = None) -> dict[str, str | bool]:
    """The facts as they are kept, or NotAnOfficer with words for every field that is wrong."""
    problems, kept = {}, asdict(facts)
    kept["name"], kept["rank"] = (" ".join(text.split()) for text in (facts.name, facts.rank))
    if not kept["name"] or len(kept["name"]) > 120:
        problems["name"] = "Enter a name of 120 characters or fewer"
    if len(kept["rank"]) > 60:
        problems["rank"] = "Enter a rank of 60 characters or fewer"
    try:
        kept["email"] = emails.email(facts.email).lower()
    except emails.EmailError as error:
        problems["email"] = str(error)
    else:
        same = Officer.objects.filter(email__iexact=kept["email"])
        if (same.exclude(pk=known.pk) if known else same).exists():
            problems["email"] = "An officer with this email address exists already"
    try:
        kept["mobile"] = phones.mobile(facts.mobile) if facts.mobile.strip() else ""
    except phones.PhoneError as error:
        problems["mobile"] = str(error)
    if problems:
        raise NotAnOfficer(problems)
    return kept
