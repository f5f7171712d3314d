"""Where things are: a postcode or a point in, areas out."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely
from django.db.models import Count, Max, Sum
from shapely.geometry.base import BaseGeometry

from bell.lib import shapes
from bell.places.models import Area, Postcode

# Royal Mail's forms (BS 7666): one or two letters, a digit, perhaps a digit or letter; then a digit and two letters.
_FULL = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}")
_OUTWARD = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?[0-9]?")
_EXAMPLE = "like DE1 2QY"


class PostcodeError(ValueError):
    """The postcode cannot be used; the message says why in words for the person who typed it."""


def normalise(text: str) -> str:
    """A postcode in its one written form ("de757ab" -> "DE75 7AB"); PostcodeError when it cannot be one."""
    if not text.strip():
        raise PostcodeError("Enter your postcode")
    squeezed = re.sub(r"[\s.,\-\u2010-\u2015\u200b-\u200f\ufeff]", "", text[:40]).upper()
    if _FULL.fullmatch(squeezed) and len(text) <= 40:
        return f"{squeezed[:-3]} {squeezed[-3:]}"
    if _OUTWARD.fullmatch(squeezed):
        raise PostcodeError(f"Enter the whole postcode, {_EXAMPLE}")
    raise PostcodeError(f"Enter a postcode, {_EXAMPLE}")


def postcode(text: str) -> Postcode:
    """The postcode someone typed, however spaced. PostcodeError when it is none or we do not know it."""
    code = normalise(text)
    found = Postcode.objects.public().filter(code=code).first()
    if found is None:
        raise PostcodeError(f"We do not know the postcode {code}. Check it, or choose your place on the map")
    return found


def areas_at(lons: npt.ArrayLike, lats: npt.ArrayLike) -> list[list[int]]:
    """For each point (degrees) the ids of the areas it lies in, ascending; a shared boundary belongs to both sides.

    Retired areas are among them: whoever chose one still means the people in it.

    ValueError when a coordinate is not a finite number or the two arrays differ in length.
    """
    x = np.asarray(lons, dtype=np.float64)
    y = np.asarray(lats, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("Longitudes and latitudes must be two lists of finite numbers, equally long")
    return _index().areas_at(x, y)


def under(area_ids: Iterable[int]) -> set[int]:
    """The ids of these areas and of all areas within them in the tree."""
    found = set(area_ids)
    if not found:
        return found
    children: dict[int, list[int]] = defaultdict(list)
    for pk, parent in Area.objects.public().filter(parent__isnull=False).order_by().values_list("pk", "parent_id"):
        children[parent].append(pk)
    waiting = list(found)
    while waiting:
        for child in children[waiting.pop()]:
            if child not in found:  # a circle in the tree must not spin
                found.add(child)
                waiting.append(child)
    return found


def spanning(area_ids: Iterable[int]) -> set[int]:
    """Areas that hold between them what `under` holds: those are left out that lie within one that was asked for.

    A boundary belongs to its area, so whatever lies in the smaller outline lies in the larger. Where outlines of two
    levels do not fit, as when they come from different files, the smaller area stays.
    """
    asked = set(area_ids)
    found = under(asked)
    return found if found == asked else asked | found - _index().covered(asked)


def shape(area: Area) -> BaseGeometry:
    """An area's boundary as a shapely geometry."""
    return shapely.from_geojson(area.boundary)


def territory() -> BaseGeometry | None:
    """The whole ground: all areas of kind "force", or else all without a parent; None while there is no area."""
    return _index().territory


@dataclass(frozen=True)
class _Index:
    """All boundaries in memory, with a tree over their boxes."""

    stamp: tuple[object, ...]
    ids: npt.NDArray[np.int64]
    shapes: npt.NDArray[np.object_]
    top: list[BaseGeometry]

    @cached_property
    def tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.shapes)

    @cached_property
    def _within(self) -> dict[int, set[int]]:
        return {}

    def covered(self, by: Iterable[int]) -> set[int]:
        """Areas that lie wholly within one of these, which do too; found once an area, as long as the index stands."""
        found: set[int] = set()
        for pk in by:
            if pk not in self._within:
                own = self.shapes[self.ids == pk]
                self._within[pk] = {int(self.ids[at]) for one in own for at in self.tree.query(one, predicate="covers")}
            found |= self._within[pk]
        return found

    @cached_property
    def territory(self) -> BaseGeometry | None:
        return shapes.union(self.top) if self.top else None

    def areas_at(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> list[list[int]]:
        """By boxes first, then exactly, one area at a time for all points in its box."""
        found: list[list[int]] = [[] for _ in range(len(x))]
        if not len(self.ids) or not len(x):
            return found
        point, area = self.tree.query(shapely.points(x, y))
        if not len(area):
            return found
        order = np.argsort(area, kind="stable")
        point, area = point[order], area[order]
        numbers, starts = np.unique(area, return_index=True)
        for number, points in zip(numbers, np.split(point, starts[1:]), strict=True):
            inside = shapes.contains(self.shapes[number], x[points], y[points])
            pk = int(self.ids[number])
            for at in points[inside]:
                found[at].append(pk)  # areas come in order of id, so each list is sorted
        return found


_kept: _Index | None = None


def _index() -> _Index:
    """The index of the present areas: kept in the process until their number, places or newest change differ."""
    global _kept
    newest = Area.objects.aggregate(
        count=Count("pk"), last=Max("updated_at"), highest=Max("pk"), lons=Sum("lon"), lats=Sum("lat")
    )
    stamp = tuple(newest.values())
    index = _kept
    if index is None or index.stamp != stamp:
        index = _kept = _read(stamp)
    return index


def _read(stamp: tuple[object, ...]) -> _Index:
    columns = ("pk", "kind", "parent_id", "retired_at", "boundary")
    rows = list(Area.objects.public().order_by("pk").values_list(*columns))
    geometries = shapely.from_geojson([boundary for *_, boundary in rows])
    shapely.prepare(geometries)
    forces = [at for at, (_, kind, _, gone, _) in enumerate(rows) if kind == "force" and gone is None]
    top = forces or [at for at, (_, _, parent, gone, _) in enumerate(rows) if parent is None and gone is None]
    ids = np.array([pk for pk, *_ in rows], dtype=np.int64)
    return _Index(stamp, ids, np.asarray(geometries, dtype=object), [geometries[at] for at in top])
