"""Which alerts take footage, who may handle it, what a link allows, how the ledger is linked. Nothing here writes."""

import hashlib
import json
import struct
from typing import Any, NamedTuple

from bell.alerts import expiry
from bell.alerts.models import Alert, Relation, State
from bell.conversations import rules as conversation_rules
from bell.delivery.models import Delivery
from bell.evidence.models import CustodyEntry, Exhibit, Scan, Upload
from bell.lib import tokens
from bell.organisations import rules as organisation_rules
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer

TAKING = (Kind.FOOTAGE, Kind.INFORMATION, Kind.CRIME, Kind.MISSING)
_OPEN = (State.SENDING, State.SENT, State.STOPPED)
_ENDED = (Relation.STAND_DOWN, Relation.OUTCOME)
_FOLLOWED_AT_MOST = 20
_TICKET = struct.Struct(">QQQ")
_KEY = struct.Struct(">Q")


class NotAllowed(Exception):
    """The person may not do this, or not now; the message says why in plain words."""


class Ticket(NamedTuple):
    """What an upload page hands out: for which alert, by whose message (0: the public page), one number a sitting."""

    alert: int
    delivery: int
    sitting: int


def appeal_of(alert: Alert) -> Alert:
    """The appeal that an update belongs to: footage for either lies together."""
    for _ in range(_FOLLOWED_AT_MOST):
        if alert.follows is None or alert.relation != Relation.UPDATE:
            break
        alert = alert.follows
    return alert


def takes_footage(alert: Alert) -> bool:
    """Whether footage may be sent to an alert: an appeal that went out, is real, and is neither over nor closed."""
    if alert.kind not in TAKING or alert.practice or alert.state not in _OPEN or alert.follows_id is not None:
        return False
    if expiry.over_since(alert) is not None:
        return False
    over = alert.followers.filter(relation__in=_ENDED, state__in=[*_OPEN, State.CLOSED])
    return alert.kind != Kind.MISSING or not over.exists()


def ticket(given: Ticket) -> str:
    """A ticket as it stands in the page: signed, so that it cannot be made up."""
    return tokens.sign("upload", _TICKET.pack(*given))


def read_ticket(words: str) -> Ticket | None:
    """The ticket behind a token, or nothing."""
    raw = tokens.read("upload", words)
    return Ticket(*_TICKET.unpack(raw)) if raw is not None and len(raw) == _TICKET.size else None


def alert_of_ticket(given: Ticket) -> Alert | None:
    """The appeal that a ticket names, whatever became of it."""
    return Alert.objects.filter(pk=given.alert).select_related("team", "organisation").first()


def token_of(upload: Upload) -> str:
    """The unguessable last part of an upload's address."""
    return tokens.sign("upload file", _KEY.pack(upload.key))


def key_of(token: str) -> int | None:
    """The key behind an upload's address, or nothing."""
    raw = tokens.read("upload file", token)
    return int(_KEY.unpack(raw)[0]) if raw is not None and len(raw) == _KEY.size else None


def may_come_by(delivery: Delivery, alert: Alert) -> bool:
    """Whether a message carried this alert or an update of it."""
    carried = conversation_rules.alert_of(delivery)
    return carried is not None and appeal_of(carried).pk == alert.pk


def may_handle(officer: Officer, alert: Alert) -> bool:
    """Writers and approvers of the alert's own team (and the force's approvers) open, download, triage and export."""
    return organisation_rules.may_write(officer, alert.team) or organisation_rules.may_approve(officer, alert.team)


def check_may_handle(officer: Officer, exhibit: Exhibit) -> None:
    """Raise NotAllowed unless the officer may handle this exhibit."""
    if not may_handle(officer, exhibit.alert):
        raise NotAllowed(f"Footage of {exhibit.alert.team.name} is handled by its own officers.")


def may_preview(exhibit: Exhibit) -> bool:
    """Whether a copy to look at may be made and shown: never of what is infected or still waits for the scanner."""
    return exhibit.scan not in (Scan.WAITING, Scan.INFECTED)


def seal_of(entry: CustodyEntry, exhibit: Exhibit, before: str) -> str:
    """SHA-256 in hex over canonical JSON of the entry, what it is about, and the seal before it.

    The offline verifier of an export computes the same from the manifest's plain values.
    """
    return seal_of_plain(plain(entry, exhibit), before)


def plain(entry: CustodyEntry, exhibit: Exhibit) -> dict[str, Any]:
    """An entry as the manifest carries it, everything but its seal."""
    return {
        "exhibit": exhibit.reference,
        "sha256": exhibit.sha256,
        "position": entry.position,
        "what": entry.what,
        "who": entry.who,
        "why": entry.why,
        "at": entry.at.isoformat(),
        "facts": entry.facts,
    }


def seal_of_plain(values: dict[str, Any], before: str) -> str:
    """The seal of an entry's plain values after another seal ("" for the first)."""
    words = json.dumps([before, values], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(words.encode()).hexdigest()
