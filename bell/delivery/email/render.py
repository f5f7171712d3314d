"""From one text to a million mails: the MIME message is built once, cut at its slots, and joined for each person.

Bodies travel as quoted-printable (RFC 2045 6.7) whose soft line breaks never fall into a slot: every relay takes seven
bits, and a slot stands in the wire form exactly as the token that replaces it.
"""

from collections.abc import Iterator
from datetime import datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from typing import Any, NamedTuple

from django.conf import settings

from bell.delivery import slots, unsubscribe
from bell.delivery.content import Content
from bell.delivery.email import dkim
from bell.lib import clock, emails, links, tokens

_BASE64_LINE = 76  # RFC 2045, 6.8
_LINE = 75  # characters before a soft break; 76 with it (RFC 2045)
_FOLDED = ("from", "subject")
_PURPOSES = {slots.ANSWER: "answer", slots.REPLY: "reply", slots.MESSAGE: "message"}


class _Wire(EmailPolicy):
    """Folds only what people write: a token broken over two lines, or encoded, would be no slot any more."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in _FOLDED:
            return super().fold_binary(name, value)
        return f"{name}: {value}{self.linesep}".encode("ascii")


_POLICY = _Wire(linesep="\r\n")


class Person(NamedTuple):
    """What differs from copy to copy."""

    delivery_id: int
    recipient_key: int
    address: str
    # Of a digest: the deliveries that its items stand for, in their order.
    items: tuple[int, ...] = ()


class Letter(NamedTuple):
    """One copy: envelope and message, CRLF lines, not dot-stuffed."""

    sender: str
    recipient: str
    data: bytes


class Form:
    """A mail drawn once: fixed pieces with slots between them."""

    def __init__(self, content: Content, *, stream: str, reference: str, at: datetime | None = None) -> None:
        self.stream = stream
        message = _message(content, reference=reference, at=at or clock.now())
        self.pieces = tuple(_cut(message.as_bytes(policy=_POLICY)))
        # A letter is these pieces joined, with each slot's places filled: no search, no copy but the last.
        self._fixed = [piece if isinstance(piece, bytes) else b"" for piece in self.pieces]
        used = [slot for slot in _PURPOSES if slot in self.pieces]
        self._places = [self._at(slot) for slot in used]
        self._unsubscribe, self._address = self._at(slots.UNSUBSCRIBE), self._at(slots.ADDRESS)
        self._items = [
            (item_stream, self._at(slots.answer_item(place)), self._at(slots.stop_item(place)))
            for place, (_, item_stream) in enumerate(content.items)
        ]
        self._signed = tokens.signer(["bounce", *(_PURPOSES[slot] for slot in used)])
        self._domain = f"@{settings.REPLY_DOMAIN}"
        signing = dkim.keys()
        self._seal = dkim.Seal(self.pieces, signing) if signing else None

    def _at(self, slot: str) -> tuple[int, ...]:
        return tuple(place for place, piece in enumerate(self.pieces) if piece == slot)

    def letter(self, person: Person) -> Letter:
        """One person's copy. ValueError when the address could not stand in a header or an envelope."""
        address = _safe(person.address)
        parts = self._fixed.copy()
        bounce, *made = self._signed(person.delivery_id)
        for places, token in zip(self._places, made, strict=True):
            _put(parts, places, token)
        if self._unsubscribe:
            _put(parts, self._unsubscribe, unsubscribe.token(person.recipient_key, self.stream))
        if self._items:
            self._put_items(parts, person)
        _put(parts, self._address, address)
        if self._seal is not None:
            filled = {piece: parts[place] for place, piece in enumerate(self.pieces) if isinstance(piece, str)}
            parts.insert(0, self._seal.headers(filled))
        return Letter(f"b-{bounce}{self._domain}", address, b"".join(parts))

    def _put_items(self, parts: list[bytes], person: Person) -> None:
        """A digest's items: each has its own answer link, and its own "no more of this"."""
        if len(person.items) != len(self._items):
            raise ValueError("this digest's messages are not the ones that it was made of")
        for number, (stream, answers, stops) in zip(person.items, self._items, strict=True):
            if answers:
                _put(parts, answers, tokens.sign_int("answer", number))
            if stops:
                _put(parts, stops, unsubscribe.token(person.recipient_key, stream))


def _put(parts: list[bytes], places: tuple[int, ...], token: str) -> None:
    made = token.encode("ascii")
    for place in places:
        parts[place] = made


def return_path(delivery_id: int) -> str:
    """The signed envelope sender of one delivery (VERP): where its bounce comes back to."""
    return f"b-{tokens.sign_int('bounce', delivery_id)}@{settings.REPLY_DOMAIN}"


def message_id(delivery_id: int) -> str:
    """The Message-ID of a delivery, the same at every attempt."""
    return f"<d{tokens.sign_int('message', delivery_id)}@{settings.MAIL_DOMAIN}>"


def _safe(address: str) -> str:
    """The address as it may stand unquoted; ValueError for anything that is more than an address."""
    if not emails.is_plain(address) and emails.email(address) != address:
        raise ValueError("Not an address in its plain form")
    return address


def _message(content: Content, *, reference: str, at: datetime) -> EmailMessage:
    """The whole mail with slots where a person's own words go."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Mailbox(content.sender_name, "alerts", settings.MAIL_DOMAIN)
    message["To"] = slots.ADDRESS
    if content.replies:
        message["Reply-To"] = Mailbox("", f"r-{slots.REPLY}", settings.REPLY_DOMAIN)
    message["Subject"] = content.subject
    message["Date"] = at
    message["Message-ID"] = f"<d{slots.MESSAGE}@{settings.MAIL_DOMAIN}>"
    if content.in_reply_to:
        message["In-Reply-To"] = content.in_reply_to
        message["References"] = content.in_reply_to
    if content.list_id:
        message["List-Id"] = f"<{content.list_id}.{settings.MAIL_DOMAIN}>"
    if content.unsubscribe:
        message["List-Unsubscribe"] = f"<{links.absolute(links.unsubscribe(slots.UNSUBSCRIBE))}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if content.auto_submitted:
        message["Auto-Submitted"] = "auto-generated"
    if content.language:
        message["Content-Language"] = content.language
    if reference:
        message["X-Alert-Reference"] = reference
    _body(message, content)
    return message


def _body(message: EmailMessage, content: Content) -> None:
    """Plain text, and HTML beside it when there is some."""
    if not content.html.strip():
        _text(message, "plain", content.text)
        return
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = "multipart/alternative"
    plain, rich = EmailMessage(policy=SMTP), EmailMessage(policy=SMTP)
    _text(plain, "plain", content.text)
    _text(rich, "html", content.html)
    message.attach(plain)
    message.attach(_related(rich, content) if content.inline else rich)


def _related(rich: EmailMessage, content: Content) -> EmailMessage:
    """The HTML with the pictures that it shows (RFC 2387), each by its Content-ID: nothing is loaded from afar."""
    whole = EmailMessage(policy=SMTP)
    whole["MIME-Version"] = "1.0"
    whole["Content-Type"] = 'multipart/related; type="text/html"'
    whole.attach(rich)
    for name, picture in content.inline.items():
        part = EmailMessage(policy=SMTP)
        part["MIME-Version"] = "1.0"
        part["Content-Type"] = "image/jpeg"
        part["Content-Transfer-Encoding"] = "base64"
        part["Content-ID"] = f"<{name}>"
        part["Content-Disposition"] = 'inline; filename="picture.jpg"'
        part.set_payload("\r\n".join(_lines(picture)))
        whole.attach(part)
    return whole


def _lines(encoded: str) -> Iterator[str]:
    """Base64 in lines of the length that the RFC asks for."""
    return (encoded[at : at + _BASE64_LINE] for at in range(0, len(encoded), _BASE64_LINE))


def _text(part: EmailMessage, subtype: str, text: str) -> None:
    if "MIME-Version" not in part:
        part["MIME-Version"] = "1.0"
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(quoted_printable(text))


def quoted_printable(text: str) -> str:
    """The text as quoted-printable with CRLF, in which each slot stays whole on its line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\r\n".join(_wrap(line) for line in lines)


def _wrap(line: str) -> str:
    """One line, softly broken between atoms; spaces and tabs at its end are encoded, as the RFC asks."""
    done: list[str] = []
    present = ""
    atoms = list(_atoms(line))
    for place, atom in enumerate(atoms):
        if place == len(atoms) - 1 and atom in (" ", "\t"):
            atom = f"={ord(atom):02X}"
        if len(present) + len(atom) > _LINE:
            done.append(present + "=")
            present = ""
        present += atom
    done.append(present)
    return "\r\n".join(done)


def _atoms(line: str) -> Iterator[str]:
    """What may not be broken: a slot, or one character in its encoded form (all bytes of it)."""
    for piece in slots.split(line, slots.IN_TEXT):
        if slots.is_one(piece):
            yield piece
        else:
            for character in piece:
                if character in " \t" or ("!" <= character <= "~" and character != "="):
                    yield character
                else:
                    yield "".join(f"={byte:02X}" for byte in character.encode())


def _cut(data: bytes) -> Iterator[bytes | str]:
    """The wire form cut at its slots: bytes stand as they are, a slot's name is replaced."""
    for piece in slots.split(data.decode("ascii"), slots.EVERY):
        yield piece if slots.is_one(piece) else piece.encode("ascii")
