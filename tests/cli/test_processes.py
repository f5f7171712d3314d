"""The commands that serve, as processes of their own: they start, answer, end when told, and say what went wrong."""

import http.client
import json
import os
import signal
import smtplib
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bell.cli.children import Child, ChildDied, Family, NotReady
from bell.proving.spool import Spool
from tests.ports import free_ports


class Installation:
    """A demo installation in a folder of its own, on ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.web, self.lmtp, self.smtp, self.http = free_ports(4)
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("BELL_", "DATABASE_", "DJANGO"))
        }
        self.environment = {
            **kept,
            "BELL_DEMO": "1",
            "BELL_VAR_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'bell.sqlite3'}",
            "BELL_LMTP_LISTEN": f"127.0.0.1:{self.lmtp}",
            "BELL_CATCHER_SMTP": f"127.0.0.1:{self.smtp}",
            "BELL_CATCHER_HTTP": f"127.0.0.1:{self.http}",
            "BELL_SMTP_URL": f"smtp://127.0.0.1:{self.smtp}",
            "BELL_SMS_GATEWAY_URL": f"http://127.0.0.1:{self.http}",
            "PYTHONUNBUFFERED": "1",
        }

    def bell(self, *words: str) -> subprocess.CompletedProcess:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "bell.cli", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def start(self, *words: str) -> subprocess.Popen:
        """Start a command that serves."""
        return subprocess.Popen(
            [sys.executable, "-m", "bell.cli", *words],
            env=self.environment,
            stdout=(self.folder / "out").open("w"),
            stderr=subprocess.STDOUT,
            text=True,
        )

    def said(self) -> str:
        return (self.folder / "out").read_text()

    def until_said(self, process: subprocess.Popen, words: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while words not in self.said():
            assert process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.1)


@pytest.fixture(scope="module")
def installation(tmp_path_factory) -> Installation:
    installation = Installation(tmp_path_factory.mktemp("installation"))
    for words in (
        ["migrate", "--verbosity", "0"],
        ["createcachetable"],
        ["collectstatic", "--noinput", "--verbosity", "0"],
    ):
        done = installation.bell(*words)
        assert done.returncode == 0, done.stderr
    return installation


def get(port: int, path: str, host: str = "localhost"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.read()


def ends(process: subprocess.Popen, seconds: float = 40) -> int:
    return process.wait(timeout=seconds)


def children_of(parent: int) -> dict[int, str]:
    """{pid: command line} of a process's children."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except (OSError, IndexError):
            continue
    return found


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_catch_catches_until_it_is_told_to_end(installation, signal_number) -> None:
    spool = installation.folder / f"spool-{signal_number}"
    process = installation.start("catch", "--spool", str(spool))
    installation.until_said(process, "Mail is caught")
    with smtplib.SMTP("127.0.0.1", installation.smtp, timeout=10) as client:
        client.sendmail("a@alert.example", ["ann@home.example"], b"Subject: Hello\r\n\r\nx\r\n")
    status, raw = get(installation.http, "/mailboxes/ann@home.example")
    assert status == 200 and [mail["subject"] for mail in json.loads(raw)] == ["Hello"]
    process.send_signal(signal_number)
    assert ends(process) == 0
    assert len(list(Spool(spool / "mail.jsonl").all())) == 1


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--smtp", "0.0.0.0:2525", "this machine only"), ("--http", "10.0.0.1:80", "this machine only"),
     ("--site", "https://police.example", "this machine only"), ("--smtp", "nonsense", "is not an address")],
)  # fmt: skip
def test_catch_refuses_what_is_not_this_machine(installation, option, value, words) -> None:
    done = installation.bell("catch", option, value)
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr


def test_lmtp_keeps_a_reply_and_the_worker_settles_it_once(installation) -> None:
    process = installation.start("lmtp")
    installation.until_said(process, "Replies are taken")
    with smtplib.LMTP("127.0.0.1", installation.lmtp, timeout=10) as client:
        client.sendmail("ann@home.example", ["x@in.alert.example"], b"From: ann@home.example\r\n\r\nhello\r\n")
    second = installation.bell("lmtp")
    assert second.returncode == 1 and "in use" in second.stderr and "Traceback" not in second.stderr
    process.terminate()
    assert ends(process) == 0
    done = installation.bell("worker", "--once")
    assert done.returncode == 0 and "receive: 1" in done.stdout and "send: 0" in done.stdout


def test_the_worker_ends_when_told(installation) -> None:
    process = installation.start("worker")
    installation.until_said(process, "the worker begins")
    process.terminate()
    assert ends(process) == 0
    assert "the worker ends" in installation.said()


def test_a_worker_that_cannot_do_everything_says_so(installation) -> None:
    nothing = Installation(installation.folder / "nothing")
    nothing.folder.mkdir()
    done = nothing.bell("worker", "--once")
    assert done.returncode != 0


def test_run_starts_everything_and_ends_everything(installation) -> None:
    process = installation.start("run", "--port", str(installation.web))
    try:
        installation.until_said(process, "Ctrl-C ends it")
        assert f"http://localhost:{installation.web}/" in installation.said()
        assert get(installation.web, "/gateways/health/") == (200, b'{"ok": true}')
        assert get(installation.http, "/healthz")[0] == 200
        assert get(installation.web, "/gateways/health/", host="police.example")[0] == 400
        second = installation.bell("run", "--port", str(installation.web))
        assert second.returncode == 1 and "in use" in second.stderr
        everyone = children_of(process.pid)
        assert len(everyone) == 4
    finally:
        process.terminate()
    assert ends(process) == 0
    assert all(gone(pid) for pid in everyone)


def test_run_ends_with_an_error_when_a_child_dies(installation) -> None:
    process = installation.start("run", "--port", str(installation.web))
    installation.until_said(process, "Ctrl-C ends it")
    everyone = children_of(process.pid)
    os.kill(next(pid for pid, words in everyone.items() if "bell.cli worker" in words), signal.SIGKILL)
    assert ends(process) == 1
    assert "worker ended by itself (signal SIGKILL)" in installation.said()
    assert all(gone(pid) for pid in everyone)


def test_run_in_demo_mode_stays_on_this_machine(installation) -> None:
    done = installation.bell("run", "--host", "0.0.0.0", "--port", str(installation.web))
    assert done.returncode == 1 and "this machine only" in done.stderr


# Families of trivial children.


def sleeper(name: str = "sleeper") -> Child:
    return Child(name, ["-c", "import time; time.sleep(60)"])


def test_a_child_that_never_answers_is_named() -> None:
    family = Family([Child("mute", ["-c", "import time; time.sleep(60)"], lambda: False)])
    family.start()
    try:
        with pytest.raises(NotReady, match="mute did not begin to answer"):
            family.wait_until_ready(threading.Event(), seconds=0.5)
    finally:
        family.end()


def test_a_child_that_dies_early_is_named_with_its_status() -> None:
    family = Family([sleeper(), Child("brief", ["-c", "raise SystemExit(7)"], lambda: False)])
    family.start()
    try:
        with pytest.raises(ChildDied, match=r"brief ended by itself \(exit status 7\)"):
            family.wait_until_ready(threading.Event(), seconds=20)
    finally:
        family.end()


def test_a_deaf_child_is_ended_by_force(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("bell.cli.children.END_SECONDS", 1.0)
    is_deaf = tmp_path / "deaf"
    deaf = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f" pathlib.Path({str(is_deaf)!r}).touch(); time.sleep(60)"
    )
    family = Family([Child("deaf", ["-c", deaf])])
    family.start()
    started = time.monotonic()
    while not is_deaf.exists() and time.monotonic() < started + 20:
        time.sleep(0.02)
    family.end()
    assert time.monotonic() - started < 40  # of the 60 that it would stay
    with pytest.raises(ChildDied, match="signal SIGKILL"):
        family.check()


def test_a_command_started_without_standard_files_has_the_null_device_in_their_place(installation):
    """SQLite closes a database file that gets number 0, 1 or 2, and with it every lock of the process."""
    code = "import os; os.write(9, os.readlink('/proc/self/fd/0').encode())"
    words = f'exec {sys.executable} -m bell.cli shell -c "{code}" 9>&1 0<&- 1>&- 2>&-'
    done = subprocess.run(["sh", "-c", words], env=installation.environment, capture_output=True, text=True)
    assert done.stdout == "/dev/null"
