"""Write an entry, seal entries into the chain, verify the chain."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from bell.audit.models import Entry
from bell.lib import clock

_BATCH = 2000


def named(thing: object | None) -> tuple[str, str]:
    """The type and the key of a thing in the record: its random `key` where it has one, else its primary key."""
    if thing is None:
        return "", ""
    if isinstance(thing, str):
        return thing, ""
    key = getattr(thing, "key", None) or getattr(thing, "pk", "")
    # By __class__: a lazy stand-in, such as a request's user, answers with the class of what it stands for.
    return thing.__class__.__name__.lower(), str(key)


def record(verb: str, target: object | None, *, by: object | None, why: str = "", **facts: Any) -> Entry:
    """Insert one entry in the caller's transaction.

    `facts` are small plain values (numbers, states, hashes); names, addresses and texts have no place here.
    """
    entry = drawn(verb, target, by=by, why=why, **facts)
    entry.save(force_insert=True)
    return entry


def record_all(entries: Sequence[Entry]) -> None:
    """The same for many acts that one transaction does: `drawn` entries, in order."""
    Entry.objects.bulk_create(entries)


def drawn(verb: str, target: object | None, *, by: object | None, why: str = "", **facts: Any) -> Entry:
    """An entry that is not yet in the record: see `record`."""
    target_type, target_key = named(target)
    by_type, by_key = named(by)
    return Entry(
        at=clock.now(),
        verb=verb,
        target_type=target_type,
        target_key=target_key,
        by_type=by_type,
        by_key=by_key,
        why=why[:200],
        facts=facts,
    )


def _seal_of(entry: Entry, position: int, before: str) -> str:
    """SHA-256 over the entry's own fields, its position and the seal before it."""
    body = json.dumps(
        [
            before,
            position,
            entry.pk,
            entry.at.isoformat(),
            entry.verb,
            entry.target_type,
            entry.target_key,
            entry.by_type,
            entry.by_key,
            entry.why,
            entry.facts,
        ],
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(body.encode()).hexdigest()


def seal() -> int:
    """Link entries that have no place yet into the chain; returns how many. One sealer at a time."""
    with transaction.atomic():
        # The chain's first entry is the mutex between sealers of several workers; its end is read once we hold it.
        Entry.objects.select_for_update().filter(position=1).first()
        last = Entry.objects.filter(position__isnull=False).order_by("-position").first()
        position, before = (last.position or 0, last.seal) if last else (0, "")
        fresh = list(Entry.objects.filter(position__isnull=True).order_by("id")[:_BATCH])
        for entry in fresh:
            position += 1
            entry.position, entry.seal = position, _seal_of(entry, position, before)
            before = entry.seal
        Entry.objects.bulk_update(fresh, ["position", "seal"], batch_size=200)
    return len(fresh)


@dataclass(frozen=True)
class Verdict:
    """What verifying found: entries checked, and the first broken place in words (empty when whole)."""

    checked: int
    broken: str = ""


def verify() -> Verdict:
    """Walk the chain from its beginning; a changed, missing or reordered entry is named (I7)."""
    before, expected, checked = "", 1, 0
    for entry in Entry.objects.filter(position__isnull=False).order_by("position").iterator(chunk_size=_BATCH):
        if entry.position != expected:
            return Verdict(checked, f"entry {expected} is missing")
        if entry.seal != _seal_of(entry, expected, before):
            return Verdict(checked, f"entry {expected} ({entry.verb}) was changed")
        before, expected, checked = entry.seal, expected + 1, checked + 1
    return Verdict(checked)
