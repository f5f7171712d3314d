"""A database of its own for each scenario, and for PostgreSQL a cluster that may be stopped in the middle of things."""

import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Database:
    """Where the post room of one scenario keeps its tables; `ask` reads it in plain SQL, past all of our code."""

    vendor: str
    url: str
    ask: Callable[[str], Rows]
    write: Callable[[str], None]
    path: Path | None = None


def migrated(environment: dict[str, str]) -> None:
    """Make the tables."""
    for words in (["migrate", "--verbosity", "0"], ["createcachetable"]):
        subprocess.run([sys.executable, "-m", "bell.cli", *words], env=environment, check=True, cwd=ROOT, timeout=240)


class Sqlite:
    """Files, each a copy of one that was migrated once."""

    vendor = "sqlite"

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.template = folder / "template.sqlite3"
        migrated({**environment, "DATABASE_URL": f"sqlite:///{self.template}"})
        with closing(sqlite3.connect(self.template)) as line:
            line.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def fresh(self, folder: Path, name: str) -> Database:
        """A new database in this folder."""
        path = folder / f"{name}.sqlite3"
        shutil.copy(self.template, path)

        def ask(statement: str) -> Rows:
            with closing(sqlite3.connect(path, timeout=60)) as line:
                return line.execute(statement).fetchall()

        def write(statement: str) -> None:
            with closing(sqlite3.connect(path, timeout=60)) as line, line:
                line.execute(statement)

        return Database(self.vendor, f"sqlite:///{path}", ask, write, path)


class Postgres:
    """A cluster in a folder of its own. What is committed survives an immediate stop; only a power cut costs it."""

    vendor = "postgresql"

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.bin = self.programs()
        assert self.bin is not None
        self.folder, (self.port,) = folder, free_ports(1)
        self.data = folder / "data"
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        self._run("initdb", "-D", str(self.data), "-U", "bell", "-A", "trust", "--encoding", "UTF8", "--no-sync")
        self.start()
        self._ask("postgres", "CREATE DATABASE template")
        migrated({**environment, "DATABASE_URL": self._url("template")})

    @staticmethod
    def programs() -> Path | None:
        """Where the server's programs are, None when they are not installed."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        named = shutil.which("initdb")
        return found[-1].parent if found else Path(named).parent if named else None

    def start(self) -> None:
        """Start, or start again: recovery included."""
        words = f"-c listen_addresses=127.0.0.1 -p {self.port} -c unix_socket_directories={self.folder}"
        words += " -c fsync=off -c synchronous_commit=on -c shared_buffers=64MB -c max_connections=100 -c jit=off"
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", words, "start")

    def stop(self) -> None:
        """Stop immediately: every connection is cut, nothing is flushed."""
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")

    def fresh(self, folder: Path, name: str) -> Database:
        """A new database."""
        self._ask("postgres", f'CREATE DATABASE "{name}" TEMPLATE template')
        return Database(
            self.vendor,
            self._url(name),
            lambda statement: self._ask(name, statement),
            lambda statement: self._write(name, statement),
        )

    def drop(self, name: str) -> None:
        """It is not needed any more."""
        self._ask("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')

    def _url(self, name: str) -> str:
        return f"postgres://bell@127.0.0.1:{self.port}/{name}"

    def _ask(self, name: str, statement: str) -> Rows:
        with psycopg.connect(self._url(name), autocommit=True) as line:
            found = line.execute(statement.encode())
            return found.fetchall() if found.description else []

    def _write(self, name: str, statement: str) -> None:
        self._ask(name, statement)

    def _run(self, program: str, *words: str) -> None:
        """Run a program of the server's: not as root, which it refuses."""
        as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        subprocess.run(
            [str(self.bin / program), *words],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            timeout=120,
            **as_user,
        )
