"""Files of boundaries from outside: GeoJSON or KML in, a list of plain features out."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bell.lib import geojson
from bell.places import kml

Source = str | Path | IO[bytes]
"""A file: its path, or open for reading bytes."""
LARGEST_FILE = 256 * 1024 * 1024
MOST_FEATURES = 100_000


class ImportRefused(ValueError):
    """The whole file cannot be used; nothing was changed. The message says why in words for an operator."""


@dataclass(frozen=True)
class Feature:
    """One feature as the file has it: named properties and a GeoJSON geometry, neither checked yet."""

    properties: dict[str, Any]
    geometry: Any


def features(source: Source) -> list[Feature]:
    """All features of a file (its path, or an open binary file). ImportRefused when it is no GeoJSON and no KML."""
    raw = _bytes(source)
    try:
        value = (
            kml.collection(raw)
            if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
            else geojson.loads(raw, constants=True)
        )
    except (geojson.ShapeError, kml.KmlError) as error:
        raise ImportRefused(f"This file cannot be read: {error}") from error
    found = _list(value)
    if not found:
        raise ImportRefused("There are no features in this file")
    if len(found) > MOST_FEATURES:
        raise ImportRefused(f"This file has more than {MOST_FEATURES:,} features. Split it")
    return [_feature(one, number) for number, one in enumerate(found, start=1)]


def _bytes(source: Source) -> bytes:
    """The whole file, but never more than the limit."""
    if isinstance(source, str | Path):
        try:
            with Path(source).open("rb") as file:
                return _bytes(file)
        except OSError as error:
            raise ImportRefused(f"The file {source} cannot be opened: {error.strerror}") from error
    raw = source.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise ImportRefused(f"This file is larger than {LARGEST_FILE // 1024**2} MB. Split it, or simplify it")
    if not raw.strip():
        raise ImportRefused("This file is empty")
    return raw


def _list(value: Any) -> list[Any]:
    if isinstance(value, dict) and value.get("type") == "Feature":
        return [value]
    if not isinstance(value, dict) or value.get("type") != "FeatureCollection":
        raise ImportRefused("This file is JSON, but not a GeoJSON collection of features")
    found = value.get("features")
    if not isinstance(found, list):
        raise ImportRefused("The list of features is missing from this file")
    return found


def _feature(value: Any, number: int) -> Feature:
    if not isinstance(value, dict) or value.get("type") != "Feature":
        raise ImportRefused(f"Number {number} in the list of features is not a feature")
    properties = value.get("properties")
    return Feature(properties if isinstance(properties, dict) else {}, value.get("geometry"))
