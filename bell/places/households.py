"""Households in: a CSV with the columns code and households, one row an area.

Each row stands for itself: a row that cannot be used is reported by its number and the others go in. Importing the
same file again changes nothing.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO

from django.db import transaction

from bell.lib import clock
from bell.places.models import Area, Households
from bell.places.reading import ImportRefused

_COLUMNS = ("code", "households")
_MOST = 10_000_000
_MOST_ROWS = 500_000
MOST_ERRORS = 50


@dataclass
class Report:
    """What became of the rows; `errors` names the first MOST_ERRORS (row, why), `error_count` counts all."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    error_count: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)

    def wrong(self, row: int, words: str) -> None:
        """Count one unusable row."""
        self.error_count += 1
        if len(self.errors) < MOST_ERRORS:
            self.errors.append((row, words))


def import_households(file: str | Path | IO[str], *, kind: str = "", as_of: date | None = None) -> Report:
    """Create or update figures from a file (a path, or an open text file); `kind` where a code stands for several.

    `as_of` is the day of the count; without it a new or changed figure gets today's. ImportRefused when the file is
    not such a CSV; then nothing changed.
    """
    if isinstance(file, str | Path):
        try:
            with Path(file).open(encoding="utf-8-sig", errors="replace", newline="") as opened:
                return import_households(opened, kind=kind, as_of=as_of)
        except OSError as error:
            raise ImportRefused(f"The file {file} cannot be opened: {error.strerror}") from error
    report = Report()
    areas = _areas(kind)
    with transaction.atomic():
        seen: dict[int, int] = {}
        for row, code, number in _figures(file, report):
            found = areas.get(code, [])
            if len(found) != 1:
                report.wrong(row, _not_one(code, found))
            elif found[0].pk in seen:
                report.wrong(row, f'"{code[:40]}" stood in row {seen[found[0].pk]} already')
            else:
                seen[found[0].pk] = row
                _store(found[0], number, as_of, report)
    return report


def _areas(kind: str) -> dict[str, list[Area]]:
    """Areas by code, of one kind or of all."""
    rows = Area.objects.public().offered().defer("boundary")
    found: dict[str, list[Area]] = {}
    for area in rows.filter(kind=kind) if kind else rows:
        found.setdefault(area.code, []).append(area)
    return found


def _not_one(code: str, found: list[Area]) -> str:
    if not found:
        return f'no area has the code "{code[:40]}"'
    kinds = ", ".join(sorted(area.kind for area in found))
    return f'"{code[:40]}" is the code of several areas ({kinds}): say which kind'


def _figures(file: IO[str], report: Report) -> Iterator[tuple[int, str, int]]:
    """(row number, code, households) of each usable row; the header is row 1."""
    reader = csv.reader(file)
    row = 0
    at: list[int] = []
    while row <= _MOST_ROWS:
        row += 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            if row == 1:
                raise ImportRefused("This file is empty") from None
            return
        except csv.Error as error:
            report.wrong(row, f"it is not CSV ({error})")
            continue
        if row == 1:
            at = _header(cells)
        elif any(cells):
            try:
                yield row, *_figure(cells, at)
            except ValueError as error:
                report.wrong(row, str(error))
    raise ImportRefused(f"This file has more than {_MOST_ROWS:,} rows")


def _header(cells: list[str]) -> list[int]:
    """Where the two columns stand, in any order and any case."""
    names = [cell.strip("\ufeff").lower() for cell in cells]
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise ImportRefused(f"This is not a list of households: it has no column {' or '.join(missing)}")
    return [names.index(name) for name in _COLUMNS]


def _figure(cells: list[str], at: list[int]) -> tuple[str, int]:
    """One row's code and number; ValueError with the reason when it has none."""
    if len(cells) <= max(at):
        raise ValueError("it has too few columns")
    code, words = cells[at[0]], cells[at[1]].replace(",", "").replace(" ", "")
    if not code:
        raise ValueError("it has no code")
    if not (words.isascii() and words.isdigit()) or int(words[:12]) > _MOST:
        raise ValueError(f'"{cells[at[1]][:20]}" is not a number of households')
    return code, int(words)


def _store(area: Area, number: int, as_of: date | None, report: Report) -> None:
    known = Households.objects.filter(area=area).first()
    if known is None:
        Households.objects.create(area=area, households=number, as_of=as_of or clock.local(clock.now()).date())
        report.created += 1
    elif known.households == number and as_of in (None, known.as_of):
        report.unchanged += 1
    else:
        known.households, known.as_of = number, as_of or clock.local(clock.now()).date()
        known.save(update_fields=["households", "as_of"])
        report.updated += 1
