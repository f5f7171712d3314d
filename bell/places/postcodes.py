"""Postcodes in: the ONS Postcode Directory's CSV or Code-Point Open (codepoint.py), row by row, however long it is.

Of the directory the columns used are pcds, lat, long, doterm (any case, any order). Terminated postcodes and those
without a grid reference (latitude 99.999999) are skipped. Each chunk is one transaction, so an import that broke off is
simply started again.
"""

import csv
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from django.db import transaction

from bell.places import codepoint, find
from bell.places.models import Postcode
from bell.places.reading import ImportRefused as ImportRefused

CHUNK = 5_000
MOST_ERRORS = 50
_LONGEST_LINE = 64 * 1024
_COLUMNS = ("pcds", "lat", "long", "doterm")
_NO_GRID_REFERENCE = 99.0  # the directory writes 99.999999
_WEST, _EAST, _SOUTH, _NORTH = -9.0, 2.5, 49.0, 61.5  # Scilly to Shetland


@dataclass
class Report:
    """What became of the rows; `errors` names the first MOST_ERRORS (row, why), `error_count` counts all."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    error_count: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)

    def wrong(self, row: int, words: str) -> None:
        """Count one unusable row."""
        self.error_count += 1
        if len(self.errors) < MOST_ERRORS:
            self.errors.append((row, words))


def import_postcodes(file: str | Path | IO[bytes] | IO[str]) -> Report:
    """Create or update postcodes from a file (a path, or an open text or binary file), in flat memory.

    ImportRefused when it is not such a file; a row that cannot be used is reported by its number and the others go in.
    """
    if isinstance(file, str | Path):
        try:
            with Path(file).open("rb") as opened:
                return import_postcodes(opened)
        except OSError as error:
            raise ImportRefused(f"The file {file} cannot be opened: {error.strerror}") from error
    report = Report()
    chunk: dict[str, Postcode] = {}  # by code, since one statement may not update a row twice
    for one in _postcodes(_rows(file, report), report):
        chunk[one.code] = one
        if len(chunk) >= CHUNK:
            _store(chunk, report)
            chunk = {}
    _store(chunk, report)
    return report


def _rows(file: IO[bytes] | IO[str], report: Report) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells); the header is row 1. Rows that are no CSV go into the report."""
    reader = csv.reader(_lines(file))
    row = 0
    while True:
        row += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            report.wrong(row, f"it is not CSV ({error})")
            continue
        yield row, cells


def _lines(file: IO[bytes] | IO[str]) -> Iterator[str]:
    """Lines of text; a file that is one endless line is refused before it fills the memory."""
    text = file if isinstance(file, io.TextIOBase) else None
    while True:
        line = text.readline(_LONGEST_LINE) if text else file.readline(_LONGEST_LINE)
        if not line:
            return
        if len(line) >= _LONGEST_LINE:
            raise ImportRefused("This file has a line that is too long for a list of postcodes")
        yield line if isinstance(line, str) else line.decode("utf-8", errors="replace")


def _postcodes(rows: Iterator[tuple[int, list[str]]], report: Report) -> Iterator[Postcode]:
    """The live postcodes; skipped and unusable rows go into the report."""
    first = next(rows, (0, []))
    read: Callable[[list[str]], Postcode | None]
    if codepoint.is_row(first[1]):
        rows, read = chain([first], rows), codepoint.postcode
    else:
        read = _directory(first[1])
    for row, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            found = read(cells)
        except ValueError as error:
            report.wrong(row, str(error))
            continue
        if found is None:
            report.skipped += 1
        else:
            yield found


def _directory(header: list[str]) -> Callable[[list[str]], Postcode | None]:
    """How a row of the ONS Postcode Directory is read, from its header."""
    names = [name.strip().strip("\ufeff").lower() for name in header]
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise ImportRefused(
            f"This is neither an ONS Postcode Directory (it has no column {' or '.join(missing)}) nor Code-Point Open"
        )
    at = [names.index(name) for name in _COLUMNS]

    def read(cells: list[str]) -> Postcode | None:
        if len(cells) <= max(at):
            raise ValueError("it has too few columns")
        pcds, lat, lon, doterm = (cells[number].strip() for number in at)
        return _postcode(pcds, lat, lon, doterm)

    return read


def _postcode(pcds: str, lat_words: str, lon_words: str, doterm: str) -> Postcode | None:
    """One row's postcode; None when it is terminated or nowhere; ValueError with the reason when it cannot be used."""
    if doterm:
        return None
    try:
        code = find.normalise(pcds)
    except find.PostcodeError as error:
        raise ValueError(f'"{pcds[:20]}" is not a postcode') from error
    try:
        lat, lon = float(lat_words), float(lon_words)
    except ValueError as error:
        raise ValueError(f"{code} has no latitude or longitude that is a number") from error
    if lat >= _NO_GRID_REFERENCE and math.isfinite(lat):
        return None
    if _SOUTH <= lon <= _NORTH and _WEST <= lat <= _EAST:
        raise ValueError(f"{code} has latitude and longitude swapped")
    if not (_SOUTH <= lat <= _NORTH and _WEST <= lon <= _EAST):  # NaN too
        raise ValueError(f"{code} does not lie in the United Kingdom")
    return Postcode(code=code, lon=lon, lat=lat)


def _store(chunk: dict[str, Postcode], report: Report) -> None:
    """Write what is new or moved, in one transaction."""
    if not chunk:
        return
    with transaction.atomic():
        there = {
            code: (lon, lat)
            for code, lon, lat in Postcode.objects.filter(code__in=list(chunk)).values_list("code", "lon", "lat")
        }
        new = [one for code, one in chunk.items() if code not in there]
        moved = [one for code, one in chunk.items() if code in there and there[code] != (one.lon, one.lat)]
        Postcode.objects.bulk_create(
            new + moved,
            update_conflicts=True,
            unique_fields=["code"],
            update_fields=["lon", "lat"],
        )
    report.created += len(new)
    report.updated += len(moved)
    report.unchanged += len(chunk) - len(new) - len(moved)
