"""Blocks: points counted in squares that each hold at least so many, so that no number speaks of one of them.

A shape's share of the blocks says about how many points lie in it, and whoever asks about ever so many shapes learns
the sums of the blocks at most, never what lies where within one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from bell.lib import cells
from bell.lib.cells import Bools, Floats, Ints

TOP = 12
"""The largest squares, 5.9 by 4.9 km in England: fewer points in one of them than a block needs count nothing."""

FINE = 18
"""The smallest squares, of some 92 by 76 metres: points come as sums over these."""

SHIFT = 2 * (cells.BITS - FINE)
"""So many bits of a cell say where in its smallest square it lies."""


@dataclass(frozen=True)
class Blocks:
    """Squares (polygons in degrees, apart from each other) and how much each holds."""

    squares: npt.NDArray[np.object_]
    held: Floats

    def within(self, shape: BaseGeometry) -> float:
        """About how much lies in a shape: of each block as large a part as the shape covers of its square."""
        if not len(self.squares) or shape.is_empty:
            return 0.0
        shapely.prepare(shape)
        part = shapely.contains_properly(shape, self.squares).astype(np.float64)
        edge: Bools = shapely.intersects(shape, self.squares) & (part == 0)
        cut = shapely.area(shapely.intersection(shape, self.squares[edge]))
        part[edge] = cut / shapely.area(self.squares[edge])
        return float((part * self.held).sum())


def gather(tiles: npt.ArrayLike, numbers: npt.ArrayLike, *, least: float) -> Blocks:
    """Blocks of at least `least` from sums over FINE squares (codes of FINE bits an axis).

    A square is cut into its quarters as long as one of them holds enough; what the other quarters hold goes to the
    fullest, so that nothing is lost. The same sums give the same blocks, whatever shape is asked about.
    """
    codes, held = np.asarray(tiles, dtype=np.int64), np.asarray(numbers, dtype=np.float64)
    nodes, now = _sums(codes >> 2 * (FINE - TOP), held)
    nodes, now = nodes[now >= least], now[now >= least]
    found: list[tuple[Ints, Ints, Floats]] = []
    for level in range(TOP, FINE):
        quarters, full = _quarters(nodes, codes >> 2 * (FINE - level - 1), held, least)
        parent = np.searchsorted(nodes, quarters >> 2)
        whole = np.ones(len(nodes), dtype=np.bool_)
        whole[parent] = False
        found.append((nodes[whole], np.full(whole.sum(), level), now[whole]))
        left = now - np.bincount(parent, full, minlength=len(nodes))
        fullest = _first_of_each(parent, full)
        full[fullest] += left[parent[fullest]]
        nodes, now = quarters, full
    found.append((nodes, np.full(len(nodes), FINE), now))
    squares, levels, sums = (np.concatenate(column) for column in zip(*found, strict=True))
    return Blocks(cells.boxes(squares, levels), sums)


def _sums(codes: Ints, numbers: Floats) -> tuple[Ints, Floats]:
    """The different codes in order, and the sum of each."""
    different, place = np.unique(codes, return_inverse=True)
    return different, np.bincount(place, numbers, minlength=len(different)).astype(np.float64)


def _quarters(nodes: Ints, codes: Ints, numbers: Floats, least: float) -> tuple[Ints, Floats]:
    """The quarters of these squares that hold enough by themselves."""
    different, sums = _sums(codes, numbers)
    good = (sums >= least) & np.isin(different >> 2, nodes)
    return different[good], sums[good]


def _first_of_each(parent: Ints, full: Floats) -> Ints:
    """The place of the fullest quarter of each parent; of equals the first."""
    order = np.lexsort((np.arange(len(full)), -full, parent))
    _, first = np.unique(parent[order], return_index=True)
    return order[first].astype(np.int64)
