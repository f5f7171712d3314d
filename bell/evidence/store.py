"""The files themselves, under settings.EVIDENCE_DIR: parts that grow under a lock, originals that are written once.

`incoming/KEY` grows while a file arrives. Sealing syncs it to disk, takes away every right to write, and renames it to
`originals/KK/KEY`: no code of ours opens anything below `originals` other than for reading. All processes that take
uploads must see the same file system, one that honours flock (a local disk, or NFS 4).
"""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

CHUNK = 1024 * 1024
Hash = hashlib.sha256
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SEALED_MODE = 0o400


class DiskFull(OSError):
    """There is no room for this now; nothing that was acknowledged is lost."""


class Gone(LookupError):
    """The file is not where it should be."""


def _name(key: int) -> str:
    """A key as a file's name: 16 hex digits, nothing that a sender chose."""
    return f"{key:016x}"


def _folder(name: str) -> Path:
    made = Path(settings.EVIDENCE_DIR) / name
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    return made


def incoming(key: int) -> Path:
    """Where a file grows while it arrives."""
    return _folder("incoming") / _name(key)


def original(key: int) -> Path:
    """Where a sealed original lies for good."""
    return _folder("originals") / _name(key)[:2] / _name(key)


def preview(key: int) -> Path:
    """Where the derived copy of an exhibit lies."""
    return _folder("previews") / f"{_name(key)}.jpg"


def check_room(wanted: int = 0) -> None:
    """Refuse (DiskFull) when so many bytes more would leave less than settings.UPLOAD_KEEP_FREE_BYTES."""
    free = shutil.disk_usage(_folder("incoming")).free
    if free - wanted < settings.UPLOAD_KEEP_FREE_BYTES:
        raise DiskFull(errno.ENOSPC, "Not enough room to take this file")


@contextmanager
def growing(key: int, *, create: bool = False) -> Iterator[int]:
    """The incoming file, open for writing and locked against every other process and thread; yields its descriptor.

    Raises Gone when it is not there, or was sealed or removed meanwhile (its path then leads elsewhere or nowhere).
    """
    path = incoming(key)
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileNotFoundError as error:
        raise Gone("There is no such file") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        here, there = os.fstat(descriptor), _stat(path)
        if there is None or (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
            raise Gone("This file was taken away while we waited for it")
        yield descriptor
    finally:
        os.close(descriptor)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def append(descriptor: int, at: int, data: bytes) -> None:
    """Put bytes at an offset and wait until they are on disk. What lay beyond the offset was never acknowledged.

    Raises DiskFull with the file cut back to the offset.
    """
    os.ftruncate(descriptor, at)
    view, done = memoryview(data), 0
    try:
        while done < len(view):
            done += os.pwrite(descriptor, view[done:], at + done)
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        os.ftruncate(descriptor, at)
        raise DiskFull(error.errno, "Not enough room to take this file") from error


def seal(key: int, descriptor: int) -> None:
    """Make a locked incoming file the original: synced, not writable, renamed, the folders synced too."""
    target = original(key)
    target.parent.mkdir(mode=0o700, exist_ok=True)
    if target.exists():
        raise FileExistsError(f"An original lies at {target.name} already")
    os.fchmod(descriptor, _SEALED_MODE)
    os.fsync(descriptor)
    os.rename(incoming(key), target)
    for folder in (target.parent, incoming(key).parent, target.parent.parent):
        _sync(folder)


def _sync(folder: Path) -> None:
    """A rename lasts only once its folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop(key: int) -> None:
    """Remove an incoming file that nobody will finish."""
    incoming(key).unlink(missing_ok=True)


def drop_damaged(key: int) -> None:
    """Remove a file that was never sealed because its bytes were not what arrived, wherever sealing left it.

    Who was killed just after the rename left it among the originals, where it was found damaged.
    """
    for path in (incoming(key), original(key)):
        path.unlink(missing_ok=True)


def open_original(key: int) -> IO[bytes]:
    """A sealed original, for reading; Gone when it is not there."""
    try:
        return original(key).open("rb")
    except FileNotFoundError as error:
        raise Gone("The original is not where it should be") from error


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """A file's bytes, a mebibyte at a time."""
    while block := file.read(CHUNK):
        yield block


def digest(file: IO[bytes]) -> tuple[str, int]:
    """SHA-256 in hex and the number of bytes, from where the file stands to its end."""
    found, size = hashlib.sha256(), 0
    for block in chunks(file):
        found.update(block)
        size += len(block)
    return found.hexdigest(), size


def keep_preview(key: int, data: bytes) -> None:
    """Keep a derived copy; an earlier one is replaced whole."""
    target = preview(key)
    draft = target.with_suffix(f".{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(target)
