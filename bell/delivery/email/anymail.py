"""Any provider of mail that django-anymail knows, behind the promise of smtp.Relay: `send(letters, watch) -> Slice`.

The mail is the one that SMTP would carry, taken apart again: same words, same Message-ID, same List-* headers; a token
of ours goes as metadata, so that the provider's events find their row. Several requests are under way at once, each on
a connection of its own; what was asked and not answered is uncertain.
"""

import email
import email.policy
import random
import re
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from email.message import EmailMessage as Parsed
from email.mime.image import MIMEImage
from typing import Any

import requests
import urllib3.exceptions
from anymail.exceptions import (
    AnymailAPIError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailUnsupportedFeature,
)
from anymail.message import AnymailMessage

from bell.delivery import crash
from bell.delivery.email import events, named
from bell.delivery.email.render import Letter
from bell.delivery.results import Outcome, Result, Slice, Watch

CONNECTIONS = 8
_LONGEST_PAUSE = 15.0
_LONGEST_WAIT = 300.0
_DEFAULT_WAIT = 5.0
# Headers that a provider writes itself, or that belong to the form in which the mail travelled.
_NOT_OURS_TO_SET = (
    "from", "to", "subject", "reply-to", "date", "mime-version", "content-type", "content-transfer-encoding",
    "dkim-signature",
)  # fmt: skip
# Without it Postmark puts a Message-ID of its own.
_ALSO = {"postmark": {"X-PM-KeepID": "true"}}
# What we ask of a message and some providers cannot do: then it is left out. (No pixels, no rewritten links.)
_WISHES = ("metadata", "track_opens", "track_clicks")
# A refusal that speaks of the recipient: this message's fault. Every other one may be about all of them.
_ABOUT_RECIPIENT = re.compile(r"recipient|['\"`]to['\"`]|\bto (address|parameter|field)|ions\.\d+\.to\b", re.I)


class NotBegun(Exception):
    """The request surely reached nobody: no message was harmed."""


class Provider:
    """One provider, with so many requests under way at once as it has connections."""

    def __init__(self, name: str, *, deadline: float, connections: int = CONNECTIONS) -> None:
        self.name, self.deadline, self._connections = name, deadline, connections
        self.url: str = getattr(named.backend(name), "api_url", f"https://{name}")
        self._dropped: set[str] = set()
        self._failures = 0
        self._start()

    def send(self, letters: Iterable[tuple[int, Letter]], watch: Watch) -> Slice:
        """Send each letter while `watch.may_start()`; results by delivery id. A pause starts no more, and waits."""
        done = Slice()
        flying: dict[Future[Result], tuple[int, float]] = {}
        waiting = iter(letters)
        more = True
        while more or flying:
            while more and len(flying) < self._connections:
                following = next(waiting, None) if done.pause is None else None
                more = following is not None and watch.may_start()
                if following is not None and more:
                    number, letter = following
                    flying[self._pool.submit(self._one, number, letter)] = number, time.monotonic() + self.deadline
            finished, _ = wait(flying, timeout=0.25, return_when=FIRST_COMPLETED)
            watch.beat()
            for future in finished:
                self._take(flying.pop(future)[0], future, done)
            if flying and time.monotonic() >= min(until for _, until in flying.values()):
                self._abandon(flying, done)
        return done

    def close(self) -> None:
        """Close the kept connections; requests under way are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._start()

    def _start(self) -> None:
        self._pool = ThreadPoolExecutor(self._connections, thread_name_prefix=f"mail-{self.name}")
        self._own = threading.local()

    def _abandon(self, flying: dict[Future[Result], tuple[int, float]], done: Slice) -> None:
        """A request that outlived its deadline (a server that drips): nobody knows, and its thread is left alone."""
        for future, (number, until) in list(flying.items()):
            if time.monotonic() >= until:
                del flying[future]
                unsure = Result(Outcome.UNCERTAIN, "", "no answer within the deadline", provider=self.name)
                done.results[number] = unsure
        if not flying:
            self.close()

    def _take(self, number: int, future: Future[Result], done: Slice) -> None:
        """Put a finished request's result where it belongs."""
        try:
            result = future.result()
        except NotBegun as error:
            self._failures += 1
            done.pause = min(_LONGEST_PAUSE, 2.0 ** min(self._failures - 1, 5)) * random.uniform(0.8, 1.2)
            done.why = str(error)
            return
        self._failures = 0
        done.results[number] = result
        if result.wait is not None:
            done.pause, done.why = max(result.wait, done.pause or 0.0), result.words()

    def _one(self, number: int, letter: Letter) -> Result:
        """One request, on this thread's connection. Raises NotBegun."""
        kept = getattr(self._own, "backend", None)
        if kept is None:
            kept = self._own.backend = named.backend(self.name)
            kept.open()
            if getattr(kept, "session", None) is not None:
                # As lib.http: no proxies of the environment, no redirects (a POST would become a GET).
                kept.session.trust_env, kept.session.max_redirects = False, 0
        while True:
            message = as_message(letter, number, provider=self.name, without=self._dropped)
            try:
                kept.send_messages([message])
            except AnymailUnsupportedFeature as error:
                wish = next((one for one in _WISHES if one in str(error) and one not in self._dropped), None)
                if wish is None:
                    return Result(Outcome.OURS, "", str(error), provider=self.name)
                self._dropped.add(wish)  # nothing was sent yet
                continue
            except Exception as error:
                return judge(error, letter.recipient, provider=self.name)
            crash.point("after-reply-before-commit")
            return _accepted(message, provider=self.name)


def as_message(letter: Letter, delivery_id: int, *, provider: str, without: Iterable[str] = ()) -> AnymailMessage:
    """The letter as a message for django-anymail: the words, the headers, our token."""
    parsed = email.message_from_bytes(letter.data, _class=Parsed, policy=email.policy.default)
    text, html = (parsed.get_body((subtype,)) for subtype in ("plain", "html"))
    headers = {name: str(value) for name, value in parsed.items() if name.lower() not in _NOT_OURS_TO_SET}
    message = AnymailMessage(
        subject=str(parsed["Subject"]),
        body=_words(text),
        from_email=str(parsed["From"]),
        to=[letter.recipient],
        reply_to=[str(parsed["Reply-To"])] if parsed["Reply-To"] else None,
        headers={**headers, **_ALSO.get(provider, {})},
    )
    if html is not None:
        message.attach_alternative(_words(html), "text/html")
    for part in parsed.walk():
        if part.get_content_type() == "image/jpeg" and part["Content-ID"]:
            message.attach(_as_it_is(part))
    wishes = {"metadata": {events.METADATA: events.token(delivery_id)}, "track_opens": False, "track_clicks": False}
    for name, value in wishes.items():
        if name not in without:
            setattr(message, name, value)
    return message


def _words(part: Any) -> str:
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _as_it_is(part: Any) -> MIMEImage:
    """A picture within the letter, under the Content-ID by which its HTML names it."""
    picture = MIMEImage(part.get_content(), "jpeg")
    picture["Content-ID"] = str(part["Content-ID"])
    picture["Content-Disposition"] = str(part["Content-Disposition"])
    return picture


def _accepted(message: AnymailMessage, *, provider: str) -> Result:
    """The result of a request that was answered with yes."""
    status = message.anymail_status
    found = next(iter(status.recipients.values()), None)
    if found is None or found.status is None:
        return Result(Outcome.UNCERTAIN, "", "accepted, but not for this recipient", provider=provider)
    if found.status in ("invalid", "rejected", "failed"):
        return Result(Outcome.PERMANENT, "", f"the provider says {found.status}", provider=provider)
    return Result(Outcome.ACCEPTED, "", found.status, reference=str(found.message_id or "")[:64], provider=provider)


def judge(error: Exception, recipient: str, *, provider: str) -> Result:
    """What an exception of django-anymail's means for one message; raises NotBegun when nothing was sent."""
    if isinstance(error, AnymailRecipientsRefused):
        statuses = error.email_message.anymail_status.status or {"rejected"}
        said = " ".join(sorted(str(one) for one in statuses))
        return Result(Outcome.PERMANENT, "550", f"the provider says {said}", provider=provider)
    if isinstance(error, AnymailInvalidAddress):
        return Result(Outcome.PERMANENT, "", "the provider's library does not take this address", provider=provider)
    code, headers, text = _answer(error)
    if code is not None:
        return _judge_answer(code, headers, text, recipient, provider=provider)
    cause = error.__cause__ if error.__cause__ is not None else error
    if isinstance(cause, requests.TooManyRedirects):
        return Result(Outcome.OURS, "", "the provider's address leads elsewhere", provider=provider)
    if isinstance(cause, requests.RequestException):
        if _surely_not_sent(cause):
            raise NotBegun(type(cause).__name__) from error
        return Result(Outcome.UNCERTAIN, "", type(cause).__name__, provider=provider)
    if isinstance(error, AnymailAPIError):
        return Result(Outcome.UNCERTAIN, "", type(error).__name__, provider=provider)
    if isinstance(error, AnymailError | ValueError | TypeError):
        # Found before anything was sent: a message that cannot be said to this provider, or its settings.
        return Result(Outcome.OURS, "", f"{type(error).__name__}: {error}", provider=provider)
    return Result(Outcome.UNCERTAIN, "", type(error).__name__, provider=provider)


def _answer(error: Exception) -> tuple[int | None, Mapping[str, str], str]:
    """(HTTP status, headers, body) of the answer behind an exception; (None, ...) when there was none."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):  # Amazon's library answers with a dictionary
        about = response.get("ResponseMetadata", {})
        code = about.get("HTTPStatusCode")
        text = str(response.get("Error", {}).get("Message", ""))
        return (code if isinstance(code, int) else None), about.get("HTTPHeaders", {}), text
    if isinstance(response, requests.Response):
        return response.status_code, response.headers, response.text[:2000]
    return None, {}, ""


def _judge_answer(status: int, headers: Mapping[str, str], text: str, recipient: str, *, provider: str) -> Result:
    """By status first. A refusal is the message's own fault only if it speaks of the recipient."""
    code = str(status)
    if status in (429, 503):
        return Result(Outcome.TEMPORARY, code, text, wait=_wait(headers), provider=provider)
    if status in (502, 504) or 200 <= status < 300:
        # Something between us and the provider, or a yes that nobody can read.
        return Result(Outcome.UNCERTAIN, code, text, provider=provider)
    if status >= 500 or status in (408, 425):
        return Result(Outcome.TEMPORARY, code, text, provider=provider)
    if status in (400, 422) and (recipient in text or _ABOUT_RECIPIENT.search(text)):
        return Result(Outcome.PERMANENT, code, text, provider=provider)
    return Result(Outcome.OURS, code, text, provider=provider)


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds of Retry-After (RFC 9110 10.2.3, its number form), within reason."""
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if given.isascii() and given.isdigit() and len(given) < 9:
        return min(float(given), _LONGEST_WAIT)
    return _DEFAULT_WAIT


_BEFORE_SENDING = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.NameResolutionError,
    urllib3.exceptions.ConnectTimeoutError,
    ssl.SSLCertVerificationError,
)


def _surely_not_sent(error: BaseException) -> bool:
    """Whether a request failed before a connection stood (or before its other end was known to be the right one)."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return True
    seen: list[object] = [error]
    for _ in range(8):
        present = seen[-1]
        if isinstance(present, _BEFORE_SENDING):
            return True
        inner = getattr(present, "reason", None) or (present.args[:1] if isinstance(present, BaseException) else ())
        following = inner[0] if isinstance(inner, tuple) and inner else inner
        if not isinstance(following, BaseException):
            return False
        seen.append(following)
    return False
