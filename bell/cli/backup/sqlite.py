"""SQLite: the online backup API, which sees one moment while others go on writing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bell.cli.backup.manifest import BackupError, Query

FILE = "database.sqlite3"
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


def take(source: Path, folder: Path) -> Path:
    """A copy of the database as it is at one moment, in one file without a log beside it."""
    target = folder / FILE
    target.touch(mode=0o600, exist_ok=False)
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=60)) as one,
        closing(sqlite3.connect(target)) as other,
    ):
        one.backup(other)
        other.execute("PRAGMA journal_mode=DELETE")
    return target


@contextmanager
def opened(file: Path) -> Iterator[Query]:
    """Questions to a copy, which is not changed by them. BackupError when it is damaged."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as line:

            def query(words: str) -> list[tuple[Any, ...]]:
                return line.execute(words).fetchall()

            yield query
    except sqlite3.DatabaseError as error:
        raise BackupError(f"{file.name} is damaged: {error}.") from error


def names(query: Query) -> list[str]:
    """The tables."""
    return [str(row[0]) for row in query(TABLES)]


def counted(file: Path) -> dict[str, int]:
    """Rows of each table in a copy, after SQLite's own look at its health."""
    with opened(file) as query:
        healthy = query("PRAGMA integrity_check")[0][0]
        if healthy != "ok":
            raise BackupError(f"{file.name} is damaged: {healthy}.")
        return {name: int(query(f'SELECT COUNT(*) FROM "{name}"')[0][0]) for name in names(query)}


def is_empty(file: Path) -> bool:
    """Whether there is nothing yet: no file, or one without tables."""
    if not file.exists():
        return True
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as line:
        return not line.execute(TABLES).fetchall()
