"""I6 to I8 of promises.md: reports in any order, the record's chain, and the evidence, each looked at from outside."""

import hashlib
import stat

from django.conf import settings

from bell.audit import record
from bell.audit.models import Entry
from bell.delivery.models import Delivery, Inbound
from bell.delivery.models import State as Delivered
from bell.evidence import custody, store
from bell.evidence.models import Exhibit, Scan
from bell.proving.rehearse.footage import Parcel
from bell.proving.rehearse.spools import Copy
from bell.proving.rehearse.story import Story
from bell.proving.rehearse.verdict import Verdict

_SEALED = 0o400


def i6(story: Story) -> Verdict:
    """Status lattice: no report that was told again, late or out of order, changed a state."""
    told = story.replayed
    verdict = Verdict(provable=told.receipts > 0)
    if story.doors.own_gateway:
        verdict.check(told.receipts > 0, "the gateway reported nothing that could be told again")
    now = dict(Delivery.objects.values_list("pk", "state"))
    for number, state in told.states.items():
        if number in now:  # a row that is gone breaks I1
            verdict.check(now[number] == state, f"delivery {number} was {state} and is {now[number]}")
    for number in told.delivered & now.keys():
        verdict.check(now[number] == Delivered.DELIVERED, f"delivery {number} arrived, but is {now[number]}")
    unread = Inbound.objects.filter(kind=Inbound.Kind.RECEIPT).exclude(state=Inbound.State.DONE).count()
    verdict.check(unread == 0, f"{unread} receipts were never read")
    return verdict


def i7() -> Verdict:
    """The record: sealed to its end, every entry in the chain, and the chain whole from its beginning."""
    while record.seal():
        pass
    found, entries = record.verify(), Entry.objects.count()
    verdict = Verdict(checked=found.checked)
    verdict.check(not found.broken, f"the record: {found.broken}")
    if not found.broken:
        verdict.check(found.checked == entries, f"{entries} entries, but {found.checked} in the chain")
    return verdict


def i8(story: Story, copies: list[Copy]) -> Verdict:
    """Evidence: each file sealed once, its bytes those of its sender and of the receipt, never to be written again."""
    verdict = Verdict()
    parcels = story.footage.parcels
    verdict.check(Exhibit.objects.count() == len(parcels), f"{len(parcels)} files, {Exhibit.objects.count()} exhibits")
    for parcel in parcels:
        exhibit = Exhibit.objects.filter(sha256=parcel.sha256).select_related("upload", "alert").first()
        words = f"a file that was sent ({parcel.way})"
        verdict.check(exhibit is not None, f"{words} was not sealed as it was sent")
        verdict.check(parcel.receipt == [parcel.sha256], f"{words} has another SHA-256 on its receipt")
        if parcel.way == "broken off":
            within = 0 < parcel.resumed_at < parcel.size
            verdict.check(within, f"{words} went on at byte {parcel.resumed_at} of {parcel.size}")
        if exhibit is not None:
            _check_exhibit(verdict, exhibit, parcel)
            if story.doors.own_relay:
                mailed = any(parcel.sha256 in copy.text for copy in copies)
                verdict.check(mailed, f"{exhibit.reference}: no receipt was mailed")
    return verdict


def _check_exhibit(verdict: Verdict, exhibit: Exhibit, parcel: Parcel) -> None:
    """The stored file, its rights, its ledger, and what is said of the scan."""
    path, name = store.original(exhibit.upload.key), exhibit.reference
    if not path.is_file():
        verdict.check(False, f"{name}: the original is missing")
        return
    verdict.check(hashlib.sha256(path.read_bytes()).hexdigest() == parcel.sha256, f"{name}: the original was changed")
    mode = stat.S_IMODE(path.stat().st_mode)
    verdict.check(mode == _SEALED, f"{name}: the original has the rights {mode:o}")
    ledger = custody.verify(exhibit)
    verdict.check(ledger.checked >= 2, f"{name}: its ledger has {ledger.checked} lines")
    verdict.check(not ledger.broken, f"{name}: {'; '.join(ledger.broken)}")
    if not settings.CLAMD:
        honest = exhibit.scan == Scan.NONE
    elif parcel.way == "virus":
        honest = exhibit.scan == Scan.INFECTED
    else:
        honest = exhibit.scan in (Scan.CLEAN, Scan.DOWN)
    verdict.check(honest, f"{name}: of its scan it is said: {exhibit.get_scan_display()}")
