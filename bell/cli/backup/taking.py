"""Take a backup: the database at one moment, then the files that it speaks of."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from bell.audit.record import record
from bell.cli.backup import postgres, sqlite
from bell.cli.backup.manifest import BackupError, Manifest, Query, copy, digest, facts, walk
from bell.delivery import health
from bell.evidence import store
from bell.lib import clock

# Half-sent files change while they are copied, and their senders still have them.
_NOT_KEPT = "incoming"


@dataclass(frozen=True)
class Taken:
    """A backup that was made: its manifest, the manifest's own hash, and originals that are not what they should be."""

    manifest: Manifest
    seal: str
    wrong: list[str]


def take(folder: Path) -> Taken:
    """Make a backup in a new or empty folder. Files are copied after the database: what it names is there by then."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty. Give a new one: a backup never overwrites another.")
    folder.chmod(0o700)
    manifest = Manifest(made_at=clock.now().isoformat(), vendor=connection.vendor, database="")
    if connection.vendor == "postgresql":
        with postgres.moment() as (snapshot, query):
            originals = _note(manifest, query, postgres.names(query))
            file = postgres.take(snapshot, folder)
    else:
        file = sqlite.take(Path(connection.settings_dict["NAME"]), folder)
        with sqlite.opened(file) as query:
            originals = _note(manifest, query, sqlite.names(query))
    manifest.database = file.name
    manifest.files[file.name] = digest(file)
    for name, source in (("evidence", settings.EVIDENCE_DIR), ("paper", settings.PAPER_DIR)):
        _copy_files(manifest, Path(source), folder, name)
    wrong = [path for path, sha256 in originals.items() if manifest.files.get(path) != sha256]
    manifest.originals = originals
    seal = manifest.write(folder)
    health.beat("backup")
    record("backed up", "installation", by=None, manifest=seal, files=len(manifest.files), wrong=len(wrong))
    return Taken(manifest, seal, wrong)


def _note(manifest: Manifest, query: Query, names: list[str]) -> dict[str, str]:
    """Write down what the database holds at that moment; returns the originals that it speaks of."""
    if "django_migrations" not in names:
        raise BackupError("The database is empty: there is nothing to back up.")
    manifest.tables, manifest.migrations, manifest.chain_position, manifest.chain_seal = facts(query, names)
    base = Path(settings.EVIDENCE_DIR)
    rows = query(
        "SELECT u.key, e.sha256 FROM evidence_exhibit e JOIN evidence_upload u ON u.id = e.upload_id ORDER BY u.key"
    )
    return {str(Path("evidence") / store.original(int(key)).relative_to(base)): str(sha256) for key, sha256 in rows}


def _copy_files(manifest: Manifest, source: Path, folder: Path, name: str) -> None:
    """Copy one folder of files, each with its hash."""
    for path in walk(source) if source.is_dir() else ():
        below = path.relative_to(source)
        if below.parts[0] != _NOT_KEPT:
            manifest.files[str(Path(name) / below)] = copy(path, folder / name / below)
