"""What DNS says of our mail: SPF of the return path, DKIM, DMARC, where replies go, the name of the sending address.

RFC 7208 (SPF is asked of the envelope's sender: our reply domain), 6376 (DKIM), 7489 (DMARC: alignment with the domain
that people see), 5321 section 5 (MX), 8461's neighbours' habit of asking for a PTR that leads back.
"""

import ipaddress
import re
from typing import Any

import dns.exception
import dns.resolver
import dns.reversename
from django.conf import settings

from bell.cli.doctor.finding import Finding, note, right, unknown, wrong
from bell.lib import emails

_SECONDS = 4.0


class Silent(Exception):
    """No DNS server answered: nothing can be said."""


def mail() -> list[Finding]:
    """SPF, DKIM, DMARC and the MX, for an installation whose domains are real."""
    if emails.is_invented(f"alerts@{settings.MAIL_DOMAIN}"):
        return [note("mail names", f"{settings.MAIL_DOMAIN} is an invented domain: there is nothing to look up.")]
    found: list[Finding] = []
    for ask in (spf, dkim, dmarc, replies):
        try:
            found.append(ask())
        except Silent as error:
            words = f"Could not look up: {error}"
            found.append(unknown(_ABOUT[ask.__name__], words, "Ask again where DNS answers, or set BELL_DNS_RESOLVER."))
    return found


_ABOUT = {"spf": "SPF", "dkim": "DKIM", "dmarc": "DMARC", "replies": "replies"}


def spf() -> Finding:
    """One SPF record at the domain of the envelope's sender, that ends in -all or ~all."""
    domain = settings.REPLY_DOMAIN
    records = [text for text in _texts(domain) if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]
    todo = f'Publish one TXT record at {domain}: "v=spf1 include:YOUR-RELAY -all".'
    if not records:
        return wrong("SPF", f"{domain}, the sender of our envelopes, has no SPF record.", todo)
    if len(records) > 1:
        return wrong("SPF", f"{domain} has {len(records)} SPF records; receivers then use none.", "Keep one.")
    terms = records[0].lower().split()[1:]
    if any(term in ("all", "+all", "?all") for term in terms):
        return wrong("SPF", f"The SPF record of {domain} lets everyone send in our name.", "End it with -all.")
    if not any(term in ("-all", "~all") or term.startswith("redirect=") for term in terms):
        return wrong("SPF", f"The SPF record of {domain} does not end.", "End it with -all.")
    return right("SPF", f"{domain}: {records[0]}")


def dkim() -> Finding:
    """A key under each selector with which the relay signs, or we do."""
    if not settings.DKIM_SELECTORS:
        todo = "Set BELL_DKIM_SELECTOR to the selector with which your relay signs."
        return note("DKIM", "The selector is not set, so its key was not looked up.", todo)
    for selector in settings.DKIM_SELECTORS:
        name = f"{selector}._domainkey.{settings.DKIM_DOMAIN}"
        keys = [tags for tags in map(_tags, _texts(name)) if "p" in tags and tags.get("v", "DKIM1") == "DKIM1"]
        if not keys:
            return wrong("DKIM", f"There is no key at {name}.", "Publish the public key that your relay shows you.")
        if not keys[0]["p"]:
            return wrong("DKIM", f"The key at {name} is withdrawn (p= is empty).", "Publish the present one.")
    return right("DKIM", f"A key is at {name}.")


def dmarc() -> Finding:
    """A policy at the domain that people see, or above it; and that the return path is aligned with it."""
    domain = settings.MAIL_DOMAIN
    policy, at = _policy(domain)
    if not policy:
        todo = f'Publish a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:…", later p=reject.'
        return wrong("DMARC", f"{domain} has no policy; large receivers refuse bulk mail without one.", todo)
    if policy.get("p", "") not in ("none", "quarantine", "reject"):
        return wrong("DMARC", f"The policy at {at} says p={policy.get('p', '')}.", "Say none, quarantine or reject.")
    if not _aligned(settings.REPLY_DOMAIN, domain, at, strict=policy.get("aspf") == "s"):
        words = f"{settings.REPLY_DOMAIN} is not aligned with {domain}: only DKIM can pass for DMARC."
        return note("DMARC", words, f"Choose a BELL_REPLY_DOMAIN below {domain}.")
    if policy["p"] == "none":
        return note("DMARC", f"{at} says p=none: forgers are not refused.", "Say quarantine, then reject.")
    return right("DMARC", f"{at} says p={policy['p']}.")


def _policy(domain: str) -> tuple[dict[str, str], str]:
    """The policy of a domain or the nearest above it, at least two labels long; and where it stands."""
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        name = "_dmarc." + ".".join(labels[start:])
        for text in _texts(name):
            if text.replace(" ", "").lower().startswith("v=dmarc1;"):
                return {key: value.lower() for key, value in _tags(text).items()}, name
    return {}, ""


def _aligned(envelope: str, seen: str, at: str, *, strict: bool) -> bool:
    """Whether the return path belongs to the domain that people see, or to the one whose policy holds."""
    if strict:
        return envelope == seen
    owner = at.removeprefix("_dmarc.")
    return any(envelope == one or envelope.endswith(f".{one}") for one in (seen, owner))


def replies() -> Finding:
    """Where mail to the reply domain goes: an MX, and an address behind it."""
    domain = settings.REPLY_DOMAIN
    todo = f"Publish an MX record at {domain} that names the mail server in front of `bell lmtp`."
    hosts = [str(one.exchange).rstrip(".") for one in _ask(domain, "MX")]
    if not hosts or hosts == [""]:
        return wrong("replies", f"{domain} has no MX record: no reply by email arrives.", todo)
    dead = [host for host in hosts if not (_ask(host, "A") or _ask(host, "AAAA"))]
    if dead:
        return wrong("replies", f"The MX of {domain} names {dead[0]}, which has no address.", todo)
    return right("replies", f"Mail to {domain} goes to {', '.join(hosts)}.")


def reverse(address: str) -> list[Finding]:
    """Whether the address that mail leaves from has a name that leads back to it."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return [wrong("sending address", f"{address} is no IP address.", "Give the public address of your relay.")]
    try:
        names = [str(one.target).rstrip(".") for one in _ask(str(dns.reversename.from_address(str(ip))), "PTR")]
        if not names:
            todo = "Ask whoever gave you the address to set its PTR record to the relay's name."
            return [wrong("sending address", f"{ip} has no name (PTR).", todo)]
        kind = "A" if ip.version == 4 else "AAAA"
        back = {ipaddress.ip_address(str(one)) for one in _ask(names[0], kind)}
    except Silent as error:
        return [unknown("sending address", f"Could not look up: {error}", "Ask again where DNS is reachable.")]
    if ip not in back:
        words = f"{ip} is named {names[0]}, but that name does not lead back."
        return [wrong("sending address", words, f"Give {names[0]} the address {ip}.")]
    return [right("sending address", f"{ip} is {names[0]}, and back.")]


def _resolver() -> dns.resolver.Resolver:
    """The system's resolver, or the one of BELL_DNS_RESOLVER."""
    chosen = re.fullmatch(r"\[?([0-9a-fA-F:.]+?)\]?(?::(\d+))?", settings.DNS_RESOLVER)
    try:
        resolver = dns.resolver.Resolver(configure=not chosen)
    except dns.resolver.NoResolverConfiguration as error:
        raise Silent("this machine knows no DNS server") from error
    if chosen:
        resolver.nameservers, resolver.port = [chosen[1]], int(chosen[2] or 53)
    resolver.lifetime, resolver.timeout = _SECONDS, 2.0
    return resolver


def _ask(name: str, kind: str) -> list[Any]:
    """The records of a name; none when there are none. Silent when nobody can say."""
    try:
        return list(_resolver().resolve(name, kind, search=False))
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise Silent(f"{name} {kind} ({type(error).__name__})") from error


def _texts(name: str) -> list[str]:
    """TXT records; the strings of one record belong together (RFC 7208, 3.3)."""
    return [b"".join(one.strings).decode("utf-8", "replace") for one in _ask(name, "TXT")]


def _tags(text: str) -> dict[str, str]:
    """ "k=v; k=v" as a dictionary, keys in lower case."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {key.strip().lower(): value.strip().replace(" ", "") for key, mark, value in pairs if mark}
