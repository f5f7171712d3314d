"""Boundaries in: a plan (places.planning) becomes areas, again and again without harm.

One transaction: either every usable feature of the file is in, or nothing changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from shapely.geometry.base import BaseGeometry

from bell.lib import clock, shapes
from bell.places import planning, reading
from bell.places.models import Area
from bell.places.planning import Change, Columns, Facts
from bell.places.reading import ImportRefused as ImportRefused

_CHUNK = 500
_FIELDS = ["name", "boundary", "west", "south", "east", "north", "lon", "lat", "retired_at", "updated_at"]


class Changed(Exception):
    """An area is not any more as the plan found it."""


@dataclass
class Report:
    """What became of a file's features; `parents` counts areas made to hold others, which are in no other number."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    retired: int = 0
    parents: int = 0
    repaired: list[tuple[str, str]] = field(default_factory=list)
    """(name and code, what was wrong)."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """(name and code, or the feature's number; why)."""


def import_areas(
    source: reading.Source,
    *,
    kind: str,
    name_property: str,
    parent_property: str = "",
    parent_kind: str = "district",
    code_property: str = "code",
    whole: bool = False,
) -> Report:
    """Create or update the areas of one kind from a GeoJSON or KML file, at once (see planning.plan).

    Areas that the file does not name stay, or with `whole` are retired.
    """
    columns = Columns(kind, name_property, code_property, parent_property, parent_kind, whole)
    made = planning.plan(source, columns)
    apply(made.changes)
    own = planning.tally(one for one in made.changes if one.kind == kind)
    return Report(
        created=own["new"],
        changed=own["changed"],
        unchanged=made.unchanged,
        retired=own["gone"],
        parents=planning.tally(one for one in made.changes if one.kind != kind)["new"],
        repaired=made.repaired,
        refused=made.refused,
    )


@transaction.atomic
def apply(changes: Sequence[Change]) -> dict[tuple[str, str], int]:
    """Carry a plan's changes out; the areas' ids by (kind, code). Changed when one is not as the plan found it."""
    there = _there(changes)
    for change in changes:
        area = there.get((change.kind, change.code))
        if (planning.facts(area) if area else None) != change.before:
            raise Changed(f"{change.kind} {change.code}")
    _write(changes, there)
    _put_within(changes, there)
    return {key: area.pk for key, area in there.items()}


def _there(changes: Sequence[Change]) -> dict[tuple[str, str], Area]:
    """The areas that a plan speaks of, and their parents, by (kind, code)."""
    keys = {(change.kind, change.code) for change in changes}
    keys |= {change.after.parent for change in changes if change.after and change.after.parent}
    found = {}
    for kind in sorted({kind for kind, _ in keys}):
        codes = sorted(code for of, code in keys if of == kind)
        for start in range(0, len(codes), _CHUNK):
            chunk = Area.objects.of_kind(kind).filter(code__in=codes[start : start + _CHUNK])
            found.update({(kind, area.code): area for area in chunk.select_related("parent")})
    return found


def _write(changes: Sequence[Change], there: dict[tuple[str, str], Area]) -> None:
    """Insert what is new and update what differs; parents follow when all of them are there."""
    new, old = [], []
    for change in changes:
        if change.after is None:
            continue
        key = (change.kind, change.code)
        area = there.get(key)
        if area is None:
            area = there[key] = Area(kind=change.kind, code=change.code)
            new.append(area)
        else:
            old.append(area)
        _draw(area, change.after)
    Area.objects.bulk_create(new, batch_size=100)
    Area.objects.bulk_update(old, _FIELDS, batch_size=100)


def _put_within(changes: Sequence[Change], there: dict[tuple[str, str], Area]) -> None:
    """Put each area into its parent."""
    moved = []
    for change in changes:
        if change.after is None:
            continue
        area = there[change.kind, change.code]
        parent = there[change.after.parent] if change.after.parent else None
        if area.parent_id != (parent.pk if parent else None):
            area.parent = parent
            moved.append(area)
    Area.objects.bulk_update(moved, ["parent"], batch_size=500)


def _draw(area: Area, facts: Facts) -> None:
    """Set what a plan says of an area, and all that follows from its boundary."""
    now = clock.now()
    shape: BaseGeometry = shapes.outline(facts.boundary)
    area.name, area.boundary, area.updated_at = facts.name, facts.boundary, now
    area.west, area.south, area.east, area.north = shape.bounds
    label = shape.representative_point()
    area.lon, area.lat = label.x, label.y
    area.retired_at = (area.retired_at or now) if facts.retired else None
