"""OpenID Connect, our side of it: the code flow with PKCE, and an ID token believed only when all of it is right.

OpenID Connect Core 1.0 (3.1), Discovery 1.0, RFC 7636 (PKCE), RFC 9700 (best practice). Who somebody is, is the pair
(issuer, subject) and nothing else: names, addresses and email claims are never read.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt

from bell.lib import http

DEADLINE = 5.0
LEEWAY = 60
"""Seconds by which the provider's clock and ours may differ."""
OLDEST = 600
"""A token made longer ago, in seconds, is not the answer to a question of now."""
_ALGORITHMS = ("RS256", "PS256", "ES256")
_KEPT = 600.0  # seconds for which what a provider says about itself is believed
_AGAIN = 30.0  # an unknown key makes us ask for the keys again, but not more often
_ENTRA = "login.microsoftonline.com"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class BadProvider(ValueError):
    """What was configured is no provider that can be trusted; the message says why."""


class Unreachable(Exception):
    """The provider does not answer, or says nonsense about itself."""


class Refused(Exception):
    """The answer is not to be believed, or is a no; the message is for the log and names no person."""


@dataclass(frozen=True)
class Provider:
    """One identity provider. `tenant`: Entra's directory (claim `tid`). `mfa`: values of `amr`, `acr` or `acrs` that
    stand for a second factor; none means the second factor is always ours.
    """

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str
    tenant: str = ""
    mfa: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pending:
    """What the browser's session keeps between question and answer; each is used once."""

    provider: str
    state: str
    nonce: str
    verifier: str
    at: float


@dataclass(frozen=True)
class Identity:
    """Who the provider says it is, and whether it saw a second factor of theirs."""

    issuer: str
    subject: str
    mfa: bool


def providers(text: str) -> tuple[Provider, ...]:
    """The providers of a JSON list of objects; none for an empty text. Raises BadProvider."""
    if not text.strip():
        return ()
    try:
        given = json.loads(text)
    except ValueError as error:
        raise BadProvider("it is not JSON") from error
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise BadProvider("it is not a list of objects")
    found = tuple(_provider(one) for one in given)
    if len({one.name for one in found}) != len(found) or len({one.issuer for one in found}) != len(found):
        raise BadProvider("each name and each issuer may stand once")
    return found


def _provider(given: Mapping[str, Any]) -> Provider:
    """One of them, or BadProvider."""
    unknown = set(given) - {one.name for one in fields(Provider)}
    if unknown:
        raise BadProvider(f"{', '.join(sorted(unknown))} is not known here")
    mfa = given.get("mfa", [])
    words = {name: given.get(name, "") for name in ("name", "label", "issuer", "client_id", "client_secret", "tenant")}
    if not all(isinstance(one, str) for one in words.values()) or not isinstance(mfa, list):
        raise BadProvider("every value is a text, mfa a list of texts")
    if not _NAME.fullmatch(words["name"]):
        raise BadProvider("name is a short word of small letters")
    for name in ("label", "issuer", "client_id", "client_secret"):
        if not words[name].strip():
            raise BadProvider(f"{words['name']} has no {name}")
    made = Provider(**words, mfa=tuple(str(one) for one in mfa if str(one)))
    _check_issuer(made)
    return made


def _check_issuer(provider: Provider) -> None:
    """https, or http on this machine; Entra with one directory, never "whichever account they have"."""
    parts = urlsplit(provider.issuer)
    if not _trusted(provider.issuer) or parts.query or parts.fragment or parts.username:
        raise BadProvider(f"{provider.name}: the issuer is an https address without anything behind it")
    if parts.hostname == _ENTRA:
        directory = parts.path.strip("/").partition("/")[0].lower()
        if not _GUID.fullmatch(directory):
            raise BadProvider(f"{provider.name}: name your own directory in the issuer, not {directory or 'none'}")
        if provider.tenant.lower() != directory:
            raise BadProvider(f"{provider.name}: tenant must be the directory of the issuer")


def _trusted(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and http.is_loopback(url)))


_known: dict[str, tuple[float, Any]] = {}


def forget() -> None:
    """Ask every provider anew about itself and its keys."""
    _known.clear()


def about(provider: Provider) -> dict[str, Any]:
    """What the provider says about itself: its issuer is exactly the configured one, its addresses are safe."""
    said = _fetched(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if said.get("issuer") != provider.issuer:
        raise Unreachable("it calls itself by another issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(said.get(name), str) or not _trusted(said[name]):
            raise Unreachable(f"its {name} is no safe address")
    return said


def _fetched(url: str, *, younger: float = _KEPT) -> dict[str, Any]:
    """A JSON object, kept for a while."""
    at, said = _known.get(url, (-_KEPT, None))
    if said is not None and time.monotonic() - at < younger:
        return dict(said)
    try:
        reply = http.get(url, deadline=DEADLINE)
        found = json.loads(reply.body) if reply.status == 200 else None
    except (http.HttpError, ValueError) as error:
        raise Unreachable(f"no answer ({type(error).__name__})") from error
    if not isinstance(found, dict):
        raise Unreachable(f"it answers {reply.status}, and no object")
    _known[url] = (time.monotonic(), found)
    return dict(found)


def check(provider: Provider) -> None:
    """Raise Unreachable unless it says who it is, shows keys, and knows PKCE where it says what it knows."""
    said = about(provider)
    if not _fetched(said["jwks_uri"]).get("keys"):
        raise Unreachable("it shows no keys")
    if "S256" not in said.get("code_challenge_methods_supported", ["S256"]):
        raise Unreachable("it does not know PKCE with S256")


def begin(provider: Provider, *, back: str, again: bool = False) -> tuple[str, Pending]:
    """Where to send the browser, and what its session must keep. `again`: the provider asks who it is in any case."""
    pending = Pending(
        provider.name, secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), time.time()
    )
    challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).decode().rstrip("=")
    question = {
        "response_type": "code", "client_id": provider.client_id, "redirect_uri": back, "scope": "openid",
        "state": pending.state, "nonce": pending.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    } | ({"prompt": "login"} if again else {})  # fmt: skip
    where = about(provider)["authorization_endpoint"]
    return f"{where}{'&' if '?' in where else '?'}{urlencode(question)}", pending


def finish(provider: Provider, pending: Pending, answer: Mapping[str, str], *, back: str, now: datetime) -> Identity:
    """Who it is, by what the browser brought back. Raises Refused, or Unreachable."""
    if time.time() - pending.at > OLDEST:
        raise Refused("the answer came too late")
    if not hmac.compare_digest(answer.get("state", "").encode(), pending.state.encode()):
        raise Refused("the state is another one")
    if "iss" in answer and answer["iss"] != provider.issuer:  # RFC 9207
        raise Refused("another issuer answered")
    if not answer.get("code"):
        raise Refused(f"the provider said no: {answer.get('error', '')[:40]!r}")
    token = _redeemed(provider, answer["code"], pending.verifier, back)
    return read(provider, token, nonce=pending.nonce, now=now)


def _redeemed(provider: Provider, code: str, verifier: str, back: str) -> str:
    """The ID token for a code, over a connection of our own."""
    known = about(provider)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
    headers = {"Accept": "application/json"}
    # RFC 8414: what is not said means client_secret_basic; RFC 6749 2.3.1: both parts are form-encoded first.
    if "client_secret_basic" in known.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
        pair = f"{quote(provider.client_id, safe='')}:{quote(provider.client_secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    try:
        reply = http.post(known["token_endpoint"], form=form, headers=headers, deadline=DEADLINE)
        said = json.loads(reply.body)
    except (http.HttpError, ValueError) as error:
        raise Unreachable(f"no token ({type(error).__name__})") from error
    token = said.get("id_token") if isinstance(said, dict) else None
    if reply.status != 200 or not isinstance(token, str):
        raise Refused(f"no token for this code ({reply.status})")
    return token


def read(provider: Provider, token: str, *, nonce: str, now: datetime) -> Identity:
    """An ID token, believed: signature, issuer, audience, nonce, times, Entra's directory. Raises Refused."""
    try:
        key = _key(provider, jwt.get_unverified_header(token))
        unasked = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}  # below, by our one clock
        required: Any = {"require": ["iss", "sub", "aud", "exp", "iat"], **unasked}
        claims = jwt.decode(
            token, key, algorithms=_ALGORITHMS, issuer=provider.issuer, audience=provider.client_id, options=required
        )
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise Refused(f"the token is not to be believed ({type(error).__name__})") from error
    _check_claims(provider, claims, nonce, now.timestamp())
    said = {*_listed(claims.get("amr")), *_listed(claims.get("acr")), *_listed(claims.get("acrs"))}
    return Identity(provider.issuer, str(claims["sub"]), bool(said.intersection(provider.mfa)))


def _check_claims(provider: Provider, claims: Mapping[str, Any], nonce: str, now: float) -> None:
    """What a library cannot know."""
    times = [claims["exp"], claims["iat"], claims.get("nbf", claims["iat"])]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in times):
        raise Refused("its times are no times")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise Refused("it names nobody")
    if now > times[0] + LEEWAY or now < max(times[1], times[2]) - LEEWAY or now > times[1] + OLDEST:
        raise Refused("it is not of now")
    if not isinstance(claims.get("nonce"), str) or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
        raise Refused("it answers another question")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else provider.client_id) != provider.client_id:
        raise Refused("it was made for another client")
    if provider.tenant and claims.get("tid") != provider.tenant:
        raise Refused("it is of another directory")


def _listed(claim: object) -> list[str]:
    """A claim that is a text or a list of texts."""
    return [one for one in (claim if isinstance(claim, list) else [claim]) if isinstance(one, str)]


def _key(provider: Provider, header: Mapping[str, Any]) -> jwt.PyJWK:
    """The key that the token names; the keys are asked for again when it is a new one, so that they may rotate."""
    if header.get("alg") not in _ALGORITHMS:
        raise Refused("it is signed in a way we do not take")
    where = about(provider)["jwks_uri"]
    for younger in (_KEPT, _AGAIN):
        keys = [one for one in _fetched(where, younger=younger).get("keys", []) if isinstance(one, dict)]
        keys = [one for one in keys if one.get("use", "sig") == "sig"]
        # OpenID Connect Core 10.1: a token may name no key where there is one only.
        if "kid" in header or len(keys) != 1:
            keys = [one for one in keys if one.get("kid") and one["kid"] == header.get("kid")]
        if keys:
            return jwt.PyJWK(keys[0], algorithm=str(header["alg"]))
    raise Refused("no key of the provider signed it")


def way_out(provider: Provider, *, back: str) -> str:
    """Where one signs out at the provider too (RP-Initiated Logout 1.0), or "" where it has no such page."""
    try:
        where = about(provider).get("end_session_endpoint")
    except Unreachable:
        return ""
    if not isinstance(where, str) or not _trusted(where):
        return ""
    return f"{where}?{urlencode({'client_id': provider.client_id, 'post_logout_redirect_uri': back})}"
