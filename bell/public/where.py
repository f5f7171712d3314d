"""Where an alert was sent, as a sentence and as shapes for the map; and our own areas as the map below them."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import shapely

from bell.alerts import drawing
from bell.alerts.models import Alert
from bell.lib import shapes
from bell.places import find
from bell.places.models import Area
from bell.residents.models import Group, Place

Feature = dict[str, Any]
# Of the kinds of area, the finest that one can still look at as a whole.
MOST_BASE_AREAS = 400
_FOLLOWED_AT_MOST = 20
_TOLERANCE_DEGREES = 0.0004  # about 40 metres: less than a pixel where a whole town is shown


def first_of(alert: Alert) -> Alert:
    """The alert that an update or outcome follows, which alone knows its audience."""
    for _ in range(_FOLLOWED_AT_MOST):
        if alert.follows is None:
            break
        alert = alert.follows
    return alert


def said(alert: Alert) -> str:
    """In words: "West Ward, and 500 metres around a point in East Ward". Empty when there is nothing to say."""
    rule = first_of(alert).audience
    named = rule.get("areas", [])
    parts = list(Area.objects.public().filter(pk__in=named).values_list("name", flat=True)) if named else []
    parts += [_said_of_shape(drawn) for drawn in rule.get("shapes", [])]
    return _listed(parts)


def groups(alert: Alert) -> str:
    """The interest groups it was sent to, in words; empty when it went to everybody there."""
    chosen = first_of(alert).audience.get("groups", [])
    if not chosen:
        return ""
    return _listed(list(Group.objects.public().filter(pk__in=chosen).values_list("name", flat=True)), last="or")


def features(alert: Alert) -> Feature:
    """The areas and shapes as a GeoJSON FeatureCollection for the map."""
    rule = first_of(alert).audience
    found = [
        _feature(shapes.to_geojson(find.shape(area).simplify(_TOLERANCE_DEGREES / 4)), area.name)
        for area in Area.objects.public().filter(pk__in=rule.get("areas", []))
    ]
    found += [_drawn_feature(drawn) for drawn in rule.get("shapes", [])]
    return {"type": "FeatureCollection", "features": found}


def _drawn_feature(drawn: Feature) -> Feature:
    """One drawn shape; a circle stays its middle and radius, which the map draws round at every scale."""
    shape = drawing.read(drawn)  # what is not in order is refused here
    if drawn["geometry"]["type"] != "Point":
        return _feature(shapes.to_geojson(shape), "")
    circle = _feature(drawn["geometry"], "")
    circle["properties"]["radius_m"] = float(drawn["properties"]["radius_m"])
    return circle


def base() -> Feature:
    """Our own areas as the map that everything lies on, simplified; kept until the areas change."""
    rows = list(Area.objects.public().offered().values_list("pk", "kind", "updated_at"))
    by_kind: dict[str, list[int]] = {}
    for pk, kind, _ in rows:
        by_kind.setdefault(kind, []).append(pk)
    fit = [ids for ids in by_kind.values() if len(ids) <= MOST_BASE_AREAS]
    finest = max(fit, key=len, default=[])
    return _drawn(tuple(sorted(finest)), max((at for _, _, at in rows), default=None))


@lru_cache(maxsize=2)
def _drawn(ids: tuple[int, ...], newest: object) -> Feature:
    """The base map of these areas; `newest` is their newest change, so that a changed area is drawn again."""
    areas = list(Area.objects.public().filter(pk__in=ids))
    outlines = [find.shape(area) for area in areas]
    # Neighbours keep their shared border: no gap opens between them.
    simple = shapely.coverage_simplify(outlines, _TOLERANCE_DEGREES) if outlines else []
    # Five decimals are about a metre; more would only make the file longer.
    simple = [shapely.transform(outline, lambda pairs: pairs.round(5)) for outline in simple]
    found = [
        _feature(shapes.to_geojson(outline), area.name, tone="base")
        for area, outline in zip(areas, simple, strict=True)
    ]
    return {"type": "FeatureCollection", "features": found}


def pins(places: Iterable[Place]) -> Feature:
    """A pin for each place, with the smallest area it lies in drawn around it, so that one sees where it is."""
    found: list[Feature] = []
    around: dict[int, Area] = {}
    for place in places:
        found.append(_feature({"type": "Point", "coordinates": [place.lon, place.lat]}, place.label, tone="pin"))
        for area in _areas_at(place.lon, place.lat)[:1]:
            around[area.pk] = area
    outlines = [
        _feature(shapes.to_geojson(find.shape(area).simplify(_TOLERANCE_DEGREES / 4)), "", tone="quiet")
        for area in around.values()
    ]
    return {"type": "FeatureCollection", "features": outlines + found}


def _areas_at(lon: float, lat: float) -> list[Area]:
    """The areas that a point lies in, the smallest first."""
    found = Area.objects.public().offered().filter(pk__in=find.areas_at([lon], [lat])[0])
    return sorted(found, key=lambda area: (area.east - area.west) * (area.north - area.south))


def _name_at(lon: float, lat: float) -> str:
    """The smallest area that a point lies in, by name, without its boundary; empty outside all."""
    found = Area.objects.public().offered().filter(pk__in=find.areas_at([lon], [lat])[0]).order_by()
    rows = found.values_list("name", "east", "west", "north", "south")
    return min(((east - west) * (north - south), name) for name, east, west, north, south in rows)[1] if rows else ""


def _feature(geometry: Feature, name: str, tone: str = "audience") -> Feature:
    return {"type": "Feature", "properties": {"name": name, "tone": tone}, "geometry": geometry}


def _said_of_shape(drawn: Feature) -> str:
    """One drawn shape in words, by the smallest area that its middle lies in."""
    shape = drawing.read(drawn)
    middle = shape.representative_point()
    name = _name_at(middle.x, middle.y) or "our area"
    radius = drawn.get("properties", {}).get("radius_m") if drawn.get("geometry", {}).get("type") == "Point" else None
    if radius:
        return f"{_distance(float(radius))} around a point in {name}"
    return f"an area drawn on the map in {name}"


def _distance(metres: float) -> str:
    """A distance as people say it."""
    if metres < 1000:
        return f"{metres:.0f} metres"
    kilometres = f"{metres / 1000:.1f}".removesuffix(".0")
    return f"{kilometres} kilometre{'' if kilometres == '1' else 's'}"


def _listed(parts: list[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    return f" {last} ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
