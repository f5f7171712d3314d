"""Signed tokens that messages carry: short, lower-case, bound to one purpose, valid after keys rotate.

A token is base32 (RFC 4648, without padding) of the payload followed by a MAC over purpose + NUL + payload: keyed
BLAKE2b (RFC 7693 2.9), which costs a fifth of HMAC-SHA256, five times a mail (decision 10). Base32 and not base64,
because mail relays and people change the case of addresses, and a token stands in the local part of one. Nothing in a
token is secret: it can be read, but not made.
"""

import base64
import functools
import hashlib
import hmac
from collections.abc import Callable, Sequence

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# 16 bytes are 128 bits. A number's token must stay short enough for the local part of an address (64 octets with
# prefix) and to be typed by hand, hence its 10 bytes: 80 bits, the least that RFC 2104 allows.
_MAC_BYTES = 16
_INT_MAC_BYTES = 10
_INT_BYTES = 5
_INT_SHIFTS = range(8 * _INT_MAC_BYTES - 10, -1, -10)
_LONGEST = 512
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
# Two characters for each ten bits: five bytes are four look-ups.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]

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


def signer(purposes: Sequence[str]) -> Callable[[int], list[str]]:
    """A function from a number to its `sign_int` tokens for all these purposes: for those who sign by the million."""
    begun = [_begun(_keys()[0], purpose) for purpose in purposes]

    def signed(n: int) -> list[str]:
        payload = n.to_bytes(_INT_BYTES, "big")
        head = _PAIRS[n >> 30] + _PAIRS[n >> 20 & 1023] + _PAIRS[n >> 10 & 1023] + _PAIRS[n & 1023]
        made = []
        for fresh in begun:
            mac = fresh.copy()
            mac.update(payload)
            number = int.from_bytes(mac.digest()[:_INT_MAC_BYTES], "big")
            made.append(head + "".join([_PAIRS[number >> shift & 1023] for shift in _INT_SHIFTS]))
        return made

    return signed


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
    keys = _derived(tuple(settings.TOKEN_KEYS))
    if not keys:
        raise ImproperlyConfigured("TOKEN_KEYS is empty: tokens cannot be signed")
    return keys


@functools.lru_cache(maxsize=8)
def _derived(given: tuple[str, ...]) -> list[bytes]:
    """32 bytes for each key of the settings, however long it is."""
    return [hashlib.blake2b(key.encode(), digest_size=32, person=b"bell tokens").digest() for key in given if key]


@functools.lru_cache(maxsize=64)
def _begun(key: bytes, purpose: str) -> "hashlib.blake2b":
    """A MAC that has taken in its key and purpose already: copied for each token."""
    return hashlib.blake2b(purpose.encode() + b"\0", digest_size=_MAC_BYTES, key=key)


def _mac(key: bytes, purpose: str, payload: bytes) -> bytes:
    mac = _begun(key, purpose).copy()
    mac.update(payload)
    return mac.digest()


def _encode(raw: bytes) -> str:
    """Base32 in lower case without padding (RFC 4648 6), ten bits at a time."""
    size = len(raw)
    whole = -(-size // 5) * 5
    number = int.from_bytes(raw, "big") << (8 * (whole - size))
    pairs = _PAIRS
    text = "".join([pairs[(number >> shift) & 1023] for shift in range(8 * whole - 10, -1, -10)])
    return text if size == whole else text[: -(-size * 8 // 5)]


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
