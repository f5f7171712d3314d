"""ClamAV, asked over its socket. Only a whole look is "clean": what it skipped or never saw is called not scanned."""

import logging
import socket
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from bell.evidence import custody, store
from bell.evidence.models import CustodyEntry, Exhibit, Scan
from bell.lib import clock

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 180.0
_LONGEST_ANSWER = 4096
_LEASE = timedelta(minutes=15)
_AGAIN = timedelta(minutes=2)


@dataclass(frozen=True)
class Verdict:
    """What the scanner found, and its own words."""

    scan: Scan
    words: str = ""


class _NoScanner(OSError):
    """Nobody answers where the scanner should be."""


def _ask(key: int, host: str, port: int) -> str:
    """INSTREAM as clamd(8) has it: "zINSTREAM\\0", then pieces, each after its length in four bytes, then a zero."""
    try:
        line = socket.create_connection((host, port), timeout=_CONNECT_SECONDS)
    except OSError as error:
        raise _NoScanner(str(error)) from error
    with line, store.open_original(key) as file:
        line.settimeout(_ANSWER_SECONDS)
        try:
            line.sendall(b"zINSTREAM\0")
            for block in store.chunks(file):
                line.sendall(struct.pack(">I", len(block)) + block)
            line.sendall(struct.pack(">I", 0))
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has said enough: beyond its limit it answers and hangs up
        return _answer(line)


def _answer(line: socket.socket) -> str:
    found = b""
    while b"\0" not in found and len(found) < _LONGEST_ANSWER:
        try:
            block = line.recv(1024)
        except ConnectionResetError:
            break
        if not block:
            break
        found += block
    return found.partition(b"\0")[0].decode("utf-8", "replace").strip()


def verdict(words: str) -> Verdict:
    """Read the scanner's answer. "OK" alone is clean; anything that is not understood is not."""
    plain = words.removeprefix("stream:").strip()
    if plain == "OK":
        return Verdict(Scan.CLEAN, plain)
    if plain.endswith(" FOUND"):
        name = plain.removesuffix(" FOUND")
        # AlertExceedsMax: something inside was larger than it looks into. Not seen is not clean, and no virus either.
        if name.startswith("Heuristics.Limits.Exceeded"):
            return Verdict(Scan.TOO_LARGE, name)
        return Verdict(Scan.INFECTED, name)
    if "size limit exceeded" in plain.lower() or not plain:
        # It hangs up on what is too long, sometimes before its words arrive.
        return Verdict(Scan.TOO_LARGE if plain else Scan.DOWN, plain or "the scanner hung up")
    return Verdict(Scan.DOWN, plain)


def look(exhibit: Exhibit) -> Verdict:
    """Have one sealed original scanned."""
    if not settings.CLAMD:
        return Verdict(Scan.NONE)
    host, _, port = settings.CLAMD.rpartition(":")
    try:
        return verdict(_ask(exhibit.upload.key, host.strip("[]"), int(port)))
    except (OSError, ValueError) as error:
        return Verdict(Scan.DOWN, str(error))


def scan_due() -> int:
    """Scan what waits, and try again what a scanner that was down has not seen; returns how many got an answer."""
    if not settings.CLAMD:
        return _without()
    done = 0
    due = Exhibit.objects.filter(scan_due_at__lte=clock.now()).select_related("alert", "upload")
    for exhibit in due.order_by("scan_due_at")[:20]:
        until = clock.now() + _LEASE
        mine = Exhibit.objects.filter(pk=exhibit.pk, scan_due_at=exhibit.scan_due_at).update(scan_due_at=until)
        if not mine:
            continue
        found = look(exhibit)
        _settle(exhibit, found, until)
        done += 1
        if found.scan == Scan.DOWN:
            break
    return done


def _without() -> int:
    """A scanner was there once and is not any more: what waited for it is said to be not scanned."""
    return Exhibit.objects.filter(scan=Scan.WAITING).update(scan=Scan.NONE)


@transaction.atomic
def _settle(exhibit: Exhibit, found: Verdict, until: datetime) -> None:
    """Keep the verdict; a scanner that is down is tried again, and noted once, not every two minutes."""
    held = Exhibit.objects.select_for_update(of=("self",)).get(pk=exhibit.pk)
    if held.scan_due_at != until:
        return
    now = clock.now()
    was, held.scan, held.scan_words, held.scan_at = held.scan, found.scan, found.words[:200], now
    held.scan_due_at = now + _AGAIN if found.scan == Scan.DOWN else None
    held.save(update_fields=["scan", "scan_words", "scan_at", "scan_due_at"])
    if was != found.scan or found.scan != Scan.DOWN:
        custody.note(held, CustodyEntry.What.SCANNED, by=custody.SYSTEM, found=str(found.scan), words=found.words[:200])
    if found.scan == Scan.INFECTED:
        store.preview(held.key).unlink(missing_ok=True)
