"""Sending mail to the relay: one recipient a transaction, a kept connection, and the truth about each message.

Before the final dot a lost message is surely unsent and may be tried again (temporary); after it, without a reply,
nobody knows (uncertain). RFC 5321, 3207 (STARTTLS), 4954 (AUTH), 3463 (enhanced status). Part of a promise that every
sender of mail keeps: `send(letters, watch) -> Slice`.
"""

import base64
import contextlib
import random
import ssl
import time
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from bell.delivery import crash
from bell.delivery.email.render import Letter
from bell.delivery.email.wire import Lost, Reply, Wire
from bell.delivery.results import Outcome, Result, Slice, Watch

# RFC 3463: no such mailbox, no such system, bad syntax, mailbox moved, null MX (RFC 7505): nobody is there.
DEAD = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")
# Systems, networks and policies: our reputation, our DNS, our relay; and complaints about our own sender.
OURS = ("5.3.", "5.4.", "5.7.", "5.1.7", "5.1.8")

_IDLE = 30.0  # seconds after which a kept connection is not trusted any more
_LONGEST_PAUSE = 15.0


class Refused(Exception):
    """The relay answered, and it was no."""

    def __init__(self, reply: Reply, phase: str) -> None:
        super().__init__(reply.text)
        self.reply, self.phase = reply, phase


class Down(Exception):
    """No session with the relay can be had now; no message was harmed."""


class Relay:
    """A relay named by URL: smtp://[user:password@]host[:port], or smtps:// for TLS from the first byte."""

    def __init__(self, url: str, *, name: str, deadline: float, loopback_only: bool = False) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("A relay is smtp://host:port or smtps://host:port")
        self.tls = parts.scheme == "smtps"
        self.host, self.port = parts.hostname, parts.port or (465 if self.tls else 25)
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.name, self.deadline, self.loopback_only = name, deadline, loopback_only
        self._wire: Wire | None = None
        self._used = 0.0
        self._failures = 0

    def send(self, letters: Iterable[tuple[int, Letter]], watch: Watch) -> Slice:
        """Send each letter in its own transaction while `watch.may_start()`; results by delivery id."""
        done = Slice()
        for number, letter in letters:
            if not watch.may_start():
                break
            try:
                done.results[number] = self._one(letter, watch)
            except Down as error:
                self._failures += 1
                done.pause = min(_LONGEST_PAUSE, 2.0 ** min(self._failures - 1, 5)) * random.uniform(0.8, 1.2)
                done.why = str(error)
                break
            self._failures = 0
        return done

    def close(self) -> None:
        """Say goodbye and close the kept connection, if there is one."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.deadline, wire.beat = time.monotonic() + 1.0, lambda: None
            with contextlib.suppress(Lost):
                wire.write(b"QUIT\r\n")
            wire.close()

    def _one(self, letter: Letter, watch: Watch) -> Result:
        """One message over the kept connection, or over a new one when that turns out to be dead before MAIL."""
        deadline = time.monotonic() + self.deadline
        if time.monotonic() - self._used > _IDLE:
            self.close()
        fresh = self._wire is None
        wire = self._wire or self._open(deadline, watch)
        wire.deadline, wire.beat = deadline, watch.beat
        try:
            self._begin(wire, letter)
        except Lost as error:
            self._drop()
            if fresh:
                return Result(Outcome.TEMPORARY, "", str(error))
            return self._one(letter, watch)  # nothing was sent on it; once only, since the next one is fresh
        except Refused as refused:
            if refused.reply.code == 421:
                self._drop()
                if fresh:
                    raise Down(f"the relay said 421 {refused.reply.text}") from refused
                return self._one(letter, watch)
            return self._refused(wire, refused)
        return self._rest(wire, letter)

    def _begin(self, wire: Wire, letter: Letter) -> None:
        """MAIL: while it is unanswered nothing of the message has left."""
        reply = wire.ask(f"MAIL FROM:<{letter.sender}>")
        if reply.code // 100 != 2:
            raise Refused(reply, "MAIL")
        crash.point("after-mail")

    def _rest(self, wire: Wire, letter: Letter) -> Result:
        """RCPT, DATA, the message, the final dot: before the dot a loss is temporary, after it uncertain."""
        dot_sent = False
        try:
            reply = wire.ask(f"RCPT TO:<{letter.recipient}>")
            if reply.code // 100 != 2:
                raise Refused(reply, "RCPT")
            crash.point("after-rcpt")
            reply = wire.ask("DATA")
            if reply.code != 354:
                raise Refused(reply, "DATA")
            body = _stuffed(letter.data)
            wire.write(body[: len(body) // 2])
            crash.point("mid-data")
            wire.write(body[len(body) // 2 :])
            wire.write(b".\r\n")
            dot_sent = True  # a write that fails has not handed the dot to the network
            crash.point("after-final-dot")
            reply = wire.reply()
            if reply.code // 100 != 2:
                raise Refused(reply, "dot")
        except Lost as error:
            self._drop()
            return Result(Outcome.UNCERTAIN if dot_sent else Outcome.TEMPORARY, "", str(error))
        except Refused as refused:
            return self._refused(wire, refused)
        self._used = time.monotonic()
        crash.point("after-reply-before-commit")
        return Result(Outcome.ACCEPTED, str(reply.code), reply.text)

    def _refused(self, wire: Wire, refused: Refused) -> Result:
        """The result of a refusal; the transaction is cleared, or the connection is given up."""
        result = judge(refused.reply, refused.phase)
        try:
            if refused.reply.code == 421 or wire.ask("RSET").code // 100 != 2:
                self._drop()
        except Lost:
            self._drop()
        self._used = time.monotonic()
        return result

    def _open(self, deadline: float, watch: Watch) -> Wire:
        """Connect, greet, secure, sign in. Down when any of it fails: that is no message's fault."""
        wire: Wire | None = None
        try:
            wire = Wire.connect(self.host, self.port, deadline=deadline, beat=watch.beat)
            local = wire.peer_is_loopback()
            if self.loopback_only and not local:
                raise Down("this relay is not on this machine")
            if self.tls:
                wire.secure(self.host, ssl.create_default_context())
            _expect(wire.reply(), 220)
            offers = self._hello(wire)
            if "STARTTLS" in offers and not self.tls and not local:
                _expect(wire.ask("STARTTLS"), 220)
                wire.secure(self.host, ssl.create_default_context())
                offers = self._hello(wire)
            if self.user:
                self._sign_in(wire, offers, safe=local or isinstance(wire.sock, ssl.SSLSocket))
        except (Lost, Down, OSError) as error:
            if wire is not None:
                wire.close()
            raise Down(str(error)) from error
        crash.point("after-connect")
        self._wire, self._used = wire, time.monotonic()
        return wire

    def _hello(self, wire: Wire) -> dict[str, str]:
        """EHLO and what the relay offers, or HELO for one that has never heard of it."""
        reply = wire.ask(f"EHLO {self.name}")
        if reply.code in (500, 501, 502, 504, 550):
            _expect(wire.ask(f"HELO {self.name}"), 250)
            return {}
        _expect(reply, 250)
        words = [line.strip().upper().partition(" ") for line in reply.lines[1:]]
        return {word: rest for word, _, rest in words}

    def _sign_in(self, wire: Wire, offers: dict[str, str], *, safe: bool) -> None:
        """AUTH PLAIN or LOGIN, but never a password in the clear to another machine."""
        if not safe:
            raise Down("the relay offers no TLS, so it gets no password")
        kinds = offers.get("AUTH", "").split()
        if "PLAIN" in kinds:
            secret = base64.b64encode(f"\0{self.user}\0{self.password}".encode()).decode()
            _expect(wire.ask(f"AUTH PLAIN {secret}"), 235)
        elif "LOGIN" in kinds:
            _expect(wire.ask("AUTH LOGIN"), 334)
            _expect(wire.ask(base64.b64encode(self.user.encode()).decode()), 334)
            _expect(wire.ask(base64.b64encode(self.password.encode()).decode()), 235)
        else:
            raise Down("the relay offers no way to sign in that we know")

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()


def judge(reply: Reply, phase: str) -> Result:
    """What a refusal means. Only a structured "nobody there" at RCPT says that an address is dead (promises.md)."""
    status = reply.enhanced
    code, text = str(reply.code), reply.text
    if reply.code // 100 == 4:
        return Result(Outcome.TEMPORARY, code, text)
    if reply.code // 100 != 5:  # a 2xx or 3xx where it makes no sense
        return Result(Outcome.UNCERTAIN if phase == "dot" else Outcome.TEMPORARY, code, text)
    if phase == "MAIL" or any(status == s or (s.endswith(".") and status.startswith(s)) for s in OURS):
        return Result(Outcome.OURS, code, text)
    return Result(Outcome.PERMANENT, code, text, dead=phase == "RCPT" and status in DEAD)


def _expect(reply: Reply, code: int) -> None:
    if reply.code != code:
        raise Down(f"the relay said {reply.code} {reply.text}"[:200])


def _stuffed(data: bytes) -> bytes:
    """The message with leading dots doubled (RFC 5321 4.5.2) and a line's end at its end."""
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    if data.startswith(b"."):
        data = b"." + data
    return data.replace(b"\r\n.", b"\r\n..")
