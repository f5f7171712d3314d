"""What the stage asks of the demo's catchers: what a phone and a mailbox hold, and what a person types there."""

import json
from typing import Any
from urllib.parse import quote

from django.conf import settings

from bell.lib import http

_DEADLINE = 10.0


class Silent(Exception):
    """The catchers do not answer: are they running?"""


def _url(path: str) -> str:
    return f"http://{settings.CATCHER_HTTP}{path}"


def _read(reply: http.Reply) -> Any:
    try:
        return json.loads(reply.body)
    except ValueError as error:
        raise Silent("The catchers answered nonsense.") from error


def _list(path: str) -> list[dict[str, Any]]:
    try:
        reply = http.get(_url(path), deadline=_DEADLINE)
    except http.HttpError as error:
        raise Silent("The mail catcher and phone simulator are not running. Start them with “bell catch”.") from error
    return _read(reply) if reply.status == 200 else []


def _tell(path: str, body: dict[str, str]) -> dict[str, Any]:
    try:
        reply = http.post(_url(path), json=body, deadline=_DEADLINE * 3)
    except http.HttpError as error:
        raise Silent("The mail catcher and phone simulator are not running. Start them with “bell catch”.") from error
    answer: dict[str, Any] = _read(reply)
    return answer


def texts(number: str) -> list[dict[str, Any]]:
    """Texts to and from a phone, newest first; `direction` is "in" or "out" as its owner sees it."""
    return _list(f"/phones/{quote(number, safe='')}")


def mails(address: str) -> list[dict[str, Any]]:
    """Mails in a mailbox, newest first: subject, from, text, html, message_id, at."""
    return _list(f"/mailboxes/{quote(address, safe='')}")


def type_text(number: str, *, text: str) -> dict[str, Any]:
    """Type a text on a phone, to the number that wrote last; it goes through the gateway's real callback."""
    return _tell(f"/phones/{quote(number, safe='')}/reply", {"text": text})


def type_mail(address: str, *, message_id: str, text: str) -> dict[str, Any]:
    """Reply to a mail; a real MIME message goes to the LMTP door."""
    return _tell(f"/mailboxes/{quote(address, safe='')}/reply", {"message_id": message_id, "text": text})
