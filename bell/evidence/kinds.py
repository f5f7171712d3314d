"""What a file is, by its first bytes: never by its name, nor by what a browser claims."""

from dataclasses import dataclass

HEAD = 4096
"""How many of the first bytes are looked at."""

UNKNOWN = "application/octet-stream"


@dataclass(frozen=True)
class Type:
    """A type of content: its words for people, the ending of a safe name, and what a preview is made with.

    `demuxer` is the one FFmpeg format that may open it (none: no preview); `picture` the one of Pillow.
    """

    words: str
    ending: str
    demuxer: str = ""
    picture: str = ""


TYPES: dict[str, Type] = {
    "video/mp4": Type("MP4 video", "mp4", demuxer="mov"),
    "video/quicktime": Type("QuickTime video", "mov", demuxer="mov"),
    "video/3gpp": Type("3GPP video", "3gp", demuxer="mov"),
    "video/x-matroska": Type("Matroska or WebM video", "mkv", demuxer="matroska"),
    "video/x-msvideo": Type("AVI video", "avi", demuxer="avi"),
    "video/mp2t": Type("MPEG transport stream", "ts", demuxer="mpegts"),
    "video/mpeg": Type("MPEG video", "mpg", demuxer="mpeg"),
    "video/x-ms-asf": Type("Windows Media video", "wmv"),
    "video/x-dhav": Type("Dahua recorder video", "dav"),
    "video/x-hikvision": Type("Hikvision recorder video", "hik"),
    "image/jpeg": Type("JPEG picture", "jpg", picture="JPEG"),
    "image/png": Type("PNG picture", "png", picture="PNG"),
    "image/gif": Type("GIF picture", "gif", picture="GIF"),
    "image/webp": Type("WebP picture", "webp", picture="WEBP"),
    "image/bmp": Type("Bitmap picture", "bmp", picture="BMP"),
    "image/tiff": Type("TIFF picture", "tif"),
    "image/heic": Type("HEIC picture", "heic"),
    "image/avif": Type("AVIF picture", "avif"),
    "audio/wav": Type("WAV sound", "wav"),
    "audio/mpeg": Type("MP3 sound", "mp3"),
    "audio/mp4": Type("MPEG-4 sound", "m4a"),
    "application/ogg": Type("Ogg recording", "ogg"),
    "application/pdf": Type("PDF document", "pdf"),
    "application/zip": Type("ZIP archive", "zip"),
    "application/gzip": Type("gzip archive", "gz"),
    "application/x-7z-compressed": Type("7-Zip archive", "7z"),
    "application/vnd.rar": Type("RAR archive", "rar"),
    "application/vnd.microsoft.portable-executable": Type("Windows program", "bin"),
    "application/x-elf": Type("Linux program", "bin"),
    UNKNOWN: Type("Unknown format", "bin"),
}

# (offset, bytes, type): the first that fits wins.
_MARKS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
    (0, b"\0\0\x01\xba", "video/mpeg"),
    (0, b"\0\0\x01\xb3", "video/mpeg"),
    (0, b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel", "video/x-ms-asf"),
    (0, b"DHAV", "video/x-dhav"),
    (0, b"IMKH", "video/x-hikvision"),
    (0, b"OggS", "application/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x7fELF", "application/x-elf"),
)
# ISO base media (ISO/IEC 14496-12): "ftyp" at 4, then the major brand.
_BRANDS: tuple[tuple[bytes, str], ...] = (
    (b"qt  ", "video/quicktime"),
    (b"3g", "video/3gpp"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"mif1", "image/heic"),
    (b"avif", "image/avif"),
    (b"M4A", "audio/mp4"),
)
_RIFF = {b"AVI ": "video/x-msvideo", b"WAVE": "audio/wav", b"WEBP": "image/webp"}
_TS_PACKET = 188


def of(head: bytes) -> str:
    """The content type of a file by its first bytes (at least some hundreds where there are so many)."""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return next((kind for mark, kind in _BRANDS if brand.startswith(mark)), "video/mp4")
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free") and len(head) > 16:
        return "video/quicktime"
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[:2] == b"BM" and len(head) > 30 and head[14:18] in (b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0"):
        return "image/bmp"
    if len(head) > 2 * _TS_PACKET and {head[at] for at in (0, _TS_PACKET, 2 * _TS_PACKET)} == {0x47}:
        return "video/mp2t"
    return next((kind for at, mark, kind in _MARKS if head[at : at + len(mark)] == mark), UNKNOWN)


def known(content_type: str) -> Type:
    """What we know of a content type."""
    return TYPES.get(content_type, TYPES[UNKNOWN])
