"""Kannel, an SMS gateway of one's own (SMPP and others towards the networks), by its `sendsms` interface.

Send: GET {url}?username&password&from&to&text&charset&coding&dlr-mask&dlr-url; 202 when accepted or queued. It cannot
be asked about a message, so what is uncertain stays so. Its callbacks are GETs by a machine: a delivery report at the
dlr-url, which carries our signed reference, and a text at the get-url of the `sms-service`, which carries the shared
secret. docs/how-to/write-a-gateway.md has the lines for its configuration.
"""

from urllib.parse import unquote, urlencode

from django.conf import settings

from bell.delivery.results import Outcome, Result
from bell.delivery.sms import answers
from bell.delivery.sms.promise import Call, Gateway, Heard, Receipt, Text, Unreadable
from bell.delivery.sms.render import read_reference
from bell.lib import http, links, text

# Delivered 1, not delivered 2, queued at the centre 4, taken by the centre 8, refused by the centre 16.
_EVERY_REPORT = "31"
_STATES = {"1": "delivered", "2": "failed", "4": "sent", "8": "sent", "16": "failed"}
_KEY = "key"


class Kannel(Gateway):
    """The smsbox at settings.KANNEL_URL."""

    name = "kannel"
    method = "GET"

    def __init__(self) -> None:
        self.url: str = settings.KANNEL_URL
        self._user: str = settings.KANNEL_USER
        self._password: str = settings.KANNEL_PASSWORD
        self._secret: str = settings.KANNEL_SECRET

    def request(self, message: Text) -> http.Request:
        """One message, in the alphabet it needs."""
        fields = {
            "username": self._user,
            "password": self._password,
            "from": message.sender,
            "to": message.to,
            "text": message.text,
            "charset": "UTF-8",
            "coding": "0" if text.measure(message.text)[0] == text.GSM_7 else "2",
            "dlr-mask": _EVERY_REPORT,
            # %d is the report's number, %A the words of the centre; Kannel fills them in.
            "dlr-url": links.absolute(links.receipt(self.name, message.reference)) + "&state=%d&answer=%A",
        }
        return http.Request("GET", f"{self.url}?{urlencode(fields)}")

    def judge(self, reply: http.Reply) -> Result:
        """By status: 202 is "accepted" or "queued"; any other success is not its answer."""
        words = reply.body[:100].decode("utf-8", "replace")
        if said := answers.by_status(reply, words):
            return said
        if reply.status == 202:
            return Result(Outcome.ACCEPTED, "202")
        return Result(Outcome.UNCERTAIN, str(reply.status), words)

    def verify(self, call: Call) -> bool:
        """A report by its signed reference, a text by the shared secret."""
        try:
            fields = answers.read_form(call.query.encode())
        except Unreadable:
            return False
        if call.kind == "receipt":
            return read_reference(fields.get("ref", "")) is not None
        return answers.same(fields.get(_KEY, ""), self._secret)

    def kept(self, call: Call) -> bytes:
        """The query without the secret."""
        parts = call.query.split("&")
        return "&".join(part for part in parts if unquote(part.partition("=")[0]) != _KEY).encode()

    def parse_receipt(self, raw: bytes) -> list[Receipt]:
        """The report in a query; raises Unreadable."""
        fields = answers.read_form(raw)
        state = _STATES.get(fields.get("state", ""))
        if state is None or not fields.get("ref"):
            raise Unreadable("not a delivery report")
        return [Receipt(fields["ref"], state, fields.get("answer", "") if state == "failed" else "")]

    def parse_inbound(self, raw: bytes) -> Heard:
        """The text in a query, its bytes read in the character set that Kannel names; raises Unreadable."""
        fields = answers.read_form(raw, encoding="latin-1")
        if not fields.get("from") or "text" not in fields:
            raise Unreadable("not a text message")
        words = fields["text"].encode("latin-1")
        try:
            read = words.decode(fields.get("charset") or "utf-8", "replace")
        except LookupError:
            read = words.decode("utf-8", "replace")
        return Heard(fields.get("id", ""), fields["from"], fields.get("to", ""), read)
