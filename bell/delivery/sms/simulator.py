"""The phone simulator's gateway: JSON over HTTP, the first vendor, for the demo and for rehearsals.

Send: POST {url}/send {"reference", "from", "to", "text"} with Authorization: Bearer secret; 202 {"id"}. Look-up: GET
{url}/messages/REFERENCE; {"messages": [...]}. Callbacks are JSON, signed in X-Signature with the hex HMAC-SHA256 of the
raw body: a receipt is {"id", "reference", "status", "reason"} (or a list of them), a text {"id", "from", "to", "text"}.
"""

import hashlib
import hmac
from typing import Any

from django.conf import settings

from bell.delivery.results import Outcome, Result
from bell.delivery.sms import answers
from bell.delivery.sms.promise import Call, Found, Gateway, Heard, Receipt, Text, Unreadable
from bell.lib import http

_STATES = {
    "accepted": "sent", "buffered": "sent", "sent": "sent",
    "delivered": "delivered",
    "failed": "failed", "undelivered": "failed", "rejected": "failed", "expired": "failed",
}  # fmt: skip
# Error codes in a body for which another try makes no sense.
_FOR_GOOD = ("invalid-number", "blocked-number", "rejected-text", "too-long")


class Simulator(Gateway):
    """The simulator at settings.SMS_GATEWAY_URL, or at another address under another name."""

    name = "simulator"

    def __init__(self, url: str = "", name: str = "simulator") -> None:
        self.name = name
        self.url: str = (url or settings.SMS_GATEWAY_URL).rstrip("/")
        self._secret: str = settings.SMS_GATEWAY_SECRET

    def request(self, text: Text) -> http.Request:
        """One message."""
        value = {"reference": text.reference, "from": text.sender, "to": text.to, "text": text.text}
        return http.json(f"{self.url}/send", value, self._headers())

    def judge(self, reply: http.Reply) -> Result:
        """By status first, then by the error code in its body."""
        body = answers.an_object(reply.body)
        error = str(body.get("error", ""))
        if said := answers.by_status(reply, error):
            return said
        if error:
            return Result(Outcome.PERMANENT if error in _FOR_GOOD else Outcome.TEMPORARY, str(reply.status), error)
        return answers.accepted(reply, body.get("id"))

    def question(self, text: Text) -> http.Request:
        """Every message with our reference."""
        return http.Request("GET", f"{self.url}/messages/{text.reference}", self._headers())

    def found(self, text: Text, reply: http.Reply) -> Found:
        """Kept when one is there, lost when the list is empty."""
        messages = answers.an_object(reply.body).get("messages")
        if reply.status != 200 or not isinstance(messages, list):
            return Found.UNKNOWN
        return Found.KEPT if messages else Found.LOST

    def verify(self, call: Call) -> bool:
        """Whether X-Signature is the hex HMAC-SHA256 of the raw body under the shared secret."""
        expected = hmac.new(self._secret.encode(), call.body, hashlib.sha256).hexdigest()
        return bool(self._secret) and answers.same(call.header("X-Signature").strip().lower(), expected)

    def parse_receipt(self, raw: bytes) -> list[Receipt]:
        """One receipt or a list of them; raises Unreadable."""
        found = answers.read_json(raw)
        return [_receipt(one) for one in (found if isinstance(found, list) else [found])]

    def parse_inbound(self, raw: bytes) -> Heard:
        """A text that somebody typed into a simulated phone; raises Unreadable."""
        found = answers.read_object(raw)
        if not isinstance(found.get("text"), str) or not found.get("from"):
            raise Unreadable("not a text message")
        return Heard(str(found.get("id", "")), str(found["from"]), str(found.get("to", "")), found["text"])

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._secret}"}


def _receipt(found: Any) -> Receipt:
    state = _STATES.get(str(found.get("status", "")).lower()) if isinstance(found, dict) else None
    if state is None or not isinstance(found.get("reference"), str):
        raise Unreadable("not a receipt")
    return Receipt(found["reference"], state, str(found.get("reason") or ""))
