"""What a provider of mail says later became of a message: its event as we stored it, and what we do about it.

Found by our own token in the message's metadata, else by our Message-ID, else by the provider's name for it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from bell.delivery import receipts
from bell.delivery.email import bounces, complaints, ours
from bell.delivery.models import State
from bell.delivery.receipts import Heard
from bell.delivery.settling import OUR_SIDE, REFUSED
from bell.lib import tokens

GATEWAY = "email:"
"""How gateways of such rows begin; the provider's name follows."""

METADATA = "delivery"
"""Under this name our token stands in a message's metadata."""

UNSUBSCRIBED = "unsubscribed at the provider"
_PURPOSE = "event"
# Where providers say a status of RFC 3463 in a field of its own.
_EXPLICIT = (
    ("status",),  # SendGrid
    ("event-data", "delivery-status", "enhanced-code"),  # Mailgun
    ("bounce", "bouncedRecipients", 0, "status"),  # Amazon SES
)
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
# A reply line of SMTP: a code, and directly after it perhaps an enhanced one (RFC 2034).
_REPLY = re.compile(r"(?<![\d.])([45])\d\d[ -](?:([45]\.\d{1,3}\.\d{1,3})(?![\d.]))?")
# Reasons for which a provider does not even try: the first ones speak against the address.
_ADDRESS_REASONS = ("invalid", "bounced")


class Unreadable(ValueError):
    """A stored event that makes no sense; its bytes are kept."""


def token(delivery_id: int) -> str:
    """What stands in a message's metadata."""
    return tokens.sign_int(_PURPOSE, delivery_id)


def settle(provider: str, raw: bytes) -> Heard | None:
    """Apply one stored event; None when it names nothing of ours. Raises Unreadable."""
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise Unreadable("not an event")
    kind = event["event"]
    if kind not in _ACTS:
        return Heard.NOTHING
    reference = str(event.get("message_id") or "")
    number = _delivery(provider, event.get("metadata"), reference)
    if number is None:
        return Heard.EARLY if reference else None
    return _ACTS[kind](number, event)


def _delivery(provider: str, metadata: Any, reference: str) -> int | None:
    """The delivery an event is about."""
    given = metadata.get(METADATA) if isinstance(metadata, Mapping) else None
    number = tokens.read_int(_PURPOSE, given) if isinstance(given, str) else None
    if number is None:
        number = ours.read_message_id(reference)
    return receipts.find(provider, reference) if number is None else number


def _sent(number: int, event: Mapping[str, Any]) -> Heard:
    return receipts.hear(number, State.SENT)


def _delivered(number: int, event: Mapping[str, Any]) -> Heard:
    return receipts.hear(number, State.DELIVERED)


def _bounced(number: int, event: Mapping[str, Any]) -> Heard:
    """A bounce, by the same rules as one that comes as a mail: only a structured "nobody there" suppresses at once."""
    return bounces.failed(number, bounces.Status("failed", status(event), _words(event)))


def _rejected(number: int, event: Mapping[str, Any]) -> Heard:
    """The provider did not try; "550" where it speaks of the address, so that it counts as a strike (bounces.py)."""
    against = str(event.get("reject") or "") in _ADDRESS_REASONS
    beginning = f"{REFUSED}550 " if against else OUR_SIDE
    return receipts.hear(number, State.FAILED, f"{beginning}{event.get('reject') or event['event']} {_words(event)}")


def _complained(number: int, event: Mapping[str, Any]) -> Heard:
    return Heard.CHANGED if complaints.complain(number) else Heard.EARLY


def _unsubscribed(number: int, event: Mapping[str, Any]) -> Heard:
    return Heard.CHANGED if complaints.complain(number, reason=UNSUBSCRIBED) else Heard.EARLY


# By django-anymail's names. What is not here (opened, clicked, deferred, autoresponded, ...) changes nothing.
_ACTS = {
    "queued": _sent,
    "sent": _sent,
    "delivered": _delivered,
    "bounced": _bounced,
    "rejected": _rejected,
    "failed": _rejected,
    "complained": _complained,
    "unsubscribed": _unsubscribed,
}


def status(event: Mapping[str, Any]) -> str:
    """The status of RFC 3463 that an event states: in its own field, or after an SMTP code; "5.0.0" for a bare 5xx."""
    for path in _EXPLICIT:
        found = _at(event.get("raw"), path)
        if isinstance(found, str) and _ENHANCED.fullmatch(found.strip()):
            return found.strip()
    reply = _REPLY.search(str(event.get("text") or "")[:500])
    if reply is None:
        return ""
    return reply[2] or f"{reply[1]}.0.0"


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at a path in nested JSON, or None."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
        else:
            value = value[step] if isinstance(value, list) and len(value) > step else None
    return value


def _words(event: Mapping[str, Any]) -> str:
    return str(event.get("text") or event.get("description") or "")
