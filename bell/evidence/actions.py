"""What is done with evidence: sealed once, looked at, downloaded, triaged, exported. Each leaves its line."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import IO

from django.conf import settings
from django.db import transaction

from bell.alerts.models import Alert
from bell.audit.record import record
from bell.delivery import crash
from bell.evidence import custody, kinds, rules, store
from bell.evidence.models import CustodyEntry, Exhibit, Piece, Preview, Scan, Triage, Upload
from bell.evidence.rules import NotAllowed
from bell.lib import clock
from bell.organisations.models import Officer

log = logging.getLogger(__name__)

SEAL_AT_ONCE_BYTES = 64 * 1024 * 1024
"""A file up to this size is sealed within the request that brought its last byte; a larger one by the worker."""

_LOOK_AGAIN = timedelta(minutes=10)
_WHY_LOOK = "looking through footage that was sent"
"""Why an officer opens an exhibit: kept in its ledger, and shown to whoever sent it."""
What = CustodyEntry.What


def seal(upload: Upload) -> Exhibit | None:
    """Seal a whole upload, exactly once, whoever calls and however often; None when its bytes are not what arrived.

    Hashes the stored file again, holds each piece against the hash taken when it arrived, takes away the right to write
    and moves it to its place; only then is there an exhibit. Killed anywhere, the next call goes on (I8).
    """
    if upload.state == Upload.State.SEALED:
        return Exhibit.objects.get(upload=upload)
    try:
        with store.growing(upload.key) as descriptor:
            return _seal_growing(upload, descriptor)
    except store.Gone:
        # Renamed already by one who was killed before the table knew, or by somebody just now.
        return _seal_original(upload)


def _seal_original(upload: Upload) -> Exhibit | None:
    """The file lies in its place already: examine it there, where nobody can write to it, and let the table know."""
    try:
        with store.open_original(upload.key) as file:
            sha256, head = _examine(upload, file)
    except store.Gone:
        sha256, head = "", b""
    return _sealed(upload, sha256, head) if sha256 else _damaged(upload)


def _seal_growing(upload: Upload, descriptor: int) -> Exhibit | None:
    """Examine, then make it the original; the file is locked."""
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        sha256, head = _examine(upload, file)
    if not sha256:
        return _damaged(upload)
    crash.point("before-seal")
    store.seal(upload.key, descriptor)
    crash.point("after-seal-before-commit")
    return _sealed(upload, sha256, head)


def _examine(upload: Upload, file: IO[bytes]) -> tuple[str, bytes]:
    """SHA-256 of the whole file and its first bytes; ("", b"") unless each piece is as it arrived, and nothing else."""
    whole, head, at = store.Hash(), b"", 0
    for piece in Piece.objects.filter(upload=upload).order_by("start"):
        part, left = store.Hash(), piece.length
        while left and (block := file.read(min(store.CHUNK, left))):
            whole.update(block)
            part.update(block)
            head = head or block[: kinds.HEAD]
            left -= len(block)
        if left or piece.start != at or part.hexdigest() != piece.sha256:
            return "", b""
        at += piece.length
    if at != upload.length or file.read(1):
        return "", b""
    return str(whole.hexdigest()), head


@transaction.atomic
def _sealed(upload: Upload, sha256: str, head: bytes) -> Exhibit:
    """The table learns of it: one exhibit, the first lines of its ledger."""
    # The alert's row first: it gives out the numbers.
    alert = Alert.objects.select_for_update(of=("self",)).get(pk=upload.alert_id)
    held = Upload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
    if held.state == Upload.State.SEALED:
        return Exhibit.objects.get(upload=held)
    now = clock.now()
    last = Exhibit.objects.filter(alert=alert).order_by("-number").first()
    content_type = kinds.of(head)
    exhibit = Exhibit.objects.create(
        alert=alert,
        number=last.number + 1 if last else 1,
        upload=held,
        sha256=sha256,
        size=held.offset,
        content_type=content_type,
        sealed_at=now,
        scan=Scan.WAITING if settings.CLAMD else Scan.NONE,
        scan_due_at=now,
        preview=Preview.WAITING if _previewable(content_type) else Preview.NONE,
        preview_due_at=now if _previewable(content_type) else None,
    )
    held.state = Upload.State.SEALED
    held.save(update_fields=["state"])
    pieces = Piece.objects.filter(upload=held).count()
    way = held.get_way_display()
    custody.note(exhibit, What.ARRIVED, by=custody.SENDER, at=held.received_at, way=way, pieces=pieces, name=held.name)
    custody.note(exhibit, What.SEALED, by=custody.SYSTEM, sha256=sha256, size=exhibit.size, content_type=content_type)
    return exhibit


def _previewable(content_type: str) -> bool:
    kind = kinds.known(content_type)
    return bool(kind.demuxer or kind.picture)


@transaction.atomic
def _damaged(upload: Upload) -> None:
    """What lies on the disk is not what came in: nothing is sealed, the sender is asked to send it again."""
    gone = Upload.objects.filter(pk=upload.pk, state=Upload.State.RECEIVED).update(
        state=Upload.State.DAMAGED, changed_at=clock.now()
    )
    if gone:
        record("upload damaged", upload, by=None)
        log.error("upload %s does not hold what arrived; it was not sealed", upload.pk)


def seal_due() -> int:
    """Seal what arrived whole and is not sealed yet: large files, and those whose process was killed; how many."""
    done = 0
    for upload in Upload.objects.filter(state=Upload.State.RECEIVED).order_by("received_at")[:50]:
        try:
            done += seal(upload) is not None
        except OSError:
            log.exception("upload %s could not be sealed now; it is tried again", upload.pk)
    return done


@transaction.atomic
def look(exhibit: Exhibit, *, by: Officer) -> list[CustodyEntry]:
    """Open an exhibit's record: the look itself becomes a line. Returns the ledger."""
    if not Exhibit.objects.visible_to(by).filter(pk=exhibit.pk).exists():
        raise NotAllowed("This exhibit belongs to another team.")
    custody.note(exhibit, What.VIEWED, by=by, why=_WHY_LOOK)
    return list(exhibit.custody.select_related("officer"))


@transaction.atomic
def open_preview(exhibit: Exhibit, *, by: Officer) -> bytes:
    """The derived copy (JPEG). One line an officer in ten minutes; NotAllowed where none may be shown."""
    fresh = Exhibit.objects.select_related("alert__team").get(pk=exhibit.pk)
    if fresh.preview != Preview.MADE or not rules.may_preview(fresh):
        raise NotAllowed("There is no preview of this exhibit.")
    recent = fresh.custody.filter(what=What.PREVIEWED, officer=by, at__gt=clock.now() - _LOOK_AGAIN)
    if not recent.exists():
        custody.note(fresh, What.PREVIEWED, by=by, why=_WHY_LOOK)
    return store.preview(fresh.key).read_bytes()


@transaction.atomic
def download(exhibit: Exhibit, *, by: Officer, why: str, accept_infected: bool = False) -> IO[bytes]:
    """The original, for reading, for a reason. What is infected needs a second yes."""
    rules.check_may_handle(by, exhibit)
    if not why.strip():
        raise NotAllowed("Say why you need the original. The reason stays in its ledger.")
    fresh = Exhibit.objects.select_related("alert__team", "upload").get(pk=exhibit.pk)
    infected = fresh.scan == Scan.INFECTED
    if infected and not accept_infected:
        raise NotAllowed("This file is infected. Confirm that you will open it only on a machine made for that.")
    file = store.open_original(fresh.upload.key)
    custody.note(fresh, What.DOWNLOADED, by=by, why=why, infected=infected)
    return file


@transaction.atomic
def triage(exhibit: Exhibit, *, as_: str, by: Officer, why: str = "") -> None:
    """Keep, ask for more, or not relevant (E5)."""
    rules.check_may_handle(by, exhibit)
    if as_ not in Triage.values or as_ == Triage.NEW:
        raise NotAllowed("Choose what this exhibit is for you.")
    Exhibit.objects.filter(pk=exhibit.pk).update(triage=as_)
    custody.note(exhibit, What.TRIAGED, by=by, why=why, triage=as_)


@transaction.atomic
def export(alert: Alert, *, by: Officer, why: str) -> Sequence[Exhibit]:
    """Note an export of an alert's exhibits in each ledger; the package itself is written by evidence.package."""
    if not rules.may_handle(by, alert):
        raise NotAllowed(f"Footage of {alert.team.name} is handled by its own officers.")
    if not why.strip():
        raise NotAllowed("Say what the export is for. The reason stays in the ledger of each exhibit.")
    found = list(Exhibit.objects.filter(alert=alert).select_related("alert__team", "upload"))
    if not found:
        raise NotAllowed("There is nothing to export yet.")
    for exhibit in found:
        custody.note(exhibit, What.EXPORTED, by=by, why=why, exhibits=len(found))
    return found
