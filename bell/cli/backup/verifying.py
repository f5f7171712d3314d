"""Verify a backup where it lies: every file, every hash, every row count. Needs no database."""

from pathlib import Path

from bell.cli.backup import postgres, sqlite
from bell.cli.backup.manifest import NAME, BackupError, Manifest, digest, facts, read, walk


def verify(folder: Path) -> tuple[Manifest, list[str]]:
    """The manifest, and everything that is not as it says, in words; an empty list is a whole backup."""
    manifest = read(folder)
    wrong = []
    there = {str(path.relative_to(folder)) for path in walk(folder)} - {NAME}
    wrong += [f"{name} is missing" for name in sorted(set(manifest.files) - there)]
    wrong += [f"{name} does not belong to the backup" for name in sorted(there - set(manifest.files))]
    for name in sorted(there & set(manifest.files)):
        if digest(folder / name) != manifest.files[name]:
            wrong.append(f"{name} was changed")
    for name, sha256 in sorted(manifest.originals.items()):
        if manifest.files.get(name) != sha256:
            wrong.append(f"{name} is not the original that its sender was given a receipt for")
    if manifest.files.get(manifest.database) and not any(one.startswith(manifest.database) for one in wrong):
        wrong += _database(manifest, folder / manifest.database)
    return manifest, wrong


def _database(manifest: Manifest, file: Path) -> list[str]:
    """What differs between the counts in the manifest and the rows in the file."""
    try:
        if manifest.vendor == "postgresql":
            rows = postgres.counted(file)
        else:
            rows = sqlite.counted(file)
            with sqlite.opened(file) as query:
                seen = facts(query, list(rows))[2:]
            if seen != (manifest.chain_position, manifest.chain_seal):
                return ["the audit chain in the database does not end where the manifest says"]
    except BackupError as error:
        return [str(error)]
    names = sorted(set(rows) | set(manifest.tables))
    return [
        f"{name} has {rows.get(name, 0)} rows, not {manifest.tables.get(name, 0)}"
        for name in names
        if rows.get(name, 0) != manifest.tables.get(name, 0)
    ]
