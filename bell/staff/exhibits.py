"""How exhibits are shown on the desk: plain values for the templates."""

from dataclasses import dataclass
from datetime import datetime

from bell.evidence import kinds, rules
from bell.evidence.intake import said_size
from bell.evidence.models import Clock, CustodyEntry, Exhibit, Preview, Scan, Triage

_SCAN_COLOURS = {Scan.CLEAN: "green", Scan.INFECTED: "red", Scan.WAITING: "grey"}
_TRIAGE_COLOURS = {Triage.KEEP: "green", Triage.ASK: "amber", Triage.NOT_RELEVANT: "grey", Triage.NEW: "blue"}


@dataclass(frozen=True)
class Shown:
    """One exhibit."""

    reference: str
    number: int
    name: str
    type: str
    size: str
    exact: int
    sha256: str
    scan: str
    scan_colour: str
    scan_words: str
    infected: bool
    triage: str
    triage_value: str
    triage_colour: str
    previewed: bool
    preview_words: str
    arrived: datetime | None
    sealed: datetime
    way: str
    declared: list[tuple[str, str]]


def shown(exhibit: Exhibit) -> Shown:
    """What the templates show of an exhibit."""
    upload = exhibit.upload
    return Shown(
        reference=exhibit.reference,
        number=exhibit.number,
        name=upload.name,
        type=kinds.known(exhibit.content_type).words,
        size=said_size(exhibit.size),
        exact=exhibit.size,
        sha256=exhibit.sha256,
        scan=exhibit.get_scan_display(),
        scan_colour=_SCAN_COLOURS.get(Scan(exhibit.scan), "amber"),
        scan_words=exhibit.scan_words,
        infected=exhibit.scan == Scan.INFECTED,
        triage="Not sorted yet" if exhibit.triage == Triage.NEW else exhibit.get_triage_display(),
        triage_value=exhibit.triage,
        triage_colour=_TRIAGE_COLOURS[Triage(exhibit.triage)],
        previewed=exhibit.preview == Preview.MADE and rules.may_preview(exhibit),
        preview_words=_no_preview(exhibit),
        arrived=upload.received_at,
        sealed=exhibit.sealed_at,
        way=upload.get_way_display(),
        declared=_declared(exhibit),
    )


def _no_preview(exhibit: Exhibit) -> str:
    """Why there is nothing to see."""
    if exhibit.scan == Scan.INFECTED:
        return "Infected: never previewed"
    if exhibit.preview == Preview.WAITING:
        return "Waits for the scanner" if exhibit.scan == Scan.WAITING else "A preview is being made"
    return "No preview can be made safely" if exhibit.preview == Preview.NONE else ""


def _declared(exhibit: Exhibit) -> list[tuple[str, str]]:
    """What the sender said, as far as anything was said."""
    upload = exhibit.upload
    clock = Clock(upload.clock)
    right = {Clock.RIGHT: "Right, they say", Clock.WRONG: "Wrong, they say", Clock.UNKNOWN: "Not known"}[clock]
    rows = [
        ("Recorded", upload.said_when),
        ("Camera", upload.said_where),
        ("Its clock", f"{right}: {upload.clock_words}" if upload.clock_words else right),
        ("Sender", upload.said_who),
        ("Contact", upload.said_contact),
    ]
    return [(label, words) for label, words in rows if words]


@dataclass(frozen=True)
class Line:
    """One line of a ledger."""

    position: int
    what: str
    who: str
    why: str
    at: datetime
    facts: str
    seal: str


def lines(ledger: list[CustodyEntry]) -> list[Line]:
    """A ledger for people, oldest first."""
    return [
        Line(entry.position, entry.get_what_display(), entry.who, entry.why, entry.at, _facts(entry), entry.seal)
        for entry in ledger
    ]


def _facts(entry: CustodyEntry) -> str:
    """The facts worth reading; hashes stand elsewhere."""
    facts = entry.facts
    if entry.what == CustodyEntry.What.SCANNED:
        return f"{Scan(facts['found']).label}. {facts.get('words', '')}".strip()
    if entry.what == CustodyEntry.What.TRIAGED:
        return str(Triage(facts["triage"]).label)
    if entry.what == CustodyEntry.What.ARRIVED:
        return f"{facts.get('way', '')}, as “{facts.get('name', '')}”"
    return ""
