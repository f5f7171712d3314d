"""Simulated phones and mailboxes: a real text-message gateway over HTTP, on loopback, for invented people only.

The site's side (bell.delivery.sms.simulator):
  POST /send {"reference", "from", "to", "text"}, Authorization: Bearer secret -> 202 {"id"}; a receipt follows.
  GET  /messages/<reference>, with the same header -> 200 {"messages": [...]}, what was accepted under a reference
The people's side, for the stage, the rehearsal and the curious:
  GET  /phones/<number>               texts to and from a phone, newest first
  POST /phones/<number>/reply         {"to", "text"}: type a text; it goes to the site as a gateway's callback
  GET  /mailboxes/<address>           caught mail, newest first
  POST /mailboxes/<address>/reply     {"message_id" or "to", "text", "subject"}: a real mail to the site's mail door
  GET  /healthz
"""

import hmac
import re
import threading
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

from bell.api.listening import host_and_port
from bell.lib import clock, emails, http, phones
from bell.proving import callbacks, letters
from bell.proving.requests import Handler, Refusal, Server, Server6
from bell.proving.spool import MAILS, REPLIES, TEXTS, Index, Spool, check_loopback

RECEIPT_AFTER = 0.3
_LONGEST_TEXT = 10_000
_LONGEST_WORDS = 100_000


class Phones:
    """The simulator as an object: Phones(...).start() listens, `.port` is the real one.

    `site_url` is where callbacks go, `lmtp` ("host:port") where mails are replied to.
    """

    def __init__(
        self, host: str, port: int, spool_dir: Path | str, site_url: str, secret: str, lmtp: str,
        receipt_after: float = RECEIPT_AFTER,
    ) -> None:  # fmt: skip
        check_loopback(host)
        self._secret, self._receipt_after = secret, receipt_after
        self._gateway = f"{site_url.rstrip('/')}/gateways/simulator"
        self._lmtp = host_and_port(lmtp)
        check_loopback(self._lmtp[0])
        if not http.is_loopback(site_url):
            raise ValueError(f"The phone simulator speaks to a site on this machine only, not to {site_url}")
        folder = Path(spool_dir)
        self.spool, self._mails, self._replies = Spool(folder / TEXTS), Spool(folder / MAILS), Spool(folder / REPLIES)
        self._by_phone = Index(self.spool, lambda line: [str(line.get("to", ""))])
        self._by_reference = Index(self.spool, lambda line: [str(line.get("reference", ""))])
        self._by_writer = Index(self._replies, lambda line: [str(line.get("from", ""))])
        self._by_mailbox = Index(self._mails, lambda line: [emails.same_key(str(to)) for to in line.get("to", [])])
        self._receipts = callbacks.Queue(f"{self._gateway}/receipt/", secret)
        handler = type("BoundHandler", (Handler,), {"routes": self._routes()})
        self._server = (Server6 if ":" in host else Server)((host.strip("[]"), port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="phones", daemon=True)

    def _routes(self) -> list[tuple[str, re.Pattern[str], Any]]:
        """Method, path and what answers it; (status, JSON) comes back."""
        return [
            ("GET", re.compile(r"/healthz"), lambda request: (200, {"ok": True})),
            ("POST", re.compile(r"/send"), self._send),
            ("GET", re.compile(r"/messages/([^/]+)"), self._messages),
            ("GET", re.compile(r"/phones/([^/]+)"), self._phone),
            ("POST", re.compile(r"/phones/([^/]+)/reply"), self._phone_reply),
            ("GET", re.compile(r"/mailboxes/([^/]+)"), self._mailbox),
            ("POST", re.compile(r"/mailboxes/([^/]+)/reply"), self._mailbox_reply),
        ]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> "Phones":
        """Listen, in threads of its own."""
        self._receipts.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening; receipts that were still due are forgotten."""
        self._server.shutdown()
        self._server.server_close()
        self._receipts.stop()
        self._thread.join(timeout=5)

    def texts(self) -> Iterator[dict[str, Any]]:
        """Every text the site sent, oldest first: {"at", "id", "reference", "to", "from", "text"}."""
        return self.spool.all()

    def _send(self, request: Handler) -> tuple[int, dict[str, Any]]:
        self._check_key(request)
        body = request.body()
        words = {name: _word(body, name, _LONGEST_TEXT) for name in ("reference", "from", "to", "text")}
        try:
            number = phones.mobile(words["to"], invented=True)
        except phones.PhoneError as error:
            raise Refusal(400, "invalid-number") from error
        if not phones.is_invented(number):
            raise Refusal(400, "invalid-number")
        name = uuid4().hex
        self.spool.append({"at": clock.now().isoformat(), "id": name, **words, "to": number})
        receipt = {"id": name, "reference": words["reference"], "status": "delivered"}
        self._receipts.add(receipt, after=self._receipt_after)
        return 202, {"id": name}

    def _messages(self, request: Handler, reference: str) -> tuple[int, dict[str, Any]]:
        self._check_key(request)
        return 200, {"messages": [{"id": line["id"]} for line in self._by_reference.of(reference)]}

    def _check_key(self, request: Handler) -> None:
        given = request.headers.get("Authorization", "").encode("latin-1", "replace")
        if not self._secret or not hmac.compare_digest(given, f"Bearer {self._secret}".encode()):
            raise Refusal(401, "bad-key")

    def _phone(self, request: Handler, number: str) -> tuple[int, list[dict[str, Any]]]:
        number = _number(number)
        received = [{**line, "direction": "in"} for line in self._by_phone.of(number)]
        sent = [{**line, "direction": "out"} for line in self._by_writer.of(number)]
        return 200, sorted(received + sent, key=lambda line: str(line.get("at", "")), reverse=True)

    def _phone_reply(self, request: Handler, number: str) -> tuple[int, dict[str, Any]]:
        number, body = _number(number), request.body()
        text = _word(body, "text", _LONGEST_TEXT)
        to = _word(body, "to", 20, default=next((line["from"] for line in self._by_phone.of(number)), ""))
        if not to:
            raise Refusal(400, "Say to which number")
        message = {"id": uuid4().hex, "from": number, "to": to, "text": text}
        try:
            answer = callbacks.post(f"{self._gateway}/inbound/", message, secret=self._secret)
            status, words = answer.status, answer.body[:200].decode("utf-8", "replace")
        except http.HttpError as error:
            status, words = 0, str(error)
        accepted = status == 200
        self._replies.append({"at": clock.now().isoformat(), **message, "accepted": accepted})
        return 200 if accepted else 502, {"accepted": accepted, "id": message["id"], "status": status, "words": words}

    def _mailbox(self, request: Handler, address: str) -> tuple[int, list[dict[str, Any]]]:
        return 200, [letters.shown(line) for line in self._by_mailbox.of(_address(address))]

    def _mailbox_reply(self, request: Handler, address: str) -> tuple[int, dict[str, Any]]:
        address, body = _address(address), request.body()
        text = _word(body, "text", _LONGEST_WORDS)
        to, subject = _word(body, "to", 254, default=""), _word(body, "subject", 250, default="")
        original = self._original(address, _word(body, "message_id", 300, default=""))
        to = to or letters.answer_address(original)
        if not to:
            raise Refusal(400, "Say to which address, or which mail is replied to")
        try:
            reply = letters.reply(original, sender=address, to=to, subject=subject, text=text)
        except ValueError as error:
            raise Refusal(400, f"This is no mail: {error}") from error
        host, port = self._lmtp
        outcome = letters.deliver(reply, to=to, host=host, port=port)
        facts = {"accepted": outcome.accepted, "id": outcome.message_id, "status": outcome.code, "words": outcome.words}
        self._replies.append({"at": clock.now().isoformat(), "from": address, "to": to, "text": text, **facts})
        return 200 if outcome.accepted else 502, facts

    def _original(self, address: str, message_id: str) -> EmailMessage | None:
        """The mail in this mailbox that is replied to."""
        if not message_id:
            return None
        for line in self._by_mailbox.of(address):
            message = letters.parse(line)
            if str(message.get("Message-ID", "")) == message_id:
                return message
        raise Refusal(404, "No such mail in this mailbox")


def _word(body: Mapping[str, Any], name: str, longest: int, default: str | None = None) -> str:
    """A text of the request; Refusal when it is missing, empty or too long."""
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > longest or (default is None and not value.strip()):
        raise Refusal(400, f"{name} must be a text of at most {longest} characters")
    return value


def _number(text: str) -> str:
    try:
        number = phones.mobile(text, invented=True)
    except phones.PhoneError as error:
        raise Refusal(404, f"No such phone: {error}") from error
    if not phones.is_invented(number):
        raise Refusal(404, "No such phone: only invented people have one here")
    return number


def _address(text: str) -> str:
    try:
        address = emails.same_key(emails.email(text))
    except emails.EmailError as error:
        raise Refusal(404, f"No such mailbox: {error}") from error
    if not emails.is_invented(address):
        raise Refusal(404, "No such mailbox: only invented people have one here")
    return address
