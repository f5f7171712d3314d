"""Vonage: its Messages interface (version 1), JSON in and out.

Send: POST {url}/v1/messages, 202 {"message_uuid"}; `client_ref` is our reference and comes back in every status. It can
only be asked about a message by its own id, which is just what a time-out leaves us without: so what is uncertain stays
so. Callbacks are JSON with a JSON Web Token signed with the signature secret, which holds the hash of the body.
"""

import hashlib
import time
from typing import Any

from django.conf import settings

from bell.delivery.results import Outcome, Result
from bell.delivery.sms import answers
from bell.delivery.sms.promise import Call, Gateway, Heard, Receipt, Text, Unreadable
from bell.lib import http, text

_STATES = {
    "submitted": "sent",
    "delivered": "delivered", "read": "delivered",
    "rejected": "failed", "undeliverable": "failed",
}  # fmt: skip
# Titles of 422 that are about our side.
_OUR_SIDE = ("invalid sender", "invalid from")
_SKEW = 300  # seconds that a token's time may differ from ours


class Vonage(Gateway):
    """The account of settings.VONAGE_API_KEY."""

    name = "vonage"

    def __init__(self) -> None:
        self.url: str = settings.VONAGE_URL.rstrip("/")
        self._key: str = settings.VONAGE_API_KEY
        self._secret: str = settings.VONAGE_API_SECRET
        self._signature: str = settings.VONAGE_SIGNATURE_SECRET

    def request(self, message: Text) -> http.Request:
        """One message, in the alphabet it needs; its numbers have no plus sign."""
        value = {
            "message_type": "text",
            "channel": "sms",
            "from": message.sender.removeprefix("+"),
            "to": message.to.removeprefix("+"),
            "text": message.text,
            "client_ref": message.reference,
            "sms": {"encoding_type": "text" if text.measure(message.text)[0] == text.GSM_7 else "unicode"},
        }
        headers = {"Authorization": answers.basic(self._key, self._secret), "Accept": "application/json"}
        return http.json(f"{self.url}/v1/messages", value, headers)

    def judge(self, reply: http.Reply) -> Result:
        """By status; the title of a problem (RFC 9457) says more."""
        body = answers.an_object(reply.body)
        said = answers.by_status(reply, str(body.get("title") or ""))
        if said is None:
            return answers.accepted(reply, body.get("message_uuid"))
        if reply.status == 422 and str(body.get("title", "")).lower().startswith(_OUR_SIDE):
            return Result(Outcome.OURS, said.code, said.text)
        return said

    def verify(self, call: Call) -> bool:
        """Whether the token is signed with the signature secret, is of now, and names this body."""
        claims = answers.read_jwt(answers.bearer(call), self._signature)
        if claims is None:
            return False
        made = claims.get("iat")
        if not isinstance(made, int | float) or abs(time.time() - made) > _SKEW:
            return False
        return answers.same(str(claims.get("payload_hash", "")).lower(), hashlib.sha256(call.body).hexdigest())

    def parse_receipt(self, raw: bytes) -> list[Receipt]:
        """One status; raises Unreadable."""
        found = answers.read_object(raw)
        state = _STATES.get(str(found.get("status", "")))
        if state is None or not isinstance(found.get("client_ref"), str):
            raise Unreadable("not a status")
        error: Any = found.get("error")
        return [Receipt(found["client_ref"], state, str(error.get("title", "")) if isinstance(error, dict) else "")]

    def parse_inbound(self, raw: bytes) -> Heard:
        """One received text; raises Unreadable."""
        found = answers.read_object(raw)
        if not isinstance(found.get("text"), str) or not found.get("from"):
            raise Unreadable("not a text message")
        sender = str(found["from"])
        # Numbers come without their plus sign; a name is left as it is.
        sender = f"+{sender}" if sender.isascii() and sender.isdigit() and len(sender) > 8 else sender
        return Heard(str(found.get("message_uuid") or ""), sender, str(found.get("to") or ""), found["text"])
