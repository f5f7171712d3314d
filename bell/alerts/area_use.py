"""Which alerts yet to go out, and which saved audiences, use an area by name: what an import of areas may touch."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from bell.alerts.models import Alert, SavedAudience, State

# Their people are found when they are sent, so that a border which moves changes who gets them.
NOT_SENT = (State.DRAFT, State.RETURNED, State.SUBMITTED, State.APPROVED, State.SCHEDULED, State.HELD)


@dataclass(frozen=True)
class Use:
    """One alert, by its reference only: who keeps the areas need not be one who may read it."""

    reference: str
    team: str
    state: str
    areas: frozenset[int]


def waiting(areas: Collection[int]) -> list[Use]:
    """The alerts that use any of these areas by name, by team and reference."""
    wanted = frozenset(areas)
    rows = Alert.objects.filter(state__in=NOT_SENT).order_by("team__name", "reference")
    found = [
        Use(reference, team, State(state).label, wanted & set(named(audience)))
        for reference, team, state, audience in rows.values_list("reference", "team__name", "state", "audience")
    ]
    return [use for use in found if use.areas]


def saved(areas: Collection[int]) -> list[tuple[str, int, frozenset[int]]]:
    """Teams whose saved audiences use any of these areas: (team, how many, areas). Their names are the team's own."""
    wanted = frozenset(areas)
    found: dict[str, tuple[int, frozenset[int]]] = {}
    for team, audience in SavedAudience.objects.order_by("team__name").values_list("team__name", "audience"):
        if used := wanted & set(named(audience)):
            count, before = found.get(team, (0, frozenset()))
            found[team] = (count + 1, before | used)
    return [(team, count, used) for team, (count, used) in found.items()]


def named(audience: Any) -> Iterator[int]:
    """The ids of all areas that an audience names, whether to include, to leave out or to be in as well."""
    if isinstance(audience, dict):
        for key, value in audience.items():
            if key.endswith("areas") and isinstance(value, list):
                yield from (one for one in value if isinstance(one, int))
            elif key != "shapes":
                yield from named(value)
    elif isinstance(audience, list):
        for value in audience:
            yield from named(value)
