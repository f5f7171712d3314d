"""Shapes on the map: drawn ones checked, imported ones repaired, circles and margins in metres.

All shapes are shapely polygons or multi-polygons in degrees, longitude first (WGS84), straight between their corners as
drawn on the map. A boundary belongs to its shape.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from bell.lib import geojson
from bell.lib.geojson import ShapeError as ShapeError

GEOD = Geod(ellps="WGS84")
CIRCLE_CORNERS = 180
"""An inscribed polygon of so many corners lies within 0.016 % of the true circle."""
LARGEST_CIRCLE_M = 200_000.0
MOST_IMPORTED_POLYGONS, MOST_IMPORTED_POINTS = 20_000, 1_000_000  # one official boundary at full resolution
_NO_AREA = 1e-12  # square degrees: less than a hundredth of a square metre

# Two combs of a few thousand teeth cross millions of times, and joining them would take minutes. Neighbours that share
# a boundary come to two or three pairs of sides a corner.
_MOST_PAIRS = 100_000
_PAIRS_A_CORNER = 6
_SIDES_AT_ONCE = 20

_REASON = re.compile(r"^(?P<kind>[A-Za-z -]+?)(\[(?P<lon>\S+) (?P<lat>\S+)\])?$")
_WORDS = {
    "Self-intersection": "The outline crosses itself",
    "Ring Self-intersection": "The outline touches or crosses itself",
    "Hole lies outside shell": "A hole lies outside the shape",
    "Holes are nested": "A hole lies within another hole",
    "Nested holes": "A hole lies within another hole",
    "Nested shells": "One part of the shape lies within another",
    "Interior is disconnected": "Holes cut the shape into pieces",
    "Duplicate Rings": "An outline is drawn twice",
    "Too few points in geometry component": "An outline needs at least three corners",
}


def read(source: Any, *, within: BaseGeometry | None = None, margin_m: float = 0) -> Polygon | MultiPolygon:
    """A drawn or uploaded shape from GeoJSON (dict, str or bytes), all its parts made one.

    ShapeError, in words for the person, for everything in `geojson.polygons` and for outlines that cross themselves,
    shapes without area, holes outside their shapes, longitude and latitude swapped, or any part beyond `margin_m`
    metres outside `within`.
    """
    parts = [Polygon(rings[0], rings[1:]) for rings in geojson.polygons(source)]
    for part in parts:
        if part.convex_hull.area < _NO_AREA:
            raise ShapeError("This shape has no area: its corners lie on one line or point")
        if not part.is_valid:
            raise ShapeError(_why_invalid(part))
    _check_tangle(parts)
    shape = union(parts)
    if shape.area < _NO_AREA:
        raise ShapeError("This shape has no area")
    if within is not None:
        _check_within(shape, within, margin_m)
    return shape


def read_repaired(source: Any, *, within: BaseGeometry | None = None) -> tuple[Polygon | MultiPolygon, str | None]:
    """An uploaded shape of a drawn one's size, made valid, and what was wrong with it in words (None: nothing).

    ShapeError as in `read`, but for outlines that cross themselves and holes outside their shapes.
    """
    parts = [Polygon(rings[0], rings[1:]) for rings in geojson.polygons(source)]
    _check_tangle(parts)
    shape, note = repair(parts[0] if len(parts) == 1 else MultiPolygon(parts))
    if shape.area < _NO_AREA:
        raise ShapeError("This shape has no area")
    if within is not None:
        _check_within(shape, within, 0)
    return shape, note


def unchecked(source: Any) -> Polygon | MultiPolygon:
    """The shape of GeoJSON as it is, perhaps invalid: for importers, which repair and report."""
    found = geojson.polygons(source, most_polygons=MOST_IMPORTED_POLYGONS, most_points=MOST_IMPORTED_POINTS)
    parts = [Polygon(rings[0], rings[1:]) for rings in found]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def repair(geom: BaseGeometry) -> tuple[Polygon | MultiPolygon, str | None]:
    """The shape made valid, and what was wrong in words (None when nothing was). ShapeError when no area remains."""
    if geom.is_valid:
        note = None
        whole = _areal(geom)
    else:
        note = _why_invalid(geom)
        whole = _areal(shapely.make_valid(geom, method="structure", keep_collapsed=False))
    if whole.is_empty or whole.area == 0:
        raise ShapeError("This shape has no area")
    return whole, note


def circle(lon: float, lat: float, metres: float) -> Polygon:
    """The circle of so many metres round a point, geodesic (WGS84). ShapeError when it cannot be drawn."""
    if not all(math.isfinite(value) for value in (lon, lat, metres)) or abs(lon) > 180 or abs(lat) > 90:
        raise ShapeError("The middle of the circle is not a place on earth")
    if not 1 <= metres <= LARGEST_CIRCLE_M:
        raise ShapeError(f"The radius must lie between 1 metre and {LARGEST_CIRCLE_M / 1000:.0f} kilometres")
    azimuths = np.linspace(0, 360, CIRCLE_CORNERS, endpoint=False)
    size = len(azimuths)
    lons, lats, _ = GEOD.fwd(np.full(size, lon), np.full(size, lat), azimuths, np.full(size, metres))
    drawn = Polygon(np.column_stack([lons, lats])).normalize()
    if np.ptp(lons) > 180 or not drawn.is_valid or not shapely.intersects_xy(drawn, lon, lat):
        raise ShapeError("This circle crosses the 180th meridian or a pole")
    return drawn


def snap(shape: BaseGeometry, metres: float = 50.0) -> Polygon | MultiPolygon:
    """The shape with its corners on a grid of so many metres, valid; a part that would vanish becomes one square.

    The grid depends only on the shape's whole degree of latitude, so redrawing moves it by whole steps only.
    """
    _, south, _, north = shape.bounds
    latitude = max(-89, min(89, round((south + north) / 2)))
    step_x, step_y = (metres / scale for scale in _metres_a_degree(latitude))
    parts = []
    for part in _polygons(shape):
        on_grid = affinity.scale(part, 1 / step_x, 1 / step_y, origin=(0, 0, 0))
        rounded = _areal(shapely.set_precision(on_grid, 1.0))
        if rounded.is_empty:
            middle = on_grid.representative_point()
            x, y = math.floor(middle.x), math.floor(middle.y)
            rounded = shapely.box(x, y, x + 1, y + 1)
        parts.append(rounded)
    whole = shapely.union_all(parts, grid_size=1.0)
    return repair(affinity.scale(whole, step_x, step_y, origin=(0, 0, 0)))[0]


def union(shapes: Iterable[BaseGeometry]) -> Polygon | MultiPolygon:
    """All shapes as one; an empty polygon for none."""
    return _areal(shapely.union_all(list(shapes)))


def margin(shape: BaseGeometry, metres: float) -> Polygon | MultiPolygon:
    """The shape grown by so many metres on all sides; it always holds the shape itself.

    Scaled at the shape's middle latitude: exact there, within 1 % a quarter of a degree (28 km) to its north and south.
    """
    if metres <= 0 or shape.is_empty:
        return _areal(shape)
    _, south, _, north = shape.bounds
    x, y = _metres_a_degree((south + north) / 2)
    grown = affinity.scale(shape, x, y, origin=(0, 0, 0)).buffer(metres)
    return _areal(shapely.union(affinity.scale(grown, 1 / x, 1 / y, origin=(0, 0, 0)), shape))


def contains(shape: BaseGeometry, lons: npt.ArrayLike, lats: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which points (degrees) lie in the shape or on its boundary, as an array of the same length."""
    shapely.prepare(shape)
    found: npt.NDArray[np.bool_] = shapely.intersects_xy(shape, np.asarray(lons), np.asarray(lats))
    return found


def area_m2(shape: BaseGeometry) -> float:
    """Square metres on the WGS84 ellipsoid."""
    return sum(abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(part))[0]) for part in _polygons(shape))


def outline(text: str) -> BaseGeometry:
    """The shape of a boundary that we stored ourselves, which is always valid."""
    return shapely.from_geojson(text)


def to_geojson(shape: BaseGeometry) -> dict[str, Any]:
    """The shape as a GeoJSON geometry, ready for json.dumps."""
    value: dict[str, Any] = json.loads(shapely.to_geojson(shape))
    return value


def _check_tangle(parts: list[Polygon]) -> None:
    """Refuse parts that lie across each other too often, by counting pairs of sides whose boxes meet; stops early."""
    if len(parts) < 2:
        return
    sides, owner = _sides(parts)
    tree = shapely.STRtree(sides)
    left = _MOST_PAIRS + _PAIRS_A_CORNER * len(sides)
    for start in range(0, len(sides), _SIDES_AT_ONCE):
        one, other = tree.query(sides[start : start + _SIDES_AT_ONCE])
        left -= int(np.count_nonzero(owner[one + start] < owner[other]))
        if left < 0:
            raise ShapeError("The parts of this shape lie across each other too often. Draw a simpler one")


def _sides(parts: list[Polygon]) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    """Every side of every ring as a line, and the number of the part it belongs to."""
    rings, ring_owner = shapely.get_rings(parts, return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[:-1] == ring[1:]
    sides = shapely.linestrings(np.stack([corners[:-1][same], corners[1:][same]], axis=1))
    return sides, ring_owner[ring[:-1][same]]


def _check_within(shape: BaseGeometry, within: BaseGeometry, margin_m: float) -> None:
    if within.covers(shape) or (margin_m > 0 and margin(within, margin_m).covers(shape)):
        return
    if within.intersects(shape):
        raise ShapeError("Part of this shape lies outside the area you may send to")
    if within.intersects(shapely.transform(shape, lambda pairs: pairs[:, ::-1])):
        raise ShapeError("Longitude and latitude are swapped in this shape: longitude comes first")
    raise ShapeError("This shape lies outside the area you may send to")


def _why_invalid(geom: BaseGeometry) -> str:
    """GEOS's reason in plain words, with the place where it has one."""
    match = _REASON.match(shapely.is_valid_reason(geom))
    kind = match["kind"].strip() if match else ""
    words = _WORDS.get(kind, "The outline is not a proper shape")
    if match and match["lon"]:
        return f"{words} near longitude {float(match['lon']):.5f}, latitude {float(match['lat']):.5f}"
    return words


def _metres_a_degree(latitude: float) -> tuple[float, float]:
    """Metres of one degree of longitude and of latitude at a latitude."""
    _, _, across = GEOD.inv(-0.5, latitude, 0.5, latitude)
    _, _, up = GEOD.inv(0, latitude - 0.5, 0, latitude + 0.5)
    return max(across, 1.0), up


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    """The polygons of any geometry; points and lines are left out."""
    flat = shapely.get_parts(shapely.get_parts(shape))
    return [part for part in flat if isinstance(part, Polygon) and not part.is_empty]


def _areal(shape: BaseGeometry) -> Polygon | MultiPolygon:
    if isinstance(shape, Polygon | MultiPolygon):
        return shape
    parts = _polygons(shape)
    if len(parts) == 1:
        return parts[0]
    return MultiPolygon(parts) if parts else Polygon()
