"""`bell bench audience`: from a drawn shape or a named area to a number of people.

Compared with what anyone would write first: read every point and test it (drawn shapes), and the bare count over the
same membership table (named areas). PostGIS beside it comes with the full audience logic.
"""

import math
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from django.db import connection
from shapely.geometry.base import BaseGeometry

from bell.alerts import audience
from bell.alerts.rule import Ground, Rule
from bell.lib import shapes
from bell.organisations.kinds import Kind
from bell.places.models import Area
from bell.proving import county
from bell.proving.bench import crowd
from bell.proving.bench.measure import Row, side_by_side
from bell.residents.models import Place

# Metres from the middle of Heanor, roughly: a street, a neighbourhood, a ward, a district, half the county.
_REACH = {"street": 200, "neighbourhood": 700, "ward": 2_000, "district": 9_000, "half the county": 30_000}
_HEANOR = (-1.3537, 53.0140)


def prepare(count: int, seed: int) -> county.Force:
    """The demo's ground and `count` people in it, near its postcodes."""
    county.draw_ground(random.Random(seed))
    force = county.found_force()
    crowd.settle(count, force=force, seed=seed)
    return force


def run(*, count: int, seed: int = 1) -> list[Row]:
    """All cases, smallest first."""
    force = prepare(count, seed)
    rows: list[Row] = []
    for name, metres in _REACH.items():
        drawn = _blob(metres, random.Random(seed))
        rows.append(_drawn(f"{name}, points in a drawn shape", drawn))
        rows.append(_whole(f"{name}, with preferences", force, drawn))
    return [*rows, _named(force)]


def _blob(metres: float, rng: random.Random) -> BaseGeometry:
    """A lumpy shape of 60 corners about a reach in metres."""
    lon, lat = _HEANOR
    corners = []
    for step in range(60):
        angle, reach = 2 * math.pi * step / 60, metres * rng.uniform(0.8, 1.2)
        corners.append((lon + reach * math.cos(angle) / 67_000, lat + reach * math.sin(angle) / 111_200))
    return shapes.read({"type": "Polygon", "coordinates": [[*corners, corners[0]]]})


def _rule(force: county.Force, areas: tuple[int, ...] = ()) -> Rule:
    return Rule(organisation=force.organisation.pk, kind=Kind.CRIME, channels=("email", "sms"), areas=areas)


def _drawn(case: str, drawn: BaseGeometry) -> Row:
    """(a) Bare points in a drawn shape."""

    def ours() -> int:
        return Place.objects.filter(audience.places(Ground(), shape=drawn)).count()

    found = ours()
    assert found == _scan(drawn), "the index and the full scan disagree"
    return side_by_side(case, found, ours, lambda: _scan(drawn), comparator="read and test every point")


def _scan(drawn: BaseGeometry) -> int:
    """What anyone would write first."""
    points = np.array(list(Place.objects.values_list("lon", "lat")))
    return int(shapes.contains(drawn, points[:, 0], points[:, 1]).sum())


def _whole(case: str, force: county.Force, drawn: BaseGeometry) -> Row:
    """(b) The same with kinds, organisations, pauses and suppressions, by channel."""
    feature = {"type": "Feature", "properties": {}, "geometry": shapes.to_geojson(drawn)}
    rule = replace(_rule(force), shapes=(feature,))

    def ours() -> audience.Reached:
        return audience.count(rule)

    return side_by_side(case, ours().people, ours, lambda: _scan(drawn), comparator="read and test every point")


def _named(force: county.Force) -> Row:
    """(c) The whole force by name, against a bare count over the same membership table."""
    area = Area.objects.public().get(kind="force")
    rule = _rule(force, areas=(area.pk,))

    def ours() -> audience.Reached:
        return audience.count(rule)

    bare: Callable[[], object] = lambda: _bare(area.pk)  # noqa: E731 (one line beside its use)
    return side_by_side("the whole force, with preferences", ours().people, ours, bare, comparator="bare count of rows")


def _bare(area: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(DISTINCT p.resident_id) FROM residents_placearea a"
            " JOIN residents_place p ON p.id = a.place_id WHERE a.area_id = %s",
            [area],
        )
        return int(cursor.fetchone()[0])
