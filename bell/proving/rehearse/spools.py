"""What truly arrived: the catchers' own files, read again from the disk, mails parsed as anyone would parse them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bell.delivery import slots
from bell.lib import tokens
from bell.proving import letters
from bell.proving.spool import MAILS, TEXTS, Spool

_REFERENCE = re.compile(r"\bDA-[A-Z0-9]{5}\b")
_MESSAGE_ID = re.compile(r"<d([a-z2-7]{24})@")
_ANSWER = re.compile(r"(/r/)[a-z2-7]{24}(/)")
_UNSUBSCRIBE = re.compile(r"(/u/)[a-z2-7]{64}(/)")
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
        shown = letters.shown(line)
        found = _MESSAGE_ID.match(shown["message_id"])
        for to in line["to"]:
            yield Copy(
                channel="email",
                at=datetime.fromisoformat(line["at"]),
                to=to,
                subject=shown["subject"],
                text=shown["text"],
                html=shown["html"],
                reference=_reference(shown["text"]),
                delivery_id=tokens.read_int("message", found[1]) if found else None,
                line=line,
            )


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
    """A text with each person's own tokens replaced by the slots they came from, and one kind of line end."""
    text = _ANSWER.sub(rf"\g<1>{slots.ANSWER}\g<2>", text.replace("\r\n", "\n"))
    return _UNSUBSCRIBE.sub(rf"\g<1>{slots.UNSUBSCRIBE}\g<2>", text).strip()
