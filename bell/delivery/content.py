"""What is said, who said it may leave, and where it goes: plain values that rooms above hand in."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from bell.delivery.models import AUTHORITIES
from bell.lib import text

# Streams of what a person asked for: a "no more" to everything else does not silence them.
ASKED_FOR = ("code", "receipt", "answer", "notice")

_ONE_LINE = ("sender_name", "subject", "list_id", "in_reply_to")
_LONGEST_LINE = 250
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_TRANSLATED = {"subject", "text", "html", "sms"}
# Left out of the digest while empty: what was approved before there were any stays approved.
_LATER = ("languages", "language", "inline", "items")
_LIST_ID = re.compile(r"[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?", re.ASCII | re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}>")
_CONTENT_ID = re.compile(r"[A-Za-z0-9.-]{1,64}@[A-Za-z0-9.-]{1,100}", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
_MOST_INLINE = 210_000  # characters: 150 kB of pictures in every copy
_REFERENCE = re.compile(r"[A-Za-z0-9._-]{0,32}")


class NoAuthority(Exception):
    """Something was to leave that nobody approved and nobody asked for."""


class BadContent(ValueError):
    """A text that cannot be sent as it is; the message says why."""


@dataclass(frozen=True)
class Authority:
    """Why a message may leave: an approval of an alert, a code, a receipt, an officer's answer, a notice to one, or
    a digest of messages that were approved."""

    kind: str
    key: str

    def check(self) -> None:
        """Refuse (NoAuthority) anything but the six kinds, each with a key of at most 64 characters."""
        if self.kind not in AUTHORITIES or not 1 <= len(self.key) <= 64:
            raise NoAuthority(f"Nothing leaves without authority, and {self.kind!r} with key {self.key!r} is none")


@dataclass(frozen=True)
class Content:
    """One message for everyone who gets it; text, html and sms may hold slots (see slots)."""

    sender_name: str
    subject: str
    text: str
    html: str = ""
    sms: str = ""
    list_id: str = ""  # names a kind of mail, e.g. "crime": becomes <crime.MAIL_DOMAIN>
    auto_submitted: bool = False  # a machine wrote it: nobody's machine should answer
    replies: bool = True  # Reply-To: r-<token>@REPLY_DOMAIN
    unsubscribe: bool = True  # List-Unsubscribe and List-Unsubscribe-Post (RFC 8058)
    in_reply_to: str = ""  # Message-ID of the mail that this answers, with its angle brackets
    # The same said in other languages: {BCP 47 tag: {"subject", "text", "html", "sms"}}, each as far as there is one.
    languages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    language: str = ""  # what this one is written in, said in Content-Language (RFC 3282) where it is known
    # Of a digest: [mailing, its stream] of each message in it, in the order in which their slots are numbered.
    items: Sequence[Sequence[Any]] = field(default_factory=list)

    # Pictures that the HTML shows as "cid:<name>": {Content-ID without brackets: a JPEG in base64}. Never linked to.
    inline: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """SHA-256 in hex over the canonical JSON of every field: what an approval binds (promises.md, I5)."""
        said = {name: value for name, value in asdict(self).items() if value or name not in _LATER}
        canonical = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """For Mailing.content; `from_json` gives an equal Content back."""
        said = asdict(self)
        if not self.items:  # a worker of the version before does not know them
            del said["items"]
        return said

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Content":
        """The Content that `as_json` wrote; BadContent when fields are strange to us."""
        try:
            return cls(**stored)
        except TypeError as error:
            raise BadContent("This stored text has fields that nobody knows") from error

    def in_language(self, tag: str) -> "Content":
        """The text that a reader of this language gets: that version, its nearest ("pt" for "pt-BR"), or our own.

        A channel that a version leaves out is sent in our own language; an HTML part never comes from another one.
        """
        found = self.languages.get(tag) or self.languages.get(tag.partition("-")[0])
        if not tag or not found:
            return self
        own = {"subject": self.subject, "text": self.text, "html": self.html, "sms": self.sms}
        if found.get("text", "").strip():
            own["html"] = ""
        said = {**own, **found}
        return replace(
            self,
            subject=said["subject"],
            text=said["text"],
            html=said["html"],
            sms=said["sms"],
            languages={},
            language=tag,
        )

    def check(self) -> None:
        """Refuse (BadContent) what could not be sent safely: line breaks in headers, NULs, nothing to say."""
        for name in _ONE_LINE:
            value = getattr(self, name)
            if len(value) > _LONGEST_LINE or not text.is_one_line(value):
                raise BadContent(f"{name} must be one line of at most {_LONGEST_LINE} characters")
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, str) and ("\0" in value or any("\ud800" <= c <= "\udfff" for c in value)):
                raise BadContent(f"{one.name} holds characters that are no text")
        for tag, said in self.languages.items():
            if not _LANGUAGE.fullmatch(tag) or not set(said) <= _TRANSLATED:
                raise BadContent("A language is named by its tag (BCP 47), with its subject, text, html and sms")
            self.in_language(tag).check()
        for name, picture in self.inline.items():
            if not _CONTENT_ID.fullmatch(name) or not _BASE64.fullmatch(picture):
                raise BadContent("A picture has a Content-ID and its bytes in base64")
        if sum(map(len, self.inline.values())) > _MOST_INLINE:
            raise BadContent("Pictures within a message are too large")
        if not self.text.strip() and not self.sms.strip():
            raise BadContent("There is nothing to say, by email or by text message")
        if self.html.strip() and not self.text.strip():
            raise BadContent("An email in HTML needs its plain text too")
        if self.list_id and not _LIST_ID.fullmatch(self.list_id):
            raise BadContent("list_id has letters, digits, hyphens and full stops only")
        if self.in_reply_to and not is_message_id(self.in_reply_to):
            raise BadContent("in_reply_to is a Message-ID in angle brackets")


@dataclass(frozen=True)
class Address:
    """One person's opaque key and where a message goes: channel "email" or "sms"."""

    recipient_key: int
    channel: str
    address: str


@dataclass(frozen=True)
class Step:
    """What one step of filling did. Go on with `after` until `finished`."""

    inserted: int
    suppressed: int
    after: int
    finished: bool


def is_message_id(text: str) -> bool:
    """Whether a text can stand in In-Reply-To: one Message-ID in angle brackets, without spaces or comments."""
    return _MESSAGE_ID.fullmatch(text) is not None


def check_reference(reference: str) -> None:
    """Refuse (BadContent) a reference that could not stand in a header."""
    if not _REFERENCE.fullmatch(reference):
        raise BadContent("A reference has at most 32 letters, digits, full stops, hyphens and underscores")
