"""Cells: every point on earth as one 62-bit number, and every shape as a few ranges of such numbers.

Longitude and latitude take 31 bits each, interleaved (Morton or Z order), so that every square of the quadtree is one
contiguous range of codes and an ordinary index on one integer column finds points in a shape. Nothing here needs
a database or a GIS library of the system.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

BITS = 31
"""Bits an axis: a cell is at most 19 mm wide and 10 mm high."""

FINEST = 26
"""The deepest level a covering descends to: squares of some 36 by 30 cm in England, finer than any address."""

Range = tuple[int, int]
"""First and last code, both included."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# A point's cell is computed in floating point, so a point may lie this much outside its own square (the errors sum to
# less than 1e-12 degrees). Squares are tested grown by it (a micrometre): no point is missed and none is waved through.
_SLACK = 1e-11

_SPREAD_STEPS = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)

# The masks of the same steps backwards: each leaves bits in runs twice as long.
_GATHER_MASKS = (
    0x3333333333333333,
    0x0F0F0F0F0F0F0F0F,
    0x00FF00FF00FF00FF,
    0x0000FFFF0000FFFF,
    0x00000000FFFFFFFF,
)


@dataclass(frozen=True)
class Covering:
    """A shape as ranges of codes, sorted and apart from each other.

    Every point whose code is in `inside` lies in the shape; points in `edge` must be asked (shapes.contains); all
    others lie outside.
    """

    inside: list[Range]
    edge: list[Range]


def encode(lons: npt.ArrayLike, lats: npt.ArrayLike) -> Ints:
    """The codes of points in degrees (WGS84), as an int64 array of the same length.

    ValueError for anything that is not a place on earth (NaN, infinity, beyond 180 or 90 degrees).
    """
    x = np.asarray(lons, dtype=np.float64)
    y = np.asarray(lats, dtype=np.float64)
    if not (np.all(np.abs(x) <= 180) and np.all(np.abs(y) <= 90)):  # NaN fails both comparisons
        raise ValueError("Longitudes lie between -180 and 180, latitudes between -90 and 90")
    return _interleave(_axis(x, 180), _axis(y, 90))


def encode_one(lon: float, lat: float) -> int:
    """The code of one point; ValueError as `encode`."""
    return int(encode([lon], [lat])[0])


def cover(shape: BaseGeometry, *, max_cells: int = 256) -> Covering:
    """The ranges of a valid shape in degrees, from at most `max_cells` squares (four when fewer are allowed).

    Descends the quadtree from the smallest squares around the shape's box, one level at a time, until the next level
    would need more squares than allowed. The same shape gives the same ranges on every machine.
    """
    if shape.is_empty:
        return Covering([], [])
    shapely.prepare(shape)
    level, x, y = _start(shape)
    inside: list[Range] = []
    kept = 0
    hit, full = _classify(shape, level, x, y)
    while True:
        inside += _ranges(level, x[full], y[full])
        kept += int(full.sum())
        x, y = x[hit & ~full], y[hit & ~full]
        if level == FINEST or not len(x):
            break
        finer_x, finer_y = _children(x, y)
        hit, full = _classify(shape, level + 1, finer_x, finer_y)
        if kept + int(hit.sum()) > max_cells:
            break
        level, x, y = level + 1, finer_x, finer_y
    return Covering(_merge(inside), _merge(_ranges(level, x, y)))


def among(ranges: list[Range], codes: npt.ArrayLike) -> Bools:
    """Which of the codes lie in one of the ranges (sorted and apart, as a Covering has them)."""
    wanted = np.asarray(codes, dtype=np.int64)
    if not ranges:
        return np.zeros(wanted.shape, dtype=np.bool_)
    first = np.array([start for start, _ in ranges], dtype=np.int64)
    last = np.array([end for _, end in ranges], dtype=np.int64)
    at = np.searchsorted(first, wanted, side="right") - 1
    found: Bools = (at >= 0) & (wanted <= last[np.maximum(at, 0)])
    return found


def touching(shape: BaseGeometry, level: int) -> list[Range]:
    """The ranges of all squares of one level of the quadtree that touch a shape, sorted and apart from each other."""
    if shape.is_empty:
        return []
    shapely.prepare(shape)
    west, south, east, north = shape.bounds
    shift = BITS - level
    x0, x1 = (int(one) >> shift for one in _axis(np.clip([west - _SLACK, east + _SLACK], -180, 180), 180))
    y0, y1 = (int(one) >> shift for one in _axis(np.clip([south - _SLACK, north + _SLACK], -90, 90), 90))
    columns = np.arange(x0, x1 + 1, dtype=np.int64)
    rows = np.arange(y0, y1 + 1, dtype=np.int64)
    x, y = np.tile(columns, len(rows)), np.repeat(rows, len(columns))
    hit, _ = _classify(shape, level, x, y)
    return _merge(_ranges(level, x[hit], y[hit]))


def boxes(squares: npt.ArrayLike, levels: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """The squares of the quadtree with these codes (of as many bits an axis as their level says) as polygons."""
    codes, deep = np.asarray(squares, dtype=np.int64), np.asarray(levels, dtype=np.int64)
    x, y = _gather(codes), _gather(codes >> 1)
    width, height = 360 / np.exp2(deep), 180 / np.exp2(deep)
    found: npt.NDArray[np.object_] = shapely.box(
        -180 + x * width, -90 + y * height, -180 + (x + 1) * width, -90 + (y + 1) * height
    )
    return found


def _axis(degrees: Floats, half: int) -> Ints:
    """Degrees from -half to +half as whole numbers of BITS bits; the upper end belongs to the last cell."""
    scaled = (degrees + half) / (2 * half) * (1 << BITS)
    return np.minimum(scaled.astype(np.int64), (1 << BITS) - 1)


def _spread(values: Ints) -> npt.NDArray[np.uint64]:
    """Each bit moved to an even place, with a zero between it and the next."""
    spread = values.astype(np.uint64)
    for shift, mask in _SPREAD_STEPS:
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
    return spread


def _gather(codes: Ints) -> Ints:
    """Every second bit, from the lowest on, moved together: what `_spread` does, backwards."""
    bits = codes.astype(np.uint64) & np.uint64(_SPREAD_STEPS[-1][1])
    for (shift, _), mask in zip(reversed(_SPREAD_STEPS), _GATHER_MASKS, strict=True):
        bits = (bits | (bits >> np.uint64(shift))) & np.uint64(mask)
    return bits.astype(np.int64)


def _interleave(x: Ints, y: Ints) -> Ints:
    return (_spread(x) | (_spread(y) << np.uint64(1))).astype(np.int64)


def _start(shape: BaseGeometry) -> tuple[int, Ints, Ints]:
    """The deepest level at which at most two by two squares hold the shape's box, and those squares."""
    west, south, east, north = shape.bounds
    lons = np.clip([west - _SLACK, east + _SLACK], -180, 180)
    lats = np.clip([south - _SLACK, north + _SLACK], -90, 90)
    (x0, x1), (y0, y1) = (map(int, _axis(lons, 180)), map(int, _axis(lats, 90)))
    shift = BITS - FINEST
    while (x1 >> shift) - (x0 >> shift) > 1 or (y1 >> shift) - (y0 >> shift) > 1:
        shift += 1
    columns = np.arange(x0 >> shift, (x1 >> shift) + 1, dtype=np.int64)
    rows = np.arange(y0 >> shift, (y1 >> shift) + 1, dtype=np.int64)
    return BITS - shift, np.tile(columns, len(rows)), np.repeat(rows, len(columns))


def _children(x: Ints, y: Ints) -> tuple[Ints, Ints]:
    """The four quarters of every square."""
    across = np.array([0, 1, 0, 1], dtype=np.int64)
    up = np.array([0, 0, 1, 1], dtype=np.int64)
    return (2 * x[:, None] + across).ravel(), (2 * y[:, None] + up).ravel()


def _classify(shape: BaseGeometry, level: int, x: Ints, y: Ints) -> tuple[Bools, Bools]:
    """Which squares touch the shape at all, and which lie wholly within its interior."""
    width, height = 360 / (1 << level), 180 / (1 << level)
    boxes = shapely.box(
        -180 + x * width - _SLACK,
        -90 + y * height - _SLACK,
        -180 + (x + 1) * width + _SLACK,
        -90 + (y + 1) * height + _SLACK,
    )
    hit: Bools = shapely.intersects(shape, boxes)
    full = np.zeros(len(boxes), dtype=np.bool_)
    full[hit] = shapely.contains_properly(shape, boxes[hit])
    return hit, full


def _ranges(level: int, x: Ints, y: Ints) -> list[Range]:
    """The range of codes of each square."""
    shift = 2 * (BITS - level)
    codes = _interleave(x, y).tolist()
    return [(code << shift, ((code + 1) << shift) - 1) for code in codes]


def _merge(ranges: list[Range]) -> list[Range]:
    """Sorted, with neighbours made one."""
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
