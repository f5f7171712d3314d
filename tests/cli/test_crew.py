"""`bell worker --processes N`: all send, whoever dies is replaced, all end together, nobody is left behind."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bell.cli.crew import Crew
from tests.waiting import until

_SLEEPER = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); time.sleep(60)"


class Told:
    """An event that is set after some looks."""

    def __init__(self, act):
        self.act, self.over = act, False

    def is_set(self):
        return self.over

    def wait(self, seconds):
        time.sleep(0.05)
        self.over = self.act()


@pytest.fixture
def sleepers(monkeypatch):
    """Members that only sleep, in place of workers."""
    real = subprocess.Popen
    started = []

    def start(words, **options):
        started.append(words)
        return real([sys.executable, "-c", _SLEEPER], **options)

    monkeypatch.setattr("bell.cli.crew.subprocess.Popen", start)
    return started


def test_a_member_that_dies_is_replaced_and_the_first_keeps_the_timetable(sleepers):
    crew = Crew(3, ["--senders", "1"])
    killed = []

    def act():
        alive = [m.process.pid for m in crew._members if m.process is not None]
        if len(alive) == 3 and not killed:
            killed.append(alive[1])
            os.kill(alive[1], signal.SIGKILL)
        return len(sleepers) >= 4 and len(alive) == 3

    crew.work(Told(act))
    assert ["--only-send" in words for words in sleepers] == [False, True, True, True]
    assert all(m.process.poll() is not None for m in crew._members)  # nobody is left


def test_one_that_keeps_dying_is_started_less_and_less_often(monkeypatch):
    started = []
    real = subprocess.Popen

    def start(words, **options):
        started.append(time.monotonic())
        return real([sys.executable, "-c", "raise SystemExit(3)"], **options)

    monkeypatch.setattr("bell.cli.crew.subprocess.Popen", start)
    Crew(1, []).work(Told(lambda: len(started) >= 4))
    gaps = [later - earlier for earlier, later in itertools.pairwise(started)]
    assert gaps[-1] > gaps[0] and gaps[-1] >= 3.5


def test_a_worker_whose_parent_is_gone_ends_by_itself(tmp_path: Path):
    """kill -9 of the one that started them must not leave senders that nobody knows of."""
    code = (
        "import threading, time\n"
        "from bell.cli.crew import orphaned\n"
        "import os, sys\n"
        "told = threading.Event()\n"
        "orphaned(told, int(sys.argv[1]))\n"
        "open(sys.argv[2], 'w').write(str(os.getpid()))\n"
        "told.wait(60)\n"
        "open(sys.argv[2] + '.over', 'w').write('x')\n"
    )
    pid_file = tmp_path / "pid"
    parent_code = (
        "import os, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {code!r}, str(os.getpid()), {str(pid_file)!r}])\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", parent_code], env={**os.environ, "PYTHONPATH": os.getcwd()})
    try:
        until(lambda: pid_file.exists() and pid_file.read_text())
    finally:
        parent.kill()
        parent.wait()
    until(lambda: Path(f"{pid_file}.over").exists())
