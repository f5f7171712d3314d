"""How a benchmark is timed and told: interleaved runs, medians, ratios, one table and one JSON object."""

import json
import os
import platform
import resource
import sqlite3
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from django.db import connection

RUNS = 5


@dataclass(frozen=True)
class Row:
    """One case: our rate and the comparator's, things a second; `ratio` is ours over theirs, above 1 is faster."""

    case: str
    people: int
    seconds: float
    spread: tuple[float, float]
    rate: float
    peak_mb: float
    comparator: str
    comparator_rate: float | None
    ratio: float | None


def side_by_side(
    case: str, people: int, ours: Callable[[], object], theirs: Callable[[], object] | None, *, comparator: str
) -> Row:
    """Median of five interleaved runs of both, after one of each that is not counted. Things: the people found."""
    our_times: list[float] = []
    their_times: list[float] = []
    for run in range(RUNS + 1):
        for act, times in ((ours, our_times), (theirs, their_times)):
            if act is None:
                continue
            started = time.perf_counter()
            act()
            if run:
                times.append(time.perf_counter() - started)
    mine = statistics.median(our_times)
    other = statistics.median(their_times) if their_times else None
    return Row(
        case=case,
        people=people,
        seconds=mine,
        spread=(min(our_times), max(our_times)),
        rate=people / mine,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        comparator=comparator,
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
    lines.append(f"{'case':34} {'people':>9} {'ms':>9} {'min-max':>17} {'ratio':>7}  comparator")
    for row in rows:
        low, high = (f"{value * 1000:.1f}" for value in row.spread)
        ratio = f"{row.ratio:.1f}x" if row.ratio is not None else "-"
        spread = f"{low}-{high}"
        lines.append(
            f"{row.case:34} {row.people:>9,} {row.seconds * 1000:>9.1f} {spread:>17} {ratio:>7}  {row.comparator}"
        )
    return "\n".join([*lines, "", f"peak memory {max(row.peak_mb for row in rows):.0f} MB"])
