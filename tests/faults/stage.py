"""One scenario: the cast, the processes, the relay and the gateway in a bad mood, and the wait until all is well."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.delivery.servers import DRIP, DROP, SILENT, Gateway, Relay
from tests.faults.databases import ROOT, Database

PEOPLE = 60
PHONES = 20
DEAD = (7, 31)  # the relay says of these that there is no such mailbox
SHARED = 3  # so many people read the mail of others'
LEASE_SECONDS = 3
CONVERGES_SECONDS = 60.0
KILLED = 137

SETTINGS = {
    "BATCH_SIZE": 16,
    "LEASE_SECONDS": LEASE_SECONDS,
    "UNCERTAIN_RETRY_SECONDS": 2,
    "RETRY_SECONDS": 0.5,
    "SMTP_DEADLINE_SECONDS": 3,
    "INVENTED_ONLY": True,
    "DEMO": True,
}


def environment(folder: Path) -> dict[str, str]:
    """What every process of ours needs to start."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BELL_", "DATABASE_", "CRASH"))}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "bell.config.settings",
        "BELL_DEMO": "1",
        "BELL_SECRET_KEY": "a key for the fault matrix only, never used anywhere else",
        "BELL_SMS_GATEWAY_SECRET": "secret-of-the-test-gateway",
        "BELL_LOG_LEVEL": "INFO",
        "BELL_VAR_DIR": str(folder),
        "PYTHONPATH": str(ROOT),
    }


class Zygote:
    """The process from which all others are forked."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"], env=environment(folder), cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """Give an order and read the answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """No more orders."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


@dataclass
class Worker:
    """One place for a worker: whoever dies in it is replaced, usually by one without a crash point."""

    name: str
    pid: int
    heir: str = ""  # the crash point of the next one
    ended_by: list[int] = field(default_factory=list)


@dataclass
class Stage:
    """Everything one scenario has. `attempts` are (monotonic seconds, address) of each RCPT and each text."""

    zygote: Zygote
    database: Database
    folder: Path
    random: random.Random
    relay: Relay
    catcher: Relay
    gateway: Gateway
    phones: Gateway
    calm: bool = True
    attempts: list[tuple[float, str, str]] = field(default_factory=list)
    workers: dict[str, Worker] = field(default_factory=dict)
    noes: dict[int, float] = field(default_factory=dict)  # recipient key: when the opt-out was committed
    stops: dict[str, float] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)  # text reference: what its receipts said
    seconds_to_converge: float = 0.0

    def __post_init__(self) -> None:
        self.clock = self.folder / "clock"
        self.set_clock(0)
        self.log = self.folder / "log"

    # What people and machines do.

    def act(self, role: str, *words: Any, crash: str = "", clock: bool = False) -> int:
        """Do something to its end, in a process of its own; its exit status."""
        pid = self._start(role, words, crash, clock)
        status = self._wait(pid, 60)
        assert status is not None, f"{role} hangs\n{self.tail()}"
        return status

    def done(self, role: str, *words: Any, clock: bool = False) -> None:
        """The same for what must succeed."""
        status = self.act(role, *words, clock=clock)
        assert status == 0, f"{role} ended with {status}\n{self.tail()}"

    def begin(self, role: str, *words: Any, crash: str = "") -> int:
        """Begin something that goes on beside the rest."""
        return self._start(role, words, crash, False)

    def audience(self) -> None:
        """The people, and two who said no long ago."""
        rows: list[tuple[int, str, str]] = [(n, "email", address(n)) for n in range(1, PEOPLE + 1)]
        rows += [(PEOPLE + n, "email", address(n)) for n in range(1, SHARED + 1)]
        rows += [(100 + n, "sms", phone(n)) for n in range(1, PHONES + 1)]
        self.done("people", rows)

    def opt_out(self, key: int) -> None:
        """A person says no, and is told that it is done."""
        self.done("opt out", key)
        self.noes[key] = time.monotonic()

    def stop(self, name: str) -> None:
        """Somebody presses Stop."""
        self.done("stop", name)
        self.stops[name] = time.monotonic()

    def receipts(self, most: int = 12) -> None:
        """The gateway reports on texts it took: repeated, and in any order."""
        taken = self.gateway.spool[:most]
        events = []
        for text in taken:
            states = self.random.choice([["delivered"], ["sent", "delivered"], ["failed"], ["failed", "delivered"]])
            self.told[text["reference"]] = states
            events += [(text["reference"], state) for state in states * self.random.choice([1, 2])]
        self.random.shuffle(events)
        for reference, state in events:
            report = {"id": f"{reference}{state}", "reference": reference, "status": state}
            self.done("store", "receipt", json.dumps(report))

    # Workers, and what is done to them.

    def hire(self, name: str, *, crash: str = "", heir: str = "", clock: bool = False) -> Worker:
        """A worker takes this place."""
        self.workers[name] = Worker(name, self._start("work", (), crash, clock), heir)
        return self.workers[name]

    def kill(self, name: str, number: int) -> None:
        """A signal, if it lives."""
        with suppress(ProcessLookupError):
            os.kill(self.workers[name].pid, number)

    def look_after(self) -> None:
        """What a supervisor does: replace who died."""
        status = self.zygote.ask({"look": [worker.pid for worker in self.workers.values()]})
        for worker in self.workers.values():
            ended = status[str(worker.pid)]
            if ended is not None:
                worker.ended_by.append(ended)
                worker.pid = self._start("work", (), worker.heir, False)
                worker.heir = ""

    def go_on(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let everything run for a while, or until something happened; whether it did."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look_after()
            if until():
                return True
            time.sleep(0.05)
        return False

    def converge(self) -> None:
        """All is well from now on: everything must come to an end by itself (I10)."""
        self.calm = True
        self.set_clock(0)
        started = time.monotonic()
        assert self.go_on(CONVERGES_SECONDS, self.is_over), f"not over: {self.left()}\n{self.tail()}"
        self.seconds_to_converge = time.monotonic() - started

    def is_over(self) -> bool:
        """Nothing is left to do, neither in the outbox nor of what came in."""
        return not any(self.left().values())

    def left(self) -> dict[str, Any]:
        """What is still to be done."""
        return {
            "batches": self.database.ask("SELECT state, due_at, size FROM delivery_batch WHERE state <> 'done'"),
            "rows": self.database.ask(
                "SELECT id, state, reason FROM delivery_delivery"
                " WHERE state IN ('queued', 'deferred', 'waiting') OR (state = 'uncertain' AND batch_id IS NOT NULL)"
            ),
            "inbound": self.database.ask("SELECT id, state FROM delivery_inbound WHERE state IN ('new', 'early')"),
            "open": self.database.ask("SELECT id FROM delivery_mailing WHERE filled_at IS NULL AND stream <> 'source'"),
        }

    def dismiss(self) -> None:
        """The end: whoever is left is killed."""
        for name in self.workers:
            self.kill(name, 18)
            self.kill(name, 9)
        self._until_gone()

    def set_clock(self, seconds: float) -> None:
        """The clock of those who were hired with a clock of their own goes wrong by so many seconds."""
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(self.clock)

    def tail(self) -> str:
        """The end of what our processes said."""
        return self.log.read_text()[-6000:] if self.log.exists() else ""

    # Moods of the relay and the gateway.

    def relay_says(self, verb: str, mildly: bool) -> Callable[[str], str | None]:
        """How the relay answers this verb: mostly well, in a bad mood not."""
        moods: dict[str, list[str]] = {
            "CONNECT": [DROP],
            "EHLO": [DROP],
            "MAIL": ["451 4.3.0 not now", DROP],
            "RCPT": ["450 4.2.1 not now", "452 4.5.3 too many", DROP],
            "DATA": ["451 4.3.0 not now", DROP],
            "DOT": ["451 4.3.0 not now", "accept then drop", DROP],
        }
        if not mildly:
            moods["CONNECT"] += ["421 4.3.2 not now", SILENT]
            moods["EHLO"] += [DRIP]
            moods["MAIL"] += [SILENT, "501 5.5.4 what?"]
            moods["DOT"] += [SILENT, "nonsense", "554 5.6.0 no"]

        def says(line: str) -> str | None:
            if verb == "RCPT":
                to = line[9:-1]
                self.attempts.append((time.monotonic(), "email", to))
                if to in {address(n) for n in DEAD}:
                    return "550 5.1.1 no such mailbox"
            if self.calm or self.random.random() > 0.07:
                return None
            return self.random.choice(moods[verb])

        return says

    def gateway_says(self, request: dict[str, Any]) -> Any:
        """How the gateway answers."""
        self.attempts.append((time.monotonic(), "sms", request["to"]))
        if self.calm or self.random.random() > 0.15:
            return None
        return self.random.choice(
            [(429, {"error": "slow down"}, {"Retry-After": "1"}), (500, {}, {}), (200, {"error": "busy"}, {}), DROP]
        )

    # Inside.

    def _start(self, role: str, words: tuple[Any, ...], crash: str, clock: bool) -> int:
        own = {
            **SETTINGS,
            "SMTP_URL": self.relay.url,
            "SMS_GATEWAY_URL": self.gateway.url,
            "SMS_GATEWAY_SECRET": "secret-of-the-test-gateway",
            "CATCHER_SMTP": f"127.0.0.1:{self.catcher.port}",
            "CATCHER_HTTP": self.phones.url.removeprefix("http://"),
        }
        order = {
            "role": role, "words": list(words), "settings": own, "database": self.database.url, "crash": crash,
            "clock": str(self.clock) if clock else "", "log": str(self.log),
        }  # fmt: skip
        return int(self.zygote.ask(order)["pid"])

    def _wait(self, pid: int, seconds: float) -> int | None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = self.zygote.ask({"look": [pid]})[str(pid)]
            if status is not None:
                return int(status)
            time.sleep(0.02)
        return None

    def _until_gone(self) -> None:
        for worker in self.workers.values():
            self._wait(worker.pid, 10)


def address(number: int) -> str:
    """An invented mailbox; a few domains, as in life."""
    return f"person{number}@{('mail', 'post', 'home')[number % 3]}.example"


def phone(number: int) -> str:
    """A number of Ofcom's drama range."""
    return f"+4477009001{number:02}"
