"""The small map of a picture card, drawn from our own areas: no tile, no request. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import shapely
from PIL import Image, ImageDraw, ImageFont
from shapely.geometry.base import BaseGeometry

_LAND, _EDGE, _BEYOND = "#f6f4ea", "#a9b3a4", "#e7e1d4"
_AUDIENCE, _AUDIENCE_EDGE = "#8fc0ab", "#14513f"
_INK, _HALO = "#16231e", "#faf8f3"
# Drawn so many times larger, then made smaller: smooth lines.
_OVER = 2
_NAME_SIZE = 22
_MOST_NAMES = 8


class Letters(Protocol):
    """What the map asks of a typeface."""

    def runs(self, words: str, size: int, weight: int) -> list[tuple[str, ImageFont.FreeTypeFont]]:
        """A text in runs of one font."""


@dataclass(frozen=True)
class Ground:
    """What a map shows: a box (degrees), our areas as the base, the audience above, and names at points."""

    box: tuple[float, ...]
    base: Sequence[BaseGeometry]
    audience: Sequence[BaseGeometry]
    names: Sequence[tuple[str, float, float]]


def paint(ground: Ground, width: int, height: int, letters: Letters) -> Image.Image:
    """The map as a picture of so many pixels; the box is centred and never squeezed."""
    image = Image.new("RGB", (width * _OVER, height * _OVER), _BEYOND)
    pen = ImageDraw.Draw(image)
    place = _projection(ground.box, width * _OVER, height * _OVER)
    for shape in ground.base:
        _polygons(pen, shape, place, _LAND, _EDGE, _OVER)
    for shape in ground.audience:
        _polygons(pen, shape, place, _AUDIENCE, _AUDIENCE_EDGE, 4 * _OVER)
    for shape in ground.base:  # borders stay visible under the audience
        _polygons(pen, shape, place, None, _EDGE, _OVER)
    small = image.resize((width, height), Image.Resampling.LANCZOS)
    _names(ImageDraw.Draw(small), ground, _projection(ground.box, width, height), (width, height), letters)
    return small


class _Place:
    """From degrees to pixels."""

    def __init__(self, west: float, north: float, across: float, down: float, left: float, top: float) -> None:
        self.west, self.north, self.across, self.down, self.left, self.top = west, north, across, down, left, top

    def __call__(self, lon: float, lat: float) -> tuple[float, float]:
        return self.left + (lon - self.west) * self.across, self.top + (self.north - lat) * self.down


def _projection(box: tuple[float, ...], width: int, height: int) -> _Place:
    west, south, east, north = box
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = min(width / ((east - west) * squeeze), height / (north - south))
    left = (width - (east - west) * squeeze * scale) / 2
    top = (height - (north - south) * scale) / 2
    return _Place(west, north, squeeze * scale, scale, left, top)


def _polygons(
    pen: ImageDraw.ImageDraw, shape: BaseGeometry, place: _Place, fill: str | None, edge: str, width: int
) -> None:
    for part in getattr(shape, "geoms", [shape]):
        if part.geom_type != "Polygon" or part.is_empty:
            continue
        ring = [place(lon, lat) for lon, lat, *_ in part.exterior.coords]
        if fill is not None:
            pen.polygon(ring, fill=fill)
        pen.line(ring, fill=edge, width=width, joint="curve")


def _names(pen: ImageDraw.ImageDraw, ground: Ground, place: _Place, size: tuple[int, int], letters: Letters) -> None:
    """Names that fit whole and do not lie on one another, the first ones first."""
    taken: list[BaseGeometry] = []
    for words, lon, lat in ground.names:
        runs = letters.runs(words, _NAME_SIZE, 600)
        wide = sum(font.getlength(run) for run, font in runs)
        x, y = place(lon, lat)
        box = shapely.box(x - wide / 2 - 6, y - 16, x + wide / 2 + 6, y + 16)
        inside = shapely.box(4, 4, size[0] - 4, size[1] - 4).covers(box)
        if not inside or any(box.intersects(other) for other in taken):
            continue
        taken.append(box)
        at = x - wide / 2
        for run, font in runs:
            pen.text((at, y), run, font=font, fill=_INK, anchor="lm", stroke_width=3, stroke_fill=_HALO)
            at += font.getlength(run)
        if len(taken) == _MOST_NAMES:
            return
