"""Signed tokens that messages carry: short, lower-case, bound to one purpose, valid after keys rotate.

A token is base32 (RFC 4648, without padding) of the payload followed by a truncated HMAC-SHA256 (RFC 2104) over
purpose + NUL + payload. Base32 and not base64, because mail relays and people change the case of addresses, and a token
stands in the local part of one. Nothing in a token is secret: it can be read, but not made.
"""

import base64
import hashlib
import hmac

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# 16 bytes is half of SHA-256, what RFC 2104 asks at least. A number's token must stay short enough for the local part
# of an address (64 octets with prefix) and to be typed by hand, hence its 10 bytes, RFC 2104's lower bound of 80 bits.
_MAC_BYTES = 16
_INT_MAC_BYTES = 10
_INT_BYTES = 5
_LONGEST = 512

INT_LENGTH = 24
"""Characters of every token of a number."""

INT_MAX = 2 ** (8 * _INT_BYTES) - 1
"""The largest number that sign_int takes (five bytes: a million million deliveries)."""


def sign(purpose: str, payload: bytes) -> str:
    """A token for `payload` that only `read` with the same purpose accepts.

    Lower-case letters and digits 2-7; its length depends only on the payload's length (see `length`).
    """
    return _encode(payload + _mac(_keys()[0], purpose, payload)[:_MAC_BYTES])


def read(purpose: str, token: str) -> bytes | None:
    """The payload of a token, in upper or lower case; None when it is not ours, damaged, or of another purpose."""
    return _read(purpose, token, _MAC_BYTES)


def length(payload_bytes: int) -> int:
    """How many characters `sign` gives for a payload of so many bytes."""
    return -(-(payload_bytes + _MAC_BYTES) * 8 // 5)


def sign_int(purpose: str, n: int) -> str:
    """A token of exactly INT_LENGTH characters for a whole number from 0 to INT_MAX; ValueError beyond."""
    if not 0 <= n <= INT_MAX:
        raise ValueError(f"A token's number must lie between 0 and {INT_MAX}")
    payload = n.to_bytes(_INT_BYTES, "big")
    return _encode(payload + _mac(_keys()[0], purpose, payload)[:_INT_MAC_BYTES])


def read_int(purpose: str, token: str) -> int | None:
    """The number in a token made by `sign_int` for the same purpose, or None."""
    if len(token) != INT_LENGTH:
        return None
    payload = _read(purpose, token, _INT_MAC_BYTES)
    return None if payload is None else int.from_bytes(payload, "big")


def _read(purpose: str, token: str, mac_bytes: int) -> bytes | None:
    raw = _decode(token)
    if raw is None or len(raw) < mac_bytes:
        return None
    payload, given = raw[:-mac_bytes], raw[-mac_bytes:]
    genuine = False
    for key in _keys():  # every key is tried, so that the time taken does not tell which one signed
        genuine |= hmac.compare_digest(_mac(key, purpose, payload)[:mac_bytes], given)
    return payload if genuine else None


def _keys() -> list[bytes]:
    """The keys of the settings: the first signs, all verify."""
    keys = [key.encode() for key in settings.TOKEN_KEYS if key]
    if not keys:
        raise ImproperlyConfigured("TOKEN_KEYS is empty: tokens cannot be signed")
    return keys


def _mac(key: bytes, purpose: str, payload: bytes) -> bytes:
    return hmac.new(key, purpose.encode() + b"\0" + payload, hashlib.sha256).digest()


def _encode(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def _decode(token: str) -> bytes | None:
    """Bytes of a base32 token; None unless it is exactly the form that `_encode` writes (save for case)."""
    if not token or len(token) > _LONGEST or not token.isascii():
        return None
    try:
        raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except ValueError:
        return None
    # Base32 leaves spare bits at the end: without this check several spellings would mean one token.
    return raw if _encode(raw) == token.lower() else None
