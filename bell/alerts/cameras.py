"""About how many places with registered cameras lie near what an alert draws. Never which, nor whether there is one.

Officers draw as often as they like, so what they are told comes from as little as a count of people does (decision 13):
places are summed in blocks of at least five, each person counting none, once or twice by a secret of their own, and a
shape gets its share of the blocks. How soon cameras record over themselves is said of all that are registered together:
the soonest of a few would say that its owner is among them.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.db.models import Exists, F, Min, OuterRef, Sum
from shapely.geometry.base import BaseGeometry

from bell.alerts import audience, counting, squares
from bell.alerts.rule import Part, Rule
from bell.lib import blocks, cells, clock, shapes
from bell.lib.cells import Floats, Ints
from bell.residents.models import Camera, Place

NEAR_M = 150.0
ENOUGH = 20
"""Of fewer cameras in all nothing is said of how long they keep."""


@dataclass(frozen=True)
class Near:
    """A number fit to be shown: rounded to 5, None is fewer than 5, perhaps none. `gone_on`: on which day a quarter of
    all registered cameras have recorded over today; None where no number is shown, or so few are registered."""

    cameras: int | None
    gone_on: date | None


def near(rule: Rule) -> Near | None:
    """Places with cameras within NEAR_M metres of the rule's drawn shapes; None where nothing is drawn.

    The shapes are snapped like those of a count (targeting.md), and the caller counts first: one limit and one entry in
    the record hold for both.
    """
    drawn = audience.geometry(rule.ground(Part.IN))
    if drawn is None:
        return None
    number = counting.hide(_within(shapes.margin(shapes.snap(drawn), NEAR_M)))
    return Near(number, _gone_on() if number is not None else None)


def _within(ground: BaseGeometry) -> float:
    """About how many in a ground. Blocks are made of the whole squares that it touches, as for people."""
    tiles, sums = _sums(cells.touching(ground, blocks.TOP))
    return blocks.gather(tiles, sums, least=counting.FEWEST).within(ground)


def _sums(around: list[cells.Range]) -> tuple[Ints, Floats]:
    """Places with a camera in these ranges, by smallest square, each as often as its person counts."""
    own = Camera.objects.filter(place=OuterRef("pk"))
    found = Place.objects.filter(audience.ranges(around), Exists(own), resident__left_at=None)
    rows = found.order_by().values(tile=F("cell").bitrightshift(blocks.SHIFT))
    counted = rows.annotate(n=Sum(squares.camera_weight("resident__key"))).values_list("tile", "n")
    table = np.array(sorted(counted), dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1].astype(np.float64)


def _gone_on() -> date | None:
    """The day after which a quarter of all people with cameras have none of today any more."""
    kept = sorted(_days())
    total = sum(weight for _, weight in kept)
    if total < ENOUGH:
        return None
    passed = 0.0
    for days, weight in kept:
        passed += weight
        if passed >= total / 4:
            return clock.local(clock.now()).date() + timedelta(days=days)
    return None


def _days() -> list[tuple[int, float]]:
    """(days that the soonest of a person's cameras keeps, how often the person counts) of everyone with a camera."""
    found = Camera.objects.filter(resident__left_at=None).order_by().values("resident")
    rows = found.annotate(days=Min("days_kept"), weight=Min(squares.camera_weight("resident__key")))
    return [(int(days), float(weight)) for days, weight in rows.values_list("days", "weight")]
