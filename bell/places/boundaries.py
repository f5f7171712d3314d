"""Boundaries in: a file of named shapes becomes areas, again and again without harm.

One transaction: either every usable feature of the file is in, or nothing changed. Bad geometry is repaired and
reported by name; what cannot be repaired is refused by name, and the others go in.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from django.db import transaction
from shapely.geometry.base import BaseGeometry

from bell.lib import clock, shapes
from bell.places import find, reading
from bell.places.models import Area
from bell.places.reading import ImportRefused as ImportRefused

_LONGEST = 200
_CHUNK = 500
_FIELDS = ["name", "parent", "boundary", "west", "south", "east", "north", "lon", "lat", "updated_at"]


@dataclass
class Report:
    """What became of a file's features; `parents` counts areas made to hold others, which are in no other number."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    parents: int = 0
    repaired: list[tuple[str, str]] = field(default_factory=list)
    """(name and code, what was wrong)."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """(name and code, or the feature's number; why)."""


@dataclass(frozen=True)
class _Found:
    """A feature that can be used."""

    code: str
    name: str
    parent: str
    shape: BaseGeometry


class _Refused(ValueError):
    """One feature cannot be used."""


def import_areas(
    source: str | Path | IO[bytes],
    *,
    kind: str,
    name_property: str,
    parent_property: str = "",
    parent_kind: str = "district",
    code_property: str = "code",
) -> Report:
    """Create or update the areas of one kind from a GeoJSON or KML file (a path, or an open binary file).

    With `parent_property`, areas of `parent_kind` by that name are found or made; a made one has the union of all its
    children as boundary. Areas that the file does not name stay. ImportRefused when nothing of the file can be used.
    """
    if parent_property and parent_kind == kind:
        raise ImportRefused("An area and its parent must be of different kinds")
    report = Report()
    found = list(_usable(reading.features(source), name_property, parent_property, code_property, report))
    if not found:
        name, words = report.refused[0]
        raise ImportRefused(f"No feature of this file can be used. The first, {name}: {words}")
    with transaction.atomic():
        parents = _find_parents(found, parent_kind, report)
        left = _store(found, kind, parents, report)
        _redraw({area.pk: area for area in [*Area.objects.filter(pk__in=left), *parents.values()]}.values())
    return report


def _usable(
    features: list[reading.Feature], name_property: str, parent_property: str, code_property: str, report: Report
) -> Iterable[_Found]:
    """The features that can be used, each code once; the others into the report."""
    seen: set[str] = set()
    for number, feature in enumerate(features, start=1):
        label = f"Feature {number}"
        try:
            name = _word(feature.properties, name_property)
            code = (
                _word(feature.properties, code_property) if feature.properties.get(code_property) is not None else name
            )
            label = name if code == name else f"{name} ({code})"
            parent = _word(feature.properties, parent_property) if parent_property else ""
            if code in seen:
                raise _Refused(f"the code {code} stands in this file twice")
            if feature.geometry is None:
                raise _Refused("it has no shape")
            shape, note = shapes.repair(shapes.unchecked(feature.geometry))
        except (_Refused, shapes.ShapeError) as error:
            report.refused.append((label, str(error)))
            continue
        if note:
            report.repaired.append((label, note))
        seen.add(code)
        yield _Found(code, name, parent, shape.normalize())


def _word(properties: dict[str, Any], key: str) -> str:
    """One property as a short line of text."""
    value = properties.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Refused(f'it has no "{key}"')
    words = " ".join(str(value).split())
    if not words:
        raise _Refused(f'its "{key}" is empty')
    if len(words) > _LONGEST:
        raise _Refused(f'its "{key}" is longer than {_LONGEST} characters')
    if not words.isprintable():
        raise _Refused(f'its "{key}" has characters that cannot be shown')
    return words


def _find_parents(found: list[_Found], kind: str, report: Report) -> dict[str, Area]:
    """The parents by name; those not there yet are made, with what the file has of their children."""
    children: dict[str, list[BaseGeometry]] = defaultdict(list)
    for one in found:
        if one.parent:
            children[one.parent].append(one.shape)
    there = Area.objects.of_kind(kind).filter(name__in=children).order_by("-pk")
    parents = {area.name: area for area in there}
    for name in sorted(children.keys() - parents.keys()):
        area = Area(kind=kind, code=name, name=name)
        _draw(area, shapes.union(children[name]))
        area.save()
        parents[name] = area
        report.parents += 1
    return parents


def _store(found: list[_Found], kind: str, parents: dict[str, Area], report: Report) -> set[int]:
    """Insert what is new, update what differs; the ids of parents that a child left."""
    left: set[int] = set()
    for start in range(0, len(found), _CHUNK):
        chunk = found[start : start + _CHUNK]
        there = {area.code: area for area in Area.objects.of_kind(kind).filter(code__in=[one.code for one in chunk])}
        new: list[Area] = []
        changed: list[Area] = []
        for one in chunk:
            area = there.get(one.code)
            parent = parents.get(one.parent)
            if area is None:
                area = Area(kind=kind, code=one.code, name=one.name, parent=parent)
                _draw(area, one.shape)
                new.append(area)
                continue
            former = area.parent_id
            if _change(area, one, parent):
                changed.append(area)
            if former is not None and former != area.parent_id:
                left.add(former)
        Area.objects.bulk_create(new)
        Area.objects.bulk_update(changed, _FIELDS, batch_size=100)
        report.created += len(new)
        report.changed += len(changed)
        report.unchanged += len(chunk) - len(new) - len(changed)
    return left


def _change(area: Area, one: _Found, parent: Area | None) -> bool:
    """Make an area as the file has it; whether that changed anything. A file without parents leaves the old one."""
    before = (area.name, area.parent_id, area.boundary)
    area.name = one.name
    area.parent = parent or area.parent
    updated_at = area.updated_at
    _draw(area, one.shape)
    if (area.name, area.parent_id, area.boundary) != before:
        return True
    area.updated_at = updated_at
    return False


def _redraw(parents: Iterable[Area]) -> None:
    """Give each parent that an import made the union of all its children; one with its own boundary keeps it."""
    for parent in parents:
        if parent.code != parent.name:  # it came from a file of its own, with an official code
            continue
        before = parent.boundary
        children = Area.objects.filter(parent=parent).order_by("kind", "code")
        if not children:
            continue
        _draw(parent, shapes.union([find.shape(child) for child in children]))
        if parent.boundary != before:
            parent.save()


def _draw(area: Area, shape: BaseGeometry) -> None:
    """Set an area's boundary and all that follows from it."""
    shape = shape.normalize()  # one spelling of one shape, so that a second import finds nothing changed
    area.boundary = json.dumps(shapes.to_geojson(shape), separators=(",", ":"))
    area.west, area.south, area.east, area.north = shape.bounds
    label = shape.representative_point()
    area.lon, area.lat = label.x, label.y
    area.updated_at = clock.now()
