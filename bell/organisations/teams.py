"""What administrators do to teams: make them, change their name and their ground."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.text import slugify

from bell.audit.record import record
from bell.lib.problems import FieldProblems
from bell.organisations import rules
from bell.organisations.actions import NotAllowed
from bell.organisations.models import Officer, Role, Team
from bell.organisations.officers import tell_others
from bell.places.models import Area

FURTHEST_M = 20_000
"""The widest margin round a patch, in metres."""


class NotATeam(FieldProblems):
    """What was typed is no team. `problems` maps a field of the form to words."""


@dataclass(frozen=True)
class Terms:
    """A team as it is typed: its name, the areas of its patch by primary key, how far beyond it may reach."""

    name: str
    areas: Sequence[int] = field(default_factory=list)
    margin_m: int = 500
    whole_force: bool = False


@transaction.atomic
def make(terms: Terms, *, by: Officer) -> Team:
    """A new team of the administrator's own organisation. Nobody has a role in it yet."""
    _check_keeps(by)
    name, areas = _checked(terms, by)
    team = Team.objects.create(
        organisation=by.organisation, name=name, slug=_slug(name, by), margin_m=terms.margin_m,
        whole_force=terms.whole_force,
    )  # fmt: skip
    team.patch.set(areas)
    record("team made", team, by=by, areas=len(areas), margin_m=team.margin_m, whole_force=team.whole_force)
    tell_others(team.organisation, "A colleague made a team.", key=f"team {team.pk}", but=by)
    return team


@transaction.atomic
def change(team: Team, terms: Terms, *, by: Officer) -> Team:
    """Change a team. Wider ground is more power for those in it, so nobody widens a team that they write for."""
    _check_keeps(by)
    fresh = Team.objects.visible_to(by).select_for_update().filter(pk=team.pk).first()
    if fresh is None:
        raise NotAllowed("Only an administrator of the same organisation changes a team.")
    name, areas = _checked(terms, by, known=fresh)
    before = set(fresh.patch.values_list("pk", flat=True))
    wider = terms.margin_m > fresh.margin_m or bool({one.pk for one in areas} - before)
    wider = (wider and not fresh.whole_force) or (terms.whole_force and not fresh.whole_force)
    own = rules.roles(by, fresh) & {Role.AUTHOR, Role.APPROVER, Role.MEDIA}
    if wider and own:
        raise NotAllowed("You write for this team, so another administrator must widen its ground.")
    fresh.name, fresh.margin_m, fresh.whole_force = name, terms.margin_m, terms.whole_force
    fresh.save(update_fields=["name", "margin_m", "whole_force"])
    fresh.patch.set(areas)
    record("team changed", fresh, by=by, areas=len(areas), margin_m=fresh.margin_m, whole_force=fresh.whole_force)
    if wider:
        tell_others(fresh.organisation, "A colleague widened a team’s ground.", key=f"team {fresh.pk}", but=by)
    return fresh


def _check_keeps(by: Officer) -> None:
    if not rules.may_administer(by):
        raise NotAllowed("Only an administrator makes and changes teams.")


def _checked(terms: Terms, by: Officer, known: Team | None = None) -> tuple[str, list[Area]]:
    """The name and the areas, or NotATeam with words for every field that is wrong."""
    name = " ".join(terms.name.split())
    areas = list(Area.objects.filter(pk__in=terms.areas))
    same = Team.objects.visible_to(by).filter(name__iexact=name)
    problems = {}
    if not name or len(name) > 120:
        problems["name"] = "Enter a name of 120 characters or fewer"
    elif (same.exclude(pk=known.pk) if known else same).exists():
        problems["name"] = "There is a team of this name already"
    if not 0 <= terms.margin_m <= FURTHEST_M:
        problems["margin_m"] = f"Enter metres from 0 to {FURTHEST_M:,}"
    if len(areas) != len(set(terms.areas)):
        problems["areas"] = "Choose areas from the list"
    if problems:
        raise NotATeam(problems)
    return name, areas


def _slug(name: str, by: Officer) -> str:
    """A short name that no other team of the organisation has."""
    base, number = slugify(name)[:40] or "team", 1
    taken = set(Team.objects.visible_to(by).values_list("slug", flat=True))
    while (base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return base if number == 1 else f"{base}-{number}"
