"""Hostile mail, read in a time that grows with its size only: a shallow, linear walk over MIME (RFC 2045, 2046).

Python's own parser recurses, and checks every line against every open boundary; a person's answer needs neither deep
nesting nor a thousand parts. What is beyond the bounds is left unread, never refused: the raw bytes are kept.
"""

import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32

MOST_DEPTH = 8
MOST_PARTS = 60
MOST_HEADER_BYTES = 64 * 1024
MOST_VALUE = 1000  # characters of one header's value
MOST_BODY_BYTES = 1024 * 1024  # of one text part

# Codecs that turn bytes into text in linear time; others exist that compress, escape or look up names.
_CHARSETS = re.compile(
    r"utf-8|utf-16(-[lb]e)?|utf-32(-[lb]e)?|utf-7|ascii|latin-1|iso8859-\d{1,2}|cp\d{3,4}|koi8-[rtu]|mac-[a-z]+"
    r"|gb2312|gbk|gb18030|big5(hkscs)?|shift_jis(_2004)?|euc_(jp|kr)|iso2022_(jp|kr)(_\d)?|hz|johab|tis-620"
)
_SEVEN_BIT = ("utf-7", "iso2022", "hz")  # these hide other alphabets in ASCII
_CONTROLS = dict.fromkeys([*range(9), 11, *range(14, 32), 127])


@dataclass(frozen=True)
class Part:
    """One part without children: its headers, content type in lower case, and where its body lies."""

    headers: Message
    kind: str
    body: bytes
    inside: str  # the multipart around it, such as "multipart/alternative", or ""

    @property
    def attached(self) -> bool:
        """Whether the part is a file and not the message's own text."""
        disposition = value(self.headers, "Content-Disposition").strip().lower()
        return disposition.startswith("attachment") or (not self.kind.startswith("text/") and bool(disposition))

    def decoded(self) -> bytes:
        """The body without its transfer encoding, at most MOST_BODY_BYTES of it."""
        encoding = value(self.headers, "Content-Transfer-Encoding").strip().lower()
        body = self.body[: MOST_BODY_BYTES * 2]
        if encoding == "base64":
            body = _base64(body)
        elif encoding == "quoted-printable":
            body = binascii.a2b_qp(body)
        return body[:MOST_BODY_BYTES]

    def text(self) -> str:
        """The body as text, by its charset if that makes sense, else UTF-8, else Windows-1252; never fails."""
        return clean(decode(self.decoded(), _parameter(self.headers, "charset")))


def headers(raw: bytes) -> Message:
    """The message's headers; nonsense gives few or none."""
    block, _ = _halves(raw)
    return BytesHeaderParser(policy=compat32).parsebytes(block[:MOST_HEADER_BYTES] + b"\n\n")


def value(message: Message, name: str) -> str:
    """A header's first value as it stands, unfolded and cut at MOST_VALUE; "" when there is none."""
    found = message.get(name)
    return "" if found is None else clean(" ".join(str(found)[:MOST_VALUE].split()))


def words(message: Message, name: str) -> str:
    """A header's value with its encoded words (RFC 2047) read, as far as they make sense."""
    text = value(message, name)
    try:
        return clean(str(make_header(decode_header(text))))[:MOST_VALUE]
    except (ValueError, LookupError, MessageError):
        return text


def parts(raw: bytes) -> list[Part]:
    """The parts without children, in order; at most MOST_PARTS, at most MOST_DEPTH deep."""
    found: list[Part] = []
    todo: list[tuple[bytes, str, int]] = [(raw, "", 0)]
    while todo and len(found) < MOST_PARTS:
        piece, inside, depth = todo.pop()
        own, content = headers(piece), body(piece)
        kind = _kind(own)
        inner: list[bytes] = []
        if kind.startswith("multipart/"):
            boundary = _parameter(own, "boundary").encode("utf-8", "replace")
            inner = list(_between(content, boundary)) if boundary and depth < MOST_DEPTH else []
            kind = kind if inner else "text/plain"  # nothing can be told apart: then all of it is shown
        if inner:
            todo.extend((one, kind, depth + 1) for one in reversed(inner))
        else:
            found.append(Part(own, kind, content, inside))
    return found


def body(raw: bytes) -> bytes:
    """Everything after the headers."""
    return _halves(raw)[1]


def kind_of(raw: bytes) -> tuple[str, str]:
    """(content type, report-type) of a whole message, in lower case."""
    own = headers(raw)
    return _kind(own), _parameter(own, "report-type").lower()


def decode(data: bytes, charset: str) -> str:
    """Bytes as text, come what may."""
    try:
        name = codecs.lookup(charset.strip().lower()).name if charset else ""
    except (LookupError, ValueError):
        name = ""
    if data.isascii() and b"\0" not in data and not name.startswith(_SEVEN_BIT):
        return data.decode("ascii")  # whatever it calls itself
    if name not in ("utf-8", "ascii") and _CHARSETS.fullmatch(name):
        return data.decode(name, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def clean(text: str) -> str:
    """Text that a database and a page can hold: no control characters but tab and line ends, no lone surrogates."""
    return text.translate(_CONTROLS).encode("utf-8", "replace").decode("utf-8")


def _halves(raw: bytes) -> tuple[bytes, bytes]:
    """(headers, body) at the first empty line; a piece without one is all headers, or all body if it has no colon."""
    if raw.startswith((b"\n", b"\r\n")):
        return b"", raw.lstrip(b"\r\n")
    ends = [(place, len(gap)) for gap in (b"\r\n\r\n", b"\n\n") if (place := raw.find(gap)) >= 0]
    if not ends:
        return (raw, b"") if b":" in raw[:200] else (b"", raw)
    place, size = min(ends)
    return raw[:place], raw[place + size :]


def _between(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The pieces between boundary lines; a multipart that is never closed ends with its message."""
    mark = b"\n--" + boundary
    body = b"\n" + body
    place = body.find(mark)
    count = 0
    while place >= 0 and count < MOST_PARTS:
        start = place + len(mark)
        if body[start : start + 2] == b"--":
            return
        line_end = body.find(b"\n", start)
        if line_end < 0:
            return
        place = body.find(mark, line_end)
        piece = body[line_end + 1 : place if place >= 0 else len(body)]
        yield piece.removesuffix(b"\r")
        count += 1


def _kind(own: Message) -> str:
    text = value(own, "Content-Type").partition(";")[0].strip().lower()
    return text if text.count("/") == 1 else "text/plain"


def _parameter(own: Message, name: str) -> str:
    """A parameter of Content-Type; only a value of bounded length is looked at."""
    lean = Message()
    lean["Content-Type"] = value(own, "Content-Type")
    try:
        found = lean.get_param(name)
    except (ValueError, LookupError, TypeError):
        return ""
    if isinstance(found, tuple):
        found = found[2]
    return str(found or "").strip()[:200]


def _base64(body: bytes) -> bytes:
    """Base64 as far as it goes."""
    lean = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
    lean = lean[: len(lean) - (len(lean) % 4 == 1)]
    try:
        return binascii.a2b_base64(lean + b"=" * (-len(lean) % 4))
    except binascii.Error:
        return body
