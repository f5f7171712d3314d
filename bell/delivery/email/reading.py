"""What a mail that came in says: who, what, and whether a person or a machine wrote it."""

from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses
from urllib.parse import urlsplit

from django.conf import settings

from bell.delivery.email import mime, plain, quotes
from bell.lib import emails

_MOST_TEXT = 100_000
_MOST_MACHINES = ("bulk", "auto_reply", "junk")


@dataclass(frozen=True)
class Reading:
    """A mail as far as it makes sense. `machine` says why no person wrote it; "" when one did."""

    sender: str  # normalised, or "" when the From header holds no usable address
    recipients: tuple[str, ...]  # of To, Cc and the like, as they stand
    subject: str
    text: str
    message_id: str
    machine: str
    report_type: str  # of a multipart/report, such as "delivery-status"; else ""
    attachments: int


def read(raw: bytes, *, envelope_from: str | None = None) -> Reading:
    """Read a mail; anything can be said in one, so nothing here fails. `envelope_from` None means unknown."""
    own = mime.headers(raw)
    kind, report_type = mime.kind_of(raw)
    text, attachments = _words(raw)
    return Reading(
        sender=_sender(own),
        recipients=_recipients(own),
        subject=mime.words(own, "Subject")[:250],
        text=text,
        message_id=mime.value(own, "Message-ID")[:250],
        machine=_machine(own, kind, envelope_from),
        report_type=report_type if kind == "multipart/report" else "",
        attachments=attachments,
    )


def machine(raw: bytes, *, envelope_from: str | None = None) -> str:
    """Why no person wrote it, or "": as `read` says, by the headers alone, in a tenth of the time."""
    return _machine(mime.headers(raw), mime.kind_of(raw)[0], envelope_from)


def report(raw: bytes) -> str:
    """The text of the machine-readable part of a delivery report (RFC 3464), or ""."""
    for part in mime.parts(raw):
        if part.kind == "message/delivery-status":
            return mime.clean(part.decoded()[: 64 * 1024].decode("utf-8", "replace"))
    return ""


def _machine(own: Message, kind: str, envelope_from: str | None) -> str:
    """Why this was written by a machine (RFC 3834 and what machines say instead), or ""."""
    submitted = mime.value(own, "Auto-Submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return "auto-submitted"
    for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder"):
        if mime.value(own, name).lower() not in ("", "no"):
            return "automatic reply"
    if mime.value(own, "Precedence").lower() in _MOST_MACHINES:
        return "bulk"
    if kind == "multipart/report":
        return "report"
    sender = _first_address(mime.value(own, "From")).lower()
    senders = {sender.partition("@")[0], (envelope_from or "").lower().partition("@")[0]}
    if "mailer-daemon" in senders:
        return "mailer-daemon"
    if envelope_from is not None and envelope_from.strip("<> ") == "":
        return "empty envelope sender"
    if envelope_from is None and mime.value(own, "Return-Path") == "<>":
        return "empty envelope sender"
    return ""


def _sender(own: Message) -> str:
    try:
        return emails.email(_first_address(mime.value(own, "From")))
    except emails.EmailError:
        return ""


def _first_address(value: str) -> str:
    """The first address in a header's value, or ""."""
    try:
        return next((address for _, address in getaddresses([value[:500]]) if address), "")
    except (ValueError, RecursionError, IndexError):
        return ""


def _recipients(own: Message) -> tuple[str, ...]:
    """Addresses to which the mail says it was sent, for gateways that do not tell the envelope's."""
    values = [mime.value(own, name) for name in ("Delivered-To", "X-Original-To", "To", "Cc")]
    try:
        return tuple(address for _, address in getaddresses([v for v in values if v]) if "@" in address)[:20]
    except (ValueError, RecursionError, IndexError):
        return ()


def _words(raw: bytes) -> tuple[str, int]:
    """(the person's own words, number of attached files)."""
    found = mime.parts(raw)
    texts = [part for part in found if part.kind == "text/plain" and not part.attached]
    pages = [part for part in found if part.kind == "text/html" and not part.attached]
    attachments = sum(1 for part in found if part.attached or not part.kind.startswith("text/"))
    whole = "\n\n".join(filter(None, (part.text().strip() for part in texts)))
    if not whole:
        whole = "\n\n".join(filter(None, (plain.from_html(part.text()) for part in pages)))
    if not whole and not found:
        whole = mime.clean(raw[:_MOST_TEXT].decode("utf-8", "replace")).strip()
    own = quotes.without_quote(whole, marks())
    if len(own) > _MOST_TEXT:
        own = own[:_MOST_TEXT] + "\n\n[This message is longer. The whole of it is kept.]"
    if not own:
        files = "1 attached file" if attachments == 1 else f"{attachments} attached files"
        own = f"[This mail has no words, only {files}.]" if attachments else "[This mail has no words.]"
    return own, attachments


def marks() -> tuple[str, ...]:
    """What stands in our own mails only: our domains and our site."""
    return settings.MAIL_DOMAIN, settings.REPLY_DOMAIN, urlsplit(settings.SITE_URL).netloc
