"""Our own marks in other people's mail: which delivery an address, a Message-ID or an unsubscribe link belongs to.

Each is signed, so it alone says whom a mail is about; an address never does (promises.md).
"""

from collections.abc import Iterable

from django.conf import settings

from bell.delivery import unsubscribe
from bell.lib import links, tokens

_PREFIXES = {"r-": "reply", "b-": "bounce"}


def read_token(addresses: Iterable[str]) -> tuple[str, int | None]:
    """(kind, delivery id) of the first address of ours with a genuine token; ("", None) when there is none."""
    for address in addresses:
        local, _, domain = address.strip("<> ").rpartition("@")
        kind = _PREFIXES.get(local[:2].lower())
        if kind and domain.lower() == settings.REPLY_DOMAIN.lower():
            number = tokens.read_int(kind, local[2:])
            if number is not None:
                return kind, number
    return "", None


def read_message_id(text: str) -> int | None:
    """The delivery whose Message-ID this is, or None."""
    local, _, domain = text.strip("<> \t").rpartition("@")
    if local[:1].lower() != "d" or domain.lower() != settings.MAIL_DOMAIN.lower():
        return None
    return tokens.read_int("message", local[1:])


def read_unsubscribe(header: str) -> tuple[int, str] | None:
    """(recipient key, stream) of the link in a List-Unsubscribe header of ours, or None."""
    before = links.unsubscribe("").removesuffix("/")  # "/u/", and the token comes next
    for link in header.split(","):
        _, found, rest = link.rpartition(before)
        read = unsubscribe.read(rest.strip("<>/ \t")) if found else None
        if read is not None:
            return read
    return None
