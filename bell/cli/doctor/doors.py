"""Doors to others: the relay, the gateway, our own LMTP door, the virus scanner. Nothing is sent through them."""

import smtplib
import socket
import ssl
from urllib.parse import unquote, urlsplit

from django.conf import settings

from bell.api.listening import host_and_port
from bell.cli.doctor.finding import Finding, note, right, wrong
from bell.delivery import sms
from bell.delivery.email import named
from bell.lib import http, oidc
from bell.organisations import sso

_SECONDS = 5.0
_LONGEST = 1024


def relay() -> list[Finding]:
    """EHLO, STARTTLS and the sign-in, then goodbye: no message is begun. A provider's API is not asked anything."""
    if settings.EMAIL_PROVIDER != named.SMTP:
        words = f"Mail goes to {settings.EMAIL_PROVIDER}'s API; it can only be asked by sending."
        return [note("relay", words, "Send yourself a sign-in code, and see that its event comes back.")]
    parts = urlsplit(settings.SMTP_URL)
    tls, host = parts.scheme == "smtps", parts.hostname or ""
    port = parts.port or (465 if tls else 25)
    where = f"{host}:{port}"
    try:
        with _connected(host, port, tls) as line:
            line.ehlo()
            offered = line.has_extn("starttls")
            if offered and not tls and not http.is_loopback(settings.SMTP_URL):
                line.starttls(context=ssl.create_default_context())
                line.ehlo()
                tls = True
            if parts.username:
                line.login(unquote(parts.username), unquote(parts.password or ""))
    except smtplib.SMTPAuthenticationError:
        return [wrong("relay", f"{where} refuses our user name and password.", "Correct BELL_SMTP_URL.")]
    except ssl.SSLError as error:
        return [wrong("relay", f"{where} breaks TLS: {error.reason}.", "Renew its certificate, or name it as it says.")]
    except (OSError, smtplib.SMTPException) as error:
        words = f"{where} does not answer: {_reason(error)}."
        return [wrong("relay", words, "Start the relay, open the firewall, or correct BELL_SMTP_URL.")]
    return [_relay_finding(where, tls)]


def _connected(host: str, port: int, tls: bool) -> smtplib.SMTP:
    if tls:
        return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=_SECONDS)


def _relay_finding(where: str, tls: bool) -> Finding:
    if tls:
        return right("relay", f"{where} answers, with TLS.")
    if http.is_loopback(settings.SMTP_URL):
        return right("relay", f"{where} answers, on this machine.")
    todo = "Let it offer STARTTLS: alerts and codes travel readable."
    return wrong("relay", f"{where} answers, but offers no TLS.", todo)


def gateway() -> list[Finding]:
    """Whether each gateway's host answers HTTP at all; its sending address is not asked."""
    return [_gateway(sms.VENDORS[name]()) for name in settings.SMS_GATEWAYS if name in sms.VENDORS]


def _gateway(vendor: sms.Gateway) -> Finding:
    where = urlsplit(vendor.url)
    path = "/healthz" if vendor.name == "simulator" else "/"
    try:
        reply = http.get(f"{where.scheme}://{where.netloc}{path}", deadline=_SECONDS)
    except http.HttpError as error:
        words = f"{where.netloc} does not answer: {error}."
        return wrong("text gateway", words, f"Correct the address of {vendor.name}, or let this machine reach it.")
    if reply.status >= 500:
        return wrong("text gateway", f"{where.netloc} answers {reply.status}.", "Ask the vendor; texts wait meanwhile.")
    return right("text gateway", f"{where.netloc} answers.")


def identity() -> list[Finding]:
    """Each identity provider of officers says who it is and shows its keys; nobody is signed in."""
    return [_identity(one) for one in sso.providers()]


def _identity(provider: oidc.Provider) -> Finding:
    where = "identity provider"
    try:
        oidc.forget()
        oidc.check(provider)
    except oidc.Unreachable as error:
        words = f"{provider.name} cannot be used: {error}."
        return wrong(where, words, "Officers sign in by password meanwhile. Correct BELL_OIDC_PROVIDERS, or call them.")
    return right(where, f"{provider.name} answers as {provider.issuer}.")


def lmtp() -> list[Finding]:
    """Whether our door for replies is open: its greeting, LHLO, goodbye."""
    host, port = host_and_port(settings.LMTP_LISTEN)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    todo = "Start `bell lmtp`. Until then replies by email wait at your mail server."
    try:
        said = _talk(host, port, b"LHLO doctor.invalid\r\nQUIT\r\n", until=b"\r\n221")
    except OSError as error:
        return [wrong("mail door", f"{settings.LMTP_LISTEN} does not answer: {_reason(error)}.", todo)]
    if not said.startswith(b"220") or b"\r\n250" not in said:
        return [wrong("mail door", f"{settings.LMTP_LISTEN} answers, but not as LMTP does.", todo)]
    return [right("mail door", f"{settings.LMTP_LISTEN} takes replies.")]


def scanner() -> list[Finding]:
    """Whether ClamAV answers PONG, where one is set."""
    if not settings.CLAMD:
        words = "None is set: footage is marked as not scanned."
        return [note("virus scanner", words, "Run ClamAV and set BELL_CLAMD.")]
    try:
        host, port = host_and_port(settings.CLAMD)
        said = _talk(host, port, b"zPING\0", until=b"\0")
    except (OSError, ValueError) as error:
        words = f"{settings.CLAMD} does not answer: {_reason(error)}."
        return [wrong("virus scanner", words, "Start clamd, or correct BELL_CLAMD.")]
    if not said.startswith(b"PONG"):
        return [wrong("virus scanner", f"{settings.CLAMD} is no ClamAV.", "Correct BELL_CLAMD.")]
    return [right("virus scanner", f"{settings.CLAMD} answers.")]


def _talk(host: str, port: int, words: bytes, *, until: bytes) -> bytes:
    """Say something and read the answer up to a mark, an end, or 1 kB."""
    with socket.create_connection((host, port), timeout=_SECONDS) as line:
        line.sendall(words)
        said = b""
        while until not in said and len(said) < _LONGEST:
            block = line.recv(_LONGEST)
            if not block:
                break
            said += block
    return said


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing within {_SECONDS:g} seconds"
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
