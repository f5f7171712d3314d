"""Twilio: its Messages interface, form in and JSON out.

Send: POST {url}/2010-04-01/Accounts/{account}/Messages.json, 201 {"sid"}. It knows no reference of ours, so the address
of its status callback carries it. Look-up: the newest messages to that number. Callbacks are forms, signed in
X-Twilio-Signature with the base64 HMAC-SHA1 of our address followed by each name and value in the order of names.
"""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.conf import settings

from bell.delivery.results import Outcome, Result
from bell.delivery.sms import answers
from bell.delivery.sms.promise import Call, Found, Gateway, Heard, Receipt, Text, Unreadable
from bell.lib import http, links

_STATES = {
    "accepted": "sent", "scheduled": "sent", "queued": "sent", "sending": "sent", "sent": "sent",
    "delivered": "delivered", "read": "delivered",
    "undelivered": "failed", "failed": "failed", "canceled": "failed",
}  # fmt: skip
# Codes of refusals that say something else than their status.
_OURS = {20003, 20005, 20404, 21212, 21601, 21603, 21606, 21659, 21660, 21701, 21703, 30002, 63038}
_SLOW_DOWN = {20429, 21611, 30001}
# Words for what people ask about most.
_WORDS = {
    "21211": "not a valid number", "21408": "that country is switched off", "21610": "this number said STOP to Twilio",
    "21614": "not a mobile number", "21617": "too long", "30003": "phone off or out of reach",
    "30004": "blocked by the phone or network", "30005": "unknown number", "30006": "a landline, or no such network",
    "30007": "filtered by the network", "30008": "unknown error",
}  # fmt: skip
_MOST_FOUND = 50


class Twilio(Gateway):
    """The account of settings.TWILIO_ACCOUNT."""

    name = "twilio"

    def __init__(self) -> None:
        self.url: str = settings.TWILIO_URL.rstrip("/")
        self._account: str = settings.TWILIO_ACCOUNT
        self._token: str = settings.TWILIO_AUTH_TOKEN
        self._service: str = settings.TWILIO_MESSAGING_SERVICE

    def request(self, text: Text) -> http.Request:
        """One message, from our number or from the messaging service."""
        fields = {
            "To": text.to,
            "Body": text.text,
            "StatusCallback": links.absolute(links.receipt(self.name, text.reference)),
            # What we counted and priced is what is sent.
            "SmartEncoded": "false",
        }
        fields |= {"MessagingServiceSid": self._service} if self._service else {"From": text.sender}
        return http.form(self._messages(), fields, self._headers())

    def judge(self, reply: http.Reply) -> Result:
        """By status, save for the codes that say more."""
        body = answers.an_object(reply.body)
        code = body.get("code")
        said = answers.by_status(reply, _words(code))
        if said is None:
            return answers.accepted(reply, body.get("sid"))
        if code in _OURS:
            return Result(Outcome.OURS, said.code, said.text)
        if code in _SLOW_DOWN:
            return Result(Outcome.TEMPORARY, said.code, said.text, wait=answers.wait(reply))
        return said

    def question(self, text: Text) -> http.Request:
        """The newest messages to this number."""
        query = urlencode({"To": text.to, "PageSize": str(_MOST_FOUND)})
        return http.Request("GET", f"{self._messages()}?{query}", self._headers())

    def found(self, text: Text, reply: http.Reply) -> Found:
        """Kept when exactly these words went to this number; lost when nothing ever did.

        Anything between cannot be told: two messages may say the same, and an account may change what it sends.
        """
        messages = answers.an_object(reply.body).get("messages")
        if reply.status != 200 or not isinstance(messages, list):
            return Found.UNKNOWN
        theirs = [one for one in messages if isinstance(one, dict) and one.get("to") == text.to]
        if not messages:
            return Found.LOST
        return Found.KEPT if [one.get("body") for one in theirs].count(text.text) == 1 else Found.UNKNOWN

    def verify(self, call: Call) -> bool:
        """Whether X-Twilio-Signature is right for our address and this form."""
        try:
            pairs = parse_qsl(call.body.decode("ascii"), keep_blank_values=True, max_num_fields=200)
        except ValueError:
            return False
        signed = call.url + "".join(f"{name}{value}" for name, value in sorted(set(pairs)))
        digest = hmac.new(self._token.encode(), signed.encode("utf-8", "surrogatepass"), hashlib.sha1).digest()
        return bool(self._token) and answers.same(call.header("X-Twilio-Signature"), base64.b64encode(digest).decode())

    def kept(self, call: Call) -> bytes:
        """The form, and before it the query with our reference."""
        return b"&".join(part for part in (call.query.encode(), call.body) if part)

    def parse_receipt(self, raw: bytes) -> list[Receipt]:
        """A status with our reference; raises Unreadable."""
        found = answers.read_form(raw)
        state = _STATES.get(found.get("MessageStatus", ""))
        if state is None or not found.get("ref"):
            raise Unreadable("not a status")
        return [Receipt(found["ref"], state, _words(found.get("ErrorCode")))]

    def parse_inbound(self, raw: bytes) -> Heard:
        """One received text; raises Unreadable."""
        found = answers.read_form(raw)
        if "Body" not in found or not found.get("From"):
            raise Unreadable("not a text message")
        return Heard(found.get("MessageSid", ""), found["From"], found.get("To", ""), found["Body"])

    def _messages(self) -> str:
        return f"{self.url}/2010-04-01/Accounts/{self._account}/Messages.json"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": answers.basic(self._account, self._token)}


def _words(code: Any) -> str:
    """A code with our words for it, never Twilio's: those repeat the number."""
    return f"{code} {_WORDS.get(str(code), '')}".strip() if code else ""
