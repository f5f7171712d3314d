"""Caught mail as a person sees it, and a reply to it as a person's mail program would write one."""

import email
import email.policy
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any

from bell.lib import clock

_DEADLINE = 30.0


@dataclass(frozen=True)
class Outcome:
    """What the site's mail door said: the code of RFC 5321 (0: it did not answer), its words, our Message-ID."""

    code: int
    words: str
    message_id: str

    @property
    def accepted(self) -> bool:
        """Whether the reply is with the site."""
        return 200 <= self.code < 300


def parse(line: Mapping[str, Any]) -> EmailMessage:
    """The MIME message of a spool's line."""
    message = email.message_from_bytes(str(line.get("data", "")).encode("latin-1"), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def shown(line: Mapping[str, Any]) -> dict[str, str]:
    """Subject, from, reply_to, text, html, message_id, list_unsubscribe and at of a spool's line."""
    message = parse(line)
    headers = {
        "subject": "Subject", "from": "From", "reply_to": "Reply-To", "message_id": "Message-ID",
        "list_unsubscribe": "List-Unsubscribe",
    }  # fmt: skip
    facts = {name: str(message.get(header, "")) for name, header in headers.items()}
    return {**facts, "text": _body(message, "plain"), "html": _body(message, "html"), "at": str(line.get("at", ""))}


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # a charset that nobody knows
        return ""


def reply(original: EmailMessage | None, *, sender: str, to: str, subject: str, text: str) -> EmailMessage:
    """A mail to `to` (default: where the original wants its replies), quoting the original below, as people do."""
    message = EmailMessage(policy=email.policy.SMTP)
    local, _, domain = sender.rpartition("@")
    name = local.replace(".", " ").title()
    message["From"] = Address(name, username=local, domain=domain)
    message["To"] = to or answer_address(original)
    message["Subject"] = subject or _subject(original)
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=domain)
    body = text
    if original is not None:
        earlier = str(original.get("Message-ID", ""))
        if earlier:
            message["In-Reply-To"] = earlier
            message["References"] = " ".join([*str(original.get("References", "")).split(), earlier])
        body = f"{text}\n\n{_quoted(original)}"
    message.set_content(body)
    return message


def answer_address(original: EmailMessage | None) -> str:
    """The bare address that a reply to this mail goes to: Reply-To, else From; "" where there is neither."""
    if original is None:
        return ""
    return parseaddr(str(original.get("Reply-To") or original.get("From", "")))[1]


def _subject(original: EmailMessage | None) -> str:
    subject = str(original.get("Subject", "")) if original is not None else ""
    return subject if subject.lower().startswith("re:") else f"Re: {subject}".strip()


def _quoted(original: EmailMessage) -> str:
    """The original behind > marks, under the line that mail programs write above it."""
    date = original["Date"]
    day = f"{date.datetime:%a, %d %b %Y at %H:%M}" if date is not None and getattr(date, "datetime", None) else ""
    quoted = "\n".join(f"> {line}" if line else ">" for line in _body(original, "plain").splitlines())
    return f"On {day}, {original.get('From', '')} wrote:\n{quoted}\n"


def deliver(message: EmailMessage, *, to: str, host: str, port: int) -> Outcome:
    """Hand a mail to the site's mail door by LMTP (RFC 2033); never raises for what the door says or does not say."""
    message_id = str(message["Message-ID"])
    sender = parseaddr(str(message["From"]))[1]
    try:
        with smtplib.LMTP(host, port, timeout=_DEADLINE, local_hostname="phone.example") as door:
            door.ehlo_or_helo_if_needed()
            code, words = door.mail(sender)
            if code < 400:
                code, words = door.rcpt(to)
            if code < 400:
                code, words = door.data(message.as_bytes())
    except smtplib.SMTPResponseException as error:
        code, words = error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b"refused"
    except (OSError, smtplib.SMTPException) as error:
        return Outcome(0, f"The mail door did not answer ({type(error).__name__})", message_id)
    return Outcome(code, words.decode("utf-8", "replace"), message_id)
