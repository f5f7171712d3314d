"""PostgreSQL: its own pg_dump and pg_restore, in the custom format, at the moment of an exported snapshot."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from bell.cli.backup.manifest import BackupError, Query

FILE = "database.dump"
TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    " AND tablename NOT LIKE 'pg_%' ORDER BY tablename"
)
_COPY = re.compile(rb'^COPY (?:\w+\.)?"?(\w+)"? .*FROM stdin;$')


@contextmanager
def moment() -> Iterator[tuple[str, Query]]:
    """A transaction that sees one moment: its snapshot's name for pg_dump, and questions at that moment."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = str(cursor.fetchone()[0])

        def query(words: str) -> list[tuple[Any, ...]]:
            cursor.execute(words)
            return list(cursor.fetchall())

        yield snapshot, query


def names(query: Query) -> list[str]:
    """The tables."""
    return [str(row[0]) for row in query(TABLES)]


def take(snapshot: str, folder: Path) -> Path:
    """The dump of that moment."""
    target = folder / FILE
    target.touch(mode=0o600, exist_ok=False)
    words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
    _run("pg_dump", [*words, *_where()])
    return target


def load(file: Path) -> None:
    """Put a dump into the empty database: all of it or nothing."""
    words = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run("pg_restore", [*words, *_where(), str(file)])


def counted(file: Path) -> dict[str, int]:
    """Rows of each table in a dump, read through to its end without a server."""
    words = [_tool("pg_restore"), "--data-only", "--file=-", str(file)]
    rows: dict[str, int] = {}
    table = ""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        for line in running.stdout or ():
            if not table:
                if begins := _COPY.match(line.rstrip(b"\n")):
                    table = begins[1].decode()
                    rows[table] = 0
            elif line == b"\\.\n":
                table = ""
            else:
                rows[table] += 1
    if running.returncode:
        raise BackupError(f"{file.name} is damaged: pg_restore cannot read it to its end.")
    return rows


def check_empty() -> None:
    """BackupError when there is anything in the database, or somebody else is connected to it."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        if cursor.fetchall():
            raise BackupError("The database is not empty. Restore into a new one: nothing is ever overwritten.")
        cursor.execute(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        if cursor.fetchone()[0]:
            raise BackupError("Others are connected to this database. End web and workers first.")


def _where() -> list[str]:
    """How to reach our database; its password goes by the environment, never on a command line."""
    facts = connection.settings_dict
    given = {"--host": facts["HOST"], "--port": facts["PORT"], "--username": facts["USER"], "--dbname": facts["NAME"]}
    return [f"{key}={value}" for key, value in given.items() if value] + ["--no-password"]


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BackupError(f"{name} is not installed here. Install PostgreSQL's client (Debian: postgresql-client).")
    return found


def _run(name: str, words: list[str]) -> None:
    password = connection.settings_dict.get("PASSWORD") or ""
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    done = subprocess.run([_tool(name), *words], env=environment, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise BackupError(f"{name} failed: {said}")
