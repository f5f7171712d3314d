"""Keys that say nothing about whom they stand for: random ones, and keyed hashes of addresses."""

import hashlib
import hmac
import secrets

from django.conf import settings

LARGEST = 2**63 - 1  # the largest signed 64-bit integer: what both databases store


def random_key() -> int:
    """A random number from 1 to 2**63-1, from the system's source of secrets."""
    return secrets.randbelow(LARGEST) + 1


def address_key(channel: str, address: str) -> int:
    """The key of an address on a channel ("email", "sms"): positive, 63 bits, the same whatever the case.

    HMAC-SHA256 under settings.ADDRESS_KEY: whoever holds the table alone cannot find an address by trying them all.
    """
    message = f"{channel}\0{address.strip().casefold()}".encode()
    digest = hmac.new(settings.ADDRESS_KEY.encode(), message, hashlib.sha256).digest()
    return (int.from_bytes(digest[:8], "big") & LARGEST) or 1
