"""Audiences that a team keeps by name: kept, renamed, forgotten, and looked at anew when they are used (A6)."""

from typing import Any

from django.db import transaction

from bell.alerts.models import SavedAudience
from bell.alerts.rule import GROUP_KEYS, tidy
from bell.alerts.rules import NotAllowed, Unfinished
from bell.audit.record import record
from bell.lib import clock
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer, Team
from bell.places.models import Area
from bell.residents.models import Group

NAME_MOST = 60
MOST = 50
_PATCH_KEYS = ("areas", "not_areas")


@transaction.atomic
def keep(*, team: Team, name: str, audience: dict[str, Any], by: Officer) -> SavedAudience:
    """Keep an audience by a name that the team does not use yet."""
    _check_writer(by, team)
    kept = tidy(audience)
    if not any(kept.values()):
        raise Unfinished({"save_as": "Choose who gets it before you keep it."})
    if SavedAudience.objects.filter(team=team).count() >= MOST:
        raise Unfinished({"save_as": f"{team.name} keeps {MOST} audiences already. Delete one that is not used."})
    saved = SavedAudience.objects.create(
        team=team, name=_name(team, name, "save_as"), audience=kept, by=by, at=clock.now()
    )
    record("audience kept", saved, by=by, team=team.pk)
    return saved


@transaction.atomic
def rename(saved: SavedAudience, *, name: str, by: Officer) -> SavedAudience:
    """Another name for it."""
    _check_writer(by, saved.team)
    fresh = SavedAudience.objects.select_for_update(of=("self",)).select_related("team").get(pk=saved.pk)
    fresh.name = _name(fresh.team, name, "name", but=fresh.pk)
    fresh.save(update_fields=["name"])
    record("audience renamed", fresh, by=by, team=fresh.team_id)
    return fresh


@transaction.atomic
def forget(saved: SavedAudience, *, by: Officer) -> None:
    """Delete it. Alerts that were made with it keep what they have."""
    _check_writer(by, saved.team)
    record("audience forgotten", saved, by=by, team=saved.team_id)
    saved.delete()


def fitting(saved: SavedAudience) -> tuple[dict[str, Any], list[str]]:
    """What of it can be used today, and in words what no longer holds: areas and groups come and go."""
    team, kept, gone = saved.team, {key: list(value) for key, value in saved.audience.items()}, []
    patch = organisation_rules.patch_area_ids(team)
    names = dict(Area.objects.offered().values_list("pk", "name"))
    for key in ("areas", "not_areas", "also_areas"):
        wanted = kept.get(key, [])
        kept[key] = [pk for pk in wanted if pk in names and (patch is None or key not in _PATCH_KEYS or pk in patch)]
        outside = [names[pk] for pk in wanted if pk in names and pk not in kept[key]]
        gone += [f"{name} is no longer in the patch of {team.name}." for name in outside]
        if lost := len(set(wanted) - set(names)):
            gone.append(f"{'An area is' if lost == 1 else f'{lost} areas are'} no longer on the map.")
    groups = {group.pk: group for group in Group.objects.filter(organisation=team.organisation_id)}
    for key in GROUP_KEYS:
        wanted = kept.get(key, [])
        kept[key] = [pk for pk in wanted if pk in groups and groups[pk].active]
        gone += [f"The group {groups[pk].name} is closed." for pk in wanted if pk in groups and not groups[pk].active]
        if any(pk not in groups for pk in wanted):
            gone.append("A group is no longer there.")
    return tidy(kept), gone


def _name(team: Team, name: str, field: str, but: int = 0) -> str:
    """A name as it is kept, or Unfinished with words at the field that was filled in."""
    tidied = " ".join(name.split())
    if not tidied:
        raise Unfinished({field: "Enter a name."})
    if len(tidied) > NAME_MOST:
        raise Unfinished({field: f"The name must be {NAME_MOST} characters or fewer."})
    if SavedAudience.objects.filter(team=team, name__iexact=tidied).exclude(pk=but).exists():
        raise Unfinished({field: f"{team.name} has an audience of that name. Choose another name."})
    return tidied


def _check_writer(by: Officer, team: Team) -> None:
    if not organisation_rules.may_write(by, team):
        raise NotAllowed(f"You cannot keep audiences for {team.name}.")
