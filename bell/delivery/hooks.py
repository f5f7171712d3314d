"""Webhooks of mail providers: django-anymail checks and reads them, we keep what they say; nothing more happens here.

The receivers below are the one place where this house listens to signals: they are the library's only way to hand over
(house.md, rule 5). Each keeps a row of `Inbound` and is done; `inbound.settle` does the rest.
"""

import json
from typing import Any

from anymail.signals import inbound as mail_came
from anymail.signals import tracking as event_came
from django.conf import settings
from django.dispatch import receiver
from django.http import QueryDict

from bell.delivery import inbound
from bell.delivery.email import named
from bell.delivery.email.events import GATEWAY


@receiver(event_came)
def keep_event(sender: object, event: Any, **_: object) -> None:
    """Keep what a provider says of a message we sent; what the database raises makes the provider try again."""
    inbound.store(GATEWAY + settings.EMAIL_PROVIDER, "", "receipt", event_bytes(event))


@receiver(mail_came)
def keep_mail(sender: object, event: Any, **_: object) -> None:
    """Keep a mail that somebody wrote to us, once for each recipient that the provider names (mostly one)."""
    message = event.message
    if message is None:
        return
    raw = message.as_bytes()
    inbound.store(
        GATEWAY + settings.EMAIL_PROVIDER, "", "mail", raw,
        envelope_from=_address(message.envelope_sender), envelope_to=_address(message.envelope_recipient),
    )  # fmt: skip


def keep_unread(what: str, body: bytes) -> None:
    """Keep a verified callback that the library cannot read: an event as unreadable, a mail for people to look at."""
    kind = "mail" if what == named.INBOUND else "receipt"
    inbound.store(GATEWAY + settings.EMAIL_PROVIDER, "", kind, body)


def event_bytes(event: Any) -> bytes:
    """An event as it is kept: the library's reading, and the provider's own words beside it."""
    kept = {
        "event": event.event_type,
        "at": event.timestamp.isoformat() if event.timestamp else "",
        "message_id": event.message_id,
        "metadata": event.metadata or {},
        "recipient": event.recipient,
        "reject": event.reject_reason,
        "text": event.mta_response,
        "description": event.description,
        "raw": dict(event.esp_event.lists()) if isinstance(event.esp_event, QueryDict) else event.esp_event,
    }
    return json.dumps(kept, ensure_ascii=False, sort_keys=True, default=str).encode("utf-8", "replace")


def _address(text: str | None) -> str:
    return (text or "").strip().strip("<>")
