"""KML, as police forces publish their neighbourhoods: placemarks with polygons, as GeoJSON features.

Read with the standard library's parser after a first pass that refuses document types and entities (the ways by which
XML makes a small file huge or fetches another) and deep nesting.
"""

from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

DEEPEST = 40


class KmlError(ValueError):
    """The file is not KML that we read; the message says why."""


def collection(raw: bytes) -> dict[str, Any]:
    """A GeoJSON FeatureCollection of the placemarks; properties are the name and the extended data."""
    _check(raw)
    root = ElementTree.fromstring(raw)
    return {"type": "FeatureCollection", "features": [_feature(mark) for mark in root.iter() if _is(mark, "Placemark")]}


def _check(raw: bytes) -> None:
    """Refuse what must not reach the parser that builds a tree."""
    depth = 0

    def enter(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise KmlError("it is nested too deeply")

    def leave(name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: Any) -> None:
        raise KmlError("it declares a document type, which a boundary file has no need of")

    parser = expat.ParserCreate()
    parser.StartElementHandler = enter
    parser.EndElementHandler = leave
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise KmlError(f"it is not well-formed XML ({error})") from error
    except KmlError:
        raise
    except (LookupError, ValueError) as error:
        raise KmlError("its encoding is unknown") from error


def _feature(mark: ElementTree.Element) -> dict[str, Any]:
    polygons = [_polygon(one) for one in mark.iter() if _is(one, "Polygon")]
    geometry = {"type": "MultiPolygon", "coordinates": polygons} if polygons else None
    return {"type": "Feature", "properties": _properties(mark), "geometry": geometry}


def _properties(mark: ElementTree.Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in mark.iter():
        if _is(element, "name") and "name" not in found:
            found["name"] = _words(element)
        elif _is(element, "SimpleData"):
            found[element.get("name", "")] = _words(element)
        elif _is(element, "Data"):
            values = [child for child in element if _is(child, "value")]
            found[element.get("name", "")] = _words(values[0]) if values else ""
    return found


def _polygon(polygon: ElementTree.Element) -> list[list[list[float | str]]]:
    """Rings, shell first."""
    shell: list[list[list[float | str]]] = []
    holes: list[list[list[float | str]]] = []
    for boundary in polygon:
        rings = [_ring(one) for one in boundary.iter() if _is(one, "coordinates")]
        if _is(boundary, "outerBoundaryIs"):
            shell += rings
        elif _is(boundary, "innerBoundaryIs"):
            holes += rings
    return shell[:1] + holes if shell else []


def _ring(coordinates: ElementTree.Element) -> list[list[float | str]]:
    """Corners of "lon,lat[,altitude]" groups; what is no number stays a word, for the check of shapes to refuse."""
    return [[_number(part) for part in group.split(",")] for group in (coordinates.text or "").split()]


def _number(word: str) -> float | str:
    try:
        return float(word)
    except ValueError:
        return word


def _is(element: ElementTree.Element, name: str) -> bool:
    """Whether an element has this name in whatever namespace KML's version or vendor uses."""
    return element.tag.rpartition("}")[2] == name


def _words(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())
