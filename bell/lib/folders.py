"""Folders that must take files: whether they do, and how much room is left."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Folder:
    """A folder: what is wrong in words ("" when nothing is), and free bytes."""

    path: Path
    wrong: str
    free: int


def look(path: Path) -> Folder:
    """Write a file there, take it away again, and measure what is free. A folder that is missing is not made."""
    if not path.is_dir():
        return Folder(path, "does not exist", 0)
    try:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".look-") as file:
            file.write(b"x")
            file.flush()
        return Folder(path, "", shutil.disk_usage(path).free)
    except OSError as error:
        return Folder(path, f"cannot be written to: {error.strerror or error}", 0)


def gigabytes(size: int) -> str:
    """Bytes in words: "12.3 GB"."""
    return f"{size / 1e9:.1f} GB"
