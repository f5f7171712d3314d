"""What an officer may see of the figures: their teams' areas; everything for the Media Team and administrators."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from bell.organisations.models import Officer, Organisation, Role, Team
from bell.places import find
from bell.residents.models import PlaceArea, Resident


@dataclass(frozen=True)
class Scope:
    """Whose figures: `area_ids` is None for all areas."""

    name: str
    area_ids: frozenset[int] | None

    def holds(self, area_id: int) -> bool:
        """Whether figures of an area may be seen."""
        return self.area_ids is None or area_id in self.area_ids

    def members(self) -> QuerySet[Resident]:
        """Members of today with a place in these areas."""
        members = Resident.objects.filter(left_at=None)
        if self.area_ids is None:
            return members
        here = PlaceArea.objects.filter(area__in=self.area_ids).values("place__resident")
        return members.filter(pk__in=here)


def may_look(officer: Officer) -> bool:
    """Whether there are figures for this officer; quick, for the navigation of every page."""
    if not officer.is_active or officer.organisation.sort != Organisation.Sort.FORCE:
        return False
    wide = Q(team__whole_force=True) | Q(role=Role.ADMINISTRATOR) | Q(team__patch__isnull=False)
    return officer.grants.filter(wide, team__organisation=officer.organisation_id).exists()


def of(officer: Officer) -> Scope | None:
    """The officer's scope; None for partners, for the disabled, and for those without a team."""
    if not officer.is_active or officer.organisation.sort != Organisation.Sort.FORCE:
        return None
    grants = list(officer.grants.filter(team__organisation=officer.organisation_id).select_related("team"))
    if any(grant.team.whole_force or grant.role == Role.ADMINISTRATOR for grant in grants):
        return Scope(officer.organisation.name, None)
    teams = {grant.team_id: grant.team for grant in grants}
    patch = Team.patch.through.objects.filter(team__in=teams).values_list("area_id", flat=True)
    area_ids = frozenset(find.under(patch))
    if not area_ids:
        return None
    return Scope(", ".join(sorted(team.name for team in teams.values())), area_ids)
