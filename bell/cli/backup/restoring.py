"""Restore a backup into an empty installation, prove it, and see to it that nothing is sent a second time."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from bell.alerts import restored
from bell.audit.models import Entry
from bell.audit.record import verify as verify_chain
from bell.cli.backup import postgres, sqlite
from bell.cli.backup.manifest import BackupError, Manifest, copy
from bell.cli.backup.verifying import verify


@dataclass(frozen=True)
class Restored:
    """What was put back, what was held back, and how much of the audit chain was checked."""

    manifest: Manifest
    held: restored.Held
    checked: int


def restore(folder: Path) -> Restored:
    """Verify, refuse anything but an empty installation, put everything back, prove it, hold back what waited."""
    manifest, wrong = verify(folder)
    if wrong:
        raise BackupError(f"This backup is not whole: {wrong[0]}. Nothing was restored.")
    if manifest.vendor != connection.vendor:
        raise BackupError(f"This is a backup of {manifest.vendor}; the database here is {connection.vendor}.")
    _check_version(manifest)
    targets = {"evidence": Path(settings.EVIDENCE_DIR), "paper": Path(settings.PAPER_DIR)}
    _check_empty(targets)
    made = [one for one in targets.values() if not one.exists()]
    try:
        for name, target in targets.items():
            _put_back(manifest, folder, name, target)
        if manifest.vendor == "postgresql":
            postgres.load(folder / manifest.database)
            return _loaded(manifest)
        return _in_new_file(manifest, folder, Path(connection.settings_dict["NAME"]))
    except BaseException:
        for target in made:
            shutil.rmtree(target, ignore_errors=True)
        raise


def _check_version(manifest: Manifest) -> None:
    """The code must know every change of the tables that the backup has; what it lacks is made up for later."""
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    if strange := sorted(set(manifest.migrations) - known):
        raise BackupError(f"This backup was made by a newer version ({strange[0]}). Install that one first.")


def _check_empty(targets: dict[str, Path]) -> None:
    if connection.vendor == "postgresql":
        postgres.check_empty()
    elif not sqlite.is_empty(Path(connection.settings_dict["NAME"])):
        raise BackupError("The database is not empty. Move it away first: nothing is ever overwritten.")
    for target in targets.values():
        if target.is_dir() and any(path.is_file() for path in target.rglob("*")):
            raise BackupError(f"{target} is not empty. Move it away first: nothing is ever overwritten.")


def _put_back(manifest: Manifest, folder: Path, name: str, target: Path) -> None:
    """Files of one folder, each hashed again on its way."""
    for path, sha256 in manifest.files.items():
        ours = Path(path).parts[0] == name and path != manifest.database
        if ours and copy(folder / path, target / Path(path).relative_to(name)) != sha256:
            raise BackupError(f"{path} changed while it was copied. Nothing was restored.")


def _in_new_file(manifest: Manifest, folder: Path, file: Path) -> Restored:
    """SQLite: everything is done in a file beside the real one, which takes its place only when all is well."""
    beside = file.with_name(f"{file.name}.restoring")
    beside.unlink(missing_ok=True)
    copy(folder / manifest.database, beside)
    beside.chmod(0o600)
    connection.close()
    connection.settings_dict["NAME"] = str(beside)
    try:
        done = _finish(manifest)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        for end in ("-wal", "-shm"):
            file.with_name(file.name + end).unlink(missing_ok=True)  # of the empty one: it must not be read into ours
        os.replace(beside, file)
        return done
    finally:
        connection.close()
        connection.settings_dict["NAME"] = str(file)
        for left in (beside, *(beside.with_name(beside.name + end) for end in ("-wal", "-shm"))):
            left.unlink(missing_ok=True)


def _loaded(manifest: Manifest) -> Restored:
    """PostgreSQL: the tables are there already; whoever reads of a failure must know that."""
    try:
        return _finish(manifest)
    except Exception as error:
        raise BackupError(f"{error} Start nothing: drop this database, make an empty one and restore again.") from error


def _finish(manifest: Manifest) -> Restored:
    """Bring the tables to this version, hold back what waited before anything else, check the chain."""
    call_command("migrate", verbosity=0, interactive=False)
    held = restored.hold_back()
    verdict = verify_chain()
    if verdict.broken:
        raise BackupError(f"The audit record of this backup is broken: {verdict.broken}.")
    head = Entry.objects.filter(position=manifest.chain_position).values_list("seal", flat=True).first() or ""
    if verdict.checked != manifest.chain_position or head != manifest.chain_seal:
        raise BackupError("The audit record does not end where the backup says.")
    return Restored(manifest, held, verdict.checked)
