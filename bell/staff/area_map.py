"""Before and after on a map: an import's changes as GeoJSON for the map, and as a drawing for those without scripts."""

import math
from dataclasses import dataclass
from typing import Any

import shapely
from django.core.cache import cache
from shapely import geometry
from shapely.geometry.base import BaseGeometry

from bell.lib import shapes
from bell.places import find
from bell.places.models import Area
from bell.places.planning import Facts
from bell.residents.area_models import AreaChange, AreaImport

MOST = 300
_COARSE = 0.0003  # degrees, about 25 metres
_SLIVER = 1e-8  # square degrees, about 70 square metres: nobody sees less on a map of a county
_KEEP_SECONDS = 3600
_WIDTH = 720.0

Collection = dict[str, Any]


@dataclass(frozen=True)
class Drawing:
    """An SVG: its box, and paths as (tone, d), in the order in which they lie."""

    width: int
    height: int
    paths: list[tuple[str, str]]


def collections(run: AreaImport) -> tuple[Collection, Collection]:
    """The other areas of the kind as the ground, and what changes above it; of very many changes the largest."""
    key = f"area-import-{run.pk}-{run.fence}-{run.checked_at.timestamp() if run.checked_at else 0}"
    kept: tuple[Collection, Collection] | None = cache.get(key)
    if kept is None:
        rows = list(run.changes.filter(kind=run.kind).order_by("-moved_m2", "pk")[:MOST])
        kept = _ground(run), _collection([one for row in rows for one in _features(row)])
        cache.set(key, kept, _KEEP_SECONDS)
    return kept


def _ground(run: AreaImport) -> Collection:
    """Areas of the kind that stay as they are."""
    touched = run.changes.filter(kind=run.kind, moved_m2__gt=0).values("code")
    rest = Area.objects.public().offered().of_kind(run.kind).exclude(code__in=touched).order_by("pk")
    return _collection([_feature(find.shape(area), "base", area.name) for area in rest[: 2 * MOST]])


def _features(row: AreaChange) -> list[dict[str, Any]]:
    """The ground that moves, the border before and the border after; nothing where only words change."""
    before, after = _side(row.before), _side(row.after)
    if not row.moved_m2:
        return []
    moved = before.symmetric_difference(after) if before and after else before or after
    parts = [part for part in shapely.get_parts(moved) if part.area > _SLIVER]
    tone = {AreaChange.Sort.NEW: "came", AreaChange.Sort.GONE: "went"}.get(AreaChange.Sort(row.sort), "moved")
    found = [_feature(shapes.union(parts), tone, row.name)] if parts else []
    found += [_feature(before, "before", row.name)] if before else []
    found += [_feature(after, "after", row.name)] if after else []
    return found


def _side(kept: dict[str, Any] | None) -> BaseGeometry | None:
    facts = Facts.read(kept)
    return shapes.outline(facts.boundary) if facts and not facts.retired else None


def _feature(outline: BaseGeometry, tone: str, name: str) -> dict[str, Any]:
    """A feature to draw: simplified, with five decimals (a metre)."""
    simple = shapely.simplify(outline, _COARSE)
    rounded = shapely.transform(outline if simple.is_empty else simple, lambda pairs: pairs.round(5))
    return {"type": "Feature", "properties": {"tone": tone, "name": name}, "geometry": shapes.to_geojson(rounded)}


def _collection(features: list[dict[str, Any]]) -> Collection:
    return {"type": "FeatureCollection", "features": features}


def drawing(run: AreaImport) -> Drawing | None:
    """The same without scripts; None where nothing moves."""
    ground, changes = collections(run)
    if not changes["features"]:
        return None
    outlines = [geometry.shape(one["geometry"]) for one in changes["features"]]
    west, south, east, north = shapely.total_bounds(outlines)
    pad_x, pad_y = (east - west) * 0.06 or 0.01, (north - south) * 0.06 or 0.01
    west, south, east, north = west - pad_x, south - pad_y, east + pad_x, north + pad_y
    across = math.cos(math.radians((south + north) / 2))
    scale = _WIDTH / ((east - west) * across)
    height = max(160.0, min(900.0, (north - south) * scale))

    def path(feature: dict[str, Any]) -> str:
        drawn = feature["geometry"]
        polygons = drawn["coordinates"] if drawn["type"] == "MultiPolygon" else [drawn["coordinates"]]
        return "".join(_ring(ring, west, north, scale, across) for rings in polygons for ring in rings)

    near = shapely.box(west, south, east, north)
    base = [one for one in ground["features"] if near.intersects(geometry.shape(one["geometry"]))]
    order = {"base": 0, "moved": 1, "came": 1, "went": 1, "before": 2, "after": 3}
    lying = sorted([*base, *changes["features"]], key=lambda one: order[one["properties"]["tone"]])
    return Drawing(round(_WIDTH), round(height), [(one["properties"]["tone"], path(one)) for one in lying])


def _ring(ring: list[list[float]], west: float, north: float, scale: float, across: float) -> str:
    """A ring as a path in whole pixels; corners that fall on the same pixel are one."""
    points = [f"{(lon - west) * across * scale:.0f} {(north - lat) * scale:.0f}" for lon, lat, *_ in ring]
    kept = [point for number, point in enumerate(points) if not number or point != points[number - 1]]
    return f"M{'L'.join(kept)}Z"
