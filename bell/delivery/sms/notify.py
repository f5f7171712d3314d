"""GOV.UK Notify: its REST interface, one template whose whole text is ((body)).

Send: POST {url}/v2/notifications/sms, 201 {"id"}; look-up: GET {url}/v2/notifications?reference=. Authorization is a
token signed with the API key's secret for each request. Its own Python client sends the same, but waits without an
overall deadline and reports a lost connection and a refused one alike, so that one could not know what was sent.
Callbacks are JSON with the bearer token that was typed into Notify's settings.
"""

import time
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from bell.delivery.results import Outcome, Result
from bell.delivery.sms import answers
from bell.delivery.sms.promise import Call, Found, Gateway, Heard, Receipt, Text, Unreadable
from bell.lib import http

_STATES = {
    "created": "sent", "pending": "sent", "sending": "sent", "sent": "sent",
    "delivered": "delivered",
    "permanent-failure": "failed", "temporary-failure": "failed", "technical-failure": "failed",
}  # fmt: skip
# Beginnings of 400 messages that are about our account, template or key, and not about this message.
_OUR_SIDE = (
    "can't send to this recipient", "cannot send to this recipient", "template", "service", "sms_sender_id",
    "missing personalisation", "cannot send text messages",
)  # fmt: skip


class Notify(Gateway):
    """The service to which settings.NOTIFY_API_KEY belongs."""

    name = "notify"

    def __init__(self) -> None:
        self.url: str = settings.NOTIFY_URL.rstrip("/")
        # A key is a name, the service's UUID and the secret's UUID, with hyphens between.
        key: str = settings.NOTIFY_API_KEY
        self._service, self._secret = key[-73:-37], key[-36:]
        self._template: str = settings.NOTIFY_TEMPLATE
        self._sender: str = settings.NOTIFY_SENDER
        self._bearer: str = settings.NOTIFY_CALLBACK_TOKEN

    def request(self, text: Text) -> http.Request:
        """One message; the number it comes from is Notify's own setting, or settings.NOTIFY_SENDER."""
        value: dict[str, Any] = {
            "phone_number": text.to,
            "template_id": self._template,
            "personalisation": {"body": text.text},
            "reference": text.reference,
        }
        if self._sender:
            value["sms_sender_id"] = self._sender
        return http.json(f"{self.url}/v2/notifications/sms", value, self._headers())

    def judge(self, reply: http.Reply) -> Result:
        """By status; a 400 is about the message unless its words are about our side."""
        body = answers.an_object(reply.body)
        said = answers.by_status(reply, _error(body))
        if said is None:
            return answers.accepted(reply, body.get("id"))
        if reply.status == 400 and _message(body).lower().startswith(_OUR_SIDE):
            return Result(Outcome.OURS, "400", _error(body))
        if reply.status == 429 and _error(body).startswith("TooManyRequestsError"):  # the day's allowance is used up
            return Result(Outcome.TEMPORARY, "429", _error(body), wait=answers.LONGEST_WAIT)
        return said

    def question(self, text: Text) -> http.Request:
        """Every notification with our reference."""
        query = urlencode({"reference": text.reference})
        return http.Request("GET", f"{self.url}/v2/notifications?{query}", self._headers())

    def found(self, text: Text, reply: http.Reply) -> Found:
        """Kept when one is there, lost when the list is empty."""
        messages = answers.an_object(reply.body).get("notifications")
        if reply.status != 200 or not isinstance(messages, list):
            return Found.UNKNOWN
        ours = [one for one in messages if isinstance(one, dict) and one.get("reference") == text.reference]
        if ours:
            return Found.KEPT
        return Found.UNKNOWN if messages else Found.LOST

    def verify(self, call: Call) -> bool:
        """Whether it brings the bearer token."""
        return answers.same(answers.bearer(call), self._bearer)

    def parse_receipt(self, raw: bytes) -> list[Receipt]:
        """One delivery receipt; raises Unreadable."""
        found = answers.read_object(raw)
        state = _STATES.get(str(found.get("status", "")))
        if state is None or not isinstance(found.get("reference"), str):
            raise Unreadable("not a receipt")
        return [Receipt(found["reference"], state, str(found["status"]) if state == "failed" else "")]

    def parse_inbound(self, raw: bytes) -> Heard:
        """One received text; raises Unreadable."""
        found = answers.read_object(raw)
        if not isinstance(found.get("message"), str) or not found.get("source_number"):
            raise Unreadable("not a text message")
        to = str(found.get("destination_number") or "")
        return Heard(str(found.get("id") or ""), str(found["source_number"]), to, found["message"])

    def _headers(self) -> dict[str, str]:
        token = answers.sign_jwt({"iss": self._service, "iat": int(time.time())}, self._secret)
        return {"Authorization": f"Bearer {token}"}


def _first(body: dict[str, Any]) -> dict[str, Any]:
    errors = body.get("errors")
    return errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}


def _message(body: dict[str, Any]) -> str:
    return str(_first(body).get("message", ""))


def _error(body: dict[str, Any]) -> str:
    """ "ValidationError: phone_number ..." of the first error, or nothing."""
    return f"{_first(body).get('error', '')}: {_message(body)}" if _first(body) else ""
