"""What vendors' files share: reading answers and callbacks, and what a status says when nothing else does."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from bell.delivery.results import Outcome, Result
from bell.delivery.sms.promise import Call, Unreadable
from bell.lib import http

LONGEST_WAIT = 300.0
DEFAULT_WAIT = 5.0


def by_status(reply: http.Reply, text: str = "") -> Result | None:
    """What a status that is no success means at every vendor; None for a success.

    429 and 503 ask us to wait; 502 and 504 come from something between us, so nobody knows; 401 to 405 are about our
    key, our account or our address of the vendor; the rest of the 4xx is about this message.
    """
    code = str(reply.status)
    if 200 <= reply.status < 300:
        return None
    if reply.status in (429, 503):
        return Result(Outcome.TEMPORARY, code, text, wait=wait(reply))
    if reply.status in (502, 504):
        return Result(Outcome.UNCERTAIN, code, text)
    if reply.status >= 500 or reply.status in (408, 425):
        return Result(Outcome.TEMPORARY, code, text)
    if reply.status in (401, 402, 403, 404, 405):
        return Result(Outcome.OURS, code, text)
    if reply.status >= 400:
        return Result(Outcome.PERMANENT, code, text)
    return Result(Outcome.OURS, code, "neither yes nor no")


def accepted(reply: http.Reply, reference: Any) -> Result:
    """A success; without the vendor's own name for the message nobody knows what it did with it."""
    if isinstance(reference, str) and reference:
        return Result(Outcome.ACCEPTED, str(reply.status), reference=reference[:64])
    return Result(Outcome.UNCERTAIN, str(reply.status), "accepted without an id")


def wait(reply: http.Reply) -> float:
    """Seconds of Retry-After (RFC 9110 10.2.3, its number form), within reason."""
    given = reply.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit() and len(given) < 9:
        return min(float(given), LONGEST_WAIT)
    return DEFAULT_WAIT


def an_object(raw: bytes) -> dict[str, Any]:
    """A JSON object; {} for anything else, however deep."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def read_json(raw: bytes) -> Any:
    """A callback's JSON; raises Unreadable for anything else, however deep."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error


def read_object(raw: bytes) -> dict[str, Any]:
    """A callback's JSON object; raises Unreadable for anything else."""
    found = read_json(raw)
    if not isinstance(found, dict):
        raise Unreadable("not an object")
    return found


def read_form(raw: bytes, encoding: str = "utf-8") -> dict[str, str]:
    """A callback's form or query; of a name that comes twice the first counts. Raises Unreadable."""
    try:
        text = raw.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=200, encoding=encoding)
    except ValueError as error:
        raise Unreadable("not a form") from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


def same(given: str, wanted: str) -> bool:
    """Whether a secret was said, in a time that does not tell how much of it was right. No secret: never."""
    return bool(wanted) and hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def bearer(call: Call) -> str:
    """The token of `Authorization: Bearer`, or ""."""
    scheme, _, token = call.header("Authorization").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def basic(user: str, password: str) -> str:
    """The value of Authorization for a user and a password (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def sign_jwt(claims: Mapping[str, Any], secret: str) -> str:
    """A JSON Web Token signed with HMAC-SHA256 (RFC 7519, RFC 7515, RFC 7518 3.2)."""
    signed = f"{_part({'typ': 'JWT', 'alg': 'HS256'})}.{_part(claims)}"
    return f"{signed}.{_encode(_mac(signed, secret))}"


def read_jwt(token: str, secret: str) -> dict[str, Any] | None:
    """The claims of a token that this secret signed with HMAC-SHA256, or None. Its times are not looked at."""
    signed, _, signature = token.rpartition(".")
    head, _, claims = signed.partition(".")
    if not secret or not token.isascii() or an_object(_decode(head)).get("alg") != "HS256":
        return None
    if not hmac.compare_digest(_decode(signature), _mac(signed, secret)):
        return None
    return an_object(_decode(claims))


def _mac(signed: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()


def _part(value: Mapping[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """Bytes of base64url; none for what is not."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
