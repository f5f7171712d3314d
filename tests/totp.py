"""The six digits of an authenticator app, by our own reading of RFC 6238."""

import base64
import hashlib
import hmac
import struct
import time


def six_digits(secret: str, later: int = 0) -> str:
    """RFC 6238 with the usual parameters: SHA-1, 30 seconds, six digits."""
    counter = struct.pack(">Q", int(time.time()) // 30 + later)
    mac = hmac.new(base64.b32decode(secret + "=" * (-len(secret) % 8)), counter, hashlib.sha1).digest()
    place = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[place : place + 4])[0] & 0x7FFFFFFF) % 10**6:06}"
