"""Counting shapes, ours and PostGIS's, and a sample of real small areas one after the other (`--areas`)."""

import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from bell.alerts import within
from bell.lib import shapes
from bell.places import reading
from bell.proving.bench import measure
from bell.proving.bench.measure import Row
from bell.proving.bench.postgis import PostGIS

_SAMPLE = 60


def read(file: Path) -> list[BaseGeometry]:
    """The areas in a file, crooked ones repaired; ImportRefused or ShapeError, in words, where it cannot be used."""
    return [shapes.repair(shapes.unchecked(one.geometry))[0] for one in reading.features(file)]


def distinct(shape: BaseGeometry) -> int:
    """How many people have a place in a shape, whatever they chose."""
    return len(within.people(shape))


def place_ids(shape: BaseGeometry) -> set[int]:
    """The places in a shape."""
    return set(within.places(shape).tolist())


def agree(shape: BaseGeometry, peer: PostGIS) -> str:
    """Words about the places exactly on the edge, "" for none; AssertionError where we differ by anything else."""
    if on_edge := peer.on_the_edge(shape, place_ids(shape)):
        return f" (without {on_edge} places exactly on the edge)"
    assert distinct(shape) == peer.distinct(shape), "PostGIS counts other people"
    return ""


def rows(areas: Sequence[BaseGeometry], peer: PostGIS | None, *, rng: random.Random) -> list[Row]:
    """A count for each of a sample of areas: all of them together, and how long half and 19 of 20 of them take."""
    chosen = rng.sample(list(areas), min(_SAMPLE, len(areas)))
    words = "".join(agree(shape, peer) for shape in chosen) if peer is not None else ""
    acts: list[Callable[[BaseGeometry], int]] = [distinct, *([peer.distinct] if peer is not None else [])]
    # By side, run and area.
    took: list[list[list[float]]] = [[] for _ in acts]
    for run in range(-1, measure.runs()):
        timed: list[list[float]] = [[] for _ in acts]
        for shape in chosen:
            for act, times in zip(acts, timed, strict=True):
                started = time.perf_counter()
                act(shape)
                times.append(time.perf_counter() - started)
        if run >= 0:
            for side, times in zip(took, timed, strict=True):
                side.append(times)
    counted = [distinct(shape) for shape in chosen]
    name = f"{peer.name}{words}" if peer is not None else "PostGIS"
    sides = [[[sum(one) for one in side], *_usual_and_slow(side)] for side in took]
    ours, theirs = sides[0], sides[1] if peer is not None else [[], [], []]
    cases = (
        (f"{len(chosen)} areas of the file, one count each", sum(counted)),
        ("an area of the file, half are quicker", int(statistics.median(counted))),
        ("an area of the file, 19 of 20 are quicker", int(statistics.median(counted))),
    )
    return [
        measure.row(case, people, mine, other, comparator=name, peak_mb=0.0)
        for (case, people), mine, other in zip(cases, ours, theirs, strict=True)
    ]


def _usual_and_slow(runs: list[list[float]]) -> tuple[list[float], list[float]]:
    """Of each run the middle time and that of the 95th of a hundred areas."""
    ordered = [sorted(one) for one in runs]
    return [statistics.median(one) for one in ordered], [one[math.ceil(0.95 * len(one)) - 1] for one in ordered]
