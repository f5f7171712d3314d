"""Bytes that arrive: begun, continued at any byte, finished or dropped. One writer at a time, nothing taken twice.

A writer reads from the network without holding anything, then puts what it has on disk under the file's lock, if it is
still the newest writer and the offset is still its own. So a phone that comes back by another network takes over at
once from a connection that has not noticed yet that it is dead, and two writers can never interleave. The offset in the
table moves only after the bytes are on disk, together with the SHA-256 of what came in over the wire.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from bell.alerts.models import Alert
from bell.audit.record import record
from bell.delivery import forget
from bell.delivery.models import Delivery
from bell.evidence import names, rules, store
from bell.evidence.models import Clock, Exhibit, Piece, Upload
from bell.evidence.rules import NotAllowed, Ticket
from bell.lib import clock
from bell.residents import rules as resident_rules

READ = 64 * 1024
PIECE = 4 * 1024 * 1024
PIECE_SECONDS = 2.0
FIRST_BYTE_WITHIN = timedelta(hours=1)  # so that nobody fills an appeal's places with files that never come
MOST_OPEN_A_SITTING = 40
MOST_OPEN_AN_ALERT = 2000
_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
CHECKSUMS = tuple(sorted(_ALGORITHMS))
_EMPTY = {
    "name": forget.ERASED, "name_given": "", "said_who": "", "said_contact": "", "said_when": "", "said_where": "",
    "clock_words": "",
}  # fmt: skip


class Refused(Exception):
    """This file is not taken; the message says why in plain words."""


class TooLarge(Refused):
    """More bytes than are taken, or than were declared."""


class TooMany(Refused):
    """More files at once than one person, or one alert, needs."""


class WrongOffset(Exception):
    """The bytes do not follow on what is there; the client asks where to go on."""


class WrongChecksum(Exception):
    """What arrived is not what was sent; nothing of it was kept."""


class Ended(Exception):
    """This upload takes no more bytes: it is whole, was taken back, or has expired."""


class Readable(Protocol):
    """Where bytes come from: a request, or a file."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


@dataclass(frozen=True)
class Declared:
    """What the sender says about a file (E4). Every value is words, cut to its length, or empty."""

    name: str = ""
    who: str = ""
    contact: str = ""
    when: str = ""
    where: str = ""
    clock: str = Clock.UNKNOWN
    clock_words: str = ""

    def columns(self) -> dict[str, str]:
        """The same as columns of an Upload."""
        texts = {
            "said_who": (self.who, 120),
            "said_contact": (self.contact, 254),
            "said_when": (self.when, 200),
            "said_where": (self.where, 200),
            "clock_words": (self.clock_words, 200),
        }
        cleaned = {column: _words(words)[:most] for column, (words, most) in texts.items()}
        return {**cleaned, "clock": self.clock if self.clock in Clock.values else Clock.UNKNOWN}


def _words(text: str) -> str:
    """What a person typed, on one line, without signs that no text has."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def opened(ticket: Ticket) -> tuple[Alert, Delivery | None]:
    """The appeal and the message behind a ticket, if footage may still be sent; Refused with words otherwise."""
    alert = Alert.objects.filter(pk=ticket.alert).select_related("team__organisation", "organisation").first()
    if alert is None or not rules.takes_footage(alert):
        raise Refused("This appeal is closed, so it no longer takes footage. Call 101 and give its reference.")
    delivery = Delivery.objects.filter(pk=ticket.delivery).select_related("mailing").first()
    return alert, delivery if delivery is not None and rules.may_come_by(delivery, alert) else None


@transaction.atomic
def begin(ticket: Ticket, declared: Declared, *, length: int | None) -> Upload:
    """Make room for one file of `length` bytes (None: a plain form does not say). Raises Refused or store.DiskFull."""
    alert, delivery = opened(ticket)
    if length is not None:
        _check_length(length)
    going = Upload.objects.filter(state=Upload.State.RECEIVING)
    if going.filter(sitting=ticket.sitting).count() >= MOST_OPEN_A_SITTING:
        raise TooMany("Many files are on their way already. Wait until some have arrived, then add more.")
    if going.filter(alert=alert).count() >= MOST_OPEN_AN_ALERT:
        raise TooMany("Many people are sending footage just now. Try again in an hour.")
    store.check_room(length or 0)
    now = clock.now()
    upload = Upload.objects.create(
        sitting=ticket.sitting,
        alert=alert,
        delivery=delivery,
        resident=resident_rules.resident_by_key(delivery.recipient_key) if delivery else None,
        way=Upload.Way.LINK if delivery else Upload.Way.PAGE,
        length=length,
        name=names.shown(declared.name),
        name_given=names.exactly(declared.name),
        created_at=now,
        changed_at=now,
        expires_at=now + FIRST_BYTE_WITHIN,
        **declared.columns(),
    )
    with store.growing(upload.key, create=True):
        pass
    record("upload begun", upload, by="a sender", alert=alert.reference, length=length, way=upload.way)
    return upload


def _check_length(length: int) -> None:
    if length < 1:
        raise Refused("The file is empty. Choose the recording itself.")
    if length > settings.UPLOAD_MOST_BYTES:
        raise TooLarge(f"The largest file we can take here is {said_size(settings.UPLOAD_MOST_BYTES)}. Call 101.")


def said_size(size: int) -> str:
    """Bytes as people say them: "1.4 GB", "532 kB" (decimal, as cameras and phones show them)."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} byte{'' if size == 1 else 's'}"


class Writer:
    """The newest writer of one upload, from an offset on. Use `write` and then `flush`; each may raise.

    WrongOffset: the offset is not where the file stands, or a newer writer took over. Ended: nothing more is taken.
    TooLarge: more than declared; what came before stays. store.DiskFull: nothing acknowledged is lost.
    """

    def __init__(self, key: int, at: int) -> None:
        self.key, self.at = key, at
        self._kept = bytearray()
        self._since = time.monotonic()
        try:
            with store.growing(key):
                upload = _receiving(key)
                if upload.offset != at:
                    raise WrongOffset(f"The next byte is number {upload.offset}")
                Upload.objects.filter(pk=upload.pk).update(fence=F("fence") + 1)
                self.fence = upload.fence + 1
        except store.Gone as error:
            raise Ended("This upload has ended") from error
        self.most = settings.UPLOAD_MOST_BYTES if upload.length is None else upload.length

    def write(self, data: bytes) -> None:
        """Take some bytes; they are on disk once `flush` returned, or as soon as enough came together."""
        room = self.most - self.at - len(self._kept)
        self._kept += data[:room]
        if len(data) > room:
            self.flush()
            raise TooLarge("More bytes came than were declared")
        if len(self._kept) >= PIECE or time.monotonic() - self._since > PIECE_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Put what was taken on disk, and move the offset."""
        data = bytes(self._kept)
        self._kept.clear()
        self._since = time.monotonic()
        if data:
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        found = hashlib.sha256(data).hexdigest()
        try:
            with store.growing(self.key) as descriptor:
                upload = _receiving(self.key)
                if upload.fence != self.fence or upload.offset != self.at:
                    raise WrongOffset("Another connection went on with this upload")
                store.check_room(len(data))
                store.append(descriptor, self.at, data)
                _moved(upload, data=len(data), sha256=found)
        except store.Gone as error:
            raise Ended("This upload has ended") from error
        self.at += len(data)


def _receiving(key: int) -> Upload:
    """The row, if it still takes bytes."""
    upload = Upload.objects.filter(key=key).first()
    if upload is None or upload.state != Upload.State.RECEIVING or upload.expires_at < clock.now():
        raise Ended("This upload has ended")
    return upload


@transaction.atomic
def _moved(upload: Upload, *, data: int, sha256: str) -> None:
    """The bytes are on disk: keep their hash, move the offset, and note when the last one came."""
    now, after = clock.now(), upload.offset + data
    facts: dict[str, Any] = {"offset": after, "changed_at": now}
    facts["expires_at"] = now + timedelta(hours=settings.UPLOAD_KEEP_HOURS)
    if after == upload.length:
        facts |= {"state": Upload.State.RECEIVED, "received_at": now}
    still = Upload.objects.filter(
        pk=upload.pk, offset=upload.offset, fence=upload.fence, state=Upload.State.RECEIVING
    ).update(**facts)
    if not still:
        raise WrongOffset("Another connection went on with this upload")
    Piece.objects.create(upload=upload, start=upload.offset, length=data, sha256=sha256)
    if after == upload.length:
        record("upload received", upload, by="a sender", length=after)


def append(key: int, at: int, source: Readable, *, expected: int, checksum: tuple[str, bytes] | None = None) -> int:
    """Take up to `expected` bytes from a source; returns the new offset. When it breaks off, what came is kept.

    With a checksum (algorithm of CHECKSUMS, digest) everything is kept or nothing: WrongChecksum.
    """
    if checksum is not None:
        return _append_checked(key, at, source, expected=expected, checksum=checksum)
    writer = Writer(key, at)
    if expected > writer.most - at:
        raise TooLarge("More bytes were announced than were declared")
    left = expected
    try:
        while left > 0 and (data := source.read(min(READ, left))):
            left -= len(data)
            writer.write(data)
    except OSError:
        # The connection broke; what came before is kept. (A full disk is an OSError too: then nothing waits any more.)
        writer.flush()
        raise
    writer.flush()
    return writer.at


def _append_checked(key: int, at: int, source: Readable, *, expected: int, checksum: tuple[str, bytes]) -> int:
    """All of it in memory first: at most one piece of it."""
    algorithm, digest = checksum
    writer, data = Writer(key, at), bytearray()
    if expected > min(PIECE * 4, writer.most - at):
        raise TooLarge("Send at most 16 MiB at a time with a checksum, and no more than was declared")
    while len(data) < expected and (block := source.read(min(READ, expected - len(data)))):
        data += block
    if len(data) < expected or _ALGORITHMS[algorithm](bytes(data)).digest() != digest:
        raise WrongChecksum("The checksum does not fit")
    writer.write(bytes(data))
    writer.flush()
    return writer.at


@transaction.atomic
def finish(upload: Upload, declared: Declared) -> Upload:
    """A plain form has arrived whole: now its length is known, and what the sender says about it."""
    held = Upload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
    if held.state != Upload.State.RECEIVING or held.length is not None:
        raise Ended("This upload has ended")
    if not held.offset:
        raise Refused("The file is empty. Choose the recording itself.")
    for column, words in declared.columns().items():
        setattr(held, column, words)
    held.length, held.received_at, held.state = held.offset, clock.now(), Upload.State.RECEIVED
    held.save()
    record("upload received", held, by="a sender", length=held.length)
    return held


def drop(upload: Upload, *, state: str = Upload.State.DROPPED) -> bool:
    """Take back a file that is not whole yet, with all that was said; False when it is (evidence is not taken back)."""
    try:
        with store.growing(upload.key):
            return _dropped(upload, state)
    except store.Gone:
        return _dropped(upload, state)


@transaction.atomic
def _dropped(upload: Upload, state: str) -> bool:
    gone = Upload.objects.filter(pk=upload.pk, state=Upload.State.RECEIVING).update(state=state, changed_at=clock.now())
    if gone:
        store.drop(upload.key)
        Piece.objects.filter(upload=upload).delete()
        forget_words(Upload.objects.filter(pk=upload.pk))
        record(f"upload {state}", upload, by="a sender" if state == Upload.State.DROPPED else None)
    return bool(gone)


def with_words() -> Q:
    """Uploads that still have the name of their file, or something that was said about it."""
    return ~Q(**_EMPTY)


def forget_words(uploads: QuerySet[Upload]) -> int:
    """Take a file's name and all that was said about it out of uploads without an exhibit; how many."""
    return uploads.update(**_EMPTY)


@transaction.atomic
def drop_damaged(ids: Sequence[int]) -> int:
    """Delete damaged files with all that is known of them; how many. Uploads in any other state are left alone."""
    damaged = Upload.objects.select_for_update(of=("self",)).filter(pk__in=ids, state=Upload.State.DAMAGED)
    found = list(damaged.exclude(pk__in=Exhibit.objects.filter(upload__in=ids).values("upload")))
    for upload in found:
        # Before the table knows: what is killed in between is done again, and no file is left that nobody knows.
        store.drop_damaged(upload.key)
        record("upload deleted", upload, by=None, why="it was damaged")
    rows = Upload.objects.filter(pk__in=[upload.pk for upload in found])
    Piece.objects.filter(upload__in=rows).delete()
    return forget_words(rows)


def expire_due() -> int:
    """Drop what nobody went on with in time; returns how many."""
    late = Upload.objects.filter(state=Upload.State.RECEIVING, expires_at__lt=clock.now())[:100]
    return sum(drop(upload, state=Upload.State.EXPIRED) for upload in late)


def check_open(upload: Upload) -> None:
    """Raise NotAllowed when an upload can no longer be taken back."""
    if upload.state != Upload.State.RECEIVING:
        raise NotAllowed("This file has arrived. It is evidence now, and cannot be taken back here.")
