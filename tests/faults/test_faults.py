"""Whatever happens to a post room at work: nobody is forgotten, nobody is told twice unseen, a no stays a no.

Every scenario: two workers, a routine alert and an urgent one to the same people, a practice, a text that was changed
after its approval, two people who opt out while it goes on. Then the fault; then all is well, and the oracle asks.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bell.delivery import crash
from tests.faults.databases import Postgres, Sqlite
from tests.faults.oracle import Verdict, judge, judge_digests
from tests.faults.stage import KILLED, LEASE_SECONDS, Stage

pytestmark = pytest.mark.faults

ROUTINE, URGENT, PRACTICE, FORGED = "routine", "urgent", "practice", "forged"
MAILINGS = (ROUTINE, URGENT)
# Points that a sending worker passes; the others are passed by whoever fills, or keeps what comes in.
DIGESTS = ("mid-digest", "mid-digest-settle")
ELSEWHERE = ("mid-fill", "before-store-commit", "after-store-commit", *DIGESTS)
AT_WORK = tuple(point for point in crash.POINTS if point not in ELSEWHERE)
SELDOM = (
    "before-sweep-commit", "before-inbound-commit", "after-inbound-commit",
    "before-claim", "after-claim", "after-connect",
)  # fmt: skip


def alarmed(stage: Stage, *, mildly: bool = True) -> None:
    """From now on the relay and the gateway are in a bad mood."""
    for verb in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"):
        stage.relay.says[verb] = stage.relay_says(verb, mildly)
    stage.gateway.says = stage.gateway_says


def slowly(stage: Stage, seconds: float) -> None:
    """The relay takes so long for each mail."""
    says = stage.relay.says["DOT"]

    def later(recipient: str) -> str | None:
        time.sleep(seconds)
        said: str | None = says(recipient)
        return said

    stage.relay.says["DOT"] = later


def alerts(stage: Stage, crash_at: str = "", names: Sequence[str] = (ROUTINE, URGENT, PRACTICE, FORGED)) -> None:
    """The alerts of the night are approved; filling begins beside the workers, and dies where it is told to."""
    for name in names:
        stage.done("open", name, 1 if name == URGENT else 2, name == PRACTICE)
    changed = "replace(CAST(content AS text), 'Lock your', 'Leave your')"
    cast = "jsonb" if stage.database.vendor == "postgresql" else "text"
    stage.database.write(
        f"UPDATE delivery_mailing SET content = CAST({changed} AS {cast}) WHERE reference = '{FORGED}'"
    )
    step = stage.random.choice([7, 20, 1000])
    if crash_at:
        assert stage.act("fill", names[0], step, crash=crash_at) == KILLED
    for name in names:
        stage.done("fill", name, step)


def noes(stage: Stage) -> None:
    """Two people opt out in the middle."""
    for _ in range(2):
        stage.go_on(stage.random.uniform(0.0, 0.4))
        stage.opt_out(stage.random.choice([*range(1, 61), *range(101, 121)]))


def verdict(stage: Stage) -> Verdict:
    """It is over: does everything hold?"""
    stage.converge()
    return judge(stage, MAILINGS, practice=[PRACTICE], tampered=[FORGED])


def ended_by(stage: Stage) -> list[int]:
    """How workers that had to be replaced had ended."""
    return [status for worker in stage.workers.values() for status in worker.ended_by]


@pytest.mark.parametrize("point", AT_WORK)
def test_killed_at_a_point(stage: Stage, point: str) -> None:
    """One of two workers dies exactly there, and is replaced."""
    nth = 1 if point in SELDOM else stage.random.randint(1, 12)
    stage.calm = stage.random.random() < 0.5
    alarmed(stage)
    stage.hire("one", crash=f"{point}:{nth}")
    if point == "before-sweep-commit":  # somebody must have died for there to be something to sweep
        stage.hire("two", crash="after-final-dot:3", heir=point)
    else:
        stage.hire("two")
    alerts(stage)
    noes(stage)
    stage.receipts()
    deaths = 2 if point == "before-sweep-commit" else 1
    stage.go_on(20, lambda: ended_by(stage).count(KILLED) >= deaths)
    found = verdict(stage)
    assert ended_by(stage).count(KILLED) >= deaths, f"nobody came by {point}"
    assert found["I3"] and found["I4"]


@pytest.mark.parametrize("point", ["mid-fill"])
def test_killed_while_filling(stage: Stage, point: str) -> None:
    """What was filled so far goes out while the rest is filled anew."""
    stage.calm = False
    alarmed(stage)
    stage.hire("one")
    stage.hire("two")
    alerts(stage, crash_at=f"{point}:1")
    noes(stage)
    verdict(stage)


@pytest.mark.parametrize("point", DIGESTS)
def test_killed_while_making_digests(stage: Stage, point: str) -> None:
    """Two messages wait for everybody's digest; while it is made, one is stopped and two people say no."""
    stage.calm = stage.random.random() < 0.5
    alarmed(stage)
    slowly(stage, 0.02)
    for name in ("news", "more"):
        stage.done("open", name, 2, False)
        stage.done("keep", name, 0.5)
    stage.hire("one", crash=f"{point}:1")
    stage.go_on(20, lambda: ended_by(stage).count(KILLED) >= 1)
    stage.hire("two")
    stage.go_on(stage.random.uniform(0.0, 0.5))
    if stage.random.random() < 0.5:
        stage.stop("more")
    noes(stage)
    stage.converge()
    assert ended_by(stage).count(KILLED) >= 1, f"nobody came by {point}"
    found = judge_digests(stage, ("news", "more"))
    assert found["I1"] and found["I2"]


@pytest.mark.parametrize("point", ["before-store-commit", "after-store-commit"])
def test_killed_while_something_comes_in(stage: Stage, point: str) -> None:
    """The gateway got no answer and reports again: it counts once, and nothing is lost."""
    alarmed(stage)
    stage.hire("one")
    alerts(stage)
    assert stage.go_on(20, lambda: len(stage.gateway.spool) >= 5)
    text = stage.random.choice(stage.gateway.spool[:5])
    report = f'{{"id": "x1", "reference": "{text["reference"]}", "status": "delivered"}}'
    assert stage.act("store", "receipt", report, crash=point) == KILLED
    stage.done("store", "receipt", report)
    stage.told[text["reference"]] = ["delivered"]
    assert verdict(stage)["I6"]
    assert stage.database.ask("SELECT COUNT(*) FROM delivery_inbound") == [(1,)]


def test_killed_again_and_again(stage: Stage) -> None:
    """kill -9 whenever it suits, with a relay and a gateway that do everything wrong."""
    stage.calm = False
    alarmed(stage, mildly=False)
    stage.hire("one")
    stage.hire("two")
    alerts(stage)
    for _ in range(stage.random.randint(2, 5)):
        stage.go_on(stage.random.uniform(0.05, 1.0))
        stage.kill(stage.random.choice(["one", "two"]), signal.SIGKILL)
        if len(stage.noes) < 2:
            stage.opt_out(stage.random.randint(1, 60))
    found = verdict(stage)
    assert KILLED in ended_by(stage) and found["I3"]


def test_a_relay_that_does_everything_wrong(stage: Stage) -> None:
    """Drops, drips, silence, nonsense, 4xx and 5xx at each verb; a gateway with 429, 5xx, a yes that is a no."""
    stage.calm = False
    alarmed(stage, mildly=False)
    stage.hire("one")
    stage.hire("two")
    alerts(stage)
    noes(stage)
    stage.receipts()
    stage.go_on(6, stage.is_over)
    verdict(stage)
    assert not ended_by(stage)


def test_frozen_past_its_lease(stage: Stage) -> None:
    """SIGSTOP: another worker takes over; the frozen one wakes, and its fence is refused."""
    alarmed(stage)
    slowly(stage, 0.05)  # so that it is frozen at work
    stage.hire("one")
    alerts(stage)
    assert stage.go_on(20, lambda: len(stage.relay.spool) >= 3)
    stage.kill("one", signal.SIGSTOP)
    stage.hire("two")
    # One that is frozen while it writes keeps SQLite's only lock: whoever says no meanwhile is told to try again.
    frozen_may_hold_the_lock = stage.database.vendor == "sqlite"
    if not frozen_may_hold_the_lock:
        noes(stage)
    stage.go_on(LEASE_SECONDS + 2.0)
    stage.kill("one", signal.SIGCONT)
    if frozen_may_hold_the_lock:
        noes(stage)
    verdict(stage)
    assert not ended_by(stage)


def test_told_to_end(stage: Stage) -> None:
    """SIGTERM: what is under way is finished, the rest given back. Nothing becomes uncertain by it."""
    alarmed(stage)
    stage.hire("one")
    stage.hire("two")
    alerts(stage)
    for _ in range(3):
        stage.go_on(stage.random.uniform(0.0, 0.5))
        name = stage.random.choice(["one", "two"])
        before = len(stage.workers[name].ended_by)
        stage.kill(name, signal.SIGTERM)
        ended = stage.go_on(30, lambda who=stage.workers[name], seen=before: len(who.ended_by) > seen)
        assert ended, f"it goes on working: {stage.tail()}"
    noes(stage)
    verdict(stage)
    assert set(ended_by(stage)) <= {0}
    unsure = stage.database.ask("SELECT * FROM delivery_delivery WHERE state = 'uncertain' OR retried")
    assert not unsure, (unsure, stage.tail())


def test_stopped_in_the_middle(stage: Stage) -> None:
    """Somebody presses Stop while it goes out, and one of the workers dies just then."""
    alarmed(stage)
    slowly(stage, 0.15)
    stage.hire("one")
    stage.hire("two")
    alerts(stage, names=[URGENT, ROUTINE])
    stage.go_on(stage.random.uniform(0.0, 0.3))
    stage.stop(ROUTINE)
    stage.kill("one", signal.SIGKILL)
    stage.converge()
    assert judge(stage, [URGENT, ROUTINE])["I3"]
    assert "stopped by an officer" in str(stage.database.ask("SELECT DISTINCT reason FROM delivery_delivery"))


@pytest.mark.parametrize("wrong", [-3600, 3600])
def test_clocks_go_wrong(stage: Stage, wrong: int) -> None:
    """One host's clock jumps by an hour and later back; on PostgreSQL no copy comes of it."""
    alarmed(stage)
    stage.hire("one", clock=True)
    stage.hire("two", clock=stage.database.vendor == "sqlite")  # there all are on one host
    stage.go_on(0.3)
    stage.set_clock(wrong)
    alerts(stage)
    noes(stage)
    stage.go_on(2.0)
    verdict(stage)
    assert not ended_by(stage)
    if stage.database.vendor == "postgresql":
        assert stage.database.ask("SELECT COUNT(*) FROM delivery_delivery WHERE retried") == [(0,)]


def test_the_database_restarts(stage: Stage, server: Sqlite | Postgres) -> None:
    """PostgreSQL is stopped immediately, twice, and comes back: every connection is cut in the middle of something."""
    if not isinstance(server, Postgres):
        pytest.skip("SQLite has no server")
    alarmed(stage)
    slowly(stage, 0.02)
    stage.hire("one")
    stage.hire("two")
    alerts(stage)
    for _ in range(2):
        stage.go_on(stage.random.uniform(0.0, 0.6))
        server.stop()
        time.sleep(stage.random.uniform(0.0, 1.0))
        server.start()
    noes(stage)
    verdict(stage)
    assert not ended_by(stage)


def test_the_database_is_locked(stage: Stage, request: pytest.FixtureRequest) -> None:
    """Somebody holds SQLite's only write lock for half a minute."""
    if stage.database.path is None:
        pytest.skip("PostgreSQL has no such lock")
    alarmed(stage)
    stage.hire("one")
    stage.hire("two")
    alerts(stage)
    with closing(sqlite3.connect(stage.database.path, timeout=60, isolation_level=None)) as line:
        line.execute("BEGIN IMMEDIATE")
        stage.go_on(30.0 if request.config.getoption("--seeds") == 1 else 5.0)
        line.execute("ROLLBACK")
    noes(stage)
    verdict(stage)
    assert not ended_by(stage)


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A disk of a few megabytes; only the system's own user may make one."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root may mount a small disk")
    words = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(tmp_path)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_the_disk_is_full(stage: Stage, small_disk: Path) -> None:
    """Nothing can be written while mail is under way; then there is room again."""
    if stage.database.path is None:
        pytest.skip("SQLite only: where PostgreSQL cannot write its log it stops, which is tested above")
    for path in stage.folder.glob("*.sqlite3*"):
        shutil.move(path, small_disk / path.name)
    moved = small_disk / stage.database.path.name
    stage.database.path.symlink_to(moved)
    object.__setattr__(stage.database, "url", f"sqlite:///{moved}")
    alarmed(stage)
    slowly(stage, 0.02)
    stage.hire("one")
    stage.hire("two")
    alerts(stage)
    stage.go_on(stage.random.uniform(0.0, 0.5))
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 512):
            with suppress(OSError):
                while True:
                    file.write(b"x" * size)
    stage.go_on(4.0)
    ballast.unlink()
    noes(stage)
    verdict(stage)


def test_every_point_has_its_scenario() -> None:
    """A new boundary without a scenario fails here."""
    assert {*AT_WORK, *ELSEWHERE} == set(crash.POINTS)
