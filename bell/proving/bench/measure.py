"""How a benchmark is timed and told: interleaved runs, medians, ratios, one table and one JSON object."""

import json
import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from django.db import connection

from bell.proving.bench import memory

RUNS = 5
"""Counted runs of each side, unless the command line says otherwise (`count_runs`)."""

NOT_INSTALLED = "not installed"
_SIZES = (10_000, 100_000, 1_000_000)


_runs = RUNS


@dataclass(frozen=True)
class Row:
    """One case: our rate and the comparator's, things a second; `ratio` is ours over theirs, above 1 is faster.

    The last two are None where the comparator is not installed. `spread`: our quickest and slowest run, in seconds.
    """

    case: str
    people: int
    seconds: float
    spread: tuple[float, float]
    rate: float
    peak_mb: float
    comparator: str
    comparator_rate: float | None
    ratio: float | None


def count_runs(runs: int) -> None:
    """How many runs of each side are counted from now on."""
    global _runs
    _runs = runs


def runs() -> int:
    """How many runs of each side are counted."""
    return _runs


def sizes(most: int) -> list[int]:
    """10,000, 100,000 and 1,000,000 as far as `most` allows, then `most` itself: how a benchmark grows."""
    return [*(size for size in _SIZES if size < most), most]


def side_by_side(
    case: str,
    people: int,
    ours: Callable[[], object],
    theirs: Callable[[], object] | None,
    *,
    comparator: str,
    before: Callable[[], object] | None = None,
    warm: bool = True,
) -> Row:
    """Median of interleaved runs of both, after one of each that is not counted (`warm`). Things: `people` a run.

    `before` puts everything back as it was, before each run of either, and is not timed. `theirs` None: the comparator
    is not installed.
    """
    our_times: list[float] = []
    their_times: list[float] = []
    peak_mb = 0.0
    for run in range(-1 if warm else 0, runs()):
        for act, times in ((ours, our_times), (theirs, their_times)):
            if act is None:
                continue
            if before is not None:
                before()
            with memory.watched() as peak:
                started = time.perf_counter()
                act()
                took = time.perf_counter() - started
            if run >= 0:
                times.append(took)
                peak_mb = max(peak_mb, peak.mb) if act is ours else peak_mb
    return row(case, people, our_times, their_times, comparator=comparator, peak_mb=peak_mb)


def row(
    case: str, people: int, our_times: list[float], their_times: list[float], *, comparator: str, peak_mb: float
) -> Row:
    """A row out of the seconds that each run took; no times of theirs: not installed; `comparator` "": none exists."""
    mine = statistics.median(our_times)
    other = statistics.median(their_times) if their_times else None
    return Row(
        case=case,
        people=people,
        seconds=mine,
        spread=(min(our_times), max(our_times)),
        rate=people / mine,
        peak_mb=peak_mb,
        comparator=f"{comparator}: {NOT_INSTALLED}" if comparator and not other else comparator,
        comparator_rate=people / other if other else None,
        ratio=other / mine if other else None,
    )


def machine() -> str:
    """The machine in a few words."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def database() -> str:
    """The database in a few words."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            return f"PostgreSQL {cursor.fetchone()[0]}"
    return f"SQLite {sqlite3.sqlite_version}"


def as_json(name: str, rows: list[Row]) -> str:
    """The whole benchmark as one JSON object."""
    facts = {"benchmark": name, "machine": machine(), "database": database(), "rows": [asdict(row) for row in rows]}
    return json.dumps(facts, indent=2)


def as_table(name: str, rows: list[Row]) -> str:
    """The same for people."""
    lines = [f"{name} · {machine()} · {database()}", ""]
    lines.append(
        f"{'case':40} {'people':>9} {'ms':>9} {'min-max':>19} {'a second':>10} {'MB':>5} {'ratio':>7}  comparator"
    )
    for row in rows:
        low, high = (f"{value * 1000:.1f}" for value in row.spread)
        ratio = f"{row.ratio:.2f}x" if row.ratio is not None else "-"
        beside = f"{row.comparator}, {row.comparator_rate:,.0f} a second" if row.comparator_rate else row.comparator
        lines.append(
            f"{row.case:40} {row.people:>9,} {row.seconds * 1000:>9.1f} {f'{low}-{high}':>19} {row.rate:>10,.0f}"
            f" {row.peak_mb:>5.0f} {ratio:>7}  {beside}"
        )
    return "\n".join([*lines, "", f"peak memory {max(row.peak_mb for row in rows):.0f} MB, of all our processes"])
