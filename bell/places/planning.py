"""What a file of boundaries would change: read and compared, nothing written.

A plan is a list of changes, each with what the area is now and what it would be. It is made once, shown to people, and
carried out as it was shown (`boundaries.apply`); carried out backwards it puts everything back.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from shapely.geometry.base import BaseGeometry

from bell.lib import shapes
from bell.places import find, reading
from bell.places.models import Area
from bell.places.reading import ImportRefused

_LONGEST = 200


@dataclass(frozen=True)
class Columns:
    """What a file's features are, and which of their properties mean what."""

    kind: str
    name: str
    code: str = "code"
    parent: str = ""
    """The property that names the area it lies in; empty: the file does not say."""
    parent_kind: str = "district"
    whole: bool = False
    """The file holds every area of its kind: those that it does not name are retired."""


@dataclass(frozen=True)
class Facts:
    """What a plan may change of an area. `parent`: (kind, code); `boundary`: GeoJSON text, valid and normal."""

    name: str
    parent: tuple[str, str] | None
    boundary: str
    retired: bool = False

    def plain(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)

    @classmethod
    def read(cls, kept: dict[str, Any] | None) -> "Facts | None":
        """Out of `plain`."""
        if kept is None:
            return None
        parent = kept["parent"]
        return cls(kept["name"], (parent[0], parent[1]) if parent else None, kept["boundary"], kept["retired"])


@dataclass(frozen=True)
class Change:
    """One area: as it is (None: not there) and as it would be (None: it would not be offered, nor was it there)."""

    kind: str
    code: str
    before: Facts | None
    after: Facts | None

    def back(self) -> "Change":
        """The way back; an area that came is retired then, never deleted."""
        after = self.before or (replace(self.after, retired=True) if self.after else None)
        return Change(self.kind, self.code, self.after, after)


@dataclass
class Plan:
    """Everything that a file would do. Parents come first, so that a new one is there before what lies in it."""

    kind: str
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
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


def plan(source: reading.Source, columns: Columns) -> Plan:
    """Read a GeoJSON or KML file and compare it with the areas there are.

    Bad geometry is repaired, what cannot be repaired is refused, both by name. With `columns.parent`, areas of the
    parent's kind by that name are found or made; a made one has the union of its children as boundary.
    ImportRefused when nothing of the file can be used.
    """
    if columns.parent and columns.parent_kind == columns.kind:
        raise ImportRefused("An area and its parent must be of different kinds")
    made = Plan(columns.kind)
    found = list(_usable(reading.features(source), columns, made))
    if not found:
        name, words = made.refused[0]
        raise ImportRefused(f"No feature of this file can be used. The first, {name}: {words}")
    there = {area.code: area for area in Area.objects.of_kind(columns.kind).select_related("parent")}
    parents = _parents(found, columns.parent_kind)
    changes = [_compared(one, columns, there.get(one.code), parents) for one in found]
    if columns.whole:
        changes += _gone(there, {one.code for one in found} | _codes_of_refused(made))
    moved = [one for one in changes if one.before != one.after]
    made.unchanged = sum(1 for one in changes if one.before == one.after)
    made.changes = [*_redrawn(moved, columns, parents, {one.parent for one in found if one.parent}), *moved]
    return made


def facts(area: Area) -> Facts:
    """What is kept of an area (its parent fetched with it)."""
    parent = (area.parent.kind, area.parent.code) if area.parent else None
    return Facts(area.name, parent, area.boundary, area.retired_at is not None)


def text(shape: BaseGeometry) -> str:
    """A boundary as it is stored: one spelling of one shape, so that a second import finds nothing changed."""
    return json.dumps(shapes.to_geojson(shape.normalize()), separators=(",", ":"))


def _usable(features: list[reading.Feature], columns: Columns, made: Plan) -> Iterable[_Found]:
    """The features that can be used, each code once; the others into the plan's list."""
    seen: set[str] = set()
    for number, feature in enumerate(features, start=1):
        label = f"Feature {number}"
        try:
            name = _word(feature.properties, columns.name)
            own = feature.properties.get(columns.code) is not None
            code = _word(feature.properties, columns.code) if own else name
            label = name if code == name else f"{name} ({code})"
            parent = _word(feature.properties, columns.parent) if columns.parent else ""
            if code in seen:
                raise _Refused(f"the code {code} stands in this file twice")
            if feature.geometry is None:
                raise _Refused("it has no shape")
            shape, note = shapes.repair(shapes.unchecked(feature.geometry))
        except (_Refused, shapes.ShapeError) as error:
            made.refused.append((label, str(error)))
            continue
        if note:
            made.repaired.append((label, note))
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


def _codes_of_refused(made: Plan) -> set[str]:
    """Codes that the file names but that could not be used: such an area stays as it is, it is not gone."""
    labels = [label for label, _ in made.refused]
    return {label.rpartition(" (")[2].removesuffix(")") if label.endswith(")") else label for label in labels}


def _parents(found: list[_Found], kind: str) -> dict[str, tuple[str, str]]:
    """The parents' keys by name: those there, and for the others the key that they will have."""
    names = {one.parent for one in found if one.parent}
    keys = {name: (kind, name) for name in names}
    there = Area.objects.of_kind(kind).filter(name__in=names).order_by("retired_at", "-pk").values_list("name", "code")
    keys |= {name: (kind, code) for name, code in there}
    return keys


def _compared(one: _Found, columns: Columns, area: Area | None, parents: dict[str, tuple[str, str]]) -> Change:
    """A feature against the area of its code. A file without parents leaves the old one."""
    before = facts(area) if area else None
    parent = parents.get(one.parent) or (before.parent if before else None)
    return Change(columns.kind, one.code, before, Facts(one.name, parent, text(one.shape)))


def _gone(there: dict[str, Area], named: set[str]) -> list[Change]:
    """Areas that the file does not name any more."""
    left = [facts(area) for code, area in there.items() if code not in named]
    codes = [code for code in there if code not in named]
    kind = next(iter(there.values())).kind if there else ""
    return [
        Change(kind, code, one, replace(one, retired=True))
        for code, one in zip(codes, left, strict=True)
        if not one.retired
    ]


def _redrawn(
    moved: list[Change], columns: Columns, parents: dict[str, tuple[str, str]], named: set[str]
) -> list[Change]:
    """Parents that an import made (their code is their name) get the union of what lies in them; others keep theirs."""
    sides = [facts for one in moved for facts in (one.before, one.after)]
    keys = {side.parent for side in sides if side and side.parent} | {parents[name] for name in named}
    kept = Area.objects.of_kind(columns.parent_kind).filter(code__in=[code for _, code in keys])
    there = {(area.kind, area.code): area for area in kept.select_related("parent")}
    redrawn = []
    for key in sorted(keys):
        area = there.get(key)
        if area is None and key[0] != columns.parent_kind:
            continue  # a parent of yet another kind, which this file says nothing about
        if area is not None and area.code != area.name:
            continue  # it came from a file of its own, with an official code
        before = facts(area) if area else None
        within = _within(area, key, moved)
        if not within:
            continue
        outline = text(shapes.union(within))
        after = replace(before, boundary=outline, retired=False) if before else Facts(key[1], None, outline)
        if after != before:
            redrawn.append(Change(*key, before, after))
    return redrawn


def _within(area: Area | None, key: tuple[str, str], moved: list[Change]) -> list[BaseGeometry]:
    """The shapes of all that would lie in a parent, in a fixed order."""
    changed = {(one.kind, one.code): one.after for one in moved}
    outlines: dict[tuple[str, str], BaseGeometry] = {}
    children = Area.objects.filter(parent=area, retired_at=None) if area else Area.objects.none()
    for child in children:
        if (child.kind, child.code) not in changed:
            outlines[child.kind, child.code] = find.shape(child)
    for own, after in changed.items():
        if after is not None and after.parent == key and not after.retired:
            outlines[own] = shapes.outline(after.boundary)
    return [outlines[own] for own in sorted(outlines)]


def tally(changes: Iterable[Change]) -> dict[str, int]:
    """How many areas are new, changed and gone: {"new": n, "changed": n, "gone": n}."""
    count: dict[str, int] = defaultdict(int)
    for one in changes:
        count[sort(one)] += 1
    return {name: count[name] for name in ("new", "changed", "gone")}


def sort(change: Change) -> str:
    """In one word: "new", "gone" or "changed"."""
    if change.before is None or (change.before.retired and change.after and not change.after.retired):
        return "new"
    return "gone" if change.after is None or (change.after.retired and not change.before.retired) else "changed"
