"""Practice reaches nothing but the loopback catchers (I4): a whole story, every socket of its process watched.

Two watches: Python's own audit events, and, where strace may trace, every connect of the process and its children. The
same story for real is the counterproof: there the relay and the gateway do get connections, and both watches see them.
"""

import ipaddress
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bell.alerts.models import Alert
from bell.delivery.models import Delivery, Mailing
from bell.organisations import approvals
from bell.organisations.models import Officer
from bell.proving.mailcatcher import MailCatcher
from bell.proving.phones import Phones
from tests.cast import Cast
from tests.delivery.test_crash import child_command

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]
_INET = re.compile(r"sin6?_port=htons\((\d+)\).*?(?:inet_addr\(\"([^\"]+)\"|inet_pton\(AF_INET6, \"([^\"]+)\")")


class Door:
    """A listener that counts who comes, says nothing and hangs up: the real relay, the real gateway."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port, self.visits = self._listening.getsockname()[1], 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                visitor, _ = self._listening.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self) -> None:
        """No more visits."""
        self._listening.close()


@dataclass
class Watched:
    """Everything around the story: the doors of the real world, the catchers, and a folder for what was seen."""

    relay: Door
    gateway: Door
    mails: MailCatcher
    phones: Phones
    folder: Path

    def tell(self) -> None:
        """Run the story to its end."""
        _, environment = child_command("", "", f"smtp://127.0.0.1:{self.relay.port}")
        environment |= {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "BELL_SMS_GATEWAY_URL": f"http://127.0.0.1:{self.gateway.port}",
            "BELL_CATCHER_SMTP": f"127.0.0.1:{self.mails.port}",
            "BELL_CATCHER_HTTP": f"127.0.0.1:{self.phones.port}",
            "BELL_HOLD_SECONDS_ROUTINE": "0",
            "BELL_HOLD_SECONDS_URGENT": "0",
        }
        command = [sys.executable, "-m", "tests.alerts.practice_story", str(self.folder / "python")]
        if _may_trace():
            calls = "trace=connect,sendto,sendmsg,sendmmsg"
            command = [
                "strace",
                "-f",
                "-qqq",
                "-e",
                calls,
                "-e",
                "signal=none",
                "-o",
                str(self.folder / "kernel"),
                *command,
            ]
        done = subprocess.run(command, env=environment, cwd=ROOT, timeout=240, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def by_python(self) -> list[tuple[str, int]]:
        """(host, port) of each connect, datagram and look-up that Python saw."""
        found = []
        for event, given in map(json.loads, (self.folder / "python").read_text().splitlines()):
            assert event.startswith("socket."), (
                f"a program was started, which is watched by the other watch only: {given}"
            )
            words = given[1:] if event in ("socket.connect", "socket.sendto", "socket.sendmsg") else given
            found.append((str(words[0]), int(words[1]) if len(words) > 1 and str(words[1]).isdigit() else 0))
        return found

    def by_kernel(self) -> list[tuple[str, int]]:
        """(host, port) of each internet address in a system call."""
        if not _may_trace():
            return []
        text = (self.folder / "kernel").read_text()
        assert text, "strace wrote nothing"
        return [(four or six, int(port)) for port, four, six in _INET.findall(text)]

    def allowed(self) -> set[int]:
        """The ports of the catchers and of the database."""
        url = urlsplit(child_command("", "")[1]["DATABASE_URL"])
        return {self.mails.port, self.phones.port} | ({url.port} if url.port else set())


def _may_trace() -> bool:
    """Whether strace is here and may trace a process."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-qqq", "-o", os.devnull, "true"], capture_output=True).returncode == 0


@pytest.fixture
def watched(transactional_db: None, tmp_path: Path) -> Iterator[Watched]:
    """Catchers and doors on free ports, people to reach, and officers with work mobiles."""
    relay, gateway = Door(), Door()
    mails = MailCatcher("127.0.0.1", 0, tmp_path).start()
    phones = Phones(
        "127.0.0.1", 0, tmp_path, "http://127.0.0.1:9", os.environ["BELL_SMS_GATEWAY_SECRET"], "127.0.0.1:9", 3600.0
    ).start()  # fmt: skip
    cast = Cast()
    for number in range(4):
        both = (cast.force, cast.partner) if number else (cast.partner,)
        cast.resident(mobile="", organisations=both)
    for number, name in enumerate(("Ana Author", "Ben Approver", "Olu Outsider")):
        Officer.objects.filter(name=name).update(mobile=f"+44770090099{number}")
    yield Watched(relay, gateway, mails, phones, tmp_path)
    for one in (relay, gateway):
        one.close()
    phones.stop()
    mails.stop()


def practise() -> None:
    """The force's team and the partner's officer practise."""
    administrator = Officer.objects.get(name="Ada Admin")
    team = administrator.organisation.teams.get(slug="heanor")
    approvals.set_practice(team, on=True, by=administrator)
    Officer.objects.filter(name="Olu Outsider").update(practice=True)


def is_here(host: str) -> bool:
    """Whether an address is of this machine alone; a name must be an address already, since a look-up asks somebody."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def test_a_whole_practice_story_reaches_the_catchers_and_nothing_else(watched: Watched) -> None:
    practise()
    watched.tell()
    assert Alert.objects.count() == 3 and not Alert.objects.filter(practice=False).exists()
    assert (watched.relay.visits, watched.gateway.visits) == (0, 0)
    python, kernel = watched.by_python(), watched.by_kernel()
    for host, port in [*python, *kernel]:
        assert is_here(host), f"{host}:{port} is not this machine"
        assert port in watched.allowed(), f"port {port} is no catcher's"
    assert {watched.mails.port, watched.phones.port} <= {port for _, port in python}, "the watch saw what it must"
    assert not kernel or {watched.mails.port, watched.phones.port} <= {port for _, port in kernel}
    assert len(list(watched.mails.mails())) >= 8 and len(list(watched.phones.texts())) >= 8
    assert not Mailing.objects.filter(practice=False).exists()
    assert set(Delivery.objects.values_list("state", flat=True)) <= {"sent", "delivered", "suppressed", "cancelled"}


def test_the_same_story_for_real_is_seen_by_the_doors_and_by_both_watches(watched: Watched) -> None:
    watched.tell()
    assert watched.relay.visits > 0 and watched.gateway.visits > 0
    assert not list(watched.mails.mails()) and not list(watched.phones.texts())
    real = {watched.relay.port, watched.gateway.port}
    assert real <= {port for _, port in watched.by_python()}
    if kernel := watched.by_kernel():
        assert real <= {port for _, port in kernel}
