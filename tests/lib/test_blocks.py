"""Blocks: nothing is lost, each holds enough, and a shape gets its share."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from bell.lib import blocks, cells

LEAST = 5


def tiles(lons, lats) -> np.ndarray:
    return cells.encode(lons, lats) >> blocks.SHIFT


def test_squares_come_back_from_their_codes():
    lons, lats = np.array([-1.35, 179.99, -180, 0.0]), np.array([53.01, -89.99, 90, 0.0])
    for level in (1, 12, 18, 31):
        squares = cells.boxes(cells.encode(lons, lats) >> 2 * (cells.BITS - level), np.full(4, level))
        assert shapely.intersects_xy(shapely.buffer(squares, 1e-9), lons, lats).all()
        assert np.allclose(shapely.area(squares), 360 * 180 / 4.0**level)


def test_whole_squares_that_touch_a_shape():
    shape = box(-1.40, 53.00, -1.30, 53.04)
    ranges = cells.touching(shape, 12)
    codes = cells.encode(np.random.default_rng(1).uniform(-1.5, -1.2, 2000), np.full(2000, 53.02))
    found = cells.among(ranges, codes)
    squares = cells.boxes(codes >> 2 * (cells.BITS - 12), np.full(2000, 12))
    assert (found == shapely.intersects(shape, squares)).all()
    assert cells.touching(shapely.Polygon(), 12) == []


points = st.lists(
    st.tuples(st.floats(-1.5, -1.2), st.floats(52.95, 53.08), st.integers(0, 2)), min_size=1, max_size=300
)


@given(points)
def test_each_block_holds_enough_and_nothing_is_lost(found):
    lons, lats, numbers = (np.array(column) for column in zip(*found, strict=True))
    made = blocks.gather(tiles(lons, lats), numbers, least=LEAST)
    assert (made.held >= LEAST).all()
    tops, place = np.unique(cells.encode(lons, lats) >> 2 * (cells.BITS - blocks.TOP), return_inverse=True)
    sums = np.bincount(place, numbers, minlength=len(tops))
    assert made.held.sum() == sums[sums >= LEAST].sum()
    assert made.within(box(-180, -90, 180, 90)) == pytest.approx(made.held.sum())
    halves = box(-180, -90, -1.35, 90), box(-1.35, -90, 180, 90)
    assert sum(made.within(half) for half in halves) == pytest.approx(made.held.sum())


@given(points, st.randoms(use_true_random=False))
def test_the_order_of_the_sums_does_not_matter(found, chance):
    other = list(found)
    chance.shuffle(other)
    made, again = (
        blocks.gather(tiles([a for a, _, _ in rows], [b for _, b, _ in rows]), [n for _, _, n in rows], least=LEAST)
        for rows in (found, other)
    )
    assert shapely.equals(made.squares, again.squares).all() and np.array_equal(made.held, again.held)


def test_blocks_lie_apart():
    chance = np.random.default_rng(3)
    lons, lats = chance.normal(-1.35, 0.03, 3000), chance.normal(53.02, 0.02, 3000)
    made = blocks.gather(tiles(lons, lats), np.ones(3000), least=LEAST)
    assert shapely.area(made.squares).sum() == pytest.approx(shapely.union_all(made.squares).area)
    assert len(made.squares) > 200


def test_a_shape_in_a_town_is_counted_well_enough():
    """Three thousand people thickly in a town: a circle of some streets is off by a tenth at most."""
    chance = np.random.default_rng(4)
    lons, lats = chance.normal(-1.35, 0.012, 3000), chance.normal(53.02, 0.008, 3000)
    made = blocks.gather(tiles(lons, lats), np.ones(3000), least=LEAST)
    for lon, lat, reach in [(-1.35, 53.02, 0.006), (-1.345, 53.015, 0.009), (-1.36, 53.02, 0.012)]:
        shape = shapely.Point(lon, lat).buffer(reach)
        true = shapely.intersects_xy(shape, lons, lats).sum()
        assert abs(made.within(shape) - true) < 0.1 * true


def test_nobody_and_nothing():
    empty = blocks.gather([], [], least=LEAST)
    assert empty.within(box(0, 0, 1, 1)) == 0
    assert blocks.gather(tiles([-1.35] * 4, [53] * 4), [1] * 4, least=LEAST).within(box(-2, 52, 0, 54)) == 0
