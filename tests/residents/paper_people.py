"""Scans and entries for the tests of paper and door."""

import io
import struct
import zlib

from bell.residents import rules
from bell.residents.actions import Spot
from bell.residents.paper import Entry
from tests.cast import IN_WEST


def png(width: int = 40, height: int = 60) -> bytes:
    """A real little PNG, grey."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + b"\xdd" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg(width: int = 1240, height: int = 1754) -> bytes:
    """The headers of a JPEG of this size: fill bytes, an APP0 segment, a frame."""
    frame = b"\xff\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0" + frame + b"\xff\xda\x00\x00\xff\xd9"


def file(body: bytes, name: str = "scan.png") -> tuple[str, io.BytesIO, int]:
    """A file as the verb takes it."""
    return name, io.BytesIO(body), len(body)


def entry(email: str = "", mobile: str = "", **facts) -> Entry:
    """What stands on a form."""
    reaches = [rules.reach("email", email)] if email else []
    reaches += [rules.reach("sms", mobile)] if mobile else []
    base = {
        "spot": Spot(*IN_WEST, postcode="DE75 7AB"),
        "reaches": reaches,
        "email_kinds": ["crime", "scam"],
        "sms_kinds": ["crime"],
    }
    return Entry(**(base | facts))
