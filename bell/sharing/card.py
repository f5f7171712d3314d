"""The picture card: 1200 × 630 pixels with the title, the reference and a small map. Pure: from plain values to PNG."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bell.sharing.cardmap import Ground, paint

WIDTH, HEIGHT = 1200, 630
MAP_WIDTH = 440
_PAD = 56
_LINES = 5
_SIZES = (68, 60, 54, 48, 42)
_TEXT_WIDTH = WIDTH - MAP_WIDTH - 2 * _PAD

# The colours of ui/static/ui/css/tokens.css.
_GREEN_900, _GREEN_200 = "#0b2e25", "#bedccd"
_BRASS_400, _BRICK_600 = "#d9a441", "#b0371f"
_PAPER = "#ffffff"


@dataclass(frozen=True)
class Face:
    """The words of a card."""

    title: str
    kind: str
    organisation: str
    reference: str
    site: str
    urgent: bool = False


class Typeface:
    """Our typeface in two files (Latin, and extended Latin for names such as Łódź), in any weight and size."""

    def __init__(self, latin: Path, extended: Path) -> None:
        self.files = (latin, extended)

    def runs(self, words: str, size: int, weight: int) -> list[tuple[str, ImageFont.FreeTypeFont]]:
        """The text in runs, each with a font that has its letters; signs that neither has are left out."""
        found: list[tuple[str, ImageFont.FreeTypeFont]] = []
        for letter in words:
            font = self._font_of(letter, size, weight)
            if font is None:
                continue
            if found and found[-1][1] is font:
                found[-1] = (found[-1][0] + letter, font)
            else:
                found.append((letter, font))
        return found

    def width(self, words: str, size: int, weight: int) -> float:
        """How wide a text is, in pixels."""
        return sum(font.getlength(run) for run, font in self.runs(words, size, weight))

    def _font_of(self, letter: str, size: int, weight: int) -> ImageFont.FreeTypeFont | None:
        for file in self.files:
            font = _font(file, size, weight)
            if letter == " " or _has(file, letter):
                return font
        return None


@lru_cache(maxsize=64)
def _font(file: Path, size: int, weight: int) -> ImageFont.FreeTypeFont:
    """One weight and size of a file; kerning by Pillow's plain layout, the same wherever it runs."""
    font = ImageFont.truetype(str(file), size, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_axes([weight])
    return font


@lru_cache(maxsize=4096)
def _has(file: Path, letter: str) -> bool:
    """Whether a file has a letter: one that it lacks is drawn like a code point that nothing has."""
    font = _font(file, 40, 400)
    return bytes(font.getmask(letter)) != bytes(font.getmask("\U0010fffe")) and bool(font.getbbox(letter)[2])


def draw(face: Face, type_: Typeface, ground: Ground | None) -> bytes:
    """The card as a PNG. Without ground the words have the whole width."""
    image = Image.new("RGB", (WIDTH, HEIGHT), _GREEN_900)
    width = _TEXT_WIDTH if ground is not None else WIDTH - 2 * _PAD
    if ground is not None:
        image.paste(paint(ground, MAP_WIDTH, HEIGHT, type_), (WIDTH - MAP_WIDTH, 0))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 14, HEIGHT), fill=_BRICK_600 if face.urgent else _BRASS_400)
    _write(pen, type_, (_PAD, 46), _cut(type_, face.organisation, 30, 640, width), 30, 640, _PAPER)
    kind = f"{face.kind}, urgent" if face.urgent else face.kind
    _write(pen, type_, (_PAD, 96), _cut(type_, kind, 30, 500, width), 30, 500, _BRASS_400)
    size, lines = _title(type_, face.title, width)
    step = round(size * 1.16)
    top = 158 + max(0, (_LINES * 60 - len(lines) * step) // 2)
    for number, line in enumerate(lines):
        _write(pen, type_, (_PAD, top + number * step), line, size, 720, _PAPER)
    pen.line((_PAD, 520, _PAD + width, 520), fill=_GREEN_200, width=2)
    _write(pen, type_, (_PAD, 536), f"Reference {face.reference}" if face.reference else "", 30, 640, _PAPER)
    _write(pen, type_, (_PAD, 576), _cut(type_, face.site, 26, 500, width), 26, 500, _GREEN_200)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _write(
    pen: ImageDraw.ImageDraw, type_: Typeface, at: tuple[int, int], words: str, size: int, weight: int, fill: str
) -> None:
    x = float(at[0])
    for run, font in type_.runs(words, size, weight):
        pen.text((x, at[1] + size), run, font=font, fill=fill, anchor="ls")
        x += font.getlength(run)


def _title(type_: Typeface, words: str, width: int) -> tuple[int, list[str]]:
    """The largest size at which the title fits; at the smallest its end is cut."""
    for size in _SIZES:
        lines = _wrapped(type_, words, size, width)
        if len(lines) * round(size * 1.16) <= 340 and len(lines) <= _LINES:
            return size, lines
    lines = _wrapped(type_, words, _SIZES[-1], width)
    kept = lines[:_LINES]
    kept[-1] = _cut(type_, f"{kept[-1]} …", _SIZES[-1], 720, width)
    return _SIZES[-1], kept


def _wrapped(type_: Typeface, words: str, size: int, width: int) -> list[str]:
    lines: list[str] = []
    for word in _short_enough(type_, words.split(), size, width):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and type_.width(longer, size, 720) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [""]


def _short_enough(type_: Typeface, words: Sequence[str], size: int, width: int) -> list[str]:
    """Words, each cut into pieces that fit a line."""
    found: list[str] = []
    for word in words:
        piece = ""
        for letter in word:
            if piece and type_.width(piece + letter, size, 720) > width:
                found.append(piece)
                piece = ""
            piece += letter
        found.append(piece)
    return found


def _cut(type_: Typeface, words: str, size: int, weight: int, width: int) -> str:
    """A line that fits, its end replaced by an ellipsis where it must be."""
    if type_.width(words, size, weight) <= width:
        return words
    kept = words.rstrip(" …")
    while kept and type_.width(f"{kept}…", size, weight) > width:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"
