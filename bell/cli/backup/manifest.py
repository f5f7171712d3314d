"""What a backup says of itself: counts, hashes, the head of the audit chain. Written last; without it there is none."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

NAME = "manifest.json"
FORMAT = 1
Query = Callable[[str], list[tuple[Any, ...]]]
_BLOCK = 1024 * 1024


class BackupError(Exception):
    """A backup cannot be made, trusted or restored; the words say why and what to do."""


@dataclass
class Manifest:
    """One backup. `files` are paths below its folder with their SHA-256; `tables` are rows at that one moment."""

    made_at: str
    vendor: str
    database: str
    tables: dict[str, int] = field(default_factory=dict)
    migrations: list[str] = field(default_factory=list)
    chain_position: int = 0
    chain_seal: str = ""
    files: dict[str, str] = field(default_factory=dict)
    # Originals of footage: path below the folder, and the hash that is on the sender's receipt (I8).
    originals: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    def write(self, folder: Path) -> str:
        """Write it, safely on disk; returns its own SHA-256, to be kept elsewhere."""
        words = json.dumps(asdict(self), indent=1, sort_keys=True).encode()
        path = folder / NAME
        with open(path, "xb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(words)
            file.flush()
            os.fsync(file.fileno())
        return hashlib.sha256(words).hexdigest()


def read(folder: Path) -> Manifest:
    """The manifest of a folder. BackupError when it is none, or of a later version."""
    try:
        facts = json.loads((folder / NAME).read_bytes())
        if facts.get("format") != FORMAT:
            raise BackupError(f"{folder} was made by another version of bell. Use that one.")
        found = Manifest(**facts)
    except FileNotFoundError as error:
        raise BackupError(f"{folder} is no backup, or one that was not finished: {NAME} is missing.") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise BackupError(f"{folder / NAME} cannot be read.") from error
    for name in found.files:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise BackupError(f"{folder / NAME} names a file outside the backup.")
    return found


def walk(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in order; links are not followed."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy(source: Path, target: Path) -> str:
    """Copy a file with its rights, and hash the bytes on their way; it is on disk when this returns."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hashed = hashlib.sha256()
    with open(source, "rb") as one, open(target, "xb") as other:
        while block := one.read(_BLOCK):
            hashed.update(block)
            other.write(block)
        other.flush()
        os.fsync(other.fileno())
        os.fchmod(other.fileno(), os.fstat(one.fileno()).st_mode & 0o777)
    return hashed.hexdigest()


def facts(query: Query, names: list[str]) -> tuple[dict[str, int], list[str], int, str]:
    """Rows of each table, migrations, and the head of the audit chain, all seen at one moment."""
    tables = {name: int(query(f'SELECT COUNT(*) FROM "{name}"')[0][0]) for name in names}
    migrations = [f"{app}.{name}" for app, name in query("SELECT app, name FROM django_migrations ORDER BY app, name")]
    head = query("SELECT position, seal FROM audit_entry WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1")
    position, seal = head[0] if head else (0, "")
    return tables, migrations, int(position), str(seal)
