"""A wrong deployment does not start (house.md, rule 8)."""

import ipaddress
from urllib.parse import urlsplit

from anymail.exceptions import AnymailConfigurationError
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from bell.delivery.email import dkim, named
from bell.delivery.needs import NEEDS, missing
from bell.lib import oidc


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine and no other."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@register()
def deployment(**_: object) -> list[CheckMessage]:
    """Every reason not to start, each with what to do about it."""
    found: list[CheckMessage] = []
    if len(settings.SECRET_KEY) < 32:
        found.append(Error("BELL_SECRET_KEY is shorter than 32 characters.", id="bell.E001"))
    hosts = [*settings.ALLOWED_HOSTS, urlsplit(settings.SITE_URL).hostname or ""]
    public = sorted({host for host in hosts if not is_loopback(host) and host != "testserver"})
    if settings.DEMO and public:
        found.append(
            Error(
                f"Demo mode is on, but this site answers as {', '.join(public)}. Demo mode lets anyone act as anyone: "
                "it runs on this machine only. Unset BELL_DEMO, or set BELL_SITE_URL and BELL_ALLOWED_HOSTS to "
                "localhost.",
                id="bell.E002",
            )
        )
    if not settings.DEMO and public and not settings.HTTPS:
        found.append(Error("BELL_SITE_URL of a public site must begin with https://.", id="bell.E003"))
    if not settings.DEMO:
        found += _gateways()
    return found


def _gateways() -> list[CheckMessage]:
    """Each vendor of texts is known and has what it needs, or nothing goes out and anyone could forge texts."""
    found: list[CheckMessage] = []
    if not settings.SMS_GATEWAYS:
        found.append(Error("BELL_SMS_GATEWAYS names no vendor of texts.", id="bell.E008"))
    for name in settings.SMS_GATEWAYS:
        if name not in NEEDS:
            words = f"BELL_SMS_GATEWAYS: {name!r} is none of {', '.join(NEEDS)}."
            found.append(Error(words, id="bell.E008"))
        elif variable := missing(name):
            found.append(Error(f"{variable} is missing: {name} does not work safely without it.", id="bell.E004"))
    return found


@register()
def single_sign_on(**_: object) -> list[CheckMessage]:
    """Identity providers that cannot be trusted, or that are far away where everybody is invented."""
    try:
        found = oidc.providers(settings.OIDC_PROVIDERS)
    except oidc.BadProvider as error:
        return [Error(f"BELL_OIDC_PROVIDERS: {error}.", id="bell.E010")]
    far = [one.name for one in found if settings.INVENTED_ONLY and not is_loopback(urlsplit(one.issuer).hostname or "")]
    words = "Everybody here is invented: identity providers must be on this machine, and {} is not."
    return [Error(words.format(name), id="bell.E010") for name in far]


@register()
def signing(**_: object) -> list[CheckMessage]:
    """Keys of DKIM that cannot sign: found now, not at the first alert."""
    try:
        dkim.keys()
    except dkim.BadKey as error:
        return [Error(f"BELL_DKIM_KEY_FILE: {error}.", id="bell.E005")]
    return []


@register()
def provider(**_: object) -> list[CheckMessage]:
    """A mail provider that cannot be used, or whose webhooks anyone could call."""
    name = settings.EMAIL_PROVIDER
    if name == named.SMTP:
        return []
    try:
        named.backend(name)
        named.verified(name, named.TRACKING)
    except (ValueError, AnymailConfigurationError) as error:
        words = str(error).replace("ANYMAIL_", "BELL_ANYMAIL_")
        return [Error(f"BELL_EMAIL_PROVIDER {name!r} cannot be used: {words}", id="bell.E006")]
    except named.Unverified as error:
        return [Error(f"{error}.", id="bell.E007")]
    try:
        named.verified(name, named.INBOUND)
    except named.Unverified as error:
        return [Error(f"{error}.", id="bell.E007")]
    except AnymailConfigurationError:
        pass  # no key for mail that comes in: that webhook does not exist then (named.view)
    return []
