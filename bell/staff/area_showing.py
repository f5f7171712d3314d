"""An import of areas in words: how far it is, what changes, and what that does to people, teams and alerts."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Q

from bell.alerts import area_use
from bell.alerts.audience import hidden
from bell.organisations.models import Team
from bell.places.models import Area
from bell.residents.area_models import BUSY, AreaChange, AreaImport
from bell.residents.area_models import ImportState as State

COLOURS: dict[str, str] = {
    State.NEW: "amber", State.CHECKED: "blue", State.APPLIED: "green", State.PUT_BACK: "grey", State.REFUSED: "red",
    State.DROPPED: "grey", **dict.fromkeys(BUSY, "amber"),
}  # fmt: skip
SORTS = {AreaChange.Sort.NEW: "green", AreaChange.Sort.CHANGED: "amber", AreaChange.Sort.GONE: "red"}
TONES = (("moved", "changes side"), ("came", "new"), ("went", "gone"))
# A border redrawn by a finer pencil moves by less: worth a line in the table, no alarm.
HAIR = 0.1


def people(number: int) -> str:
    """How many, so that nobody is found by moving a border round one house: rounded to 5, hidden under 5."""
    shown = hidden(number)
    return "fewer than 5" if shown is None else ("none" if not shown else f"about {shown:,}")


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    code: str
    kind: str
    sort: str
    colour: str
    note: str
    ground: str
    came: str
    left: str


def row(change: AreaChange) -> Row:
    """One change in words."""
    sort = AreaChange.Sort(change.sort)
    return Row(
        change.name, "" if change.code == change.name else change.code, change.kind, sort.label, SORTS[sort],
        change.note, _ground(change), people(change.came), people(change.left),
    )  # fmt: skip


def _ground(change: AreaChange) -> str:
    """How much ground moves: "0.42 km² (3.1 %)"."""
    if not change.moved_m2:
        return "none"
    size = f"{change.moved_m2 / 1e6:,.2f} km²" if change.moved_m2 >= 5000 else f"{change.moved_m2:,.0f} m²"
    if change.sort != AreaChange.Sort.CHANGED:
        return size
    return f"{size} (under {HAIR} %)" if change.share < HAIR else f"{size} ({change.share:.1f} %)"


def counts(run: AreaImport) -> dict[str, int]:
    """How many areas are new, changed, gone and unchanged, of the file's own kind."""
    own = run.changes.filter(kind=run.kind)
    found = own.aggregate(
        **{sort.value: Count("pk", filter=Q(sort=sort)) for sort in AreaChange.Sort},
        hair=Count("pk", filter=Q(sort=AreaChange.Sort.CHANGED, note="", share__lt=HAIR)),
    )
    return {**found, "unchanged": run.unchanged, "above": run.changes.exclude(kind=run.kind).count()}


@dataclass(frozen=True)
class Touched:
    """A team or an alert that uses areas which change: their names, and of these the ones that go."""

    name: str
    state: str
    areas: str
    gone: str


def touched(run: AreaImport) -> dict[str, list[Touched]]:
    """Teams whose patch, and alerts not yet sent whose audience, names an area that changes or goes."""
    changing = run.changes.exclude(area=None).filter(Q(moved_m2__gt=0) | Q(sort=AreaChange.Sort.GONE))
    rows = changing.values_list("area_id", "name", "sort")
    names = {pk: name for pk, name, _ in rows}
    gone = {pk for pk, _, sort in rows if sort == AreaChange.Sort.GONE}
    teams = Team.objects.public().filter(patch__in=names).distinct().prefetch_related("patch")
    return {
        "teams": [
            _touched(team.name, "", [area.pk for area in team.patch.all() if area.pk in names], names, gone)
            for team in teams.select_related("organisation").order_by("name")
        ],
        "saved": [
            _touched(f"{team}, {count} of its own", "", sorted(used), names, gone)
            for team, count, used in area_use.saved(names)
        ],
        "alerts": [
            _touched(f"{use.reference}, {use.team}", use.state, sorted(use.areas), names, gone)
            for use in area_use.waiting(names)
        ],
    }


def _touched(name: str, state: str, areas: list[int], names: dict[int, str], gone: set[int]) -> Touched:
    return Touched(
        name, state,
        _listed([names[pk] for pk in areas if pk not in gone]), _listed([names[pk] for pk in areas if pk in gone]),
    )  # fmt: skip


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"


def progress(run: AreaImport) -> dict[str, Any]:
    """What is being done, and how far it is."""
    words = {
        State.READING: "Reading the file and comparing it with the areas there are",
        State.COUNTING: "Counting who changes area",
        State.WRITING: "Writing the new boundaries",
        State.PLACING: "Finding everybody’s areas again",
        State.UNDOING: "Writing the boundaries as they were",
        State.REPLACING: "Finding everybody’s areas again",
    }
    return {
        "words": words.get(State(run.state), ""),
        "percent": min(100, run.done * 100 // run.total) if run.total else 0,
        "counts": run.state in (State.COUNTING, State.PLACING, State.REPLACING) and run.total,
        "waits": run.lease_until is None,
    }


def kinds() -> list[dict[str, Any]]:
    """The kinds of area in use, how many areas each has, and when one of them last changed."""
    offered = Area.objects.public().offered().order_by()
    found = offered.values("kind").annotate(areas=Count("pk"), newest=Max("updated_at")).order_by("areas", "kind")
    return [dict(one) for one in found]
