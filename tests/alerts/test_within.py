"""Who lies in a drawn shape, from the index alone: the same places and people as brute force finds, edges included."""

import random

import numpy as np
import pytest
import shapely
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from bell.alerts import audience, within
from bell.alerts.rule import Ground, Rule
from bell.lib import cells, shapes
from bell.organisations.kinds import Kind
from bell.residents.models import Place, Resident
from tests.cast import EAST, MIDDLE, NORTH, SOUTH, WEST


@pytest.fixture
def spread(cast) -> list[Place]:
    """Three hundred places of two hundred people, some exactly on a grid that shapes are drawn on too."""
    chance = random.Random(13)
    people = Resident.objects.bulk_create(Resident(name=str(number)) for number in range(200))
    rows = []
    for number in range(300):
        lon, lat = chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH)
        if number % 3 == 0:
            lon, lat = round(lon, 3), round(lat, 3)
        owner = people[number % 200]
        rows.append(Place(resident=owner, lon=lon, lat=lat, cell=cells.encode_one(lon, lat)))
    return Place.objects.bulk_create(rows)


def inside(rows: list[Place], shape) -> list[Place]:
    """Brute force: every place is asked."""
    hit = shapely.intersects_xy(shape, np.array([row.lon for row in rows]), np.array([row.lat for row in rows]))
    return [row for row, lies in zip(rows, hit, strict=True) if lies]


corners = st.tuples(st.floats(WEST - 0.02, EAST + 0.02), st.floats(SOUTH - 0.02, NORTH + 0.02)).map(
    lambda pair: (round(pair[0], 3), round(pair[1], 3))
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(drawn=st.lists(st.lists(corners, min_size=3, max_size=8, unique=True), min_size=1, max_size=3))
def test_shapes_hold_whom_brute_force_finds(spread, drawn):
    hulls = [shapely.MultiPoint(one).convex_hull for one in drawn]
    shape = shapes.union([hull for hull in hulls if hull.geom_type == "Polygon"])
    found = inside(spread, shape)
    assert sorted(within.places(shape).tolist()) == [row.pk for row in found]
    assert within.people(shape).tolist() == sorted({row.resident_id for row in found})
    assert within.some_people(shape).tolist() == within.people(shape).tolist()


def test_a_shape_as_wide_as_a_county_takes_finer_squares_and_finds_the_same(spread):
    wide = shapes.union([box(-3, 52, MIDDLE, 54), box(MIDDLE + 0.01, 52.5, 1, 53.9)])
    found = inside(spread, wide)
    assert 0 < len(found) < len(spread)
    assert sorted(within.places(wide).tolist()) == [row.pk for row in found]


def test_nobody_is_in_an_empty_shape_or_in_one_far_away(spread):
    for shape in (Polygon(), box(10, 10, 10.1, 10.1)):
        assert within.places(shape).tolist() == within.people(shape).tolist() == []


def test_ids_that_lie_far_apart_are_told_apart(cast):
    """A handful of people whose numbers are a million apart, two places each."""
    for pk in (5, 1_000_005, 9_000_005):
        Resident.objects.create(pk=pk, key=pk)
        for lon in (MIDDLE, MIDDLE + 0.001):
            Place.objects.create(resident_id=pk, lon=lon, lat=SOUTH, cell=cells.encode_one(lon, SOUTH))
    around = box(MIDDLE - 0.01, SOUTH - 0.01, MIDDLE + 0.01, SOUTH + 0.01)
    assert within.people(around).tolist() == [5, 1_000_005, 9_000_005]


def test_of_very_many_no_list_is_made_and_the_same_people_are_meant(cast, monkeypatch):
    for number in range(12):
        cast.resident((WEST + 0.002 * number, SOUTH + 0.01))
    drawn = box(WEST - 0.001, SOUTH, WEST + 0.0151, NORTH)
    feature = {"type": "Feature", "properties": {}, "geometry": shapes.to_geojson(drawn)}
    rule = Rule(organisation=cast.force.pk, kind=Kind.CRIME, channels=("email",), shapes=(feature,))
    few, places = audience.count(rule), set(Place.objects.filter(audience.places(Ground(shapes=(feature,)))))
    monkeypatch.setattr(within, "MANY", 3)
    assert within.some_people(drawn) is None and within.some_places(drawn) is None
    assert audience.count(rule) == few and few.people == 8
    assert set(Place.objects.filter(audience.places(Ground(shapes=(feature,))))) == places
    monkeypatch.setattr(within, "MANY", 100)
    monkeypatch.setattr(audience, "_ONE_BY_ONE", 3)
    assert audience.count(rule) == few


def test_a_shape_is_answered_from_the_index_alone(spread):
    """The table itself is never looked at, on either database."""
    shape = box(WEST + 0.01, SOUTH + 0.01, MIDDLE, NORTH)
    if connection.vendor == "postgresql":  # so few rows are read quicker from the table, so that is forbidden here
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    with CaptureQueriesContext(connection) as asked:
        within.people(shape)
    assert asked.captured_queries
    for one in asked.captured_queries:
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        with connection.cursor() as cursor:
            cursor.execute(f"{explain} {one['sql']}")
            plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
        words = "Index Only Scan using" if connection.vendor == "postgresql" else "USING COVERING INDEX"
        assert f"{words} place_within" in plan, plan
