"""A shape from a file or pasted text, GeoJSON or KML: what is crooked is repaired, and said by name (targeting.md)."""

from dataclasses import dataclass, field
from typing import Any

import shapely

from bell.lib import geojson, shapes
from bell.organisations import rules
from bell.organisations.models import Team
from bell.places import kml
from bell.staff.forms.shapes import MOST_LENGTH, MOST_SHAPES

MOST_BYTES = 2 * 1024 * 1024
_LONGEST_NAME = 60
_GRID = 0.000001  # degrees: a tenth of a metre


@dataclass
class Imported:
    """Features as the map draws them, and what was done to them, in words."""

    features: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(raw: bytes, team: Team, *, room: int = MOST_SHAPES) -> Imported:
    """The shapes of a file that this team may use, at most `room`. ShapeError, in words, when there is none."""
    if len(raw) > MOST_BYTES:
        raise shapes.ShapeError("This file is larger than 2 MB. Draw a simpler shape")
    within, made, refused = rules.patch_shape(team), Imported(), []
    for number, feature in enumerate(_features(raw), start=1):
        name = _name(feature, number)
        if len(made.features) >= room:
            raise shapes.ShapeError(f"There would be more than {MOST_SHAPES} shapes. Remove some, or import fewer")
        try:
            shape, note = shapes.read_repaired(feature, within=within)
            made.features.append(_feature(shape))
        except shapes.ShapeError as error:
            refused.append(f"“{name}” cannot be used: {_small(str(error))}.")
            continue
        made.notes.append(f"“{name}” was repaired: {_small(note)}." if note else f"“{name}” is added.")
    if not made.features:
        raise shapes.ShapeError(" ".join(refused[:3]).rstrip(".") or "There is no shape in this file")
    made.notes += refused
    return made


def _features(raw: bytes) -> list[Any]:
    """The features of GeoJSON or KML; a bare geometry is one."""
    text = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"PK\x03\x04"):
        raise shapes.ShapeError("This is a zipped KML file (KMZ). Unzip it and choose the .kml file in it")
    if text.startswith(b"<"):
        try:
            return list(kml.collection(text)["features"])
        except kml.KmlError as error:
            raise shapes.ShapeError(f"This KML file cannot be read: {error}") from error
    value = geojson.parse(text)
    if isinstance(value, dict) and value.get("type") == "FeatureCollection" and isinstance(value.get("features"), list):
        return list(value["features"])
    return [value]


def _feature(shape: shapely.Geometry) -> dict[str, Any]:
    """The shape with its corners on a fine grid, as the map draws it."""
    tidy = shapely.set_precision(shape, _GRID)
    rounded = shapely.transform(tidy, lambda pairs: pairs.round(6))
    kept = {"type": "Feature", "properties": {}, "geometry": shapes.to_geojson(rounded)}
    if len(str(kept)) > MOST_LENGTH // 2:
        raise shapes.ShapeError("It has too many corners. Draw a simpler shape")
    shapes.read(kept)
    return kept


def _name(feature: Any, number: int) -> str:
    """What the file calls it, else its number."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    named = properties.get("name") or properties.get("Name") if isinstance(properties, dict) else None
    words = " ".join(str(named).split())[:_LONGEST_NAME] if isinstance(named, str | int) else ""
    return words or f"Shape {number}"


def _small(words: str) -> str:
    """A sentence to stand behind a colon."""
    return (words[:1].lower() + words[1:]).rstrip(".")
