"""Shapes: bad ones are refused in words a person understands, before they cost anything; metres are metres."""

import json
import math
import os
import time
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

from bell.lib import geojson, shapes

DATA = Path(os.environ.get("BELL_TEST_DATA", Path(__file__).resolve().parents[2] / "../shared/data")) / "derbyshire"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the Derbyshire boundaries are not here (BELL_TEST_DATA)")

SQUARE = [[-1.5, 53], [-1.4, 53], [-1.4, 53.1], [-1.5, 53.1], [-1.5, 53]]
COUNTY = shapely.box(-2.1, 52.6, -1.1, 53.6)


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def moved(ring, x, y):
    return [[lon + x, lat + y] for lon, lat in ring]


def feature(geometry):
    return {"type": "Feature", "properties": None, "geometry": geometry}


@pytest.mark.parametrize(
    "source",
    [
        polygon(SQUARE),
        feature(polygon(SQUARE)),
        {"type": "FeatureCollection", "features": [feature(polygon(SQUARE))]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE]]},
        json.dumps(polygon(SQUARE)),
        json.dumps(polygon(SQUARE)).encode(),
        b"\xef\xbb\xbf" + json.dumps(polygon(SQUARE)).encode(),
        polygon([[*corner, 120.5] for corner in SQUARE]),
        polygon(SQUARE[::-1]),
        polygon([SQUARE[0], *SQUARE]),
    ],
)
def test_one_square_in_many_wrappings(source):
    assert shapes.read(source).equals(shapely.box(-1.5, 53, -1.4, 53.1))


def test_parts_that_overlap_become_one_and_holes_stay():
    hole = [[-1.48, 53.02], [-1.42, 53.02], [-1.42, 53.08], [-1.48, 53.08], [-1.48, 53.02]]
    assert len(shapes.read(polygon(SQUARE, hole)).interiors) == 1
    both = {
        "type": "FeatureCollection",
        "features": [feature(polygon(SQUARE)), feature(polygon(moved(SQUARE, 0.05, 0)))],
    }
    assert shapes.read(both).symmetric_difference(shapely.box(-1.5, 53, -1.35, 53.1)).area < 1e-12
    apart = {"type": "MultiPolygon", "coordinates": [[SQUARE], [moved(SQUARE, 0.3, 0)]]}
    assert isinstance(shapes.read(apart), MultiPolygon)


FAR_HOLE = moved([[-1.48, 53.02], [-1.42, 53.02], [-1.42, 53.08], [-1.48, 53.08], [-1.48, 53.02]], 1, 0)
REFUSED = [
    (polygon([[-1.5, 53], [-1.4, 53.1], [-1.4, 53], [-1.5, 53.1], [-1.5, 53]]), "crosses itself near longitude -1.45"),
    (polygon([[0, 0], [1, 1], [2, 2], [0, 0]]), "no area"),
    (polygon([[1, 1]] * 5), "no area"),
    (polygon([[-1.5, 53], [-1.4, 53], [-1.5, 53], [-1.4, 53], [-1.5, 53]]), "no area"),
    (polygon(SQUARE, FAR_HOLE), "hole lies outside"),
    (polygon(SQUARE, moved(SQUARE, 0.05, 0)), "crosses itself|hole|pieces"),
    (polygon([[-1.5, 53], [-1.4, 53], [-1.5, 53]]), "three corners"),
    (polygon([]), "three corners"),
    (polygon(SQUARE[:-1]), "end where it began"),
    (polygon([[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]), "180th meridian"),
    (polygon([[0, 0], [181, 0], [1, 1], [0, 0]]), "not a place on earth"),
    (polygon([[0, 0], [1, 91], [1, 1], [0, 0]]), "not a place on earth"),
    (polygon([[0, 0], [math.nan, 0], [1, 1], [0, 0]]), "not a number"),
    (polygon([[0, 0], [math.inf, 0], [1, 1], [0, 0]]), "not a number"),
    (polygon([[0, 0], [10**400, 0], [1, 1], [0, 0]]), "not a number"),
    (polygon([[0, 0], ["1", 0], [1, 1], [0, 0]]), "pair of numbers"),
    (polygon([[0, 0], [True, 0], [1, 1], [0, 0]]), "pair of numbers"),
    (polygon([[0, 0], [1], [1, 1], [0, 0]]), "pair of numbers"),
    (polygon([[0, 0], None, [1, 1], [0, 0]]), "pair of numbers"),
    (polygon([[[0, 0]], [[1, 0]], [[1, 1]], [[0, 0]]]), "pair of numbers"),
    (polygon("abc"), "not a list of corners"),
    (polygon(None), "not a list of corners"),
    ({"type": "Polygon"}, "part"),
    ({"type": "Polygon", "coordinates": []}, "empty"),
    ({"type": "Polygon", "coordinates": {}}, "empty"),
    ({"type": "MultiPolygon", "coordinates": []}, "no shape"),
    ({"type": "MultiPolygon"}, "coordinates are missing"),
    ({"type": "MultiPolygon", "coordinates": [[]]}, "empty"),
    ({"type": "FeatureCollection", "features": []}, "no shape"),
    ({"type": "FeatureCollection"}, "missing"),
    ({"type": "FeatureCollection", "features": [polygon(SQUARE)]}, "something else"),
    (
        {"type": "FeatureCollection", "features": [feature({"type": "FeatureCollection", "features": []})]},
        "not a shape",
    ),
    ({"type": "FeatureCollection", "features": [feature(polygon(SQUARE)), feature(None)]}, "has no shape"),
    (feature(feature(polygon(SQUARE))), "not a shape"),
    ({"type": "GeometryCollection", "geometries": [polygon(SQUARE)]}, "mixed"),
    ({"type": "Point", "coordinates": [0, 0]}, "no inside"),
    ({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, "no inside"),
    ({"type": ["Polygon"], "coordinates": [SQUARE]}, "not a shape"),
    ({}, "not a shape"),
    ([], "not a shape"),
    (None, "not a shape"),
    (7, "not a shape"),
    ("", "not valid JSON"),
    ("{", "not valid JSON"),
    ("null", "not a shape"),
    (b"\xff\xfe\x00", "not valid JSON"),
    ("[" * 100_000, "nested too deeply|not valid JSON"),
    ('{"type":"Polygon","coordinates":' + "[" * 5000 + "]" * 5000 + "}", "nested too deeply|not a"),
    ('{"type":"Polygon","coordinates":[[[0,0],[NaN,0],[1,1],[0,0]]]}', "NaN"),
    ('{"type":"Polygon","coordinates":[[[0,0],[-Infinity,0],[1,1],[0,0]]]}', "Infinity"),
    ('{"type":"Polygon","coordinates":[[[0,0],[1e999,0],[1,1],[0,0]]]}', "not a number"),
    ('{"type":"Polygon","coordinates":[[[0,0],[' + "9" * 5000 + ",0],[1,1],[0,0]]]}", "not a number|not valid JSON"),
    (" " * (geojson.LONGEST_TEXT + 1), "too large"),
    (polygon(*[SQUARE] * 10_001), "50,000 corners"),
    (polygon([[0, 0]] * 50_001), "50,000 corners"),
    ({"type": "MultiPolygon", "coordinates": [[SQUARE]] * 1_001}, "1,000 separate parts"),
    ({"type": "FeatureCollection", "features": [feature(polygon(SQUARE))] * 1_001}, "1,000 separate parts"),
]


@pytest.mark.parametrize(("source", "words"), REFUSED, ids=range(len(REFUSED)))
def test_bad_shapes_are_refused_in_words_and_quickly(source, words):
    began = time.thread_time()
    with pytest.raises(shapes.ShapeError, match=words):
        shapes.read(source)
    assert time.thread_time() - began < 3


def test_size_is_refused_before_any_geometry(monkeypatch):
    def never(*_):
        raise AssertionError("geometry was built")

    monkeypatch.setattr(shapes, "Polygon", never)
    with pytest.raises(shapes.ShapeError, match="corners"):
        shapes.read(polygon([[0, 0]] * 50_001))


def test_at_the_limits_shapes_still_pass():
    ring = [[-1.5 + 0.1 * math.cos(a), 53 + 0.1 * math.sin(a)] for a in np.linspace(0, 2 * math.pi, 50_000)[:-1]]
    assert shapes.read(polygon([*ring, ring[0]])).area > 0
    squares = [[moved(SQUARE, (n % 40) * 0.2, (n // 40) * 0.2)] for n in range(1000)]
    assert len(shapes.read({"type": "MultiPolygon", "coordinates": squares}).geoms) == 1000


def _comb(turned):
    teeth = []
    for k in range(6000):
        x = -2 + k * 1e-4
        teeth += [[x, 52], [x, 53], [x + 5e-5, 53], [x + 5e-5, 52]]
    teeth += [[teeth[-1][0], 51.9], [-2, 51.9], teeth[0]]
    return [[-2 + (y - 52) * 0.6, 52 + (x + 2) / 0.6] for x, y in teeth] if turned else teeth


def test_parts_woven_through_each_other_are_refused_before_they_cost():
    began = time.thread_time()
    with pytest.raises(shapes.ShapeError, match="across each other"):
        shapes.read({"type": "MultiPolygon", "coordinates": [[_comb(False)], [_comb(True)]]})
    assert time.thread_time() - began < 5


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["type", "coordinates", "features", "geometry", "properties"]), inner, max_size=4
        )
        | st.fixed_dictionaries({"type": st.sampled_from(["Polygon", "MultiPolygon"]), "coordinates": inner})
        | st.fixed_dictionaries({"type": st.just("FeatureCollection"), "features": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"type": st.just("Feature"), "geometry": inner})
    ),
    max_leaves=30,
)


@given(values)
def test_any_json_is_a_valid_shape_or_refused(value):
    for source in (value, json.dumps(value)):
        try:
            shape = shapes.read(source)
        except shapes.ShapeError as error:
            assert str(error)
        else:
            assert shape.is_valid and shape.area > 0


small = st.tuples(st.integers(0, 4), st.integers(0, 4)).map(lambda pair: [pair[0] / 10, pair[1] / 10])
rings = st.lists(small, min_size=3, max_size=6).map(lambda corners: [*corners, corners[0]])


@given(st.lists(st.lists(rings, min_size=1, max_size=3), min_size=1, max_size=3))
def test_drawn_rings_are_valid_or_refused(parts):
    try:
        shape = shapes.read({"type": "MultiPolygon", "coordinates": parts})
    except shapes.ShapeError:
        return
    assert shape.is_valid and shape.area > 0
    assert shapes.read(json.dumps(shapes.to_geojson(shape))).equals(shape)


def test_the_territory_is_the_limit():
    assert shapes.read(polygon(SQUARE), within=COUNTY)
    with pytest.raises(shapes.ShapeError, match="Part of this shape lies outside"):
        shapes.read(polygon(moved(SQUARE, -0.65, 0)), within=COUNTY)
    with pytest.raises(shapes.ShapeError, match="This shape lies outside"):
        shapes.read(polygon(moved(SQUARE, 10, 0)), within=COUNTY)
    with pytest.raises(shapes.ShapeError, match="swapped"):
        shapes.read(polygon([corner[::-1] for corner in SQUARE]), within=COUNTY)


def test_the_margin_is_in_metres():
    over = polygon(moved(SQUARE, -0.603, 0))  # 0.003 degrees west of the border: 200 m
    assert shapes.read(over, within=COUNTY, margin_m=250)
    with pytest.raises(shapes.ShapeError, match="Part"):
        shapes.read(over, within=COUNTY, margin_m=150)


@given(st.floats(-8, 2), st.floats(49, 61), st.floats(1, 150_000))
def test_every_point_of_a_circle_is_so_many_metres_away(lon, lat, metres):
    ring = shapely.get_coordinates(shapes.circle(lon, lat, metres).exterior)
    _, _, away = shapes.GEOD.inv(np.full(len(ring), lon), np.full(len(ring), lat), ring[:, 0], ring[:, 1])
    assert np.allclose(away, metres, rtol=1e-6)
    assert shapes.area_m2(shapes.circle(lon, lat, metres)) == pytest.approx(math.pi * metres**2, rel=0.001)


@pytest.mark.parametrize(
    ("lon", "lat", "metres"),
    [(math.nan, 53, 100), (-1.5, math.inf, 100), (-1.5, 53, math.nan), (-1.5, 53, 0), (-1.5, 53, -5), (-1.5, 53, 0.5),
     (-1.5, 53, 1e9), (181, 0, 10), (0, 91, 10), (179.99, 53, 5000), (0, 89.999, 5000), (0, -90, 100), (180, 0, 100)],
)  # fmt: skip
def test_circles_that_cannot_be(lon, lat, metres):
    with pytest.raises(shapes.ShapeError):
        shapes.circle(lon, lat, metres)


drawn = st.builds(
    lambda x, y, size, seed: Polygon(
        [
            (x + size * radius * math.cos(angle), y + size * radius * math.sin(angle))
            for angle, radius in zip(
                np.sort(np.random.default_rng(seed).uniform(0, 2 * math.pi, 12)),
                np.random.default_rng(seed + 1).uniform(0.1, 1, 12),
                strict=True,
            )
        ]
    ),
    st.floats(-2, -1.2),
    st.floats(52.6, 53.6),
    st.floats(-5, -1).map(lambda power: 10**power),
    st.integers(0, 2**31),
).filter(lambda shape: shape.is_valid and shape.area > 0)


@given(drawn, st.sampled_from([10.0, 50.0, 200.0]))
def test_snapped_shapes_are_valid_and_on_the_grid(shape, metres):
    snapped = shapes.snap(shape, metres)
    assert snapped.is_valid and shapes.area_m2(snapped) > metres**2 * 0.45
    # No corner moved further than a grid's diagonal (for a part that vanished, its square is about that near).
    away = shapes.margin(shape, metres * 1.5)
    assert away.covers(snapped)
    corners = shapely.get_coordinates(snapped)
    latitude = round((shape.bounds[1] + shape.bounds[3]) / 2)
    _, _, across = shapes.GEOD.inv(-0.5, latitude, 0.5, latitude)
    steps = corners[:, 0] * across / metres
    assert np.allclose(steps, np.round(steps), atol=1e-4)


def test_moving_a_corner_a_little_changes_nothing():
    one = Polygon([(-1.5, 53), (-1.45, 53), (-1.45, 53.05)])
    snapped = shapes.snap(one)
    near = Polygon([(x, y) for x, y in list(snapped.exterior.coords)[:-1]])
    nudged = shapely.transform(near, lambda corners: corners + 0.0001)
    assert shapes.snap(nudged).equals(snapped)


def test_a_dot_grows_to_one_square_and_a_small_part_is_not_lost():
    dot = shapes.snap(shapes.circle(-1.5, 53, 2))
    assert shapes.area_m2(dot) == pytest.approx(2500, rel=0.05)
    both = shapes.snap(MultiPolygon([shapes.circle(-1.5, 53, 2), shapes.circle(-1.3, 53, 800)]))
    assert len(both.geoms) == 2


@given(drawn, st.floats(1, 5000))
def test_a_margin_holds_its_shape_and_reaches_so_far(shape, metres):
    grown = shapes.margin(shape, metres)
    assert grown.is_valid and grown.covers(shape)
    x, y = shape.exterior.coords[0]
    west, _, _ = shapes.GEOD.fwd(x, y, 270, metres * 0.95)
    assert shapely.intersects_xy(grown, west, y)
    furthest, _, _ = shapes.GEOD.fwd(shape.bounds[0], y, 270, metres * 1.05)
    assert not shapely.intersects_xy(grown, furthest, y)


def test_no_margin_is_the_shape():
    assert shapes.margin(COUNTY, 0).equals(COUNTY) and shapes.margin(COUNTY, -5).equals(COUNTY)
    assert shapes.margin(Polygon(), 100).is_empty


def test_repair_says_what_was_wrong():
    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    fixed, note = shapes.repair(bow)
    assert fixed.is_valid and fixed.area == pytest.approx(0.5) and "crosses itself" in note
    whole, note = shapes.repair(COUNTY)
    assert whole.equals(COUNTY) and note is None
    for gone in (Polygon([(0, 0), (1, 1), (2, 2)]), Polygon(), LineString([(0, 0), (1, 1)])):
        with pytest.raises(shapes.ShapeError, match="no area"):
            shapes.repair(gone)


def test_union_and_area():
    assert shapes.union([]).is_empty
    touching = shapes.union([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), Point(5, 5)])
    assert touching.equals(shapely.box(0, 0, 2, 1))
    holed = shapely.box(0, 0, 1, 1).difference(shapely.box(0.4, 0.4, 0.6, 0.6))
    whole, hole = shapes.area_m2(shapely.box(0, 0, 1, 1)), shapes.area_m2(shapely.box(0.4, 0.4, 0.6, 0.6))
    assert shapes.area_m2(holed) == pytest.approx(whole - hole, rel=1e-6)
    assert whole == pytest.approx(110_574 * 111_320, rel=0.005)


def test_a_boundary_belongs_to_its_shape():
    box = shapely.box(0, 0, 1, 1)
    assert shapes.contains(box, [0, 0.5, 1, 1.0001, math.nan], [0, 0.5, 0.3, 0.5, 0]).tolist() == [
        True, True, True, False, False,
    ]  # fmt: skip


@real
@pytest.mark.parametrize("name", ["wards.geojson", "lsoa.geojson"])
def test_real_boundaries_snap_grow_and_cover(name):
    for one in json.loads((DATA / name).read_text())["features"][::25]:
        shape, _ = shapes.repair(shapes.unchecked(one["geometry"]))
        assert shape.is_valid
        assert shapes.snap(shape).is_valid
        assert shapes.margin(shape, 500).covers(shape)


@real
def test_the_three_real_bad_boundaries_are_refused_as_drawings_and_repaired_as_imports():
    bad = {"E01013488", "E01019774", "E01019787"}
    found = set()
    for one in json.loads((DATA / "lsoa.geojson").read_text())["features"]:
        try:
            shapes.read(one)
        except shapes.ShapeError as error:
            assert "itself" in str(error)
            found.add(one["properties"]["code"])
            assert shapes.repair(shapes.unchecked(one["geometry"]))[1]
    assert found == bad
