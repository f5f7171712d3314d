"""GeoJSON (RFC 7946) from strangers: polygons read by a walk of fixed depth that counts before any geometry is built.

Accepts a Polygon or MultiPolygon, a Feature of one, or a FeatureCollection of those. Everything else is refused in
words that the person who drew or uploaded it understands. Altitudes are allowed and dropped.
"""

import itertools
import json
import math
from collections.abc import Iterator
from typing import Any

MOST_POLYGONS = 1_000
MOST_POINTS = 50_000
LONGEST_TEXT = 8 * 1024 * 1024
"""Characters of a shape's text: room for MOST_POINTS with fifteen digits twice over."""

Position = tuple[float, float]
Ring = list[Position]
Rings = list[Ring]

_NOT_GEOJSON = "This is not a shape in GeoJSON"
_TOO_DEEP = "This GeoJSON is nested too deeply"


class ShapeError(ValueError):
    """The shape cannot be used; the message says why in words for the person who drew or uploaded it."""


def polygons(source: Any, *, most_polygons: int = MOST_POLYGONS, most_points: int = MOST_POINTS) -> list[Rings]:
    """The polygons of a GeoJSON value (dict, or its text as str or bytes), each a list of rings, shell first.

    ShapeError for anything else, for rings that are not closed or shorter than four positions, numbers that are no
    places on earth, lines across the antimeridian, more than `most_polygons` polygons or `most_points` positions.
    """
    value = parse(source) if isinstance(source, str | bytes | bytearray) else source
    count = _Count(most_polygons, most_points)
    found = [rings for coordinates in _coordinates(value) for rings in _polygon_list(coordinates, count)]
    if not found:
        raise ShapeError("There is no shape in this GeoJSON")
    return found


def parse(text: str | bytes | bytearray) -> Any:
    """The JSON value of a text in UTF-8; ShapeError when it is none, too long, nested too deeply or has NaN."""
    if len(text) > LONGEST_TEXT:
        raise ShapeError("This shape is too large a file")
    return loads(text)


def loads(text: str | bytes | bytearray, *, constants: bool = False) -> Any:
    """Like `parse`, for texts whose length the caller has limited.

    With `constants`, NaN and Infinity (which JSON has not, but many writers write) come through as numbers, so that one
    bad feature does not cost a file all others: `polygons` refuses them.
    """
    try:
        words = text if isinstance(text, str) else bytes(text).decode("utf-8-sig")
        return json.loads(words.removeprefix("\ufeff"), parse_constant=float if constants else _refuse_constant)
    except RecursionError as error:
        raise ShapeError(_TOO_DEEP) from error
    except ShapeError:
        raise
    except ValueError as error:
        raise ShapeError(f"{_NOT_GEOJSON}: it is not valid JSON") from error


class _Count:
    """How much was met so far."""

    def __init__(self, most_polygons: int, most_points: int) -> None:
        self.most_polygons, self.most_points = most_polygons, most_points
        self.polygons = 0
        self.points = 0

    def polygon(self) -> None:
        self.polygons += 1
        if self.polygons > self.most_polygons:
            raise ShapeError(f"This shape has more than {self.most_polygons:,} separate parts. Draw a simpler one")

    def positions(self, number: int) -> None:
        self.points += number
        if self.points > self.most_points:
            raise ShapeError(f"This shape has more than {self.most_points:,} corners. Draw a simpler one")


def _refuse_constant(name: str) -> float:
    raise ShapeError(f"This shape has {name} where a number should be")


def _coordinates(value: Any) -> Iterator[tuple[str, Any]]:
    """(type, coordinates) of each geometry in a geometry, Feature or FeatureCollection: no deeper, never recursive."""
    if not isinstance(value, dict):
        raise ShapeError(_NOT_GEOJSON)
    if value.get("type") != "FeatureCollection":
        yield _geometry(_of_feature(value))
        return
    features = value.get("features")
    if not isinstance(features, list):
        raise ShapeError(f"{_NOT_GEOJSON}: its list of features is missing")
    for feature in features:
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise ShapeError(f"{_NOT_GEOJSON}: its list of features holds something else")
        yield _geometry(_of_feature(feature))


def _of_feature(value: dict[str, Any]) -> Any:
    return value.get("geometry") if value.get("type") == "Feature" else value


def _geometry(value: Any) -> tuple[str, Any]:
    if not isinstance(value, dict):
        raise ShapeError("A feature here has no shape")
    kind = value.get("type")
    if kind in ("Polygon", "MultiPolygon"):
        return kind, value.get("coordinates")
    if kind == "GeometryCollection":
        raise ShapeError("A collection of mixed shapes cannot be used. Draw areas only")
    if kind in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        raise ShapeError("Points and lines have no inside. Draw an area")
    raise ShapeError(_NOT_GEOJSON)


def _polygon_list(geometry: tuple[str, Any], count: _Count) -> Iterator[Rings]:
    kind, coordinates = geometry
    parts = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(parts, list):
        raise ShapeError(f"{_NOT_GEOJSON}: its coordinates are missing")
    for part in parts:
        count.polygon()
        if not isinstance(part, list) or not part:
            raise ShapeError(f"{_NOT_GEOJSON}: one of its parts is empty")
        yield [_ring(ring, count) for ring in part]


def _ring(ring: Any, count: _Count) -> Ring:
    if not isinstance(ring, list):
        raise ShapeError(f"{_NOT_GEOJSON}: an outline is not a list of corners")
    count.positions(len(ring))
    if len(ring) < 4:
        raise ShapeError("An outline needs at least three corners")
    corners = [_position(position) for position in ring]
    if corners[0] != corners[-1]:
        raise ShapeError("An outline does not end where it began")
    if any(abs(a[0] - b[0]) > 180 for a, b in itertools.pairwise(corners)):
        raise ShapeError("This shape crosses the 180th meridian, on the other side of the earth")
    return corners


def _position(position: Any) -> Position:
    if not isinstance(position, list | tuple) or len(position) < 2:
        raise ShapeError(f"{_NOT_GEOJSON}: a corner is not a pair of numbers")
    lon, lat = _number(position[0]), _number(position[1])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ShapeError(f"The corner {lon:g}, {lat:g} is not a place on earth (longitude first, then latitude)")
    return lon, lat


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ShapeError(f"{_NOT_GEOJSON}: a corner is not a pair of numbers")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ShapeError("This shape has a corner that is not a number")
    return number
