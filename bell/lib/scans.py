"""What a scan is, by its first bytes: JPEG, PNG or PDF, and how large its picture is. Nothing is unpacked.

A picture of a few kilobytes can unfold into gigabytes: its header says so, and the header is all that is read here.
JPEG: ITU-T T.81 (markers); PNG: ISO/IEC 15948 (IHDR comes first); PDF: ISO 32000 ("%PDF-" at the start).
"""

from typing import BinaryIO, NamedTuple

MOST_BYTES = 10 * 1024 * 1024
MOST_SIDE = 20_000  # A4 at 1,200 dots an inch is 9,921 by 14,031
MOST_PIXELS = 150_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
# Start of a frame: the segments that carry a JPEG's height and width (C4, C8 and CC are tables).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MOST_SEGMENTS = 500


class Scan(NamedTuple):
    """A scan's type by content; its picture's size in pixels, or 0 by 0 for a PDF."""

    media_type: str
    width: int
    height: int


class ScanError(ValueError):
    """The file cannot be kept; the message says why in plain words."""


def check(file: BinaryIO, size: int) -> Scan:
    """The type of a file of `size` bytes by its content; its position is back at the start afterwards.

    ScanError for anything but a JPEG, PNG or PDF of a size that a sheet of paper has.
    """
    if size <= 0:
        raise ScanError("The file is empty")
    if size > MOST_BYTES:
        raise ScanError(f"The file is larger than {MOST_BYTES // 1024 // 1024} MB. Scan it with fewer dots an inch")
    try:
        file.seek(0)
        found = _by_content(file, size)
    finally:
        file.seek(0)
    if found.width > MOST_SIDE or found.height > MOST_SIDE or found.width * found.height > MOST_PIXELS:
        raise ScanError("The picture is too large. Scan it with fewer dots an inch")
    if found.media_type != "application/pdf" and not (found.width and found.height):
        raise ScanError("The picture is damaged. Scan the form again")
    return found


def _by_content(file: BinaryIO, size: int) -> Scan:
    head = file.read(32)
    if head.startswith(_PNG) and head[12:16] == b"IHDR":
        return Scan("image/png", int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg(file)
    if head.startswith(b"%PDF-"):
        file.seek(max(0, size - 1024))
        if b"%%EOF" not in file.read(1024):
            raise ScanError("The PDF is not whole. Scan the form again")
        return Scan("application/pdf", 0, 0)
    raise ScanError("The file is no JPEG, PNG or PDF")


def _jpeg(file: BinaryIO) -> Scan:
    """From marker to marker until the frame's header, each skipped by its length; never through the picture itself."""
    file.seek(2)
    for _ in range(_MOST_SEGMENTS):
        mark = file.read(1)
        while mark == b"\xff":  # fill bytes
            kind = file.read(1)
            if kind != b"\xff":
                break
        else:
            break
        if not kind or kind[0] in (0xD9, 0xDA):  # the end, or the picture, before any frame
            break
        length = int.from_bytes(file.read(2), "big")
        if kind[0] in _FRAMES:
            body = file.read(5)
            return Scan("image/jpeg", int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"))
        if length < 2:
            break
        file.seek(length - 2, 1)
    raise ScanError("The picture is damaged. Scan the form again")
