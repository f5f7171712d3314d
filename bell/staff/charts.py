"""Figures drawn on the server: plain numbers in, coordinates for an SVG out. The table beside it says the same."""

from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _LEFT, _RIGHT = 440, 44, 4
_TOP, _FLOOR, _HEIGHT = 14, 186, 220
_ROW, _NAMES, _TAIL = 30, 160, 60


@dataclass(frozen=True)
class Bar:
    """A bar: its box, its name and number with where they stand."""

    x: float
    y: float
    width: float
    height: float
    name: str
    value: str
    name_x: float
    name_y: float
    value_x: float
    value_y: float


@dataclass(frozen=True)
class Chart:
    """Bars in a box `width` × `height`, with lines at round numbers: (y, words)."""

    width: int
    height: int
    bars: list[Bar]
    lines: list[tuple[float, str]]
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT


def columns(points: Sequence[tuple[str, int | None]]) -> Chart:
    """Upright bars, one a point; a number that may not be shown has none."""
    most = max((value or 0 for _, value in points), default=0)
    top = ceiling(most)
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(points))
    bars = []
    for number, (name, value) in enumerate(points):
        high = (_FLOOR - _TOP) * (value or 0) / top
        x, y = _LEFT + number * step + step * 0.14, _FLOOR - high
        middle = x + step * 0.36
        words = f"{value:,}" if value is not None else ""
        bars.append(
            Bar(
                round(x, 1), round(y, 1), round(step * 0.72, 1), round(high, 1), name, words, round(middle, 1),
                _FLOOR + 20, round(middle, 1), round(y - 4, 1),
            )
        )  # fmt: skip
    lines = [(round(_FLOOR - (_FLOOR - _TOP) * part / 2, 1), f"{top * part // 2:,}") for part in range(3)]
    return Chart(_WIDTH, _HEIGHT, bars, lines)


def rows(points: Sequence[tuple[str, float | None]], *, unit: str = "") -> Chart:
    """Bars that lie, one a row, longest to the right; a number that may not be shown has none."""
    most = max((value or 0 for _, value in points), default=0) or 1
    room = _WIDTH - _NAMES - _TAIL
    bars = []
    for number, (name, value) in enumerate(points):
        y, long = number * _ROW + 4, room * (value or 0) / most
        words = f"{value:g}{unit}" if value is not None else "too few"
        bars.append(
            Bar(
                _NAMES, y, round(long, 1), _ROW - 10, _short(name), words, _NAMES - 8, y + 15,
                round(_NAMES + long + 6, 1), y + 15,
            )
        )  # fmt: skip
    return Chart(_WIDTH, max(1, len(points)) * _ROW + 4, bars, [])


@dataclass(frozen=True)
class Step:
    """One minute of a timeline: where it stands, what went well (from the floor up) and what did not (above it)."""

    x: float
    y: float
    height: float
    bad_y: float
    bad_height: float


@dataclass(frozen=True)
class Timeline:
    """An hour in narrow bars, with lines at round numbers and words below: (x, words)."""

    width: int
    height: int
    step: float
    steps: list[Step]
    lines: list[tuple[float, str]]
    ticks: list[tuple[float, str]]
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT


def timeline(points: Sequence[tuple[int, int]], ticks: Sequence[tuple[int, str]]) -> Timeline:
    """`points`: (well, not well) a step, oldest first; `ticks`: (number of the step, words)."""
    top = ceiling(max((good + bad for good, bad in points), default=0))
    wide = (_WIDTH - _LEFT - _RIGHT) / max(1, len(points))
    unit = (_FLOOR - _TOP) / top
    steps = []
    for number, (good, bad) in enumerate(points):
        y, x = _FLOOR - good * unit, _LEFT + number * wide
        steps.append(Step(*(round(one, 1) for one in (x, y, good * unit, y - bad * unit, bad * unit))))
    lines = [(round(_FLOOR - (_FLOOR - _TOP) * part / 2, 1), f"{top * part // 2:,}") for part in range(3)]
    named = [(round(_LEFT + number * wide, 1), words) for number, words in ticks]
    return Timeline(_WIDTH, _HEIGHT, round(wide * 0.8, 2), steps, lines, named)


def ceiling(most: int) -> int:
    """The next round number at or above: 2, 4, 10, 20, 40, 100..."""
    size = 1
    while True:
        for part in (2, 4, 10):
            if part * size >= most:
                return part * size
        size *= 10


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23].rstrip()}…"
