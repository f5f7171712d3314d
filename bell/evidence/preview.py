"""Copies to look at, made in a child that may do almost nothing. No preview is a normal answer."""

import logging
from datetime import datetime, timedelta
from typing import IO, Any

from django.db import transaction

from bell.evidence import custody, kinds, rules, store
from bell.evidence.models import CustodyEntry, Exhibit, Preview
from bell.lib import clock, pictures

log = logging.getLogger(__name__)

_LEASE = timedelta(minutes=5)


def make(file: IO[bytes], content_type: str) -> pictures.Made:
    """Make a copy of an open file; the child gets nothing but its bytes."""
    kind = kinds.known(content_type)
    if not (kind.demuxer or kind.picture):
        return pictures.Made(words="this format is never opened")
    return pictures.make(file, ["video", kind.demuxer] if kind.demuxer else ["picture", kind.picture])


def preview_due() -> int:
    """Make the copies that are due, of what the scanner has passed or could not see; returns how many were tried."""
    done = 0
    due = Exhibit.objects.filter(preview=Preview.WAITING, preview_due_at__lte=clock.now())
    for exhibit in due.select_related("alert", "upload").order_by("preview_due_at")[:10]:
        if not rules.may_preview(exhibit):
            continue
        until = clock.now() + _LEASE
        as_found = Exhibit.objects.filter(pk=exhibit.pk, preview_due_at=exhibit.preview_due_at)
        if not as_found.update(preview_due_at=until):
            continue
        try:
            with store.open_original(exhibit.upload.key) as file:
                made = make(file, exhibit.content_type)
        except store.Gone:
            made = pictures.Made(words="the original is not there")
        _settle(exhibit, made, until)
        done += 1
    return done


@transaction.atomic
def _settle(exhibit: Exhibit, made: pictures.Made, until: datetime) -> None:
    """Keep the copy, unless the scanner found something meanwhile."""
    held = Exhibit.objects.select_for_update(of=("self",)).get(pk=exhibit.pk)
    if held.preview_due_at != until or not rules.may_preview(held):
        return
    held.preview = Preview.MADE if made.data else Preview.NONE
    held.preview_words, held.preview_due_at = made.words, None
    if made.data:
        store.keep_preview(held.key, made.data)
        facts: dict[str, Any] = {
            "sha256": store.Hash(made.data).hexdigest(),
            "size": len(made.data),
            "network": not made.cut_off,
        }
        custody.note(held, CustodyEntry.What.PREVIEW, by=custody.SYSTEM, **facts)
    held.save(update_fields=["preview", "preview_words", "preview_due_at"])
