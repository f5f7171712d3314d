"""The ledger of one exhibit: lines are added, linked, mirrored into the record, and never changed."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from bell.audit.models import Entry
from bell.audit.record import record
from bell.evidence import rules
from bell.evidence.models import CustodyEntry, Exhibit
from bell.lib import clock
from bell.organisations.models import Officer

SYSTEM = "the system"
SENDER = "the sender"
_VERB = "exhibit "


@transaction.atomic
def note(
    exhibit: Exhibit, what: str, *, by: Officer | str, why: str = "", at: Any = None, **facts: Any
) -> CustodyEntry:
    """Add one line, in the caller's transaction. `facts` are small plain values: hashes, numbers, states."""
    held = Exhibit.objects.select_for_update(of=("self",)).select_related("alert__team").get(pk=exhibit.pk)
    last = held.custody.last()
    officer = by if isinstance(by, Officer) else None
    entry = CustodyEntry(
        exhibit=held,
        position=last.position + 1 if last else 1,
        what=CustodyEntry.What(what),
        who=(f"{officer}, {held.alert.team.name}" if officer else str(by))[:200],
        officer=officer,
        why=why.strip()[:500],
        at=at or clock.now(),
        facts=facts,
    )
    entry.seal = rules.seal_of(entry, held, last.seal if last else "")
    entry.save(force_insert=True)
    # Mirrored into the record, whose chain every act of the system shares: lines cut off at the end are missed there.
    mirror = {"position": entry.position, "seal": entry.seal, "team": held.alert.team_id}
    record(f"{_VERB}{entry.what}", held, by=by, why=entry.why, **mirror)
    return entry


@dataclass(frozen=True)
class Verdict:
    """How many lines were looked at, and what is wrong in words (empty: whole)."""

    checked: int
    broken: tuple[str, ...] = ()


def verify(exhibit: Exhibit) -> Verdict:
    """Compute every seal again, and compare the ledger with its mirror in the record."""
    broken: list[str] = []
    before, expected = "", 1
    entries = list(exhibit.custody.order_by("position"))
    for entry in entries:
        if entry.position != expected:
            broken.append(f"line {expected} of the ledger is missing")
            expected = entry.position
        elif entry.seal != rules.seal_of(entry, exhibit, before):
            broken.append(f"line {entry.position} of the ledger ({entry.get_what_display().lower()}) was changed")
        before, expected = entry.seal, expected + 1
    if not entries:
        broken.append("the ledger is empty")
    return Verdict(len(entries), (*broken, *_mirror(exhibit, {one.position: one.seal for one in entries})))


def _mirror(exhibit: Exhibit, ledger: dict[int, str]) -> list[str]:
    """What the record knows of the ledger and the ledger does not say, or says otherwise."""
    rows = Entry.objects.filter(target_type="exhibit", target_key=str(exhibit.key), verb__startswith=_VERB)
    known = {row.facts.get("position"): row.facts.get("seal") for row in rows}
    lost = sorted(place for place in known if isinstance(place, int) and place not in ledger)
    broken = [f"line {place} of the ledger is missing, but the record has it" for place in lost]
    for place, seal in sorted(ledger.items()):
        if place not in known:
            broken.append(f"line {place} of the ledger is not in the record")
        elif known[place] != seal:
            broken.append(f"line {place} of the ledger is another in the record")
    return broken
