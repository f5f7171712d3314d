"""Cells: the covering of a shape and one exact question at its edge agree with brute force, for every point."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

from bell.lib import cells, shapes

lons = st.floats(-180, 180)
lats = st.floats(-90, 90)


@given(lons, lats)
def test_a_code_fits_62_bits_and_is_bit_by_bit_the_two_axes(lon, lat):
    code = cells.encode_one(lon, lat)
    assert 0 <= code < 2**62
    x = min(int((lon + 180) / 360 * 2**31), 2**31 - 1)
    y = min(int((lat + 90) / 180 * 2**31), 2**31 - 1)
    assert code == sum(((x >> bit & 1) << (2 * bit)) | ((y >> bit & 1) << (2 * bit + 1)) for bit in range(31))


def test_many_points_are_as_one_by_one():
    rng = np.random.default_rng(7)
    x, y = rng.uniform(-180, 180, 500), rng.uniform(-90, 90, 500)
    codes = cells.encode(x, y)
    assert codes.dtype == np.int64
    assert codes.tolist() == [cells.encode_one(lon, lat) for lon, lat in zip(x, y, strict=True)]


@pytest.mark.parametrize(
    ("lon", "lat"), [(np.nan, 0), (0, np.nan), (np.inf, 0), (0, -np.inf), (180.001, 0), (0, 90.001), (-181, 0)]
)
def test_what_is_no_place_on_earth_has_no_code(lon, lat):
    with pytest.raises(ValueError, match="between"):
        cells.encode([lon], [lat])


def test_the_corners_of_the_world_have_codes():
    assert cells.encode_one(-180, -90) == 0
    assert cells.encode_one(180, 90) == 2**62 - 1


def _check(shape, max_cells, seed=0):
    """The heart: for points in, around and exactly on the shape, ranges and edge test say what brute force says."""
    covering = cells.cover(shape, max_cells=max_cells)
    x, y = _points(shape, seed)
    codes = cells.encode(x, y)
    inside, edge = cells.among(covering.inside, codes), cells.among(covering.edge, codes)
    found = inside | (edge & shapes.contains(shape, x, y))
    wanted = shapely.intersects_xy(shape, x, y)
    assert np.array_equal(found, wanted)
    assert not (inside & edge).any()
    for ranges in (covering.inside, covering.edge):
        assert all(0 <= first <= last < 2**62 for first, last in ranges)
        assert all(a[1] + 1 < b[0] for a, b in pairwise(ranges)), "sorted, merged, apart"
    assert covering == cells.cover(shapely.from_wkb(shapely.to_wkb(shape)), max_cells=max_cells), "deterministic"
    return covering, wanted


def _points(shape, seed):
    rng = np.random.default_rng(seed)
    west, south, east, north = shape.bounds
    wide, high = max(east - west, 1e-9), max(north - south, 1e-9)
    corners = shapely.get_coordinates(shape)
    cx, cy = corners[:, 0], corners[:, 1]
    on = shapely.get_coordinates(
        shapely.line_interpolate_point(shape.boundary, rng.uniform(0, 1, 200), normalized=True)
    )
    x = np.concatenate(
        [
            rng.uniform(west - wide / 4, east + wide / 4, 400),
            *(np.full(100, edge) for edge in (west, east)),
            *(rng.uniform(west, east, 100) for _ in range(2)),
            cx, np.nextafter(cx, -999), np.nextafter(cx, 999), cx, cx,
            on[:, 0],
        ]
    )  # fmt: skip
    y = np.concatenate(
        [
            rng.uniform(south - high / 4, north + high / 4, 400),
            *(rng.uniform(south, north, 100) for _ in range(2)),
            *(np.full(100, edge) for edge in (south, north)),
            cy, cy, cy, np.nextafter(cy, -999), np.nextafter(cy, 999),
            on[:, 1],
        ]
    )  # fmt: skip
    return np.clip(x, -180, 180), np.clip(y, -90, 90)


budgets = st.sampled_from([1, 4, 16, 64, 256, 1024])
sizes = st.floats(-6, -0.3).map(lambda power: 10**power)
middles = st.tuples(st.floats(-2.1, -1.1), st.floats(52.6, 53.6)) | st.sampled_from(
    [(0.0, 0.0), (0.0, 51.5), (-1.40625, 52.734375), (179.4, 0.0), (-179.4, 89.0), (100.0, -89.4)]
)


@st.composite
def polygons(draw):
    """Blobs with holes, several parts, slivers, spikes, and squares laid exactly on the borders of cells."""
    (x, y), size, seed = draw(middles), draw(sizes), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    scattered = shapely.multipoints(np.column_stack([x + rng.uniform(-size, size, 8), y + rng.uniform(-size, size, 8)]))
    made = {
        "holed": lambda: Point(x, y).buffer(size).difference(Point(x + size / 3, y).buffer(size / 4)),
        "parts": lambda: scattered.buffer(size / 20),
        "sliver": lambda: LineString([(x, y), (x + size, y + size * rng.uniform(-1, 1))]).buffer(size * 1e-4),
        "hull": lambda: scattered.convex_hull,
        "star": lambda: _star(x, y, size, rng),
        "blocks": lambda: _on_borders(x, y, rng),
    }[draw(st.sampled_from(["holed", "parts", "sliver", "hull", "star", "blocks"]))]()
    return made.intersection(shapely.box(-180, -90, 180, 90))


def _star(x, y, size, rng):
    angles = np.sort(rng.uniform(0, 2 * np.pi, 40))
    radii = size * rng.uniform(0.05, 1, 40)
    return shapely.make_valid(Polygon(np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)])))


def _on_borders(x, y, rng):
    """Blocks whose every side is a border of cells of one level, some with a cell-sized hole."""
    level = int(rng.integers(7, 25))
    wide, high = 360 / 2**level, 180 / 2**level
    column, row = int((x + 180) / wide), int((y + 90) / high)
    blocks = [
        shapely.box(-180 + a * wide, -90 + b * high, -180 + (a + 1) * wide, -90 + (b + 1) * high)
        for a, b in np.array([column, row]) + rng.integers(0, 5, (12, 2))
    ]
    return shapely.union_all(blocks)


@settings(max_examples=400)
@given(polygons(), budgets, st.integers(0, 2**32 - 1))
def test_cover_agrees_with_brute_force(shape, max_cells, seed):
    if shape.is_empty or shape.area == 0:
        return
    _check(shape, max_cells, seed)


def test_brute_force_has_something_to_say():
    """The oracle must see points inside, outside and in both kinds of range, or the property proves nothing."""
    shape = Point(-1.5, 53).buffer(0.1).difference(Point(-1.48, 53).buffer(0.03))
    covering, wanted = _check(shape, 256)
    assert 100 < wanted.sum() < len(wanted) - 100
    assert len(covering.inside) > 5 and len(covering.edge) > 5


@pytest.mark.parametrize("max_cells", [4, 16, 64, 256])
def test_the_number_of_squares_is_bounded(max_cells):
    covering = cells.cover(Point(-1.5, 53).buffer(0.2), max_cells=max_cells)
    assert 1 <= len(covering.inside) + len(covering.edge) <= max_cells


def test_more_squares_leave_less_to_ask():
    shape = Point(-1.5, 53).buffer(0.2)
    asked = [sum(last - first for first, last in cells.cover(shape, max_cells=n).edge) for n in (16, 64, 256, 1024)]
    assert asked == sorted(asked, reverse=True) and asked[-1] < asked[0] / 3


def test_the_world_and_nothing():
    covering = cells.cover(shapely.box(-180, -90, 180, 90))
    assert covering.edge[0][0] == 0 and covering.edge[-1][1] == 2**62 - 1
    assert cells.cover(Polygon()) == cells.Covering([], [])
    assert cells.cover(MultiPolygon()) == cells.Covering([], [])


def test_a_shape_smaller_than_a_cell_is_not_missed():
    dot = shapely.box(-1.5, 53, -1.5 + 1e-9, 53 + 1e-9)
    covering = cells.cover(dot)
    assert cells.among(covering.edge, [cells.encode_one(-1.5, 53)]).all()


def test_among_nothing_is_nothing():
    assert cells.among([], [1, 2]).tolist() == [False, False]
    assert cells.among([(5, 7), (9, 9)], [4, 5, 7, 8, 9, 10]).tolist() == [False, True, True, False, True, False]


def test_a_point_that_rounding_moves_into_the_next_cell_is_still_told_apart():
    """A hair west of a border between cells, a point gets the eastern cell's code; the shape ends between the two."""
    border = -1.40625  # a border of cells of level 9 and all finer ones
    shape = shapely.box(border - 2e-15, 52, border + 5, 55)
    outside, within = border - 6e-15, border - 1e-15
    assert cells.encode_one(outside, 53) == cells.encode_one(border, 53), "the case that is meant"
    covering = cells.cover(shape)
    codes = cells.encode([outside, within], [53, 53])
    assert not cells.among(covering.inside, codes).any()
    assert cells.among(covering.edge, codes).all()
    assert shapes.contains(shape, [outside, within], [53, 53]).tolist() == [False, True]
