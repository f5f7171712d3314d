"""Email addresses as people type them: checked, normalised, and known for invented when they are.

The form is the common one of RFC 5321: an unquoted local part of at most 64 octets, a domain name of letters, digits
and hyphens (RFC 1035) with at least one dot. Quoted local parts, address literals and addresses outside ASCII (RFC
6531) are refused, because most relays refuse them too.
"""

import re

_LONGEST = 254  # RFC 3696 erratum 1690: the longest address that fits in a MAIL or RCPT path
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PLAIN = re.compile(rf"(?=.{{1,64}}@)(?:{_LOCAL.pattern})@(?:{_LABEL.pattern}\.)+{_LABEL.pattern}", re.ASCII)
_EXAMPLE = "like name@example.com"

# RFC 2606 and RFC 6761: reserved, so that nobody real can ever have them.
_INVENTED_ENDS = frozenset({"example", "test", "invalid"})
_INVENTED_DOMAINS = ("example.com", "example.org", "example.net")


class EmailError(ValueError):
    """The address cannot be used; the message says why in words for the person who typed it."""


def email(text: str) -> str:
    """The normalised address: no surrounding space, domain in lower case, local part as typed. EmailError otherwise.

    The local part keeps its case (RFC 5321 2.4 leaves it to its host); `same_key` compares two.
    """
    address = _tidy(text)
    if not address:
        raise EmailError("Enter an email address")
    if len(address) > _LONGEST:
        raise EmailError("This email address is too long")
    if any(character.isspace() or not character.isprintable() for character in address):
        raise EmailError(f"An email address has no spaces in it. Enter one {_EXAMPLE}")
    if not address.isascii():
        raise EmailError(f"An email address has plain letters only, without accents. Enter one {_EXAMPLE}")
    if address.count("@") != 1:
        raise EmailError(f"An email address has one @ in it. Enter one {_EXAMPLE}")
    local, domain = address.split("@")
    _check_local(local)
    domain = domain.lower()
    _check_domain(domain)
    return f"{local}@{domain}"


def is_plain(address: str) -> bool:
    """Whether an address surely stands in its normalised form already: for those who ask by the million.

    False only means that `email` must look at it.
    """
    return len(address) <= _LONGEST and _PLAIN.fullmatch(address) is not None


def same_key(address: str) -> str:
    """What two spellings of one address share: compare and look up by this, send to the address itself."""
    return address.strip().casefold()


def is_invented(address: str) -> bool:
    """Whether the address belongs to nobody: a domain reserved for examples and tests (RFC 2606, RFC 6761)."""
    domain = address.rpartition("@")[2].lower().rstrip(".")
    if domain.rpartition(".")[2] in _INVENTED_ENDS:
        return True
    return any(domain == reserved or domain.endswith("." + reserved) for reserved in _INVENTED_DOMAINS)


def _tidy(text: str) -> str:
    """Without what a copied address drags along: spaces, angle brackets, "mailto:", marks that have no width."""
    address = re.sub("[\u200b-\u200f\u202a-\u202e\u2060\ufeff]", "", text).strip()
    if address.startswith("<") and address.endswith(">"):
        address = address[1:-1].strip()
    return address[7:] if address[:7].lower() == "mailto:" else address


def _check_local(local: str) -> None:
    if not local:
        raise EmailError(f"Something is missing before the @. Enter an email address {_EXAMPLE}")
    if len(local) > 64:
        raise EmailError("The part before the @ is too long")
    if not _LOCAL.fullmatch(local):
        raise EmailError(f"The part before the @ has a character or a full stop out of place. Enter one {_EXAMPLE}")


def _check_domain(domain: str) -> None:
    if not domain:
        raise EmailError(f"Something is missing after the @. Enter an email address {_EXAMPLE}")
    if "," in domain:
        raise EmailError("There is a comma after the @ where a full stop should be")
    labels = domain.split(".")
    if len(labels) < 2:
        raise EmailError(f"The part after the @ needs an ending such as .com or .co.uk. Enter one {_EXAMPLE}")
    if not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise EmailError(f"The part after the @ is not the name of a mail service. Enter an address {_EXAMPLE}")
