"""What truly arrived: the catchers' own files, read again from the disk, mails parsed as anyone would parse them."""

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Any

from bell.delivery import slots
from bell.lib import tokens
from bell.proving.spool import MAILS, TEXTS, Spool

_REFERENCE = re.compile(r"\bDA-[A-Z0-9]{5}\b")
_MESSAGE_ID = re.compile(r"<d([a-z2-7]{24})@")
_ANSWER = re.compile(r"(/r/)[a-z2-7]{24}(/)")
_UNSUBSCRIBE = re.compile(r"(/u/)[a-z2-7]{64}(/)")
_ANSWER_ITEM, _STOP_ITEM = re.compile("slot0item[0-9]{2}0{13}"), re.compile("slot0stop[0-9]{2}0{53}")
_ANSWER_TOKEN = re.compile(r"/r/([a-z2-7]{24})/")


@dataclass(frozen=True)
class Copy:
    """One message that a catcher accepted."""

    channel: str
    at: datetime
    to: str
    subject: str
    text: str
    html: str
    reference: str
    """The alert's reference as a reader finds it; "" where there is none."""
    delivery_id: int | None
    """The delivery that its Message-ID or its gateway's reference names, if that is genuine."""
    line: dict[str, Any]

    @property
    def answer_link(self) -> str:
        """The path of the link to answer, or ""."""
        found = _ANSWER_TOKEN.search(self.text)
        return f"/r/{found[1]}/" if found else ""

    @property
    def answer_token(self) -> int | None:
        """The delivery that the answer link is for."""
        found = _ANSWER_TOKEN.search(self.text)
        return tokens.read_int("answer", found[1]) if found else None


def read(folder: Path) -> list[Copy]:
    """Every mail and text in a folder's spools, in the order in which they were accepted."""
    return sorted([*_mails(folder), *_texts(folder)], key=lambda copy: copy.at)


def size(folder: Path) -> int:
    """How many bytes the spools hold: a cheap way to see that something came."""
    files = [folder / name for name in (MAILS, TEXTS)]
    return sum(file.stat().st_size for file in files if file.exists())


def _mails(folder: Path) -> Iterator[Copy]:
    for line in Spool(folder / MAILS).all():
        # The old policy of the email package: ten times as fast as the new one, and there are thousands.
        message = email.message_from_bytes(line["data"].encode("latin-1"))
        bodies = {part.get_content_type(): _body(part) for part in message.walk() if not part.is_multipart()}
        found = _MESSAGE_ID.match(message.get("Message-ID", ""))
        for to in line["to"]:
            yield Copy(
                channel="email",
                at=datetime.fromisoformat(line["at"]),
                to=to,
                subject=_subject(message),
                text=bodies.get("text/plain", ""),
                html=bodies.get("text/html", ""),
                reference=_reference(bodies.get("text/plain", "")),
                delivery_id=tokens.read_int("message", found[1]) if found else None,
                line=line,
            )


def _body(part: Message) -> str:
    """The text of one part, its transfer encoding undone."""
    raw = part.get_payload(decode=True)
    return raw.decode(part.get_content_charset("utf-8"), "replace") if isinstance(raw, bytes) else ""


def _subject(message: Message) -> str:
    """The subject in one line, its encoded words decoded (RFC 2047)."""
    lines = str(message.get("Subject", "")).replace("\r\n", "").replace("\n", "")
    return str(make_header(decode_header(lines)))


def _texts(folder: Path) -> Iterator[Copy]:
    for line in Spool(folder / TEXTS).all():
        yield Copy(
            channel="sms",
            at=datetime.fromisoformat(line["at"]),
            to=line["to"],
            subject="",
            text=line["text"],
            html="",
            reference=_reference(line["text"]),
            delivery_id=tokens.read_int("text", line["reference"]),
            line=line,
        )


def _reference(text: str) -> str:
    """The first reference in a text: an alert's own stands before any that its words may mention."""
    found = _REFERENCE.search(text)
    return found[0] if found else ""


def masked(text: str) -> str:
    """A text with each person's own tokens replaced by the slots they came from, and one kind of line end.

    The slots of a digest's items become those of any message: in a copy nothing tells one token from another.
    """
    text = _STOP_ITEM.sub(slots.UNSUBSCRIBE, _ANSWER_ITEM.sub(slots.ANSWER, text))
    text = _ANSWER.sub(rf"\g<1>{slots.ANSWER}\g<2>", text.replace("\r\n", "\n"))
    return _UNSUBSCRIBE.sub(rf"\g<1>{slots.UNSUBSCRIBE}\g<2>", text).strip()
