"""Pictures for tests: with a camera's metadata, large, hostile."""

import io
import struct
import zlib
from typing import Any

from PIL import Image


def photo(width: int = 900, height: int = 600, format: str = "JPEG", *, noise: bool = False, **options: Any) -> bytes:
    """A picture; JPEGs carry a place, a camera and an orientation in their metadata."""
    picture = (
        Image.effect_noise((width, height), 90).convert("RGB") if noise else Image.new("RGB", (width, height), "teal")
    )
    if format == "JPEG":
        exif = Image.Exif()
        exif[0x0110] = "SecretCamera 9000"
        exif[0x0112] = 6  # turned by a quarter
        exif.get_ifd(0x8825)[1] = "N"
        options["exif"] = exif
    made = io.BytesIO()
    picture.save(made, format, **options)
    return made.getvalue()


def bomb() -> bytes:
    """A PNG that says it has ten thousand million pixels."""
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
