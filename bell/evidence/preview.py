"""Copies to look at, made in a child that may do almost nothing. No preview is a normal answer."""

import logging
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from django.db import transaction

from bell.evidence import custody, kinds, previewer, rules, store
from bell.evidence.models import CustodyEntry, Exhibit, Preview
from bell.lib import clock

log = logging.getLogger(__name__)

SECONDS = 40
_LEASE = timedelta(minutes=5)
_JPEG = b"\xff\xd8\xff"
_SCRIPT = Path(previewer.__file__).resolve()


@dataclass(frozen=True)
class Made:
    """A JPEG, or none and why; whether the child had no network."""

    data: bytes = b""
    words: str = ""
    cut_off: bool = False


@lru_cache(maxsize=1)
def _without_network() -> tuple[str, ...]:
    """The command that starts another without a network, where this machine allows one; else nothing."""
    tool = shutil.which("unshare")
    for command in ((tool, "-n"), (tool, "-rn")) if tool else ():
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return ()


def make(file: IO[bytes], content_type: str) -> Made:
    """Make a copy of an open file; the child gets nothing but its bytes."""
    kind = kinds.known(content_type)
    if not (kind.demuxer or kind.picture):
        return Made(words="this format is never opened")
    what = ["video", kind.demuxer] if kind.demuxer else ["picture", kind.picture]
    prefix = _without_network()
    with tempfile.TemporaryFile() as out:
        try:
            done = subprocess.run(
                [*prefix, sys.executable, "-I", str(_SCRIPT), *what],
                stdin=file.fileno(), stdout=out, stderr=subprocess.PIPE, env={}, cwd="/", timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Made(words="it took too long", cut_off=bool(prefix))
        out.seek(0)
        data = out.read(previewer.OUTPUT_BYTES)
    if done.returncode != 0 or not data.startswith(_JPEG):
        said = done.stderr[-200:].decode("utf-8", "replace").strip().rpartition("\n")[2]
        return Made(words=f"it could not be read ({said or done.returncode})"[:200], cut_off=bool(prefix))
    return Made(data, cut_off=bool(prefix))


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
            made = Made(words="the original is not there")
        _settle(exhibit, made, until)
        done += 1
    return done


@transaction.atomic
def _settle(exhibit: Exhibit, made: Made, until: datetime) -> None:
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
