"""What maps of the desk show, as GeoJSON: a team's ground, the areas of an audience, the shapes that were drawn."""

import hashlib
from typing import Any

import shapely
from django.core.cache import cache
from django.db.models import Count, Max
from shapely.geometry.base import BaseGeometry

from bell.alerts import drawing
from bell.lib import shapes
from bell.organisations import rules
from bell.organisations.models import Team
from bell.places import find
from bell.places.models import Area

# Boundaries are drawn, not tested: 0.0003 degrees is about 25 metres.
_COARSE = 0.0003
_MOST_AREAS = 400
_KEEP_SECONDS = 24 * 3600


def _feature(geometry: BaseGeometry, **properties: Any) -> dict[str, Any]:
    """A feature to draw: simplified, with five decimals (a metre)."""
    simple = shapely.simplify(geometry, _COARSE)
    drawn = shapes.to_geojson(simple if not simple.is_empty else geometry)
    return {"type": "Feature", "properties": properties, "geometry": _rounded(drawn)}


def _rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    def walk(value: Any) -> Any:
        return [walk(one) for one in value] if isinstance(value, list | tuple) else round(value, 5)

    return {"type": geometry["type"], "coordinates": walk(geometry["coordinates"])}


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def of_team(team: Team) -> dict[str, Any]:
    """The map of a team: the areas of the force, named where the team may choose them, and how far it may reach."""
    newest = Area.objects.public().aggregate(count=Count("pk"), last=Max("updated_at"))
    patch = sorted(team.patch.values_list("pk", flat=True))
    stamp = repr((newest, patch, team.margin_m, team.whole_force))
    key = f"ground-{team.pk}-{hashlib.sha256(stamp.encode()).hexdigest()[:24]}"
    kept: dict[str, Any] | None = cache.get(key)
    if kept is None:
        kept = _draw(team)
        cache.set(key, kept, _KEEP_SECONDS)
    return kept


def _draw(team: Team) -> dict[str, Any]:
    """Leaves of the tree as the base; names only inside the patch, so that a wide map stays quiet."""
    allowed = rules.patch_area_ids(team)
    areas = Area.objects.public().offered().annotate(children_count=Count("children"))
    own = _leaves(list(areas.filter(pk__in=allowed) if allowed is not None else areas.exclude(parent=None)))
    rest = areas.filter(children_count=0).exclude(pk__in=[area.pk for area in own]).exclude(parent=None)
    if rest.count() > _MOST_AREAS:
        rest = areas.exclude(children_count=0).exclude(parent=None)
    features = [_feature(find.shape(area)) for area in areas.filter(parent=None)]
    if allowed is None:  # the whole force: larger areas are named first, the smaller where there is room
        large = areas.exclude(children_count=0).exclude(parent=None).exclude(pk__in=[area.pk for area in own])
        features += [_feature(find.shape(area), name=area.name) for area in large[:_MOST_AREAS]]
    features += [_feature(find.shape(area)) for area in rest.order_by("pk")[:_MOST_AREAS]]
    features += [_feature(find.shape(area), name=area.name) for area in own]
    reach = rules.patch_shape(team)
    if reach is not None and allowed is not None:
        features.append(_feature(reach, tone="quiet"))
    return _collection(features)


def of_areas(tones: dict[int, str], names: dict[int, str]) -> dict[str, Any]:
    """Areas by id, each in its tone and with the words that name it."""
    areas = Area.objects.public().filter(pk__in=tones).order_by("pk")
    return _collection([_feature(find.shape(area), name=names[area.pk], tone=tones[area.pk]) for area in areas])


def bounds(team: Team) -> str:
    """The box of a team's reach as "west,south,east,north", or nothing while there is no ground."""
    reach = rules.patch_shape(team)
    return ",".join(f"{edge:.5f}" for edge in reach.bounds) if reach is not None else ""


def _leaves(areas: list[Any]) -> list[Any]:
    """The smallest areas of a tree, or those one step up where there are too many to draw."""
    small = [area for area in areas if not area.children_count]
    large = [area for area in areas if area.children_count]
    return small if len(small) <= _MOST_AREAS or not large else large[:_MOST_AREAS]


def of_audience(rule: dict[str, Any], *, drawn: bool = True) -> dict[str, Any]:
    """The areas and shapes of an audience. Shapes that cannot be read are left out: their words stand elsewhere."""
    areas = Area.objects.public().filter(pk__in=rule.get("areas", []))
    features = [_feature(find.shape(area), name=area.name, tone="area") for area in areas[:_MOST_AREAS]]
    if drawn:
        features += [_shape(shape) for shape in rule.get("shapes", []) if _readable(shape)]
    for tone, part in (("also", "also"), ("out", "not")):
        more = Area.objects.public().filter(pk__in=rule.get(f"{part}_areas", []))
        features += [_feature(find.shape(area), name=area.name, tone=tone) for area in more[:_MOST_AREAS]]
        features += [_shape(shape, tone) for shape in rule.get(f"{part}_shapes", []) if _readable(shape)]
    return _collection(features)


def _readable(shape: Any) -> bool:
    try:
        drawing.read(shape)
    except shapes.ShapeError:
        return False
    return True


def _shape(shape: dict[str, Any], tone: str = "audience") -> dict[str, Any]:
    """A drawn shape as it is: circles stay a point and a radius, which the map draws round."""
    properties = {"tone": tone, **{k: v for k, v in (shape.get("properties") or {}).items() if k == "radius_m"}}
    return {"type": "Feature", "properties": properties, "geometry": shape["geometry"]}


def names(rule: dict[str, Any], key: str = "areas") -> list[str]:
    """The names of the audience's areas, or of those under another key of it (alerts.rule)."""
    return list(Area.objects.public().filter(pk__in=rule.get(key, [])).values_list("name", flat=True))


def described(rule: dict[str, Any], key: str = "shapes") -> list[str]:
    """Each drawn shape in words: "Circle of 500 metres in West Ward", "Shape of 0.82 km² in West Ward"."""
    return [_described(shape) for shape in rule.get(key, [])]


def _described(shape: Any) -> str:
    try:
        geometry = drawing.read(shape)
    except shapes.ShapeError as error:
        return f"Not usable: {error}"
    point = geometry.representative_point()
    here = find.areas_at([point.x], [point.y])[0]
    areas = list(Area.objects.public().offered().filter(pk__in=here, children=None))
    where = f" in {areas[0].name}" if areas else ""
    if shape["geometry"]["type"] == "Point":
        return f"Circle of {round(float(shape['properties']['radius_m'])):,} metres{where}"
    size = shapes.area_m2(geometry) / 1_000_000
    return f"Shape of {size:,.2f} km²{where}" if size >= 0.01 else f"Shape of {size * 1_000_000:,.0f} m²{where}"
