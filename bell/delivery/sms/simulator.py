"""The phone simulator's gateway: JSON over HTTP, the first vendor, for the demo and for rehearsals.

Send: POST {url}/send {"reference", "from", "to", "text"} with Authorization: Bearer secret; 202 {"id"}. Callbacks are
JSON, signed in X-Signature with the hex HMAC-SHA256 of the raw body: a receipt is {"id", "reference", "status",
"reason"} (or a list of them), a text {"id", "from", "to", "text"}.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from bell.delivery import crash
from bell.delivery.results import Outcome, Result, Slice, Watch
from bell.delivery.sms.promise import Heard, Receipt, Text, Unreadable
from bell.lib import http

_DEADLINE = 10.0  # seconds a request; well inside a lease
_LONGEST_WAIT = 300.0
_DEFAULT_WAIT = 5.0

_STATES = {
    "accepted": "sent", "buffered": "sent", "sent": "sent",
    "delivered": "delivered",
    "failed": "failed", "undelivered": "failed", "rejected": "failed", "expired": "failed",
}  # fmt: skip
# Error codes in a body for which another try makes no sense.
_FOR_GOOD = ("invalid-number", "blocked-number", "rejected-text", "too-long")


class Simulator:
    """The simulator at settings.SMS_GATEWAY_URL, or at another address."""

    name = "simulator"

    def __init__(self, url: str = "") -> None:
        self.url: str = (url or settings.SMS_GATEWAY_URL).rstrip("/")
        self._secret: str = settings.SMS_GATEWAY_SECRET

    def send(self, texts: Iterable[tuple[int, Text]], watch: Watch) -> Slice:
        """One request a text. 429 and a gateway that cannot be reached pause the channel."""
        done = Slice()
        for number, text in texts:
            if not watch.may_start():
                break
            watch.beat()
            try:
                reply = http.post(
                    f"{self.url}/send",
                    json={"reference": text.reference, "from": text.sender, "to": text.to, "text": text.text},
                    headers={"Authorization": f"Bearer {self._secret}"},
                    deadline=_DEADLINE,
                )
            except http.NotSent as error:
                done.pause, done.why = _DEFAULT_WAIT, str(error)  # nothing was sent: the text keeps its place
                break
            except http.Unsure as error:
                done.results[number] = Result(Outcome.UNCERTAIN, "", str(error))
                continue
            crash.point("after-reply-before-commit")
            result = judge(reply)
            done.results[number] = result
            if result.wait is not None:
                done.pause, done.why = result.wait, result.words()
                break
        return done

    def verify(self, headers: Mapping[str, str], raw: bytes) -> bool:
        """Whether X-Signature is the hex HMAC-SHA256 of the raw body under the shared secret."""
        given = next((value for name, value in headers.items() if name.lower() == "x-signature"), "")
        expected = hmac.new(self._secret.encode(), raw, hashlib.sha256).hexdigest()
        return bool(self._secret) and hmac.compare_digest(expected.encode(), given.strip().lower().encode())

    def parse_receipt(self, raw: bytes) -> list[Receipt]:
        """One receipt or a list of them; raises Unreadable."""
        found = _json(raw)
        return [_receipt(one) for one in (found if isinstance(found, list) else [found])]

    def parse_inbound(self, raw: bytes) -> Heard:
        """A text that somebody typed into a simulated phone; raises Unreadable."""
        found = _json(raw)
        if not isinstance(found, dict) or not isinstance(found.get("text"), str) or not found.get("from"):
            raise Unreadable("not a text message")
        return Heard(str(found.get("id", "")), str(found["from"]), str(found.get("to", "")), found["text"])


def judge(reply: http.Reply) -> Result:
    """What an answer to /send means: by status first, then by the error code in its body."""
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        found = None
    body: dict[str, Any] = found if isinstance(found, dict) else {}
    code, text = str(reply.status), str(body.get("error", ""))
    if reply.status == 429 or reply.status == 503:
        return Result(Outcome.TEMPORARY, code, text, wait=_wait(reply))
    if reply.status in (502, 504):  # something between us and the gateway: nobody knows
        return Result(Outcome.UNCERTAIN, code, text)
    if reply.status >= 500 or reply.status in (408, 425):
        return Result(Outcome.TEMPORARY, code, text)
    if reply.status in (401, 402, 403, 404, 405):  # our key, our account, our address of the gateway
        return Result(Outcome.OURS, code, text)
    if 200 <= reply.status < 300:
        if body.get("error"):
            return Result(Outcome.PERMANENT if text in _FOR_GOOD else Outcome.TEMPORARY, code, text)
        if body.get("id"):
            return Result(Outcome.ACCEPTED, code, reference=str(body["id"])[:64])
        return Result(Outcome.UNCERTAIN, code, "accepted without an id")
    if reply.status >= 400:
        return Result(Outcome.PERMANENT, code, text)
    return Result(Outcome.OURS, code, "neither yes nor no")


def _wait(reply: http.Reply) -> float:
    """Seconds of Retry-After (RFC 9110 10.2.3, its number form), within reason."""
    given = reply.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit() and len(given) < 9:
        return min(float(given), _LONGEST_WAIT)
    return _DEFAULT_WAIT


def _receipt(found: Any) -> Receipt:
    state = _STATES.get(str(found.get("status", "")).lower()) if isinstance(found, dict) else None
    if state is None or not isinstance(found.get("reference"), str):
        raise Unreadable("not a receipt")
    return Receipt(found["reference"], state, str(found.get("reason") or ""))


def _json(raw: bytes) -> Any:
    """The callback's JSON; raises Unreadable for anything else, however deep."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
