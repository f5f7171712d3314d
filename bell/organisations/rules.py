"""Who may do what: pure questions about an officer, a team and a place."""

from datetime import date

from shapely.geometry.base import BaseGeometry

from bell.lib import clock, shapes
from bell.organisations.models import Agreement, Grant, Officer, Organisation, Role, Team
from bell.places import find


def roles(officer: Officer, team: Team) -> set[str]:
    """The officer's roles in a team; none once the account is switched off."""
    if not officer.is_active or officer.organisation_id != team.organisation_id:
        return set()
    return set(Grant.objects.filter(officer=officer, team=team).values_list("role", flat=True))


def teams_as(officer: Officer, *wanted: str) -> list[Team]:
    """Teams in which the officer holds any of these roles, by name."""
    if not officer.is_active:
        return []
    found = Team.objects.visible_to(officer).filter(grants__officer=officer, grants__role__in=wanted)
    return list(found.distinct())


def may_write(officer: Officer, team: Team) -> bool:
    """Authors, approvers and the Media Team write for their team."""
    return bool(roles(officer, team) & {Role.AUTHOR, Role.APPROVER, Role.MEDIA})


def may_approve(officer: Officer, team: Team) -> bool:
    """Approvers of the team, and the Media Team's approvers for every team of the force."""
    if Role.APPROVER in roles(officer, team):
        return True
    return (
        officer.is_active
        and officer.organisation_id == team.organisation_id
        and Grant.objects.filter(officer=officer, role=Role.APPROVER, team__whole_force=True).exists()
    )


def may_administer(officer: Officer) -> bool:
    """Administrators of any team of the organisation."""
    return officer.is_active and Grant.objects.filter(officer=officer, role=Role.ADMINISTRATOR).exists()


def may_look_after(officer: Officer) -> bool:
    """Who sees how the service is: administrators of the force."""
    return officer.organisation.sort == Organisation.Sort.FORCE and may_administer(officer)


def may_protect(officer: Officer) -> bool:
    """The data protection officers of the force: they withhold, restrict, erase and agree. A partner has none here."""
    return (
        officer.is_active
        and officer.organisation.sort == Organisation.Sort.FORCE
        and Grant.objects.filter(officer=officer, role=Role.DPO, team__organisation=officer.organisation_id).exists()
    )


def may_agree(officer: Officer) -> bool:
    """Who keeps the data-sharing agreements: administrators and data protection officers of the force."""
    force = officer.organisation.sort == Organisation.Sort.FORCE
    return force and (may_administer(officer) or may_protect(officer))


def has_agreement(organisation: Organisation, on: date | None = None) -> bool:
    """Whether an organisation may write to residents on a day (today): the force always, a partner by an agreement."""
    if organisation.sort == Organisation.Sort.FORCE:
        return True
    day = on or clock.local(clock.now()).date()
    return Agreement.objects.current(day).filter(organisation=organisation).exists()


def may_keep_partners(officer: Officer) -> bool:
    """Who keeps organisations, their names and routes: administrators of the force."""
    return officer.organisation.sort == Organisation.Sort.FORCE and may_administer(officer)


def name_on(organisation: Organisation, day: date) -> str:
    """What an organisation was called on a day (G6). Before its first dated name it had that name already."""
    names = list(organisation.names.all())
    if not names:
        return organisation.name
    return next((one.name for one in reversed(names) if one.since <= day), names[0].name)


def patch_area_ids(team: Team) -> set[int] | None:
    """Areas the team may choose by name (its patch and all within); None means anywhere in the force."""
    if team.whole_force:
        return None
    return find.under(list(team.patch.values_list("id", flat=True)))


def patch_shape(team: Team) -> BaseGeometry | None:
    """The team's ground with its agreed margin; None means the whole territory."""
    if team.whole_force:
        return find.territory()
    areas = list(team.patch.all())
    if not areas:
        return None
    return shapes.margin(shapes.union([find.shape(area) for area in areas]), team.margin_m)
