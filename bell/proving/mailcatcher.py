"""A real mail server on loopback that delivers nothing: every accepted message becomes a line of a spool."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from bell.api.listening import Listener
from bell.lib import clock, emails
from bell.proving.spool import MAILS, Spool, check_loopback

log = logging.getLogger(__name__)

LARGEST = 32 * 1024 * 1024
IDLE_SECONDS = 300


class _Protocol(SMTP):
    """aiosmtpd's server; lines may be long, since a catcher is to catch our mistakes, not to hide them."""

    line_length_limit = 1024 * 1024


class _Handler:
    """Accepts mail to invented people and spools it, each after `slow` seconds, as a busy relay would."""

    def __init__(self, spool: Spool, slow: float) -> None:
        self.spool, self._slow = spool, slow

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Nobody real has a mailbox here: a real address in a demo is a mistake, and is refused."""
        if not emails.is_invented(address):
            return "550 5.1.1 This catcher takes mail to invented people only"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """One line of the spool, then 250; 452 when it cannot be written."""
        if self._slow:
            await asyncio.sleep(self._slow)
        sender = envelope.mail_from or ""
        line = {
            "at": clock.now().isoformat(),
            "from": "" if sender == "<>" else sender,
            "to": list(envelope.rcpt_tos),
            "data": (envelope.original_content or b"").decode("latin-1"),
        }
        try:
            self.spool.append(line)
        except OSError:
            log.exception("the catcher cannot write its spool")
            return "452 4.3.1 The spool cannot be written"
        return "250 2.0.0 Caught"


class MailCatcher:
    """The catcher as an object: MailCatcher(host, port, spool_dir).start() listens, `.port` is the real one."""

    def __init__(self, host: str, port: int, spool_dir: Path | str, slow: float = 0.0) -> None:
        check_loopback(host)
        self.spool = Spool(Path(spool_dir) / MAILS)
        self._handler = _Handler(self.spool, slow)
        self._listener = Listener(self._protocol, host, port, busy=lambda: 0)

    def _protocol(self, loop: asyncio.AbstractEventLoop) -> SMTP:
        return _Protocol(
            self._handler, loop=loop, hostname="catcher.example", ident="Bell mail catcher",
            data_size_limit=LARGEST, timeout=IDLE_SECONDS, enable_SMTPUTF8=True,
        )  # fmt: skip

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._listener.port

    def start(self) -> "MailCatcher":
        """Listen, in a thread of its own. OSError when the port is taken."""
        self._listener.start()
        return self

    def stop(self) -> None:
        """Stop listening and close all connections."""
        self._listener.stop()

    def mails(self) -> Iterator[dict[str, Any]]:
        """Every caught mail, oldest first: {"at", "from", "to", "data"}."""
        return self.spool.all()
