"""The head of the record's chain, written each day to a file outside the database (I7).

Who can write to the database could make a whole new chain. A head that was kept elsewhere shows it: the entry at its
position must still have its seal. Keep the folder on another disk, or copy the file to where nobody may change it.
"""

import os
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from django.conf import settings

from bell.audit.models import Entry
from bell.lib import clock

NAME = "heads.txt"


@dataclass(frozen=True)
class Head:
    """One line: the day, how far the chain went, and the seal there."""

    day: date
    position: int
    seal: str


def write_due() -> int:
    """Write the present head, once a day; how many lines were written. OSError when the folder cannot be written."""
    last = Entry.objects.filter(position__isnull=False).order_by("-position").first()
    today = clock.local(clock.now()).date()
    if last is None or any(head.day == today for head in read()):
        return 0
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    line = f"{today.isoformat()} {last.position} {last.seal}\n".encode()
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(number, line)  # one write: two workers at once make two lines, never half of one
        os.fsync(number)
    finally:
        os.close(number)
    return 1


def read() -> list[Head]:
    """The heads that were kept, in the order of the file. ValueError when a line is none."""
    path = _path()
    if not path.exists():
        return []
    return [_read(number, line) for number, line in enumerate(path.read_text().splitlines(), 1) if line.strip()]


def broken() -> list[str]:
    """Kept heads that the chain no longer has, in words; nothing when all are there."""
    found = []
    for head in read():
        seal = Entry.objects.filter(position=head.position).values_list("seal", flat=True).first()
        if seal != head.seal:
            words = "is missing" if seal is None else "has another seal"
            found.append(f"entry {head.position}, the head of {head.day:%-d %B %Y}, {words}")
    return found


def _path() -> Path:
    return Path(settings.AUDIT_DIR) / NAME


def _read(number: int, line: str) -> Head:
    try:
        day, position, seal = line.split()
        return Head(datetime.strptime(day, "%Y-%m-%d").date(), int(position), seal)
    except ValueError as error:
        raise ValueError(f"line {number} of {_path()} is not a head") from error
