"""What is done to groups: administrators define and close them, and the team decides who joins one by approval."""

from dataclasses import dataclass, field

from django.db import transaction
from django.utils.text import slugify

from bell.audit.record import record
from bell.lib.problems import FieldProblems
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer, Team
from bell.residents import hours
from bell.residents.models import Group, GroupMember

_NAME_MOST, _HELP_MOST = 80, 160


class NotAllowed(Exception):
    """The person may not do this; the message says why in plain words."""


class NotAGroup(FieldProblems):
    """What was typed is no group. `problems` maps a field of the form to words."""


@dataclass(frozen=True)
class Terms:
    """What a group is. `scheme_team`: the watch scheme's own team, which may write to this group only."""

    name: str
    help: str = ""
    by_approval: bool = False
    active_hours: hours.Hours = field(default_factory=list)
    scheme_team: Team | None = None


@transaction.atomic
def define(terms: Terms, *, by: Officer) -> Group:
    """A new group of the officer's own organisation, open to choose at once."""
    _may_keep(by)
    checked = _checked(terms, by)
    group = Group.objects.create(organisation=by.organisation, slug=_slug(terms.name), **checked)
    record("group defined", group, by=by, by_approval=group.by_approval)
    return group


@transaction.atomic
def change(group: Group, terms: Terms, *, by: Officer) -> Group:
    """Change a group. When it becomes open, those who had asked are in."""
    fresh = _locked(group, by)
    for name, value in _checked(terms, by, fresh).items():
        setattr(fresh, name, value)
    fresh.save()
    if not fresh.by_approval:
        GroupMember.objects.filter(group=fresh, state=GroupMember.State.ASKED).update(state=GroupMember.State.MEMBER)
    record("group changed", fresh, by=by, by_approval=fresh.by_approval)
    return fresh


@transaction.atomic
def set_open(group: Group, *, active: bool, by: Officer) -> Group:
    """Close a group, so that nobody chooses it and nobody writes to it, or open it again. Members stay members."""
    fresh = _locked(group, by)
    if fresh.active != active:
        fresh.active = active
        fresh.save(update_fields=["active"])
        record("group opened" if active else "group closed", fresh, by=by)
    return fresh


@transaction.atomic
def approve(request: GroupMember, *, by: Officer) -> GroupMember:
    """Let someone in who asked to join. Pressing twice does it once."""
    fresh = _asked(request, by)
    if fresh.state == GroupMember.State.ASKED:
        fresh.state = GroupMember.State.MEMBER
        fresh.save(update_fields=["state"])
        record("group request approved", fresh.resident, by=by, group=fresh.group_id)
    return fresh


@transaction.atomic
def refuse(request: GroupMember, *, by: Officer) -> None:
    """Say no to someone who asked to join; they may ask again."""
    fresh = _asked(request, by)
    if fresh.state != GroupMember.State.ASKED:
        raise NotAllowed("This request was decided already.")
    record("group request refused", fresh.resident, by=by, group=fresh.group_id)
    fresh.delete()


def _asked(request: GroupMember, by: Officer) -> GroupMember:
    """The request as it is now, if this officer decides on it."""
    fresh = GroupMember.objects.select_for_update(of=("self",)).filter(pk=request.pk).first()
    if fresh is None:
        raise NotAllowed("This request was decided already.")
    waits = fresh.state == GroupMember.State.ASKED
    if waits and not GroupMember.objects.visible_to(by).filter(pk=fresh.pk).exists():
        raise NotAllowed("Only the team that looks after this group can decide who joins.")
    return fresh


def _may_keep(officer: Officer) -> None:
    if not organisation_rules.may_administer(officer):
        raise NotAllowed("Only an administrator of your organisation can change its groups.")


def _locked(group: Group, by: Officer) -> Group:
    _may_keep(by)
    fresh = Group.objects.select_for_update(of=("self",)).get(pk=group.pk)
    if fresh.organisation_id != by.organisation_id:
        raise NotAllowed("This group belongs to another organisation.")
    return fresh


def _checked(terms: Terms, by: Officer, group: Group | None = None) -> dict[str, object]:
    """The columns of a group, or NotAGroup with words by field."""
    problems: dict[str, str] = {}
    name = " ".join(terms.name.split())
    others = Group.objects.exclude(pk=group.pk) if group else Group.objects.all()
    if not name or len(name) > _NAME_MOST:
        problems["name"] = f"Enter a name of {_NAME_MOST} characters or fewer"
    elif others.filter(name__iexact=name, organisation=by.organisation_id).exists():
        problems["name"] = "There is a group of this name already"
    if len(terms.help.strip()) > _HELP_MOST:
        problems["help"] = f"The words for residents must be {_HELP_MOST} characters or fewer"
    try:
        active_hours = hours.check(terms.active_hours)
    except hours.HoursError as error:
        problems["active_hours"], active_hours = str(error), []
    team = terms.scheme_team
    if team is not None and (team.organisation_id != by.organisation_id or team.whole_force):
        problems["scheme_team"] = "A scheme's team must be one of your own, with a patch"
    if problems:
        raise NotAGroup(problems)
    return {
        "name": name,
        "help": terms.help.strip(),
        "by_approval": terms.by_approval,
        "active_hours": active_hours,
        "scheme_team": team,
    }


def _slug(name: str) -> str:
    """A short name that no other group has."""
    base, number = slugify(name)[:40] or "group", 1
    while Group.objects.filter(slug=base if number == 1 else f"{base}-{number}").exists():
        number += 1
    return base if number == 1 else f"{base}-{number}"
