"""The house itself: settings, the database and its tables, static files, folders, the worker, the clock."""

from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders, storage
from django.core.cache import cache
from django.core.checks import run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from bell.cli.doctor.finding import Finding, note, right, wrong
from bell.delivery import control, health
from bell.lib import clock, folders

_OLDEST_POSTGRES = 15
_LEAST_FREE = 1_000_000_000
_CLOCK_MAY_DIFFER = 2.0


def configuration() -> list[Finding]:
    """What `bell check` says too."""
    found = [
        wrong("settings", str(one.msg), str(one.hint or "Change it in the environment; see docs/running.md."))
        for one in run_checks()
        if one.level >= 40
    ]
    if settings.DEMO:
        found.append(note("settings", "Demo mode is on: invented people, anyone may act as anyone."))
    if settings.DEBUG:
        found.append(wrong("settings", "BELL_DEBUG is on.", "Unset it: error pages show settings to strangers."))
    if not settings.DEMO and settings.ADDRESS_KEY == settings.SECRET_KEY:
        todo = "Set BELL_ADDRESS_KEY to the present BELL_SECRET_KEY now, so that the latter can be changed one day."
        found.append(note("settings", "The key of addresses is the secret key.", todo))
    return found or [right("settings", f"Complete, for {settings.SITE_URL}.")]


def database() -> list[Finding]:
    """Whether it answers, is new enough, and keeps what was written."""
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SHOW server_version_num")
                return [_postgres(int(cursor.fetchone()[0]) // 10000)]
            cursor.execute("PRAGMA journal_mode")
            mode = str(cursor.fetchone()[0]).lower()
    except DatabaseError as error:
        words = f"It does not answer: {str(error).splitlines()[0]}"
        return [wrong("database", words, "Start it, or correct DATABASE_URL.")]
    if mode != "wal":
        return [wrong("database", f"SQLite keeps a {mode} journal, no WAL.", "Put the file on a local disk.")]
    return [right("database", "SQLite with a write-ahead log.")]


def _postgres(version: int) -> Finding:
    if version < _OLDEST_POSTGRES:
        return wrong("database", f"PostgreSQL {version} is too old.", f"Use {_OLDEST_POSTGRES} or newer.")
    return right("database", f"PostgreSQL {version}.")


def tables() -> list[Finding]:
    """Whether the tables are those of this version of the code, and the cache has its own."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            words = f"{len(missing)} change(s) of the tables are still to be made."
            return [wrong("tables", words, "Run `bell migrate`.")]
        cache.get("doctor")
    except DatabaseError:
        return [wrong("tables", "The table of the cache is missing.", "Run `bell createcachetable`.")]
    return [right("tables", "As this version wants them.")]


def static_files() -> list[Finding]:
    """Whether CSS and scripts were collected, and are those of this version."""
    names = getattr(storage.staticfiles_storage, "hashed_files", None)
    if names is None:
        return [note("static files", "They are served as they are, without hashed names.")]
    if not names:
        return [wrong("static files", f"Nothing was collected in {settings.STATIC_ROOT}.", "Run `bell collectstatic`.")]
    wanted = {name.replace("\\", "/") for finder in finders.get_finders() for name, _ in finder.list([])}
    missing = sorted(wanted - set(names))
    if missing:
        words = f"{len(missing)} are missing, {missing[0]} for one: they are older than the code."
        return [wrong("static files", words, "Run `bell collectstatic`.")]
    return [right("static files", f"{len(wanted)} collected.")]


def writable_folders() -> list[Finding]:
    """Whether files can be kept, and for how long."""
    needs = [(settings.VAR_DIR, _LEAST_FREE), (settings.PAPER_DIR, _LEAST_FREE)]
    needs.append((settings.EVIDENCE_DIR, _LEAST_FREE + settings.UPLOAD_KEEP_FREE_BYTES))
    return [_folder(Path(path), least) for path, least in dict(needs).items()]


def _folder(path: Path, least: int) -> Finding:
    seen = folders.look(path)
    if not path.exists():
        return _not_yet(path, least)
    if seen.wrong:
        return wrong("folders", f"{path} {seen.wrong}.", "Make it, and let the user who runs bell write to it.")
    return _room(path, seen.free, least)


def _not_yet(path: Path, least: int) -> Finding:
    """A folder that the first file makes: then its parent must take it."""
    above = next(one for one in path.parents if one.exists())
    seen = folders.look(above)
    if seen.wrong:
        return wrong(
            "folders", f"{path} is missing, and {above} {seen.wrong}.", f"Make {path} for the user who runs bell."
        )
    return _room(path, seen.free, least)


def _room(path: Path, free: int, least: int) -> Finding:
    if free < least:
        words = f"{path} has {folders.gigabytes(free)} left."
        return wrong("folders", words, f"Make room: at least {folders.gigabytes(least)}.")
    return right("folders", f"{path}: {folders.gigabytes(free)} free.")


def worker() -> list[Finding]:
    """Whether a worker said something within the last minute, and whether the outbox moves."""
    now = health.read()
    if now.worker is None:
        return [wrong("worker", "No worker has ever run here.", "Start `bell worker`.")]
    if not now.worker_alive:
        words = f"The worker was last heard {clock.said(now.worker)}."
        return [wrong("worker", words, "Start `bell worker`; its log says why it ended.")]
    if now.late.total_seconds() > 300:
        minutes = int(now.late.total_seconds() // 60)
        return [note("worker", f"Alive, but a message has waited {minutes} minutes.", "See the relay and the gateway.")]
    return [right("worker", f"Alive, last heard {clock.said(now.worker)}.")]


def sending() -> list[Finding]:
    """What is stopped, and alarms that nobody has looked at."""
    found = [_stopped(one) for one in control.holds()]
    for alarm in control.alarms():
        words = f"{control.said(alarm.name)}: {alarm.words} (since {clock.said(alarm.since)}, {alarm.times} time(s))"
        found.append(wrong("alarm", words, "Look into it, then say so on the health page."))
    return found or [right("sending", "Nothing is stopped and no alarm is open.")]


def _stopped(one: control.Hold) -> Finding:
    """A whole channel, or what waits for a person, is wrong; what is tried again by itself is worth a look."""
    since = f" since {clock.said(one.since)}" if one.since else ""
    words = f"{one.words} stopped{since}: {one.why.rstrip('.')}."
    if one.until is None:
        return wrong("sending", words, f"When it is well again: `bell outbox resume {one.name}`.")
    words = f"{words} Tried again {clock.said(one.until)}."
    todo = "See the relay or the gateway."
    return wrong("sending", words, todo) if one.whole_channel and one.since else note("sending", words, todo)


def clocks() -> list[Finding]:
    """Whether this machine and the database agree on the time: leases and holds depend on it."""
    if connection.vendor != "postgresql":
        return [right("clock", "The database runs on this machine's clock.")]
    with connection.cursor() as cursor:
        before = datetime.now(UTC)
        cursor.execute("SELECT clock_timestamp()")
        there = cursor.fetchone()[0]
        after = datetime.now(UTC)
    apart = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    return [clock_finding(apart)]


def clock_finding(apart: float) -> Finding:
    """What `apart` seconds between the two mean."""
    if apart > _CLOCK_MAY_DIFFER:
        words = f"This machine and the database are {apart:.1f} seconds apart."
        return wrong("clock", words, "Let both follow the same time server (NTP).")
    return right("clock", "This machine and the database agree.")


def backup() -> list[Finding]:
    """When the last backup was made."""
    made = health.last("backup")
    if made is None:
        return [note("backup", "None was ever made with `bell backup`.", "Make one each night; see docs/running.md.")]
    days = (clock.now() - made).days
    if days >= 2:
        return [note("backup", f"The last one is {days} days old.", "See why the nightly one did not run.")]
    return [right("backup", f"The last one was made {clock.said(made)}.")]
