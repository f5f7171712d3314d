"""A whole house on loopback: catchers, mail door, live site, and a worker in a thread."""

import smtplib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bell.api.lmtp import Door
from bell.lib import http
from bell.proving import letters
from bell.proving.mailcatcher import MailCatcher
from bell.proving.phones import Phones
from bell.worker import loop


class House:
    """Real servers on free ports; `work()` starts a worker that ends with the test."""

    def __init__(self, folder: Path, site: str, secret: str) -> None:
        self.mails = MailCatcher("127.0.0.1", 0, folder).start()
        self.door = Door("127.0.0.1", 0).start()
        self.phones = Phones(
            "127.0.0.1", 0, folder, site, secret, f"127.0.0.1:{self.door.port}", receipt_after=0.05
        ).start()
        self.told = threading.Event()
        self.worker: threading.Thread | None = None

    def work(self, **options: Any) -> None:
        """Start a worker."""
        self.worker = threading.Thread(target=loop.run, args=(self.told,), kwargs=options)
        self.worker.start()

    def stop_work(self) -> None:
        """End it."""
        self.told.set()
        if self.worker is not None:
            self.worker.join(40)
            assert not self.worker.is_alive()

    def close(self) -> None:
        """End everything."""
        self.stop_work()
        self.phones.stop()
        self.door.stop()
        self.mails.stop()
        # Kept connections to the live site keep its threads, and their databases' connections, alive.
        http.close()

    def mail_to(self, address: str) -> list[dict[str, str]]:
        """What a mailbox shows."""
        return [letters.shown(line) for line in self.mails.mails() if address in line["to"]]

    def reply_by_text(self, number: str, text: str) -> None:
        """Type a text on a phone."""
        reply = http.post(
            f"http://127.0.0.1:{self.phones.port}/phones/{number}/reply", json={"text": text}, deadline=20
        )
        assert reply.status == 200, reply.body

    def reply_by_mail(self, address: str, message_id: str, text: str) -> None:
        """Reply in a mailbox."""
        url = f"http://127.0.0.1:{self.phones.port}/mailboxes/{address}/reply"
        reply = http.post(url, json={"message_id": message_id, "text": text}, deadline=20)
        assert reply.status == 200, reply.body

    def bounce(self, raw: bytes, to: str) -> None:
        """Hand a bounce to the mail door, as the relay would."""
        with smtplib.LMTP("127.0.0.1", self.door.port, timeout=20) as client:
            client.sendmail("", [to], raw)


@pytest.fixture
def house(transactional_db: None, live_server: Any, settings: Any, tmp_path: Path) -> Iterator[House]:
    """The house, with our settings pointing at it."""
    house = House(tmp_path, live_server.url, settings.SMS_GATEWAY_SECRET)
    settings.SITE_URL = live_server.url
    settings.SMTP_URL = f"smtp://127.0.0.1:{house.mails.port}"
    settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{house.phones.port}"
    settings.HOLD_SECONDS_ROUTINE = settings.HOLD_SECONDS_URGENT = 0
    yield house
    house.close()
