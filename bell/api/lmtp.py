"""The mail door: takes replies and bounces by LMTP (RFC 2033), keeps the raw bytes, and only then says yes.

One answer a recipient after DATA, so that the mail server tries again exactly what we do not have. In case of trouble
the answer is "later" (451), never "no": a person's reply must not be lost to our fault.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import close_old_connections, connections

from bell.api.listening import Listener
from bell.delivery import inbound

log = logging.getLogger(__name__)

GATEWAY = "lmtp"
LARGEST = 25 * 1024 * 1024
MOST_RECIPIENTS = 100
MOST_CONNECTIONS = 50  # each may hold a message of the largest size in memory
COMMAND_SECONDS = 300  # between commands, and for all of DATA (RFC 5321 4.5.3.2 asks for five minutes)
CONNECTION_SECONDS = 1800  # whatever happens in it
_LATER = "451 4.3.0 Not kept just now, try again later"


class _Protocol(LMTP):
    """aiosmtpd's LMTP answers DATA once; here, once a recipient. Lines may be as long as people write them."""

    line_length_limit = 1024 * 1024

    def __init__(self, door: "Door", loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            door, loop=loop, hostname=settings.REPLY_DOMAIN, ident="LMTP", data_size_limit=LARGEST,
            timeout=COMMAND_SECONDS, enable_SMTPUTF8=True,
        )  # fmt: skip
        self._door = door
        self._answers = 0
        self._refused = False
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Count the connection, or turn it away when there are too many."""
        self._refused = self._door.connections >= MOST_CONNECTIONS
        if self._refused:
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
            transport.close()
            return
        self._door.connections += 1
        self._end = self.loop.call_later(CONNECTION_SECONDS, transport.close)
        super().connection_made(transport)

    def eof_received(self) -> bool | None:
        """The other side will say no more."""
        return None if self._refused else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection."""
        if self._refused:
            return
        self._door.connections -= 1
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:
        """Take a message; whatever goes wrong, each recipient gets an answer."""
        recipients = len(self.envelope.rcpt_tos) if self.envelope else 0
        self._answers = 0 if arg else recipients
        self._door.taking += 1
        try:
            await super().smtp_DATA(arg)
        except Exception:
            log.exception("a message could not be taken")
            await self.push(_LATER)
        finally:
            self._answers = 0
            self._door.taking -= 1

    async def push(self, status: Any) -> None:
        """Send an answer; the one to a whole message is said once for each of its recipients (RFC 2033 4.2)."""
        words = status.decode("utf-8", "replace") if isinstance(status, bytes) else status
        if self._answers and not words.startswith("354"):
            lines = words.split("\r\n")
            words = "\r\n".join(lines if len(lines) == self._answers else lines[:1] * self._answers)
        await super().push(words)


class Door:
    """The door as an object: Door(host, port).start() listens, `.port` is the real one."""

    def __init__(self, host: str, port: int) -> None:
        self.connections = 0
        self.taking = 0
        self._listener = Listener(lambda loop: _Protocol(self, loop), host, port, busy=lambda: self.taking)
        # One thread with one connection to the database: on SQLite writers take turns anyway.
        self._database = ThreadPoolExecutor(1, thread_name_prefix="lmtp-database")

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._listener.port

    def start(self) -> "Door":
        """Listen, in a thread of its own. OSError when the port is taken."""
        self._listener.start()
        return self

    def stop(self) -> None:
        """Take no more; messages that are being taken get their answers first."""
        self._listener.stop()
        self._database.submit(connections.close_all)
        self._database.shutdown(wait=True)

    async def handle_exception(self, error: Exception) -> str:
        """Our own fault is never the sender's: "later", without the words of the fault."""
        log.error("a command failed", exc_info=error)
        return "451 4.3.0 Something went wrong here, try again later"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Only our reply domain; its local parts are read later, since an unknown one may still be a person's reply."""
        if not is_ours(address):
            return "550 5.1.1 No such mailbox here"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients at once"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message once for each recipient, then answer for each."""
        raw = envelope.original_content or b""
        sender = "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)
        loop = asyncio.get_running_loop()
        answers = [
            await loop.run_in_executor(self._database, keep, raw, sender, recipient) for recipient in envelope.rcpt_tos
        ]
        return "\r\n".join(answers)


def is_ours(address: str) -> bool:
    """Whether an address is of our reply domain; its local part is read later."""
    local, _, domain = address.rpartition("@")
    return bool(local) and domain.casefold() == settings.REPLY_DOMAIN.casefold() and len(address) <= 320


def keep(raw: bytes, sender: str, recipient: str) -> str:
    """Store one recipient's copy and return the answer for it; a mail that comes again is kept once."""
    close_old_connections()
    try:
        store(GATEWAY, raw, sender, recipient)
    except Exception:
        log.exception("a reply could not be kept; its sender will try again")
        return _LATER
    finally:
        close_old_connections()
    return "250 2.0.0 Kept"


def store(gateway: str, raw: bytes, sender: str, recipient: str) -> None:
    """Keep one recipient's copy of a mail, whichever door it came by; raises what the database raises."""
    inbound.store(gateway, "", "mail", raw, envelope_from=sender, envelope_to=recipient)
