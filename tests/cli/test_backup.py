"""Backup and restore as real processes, on both databases: everything comes back, nothing is sent a second time."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from bell.cli.backup import manifest as manifests
from bell.cli.backup import sqlite
from tests.cli.test_processes import Installation

ROOT = Path(__file__).parents[2]
HELD_SECONDS = 1


@pytest.fixture(scope="module")
def server():
    """A private PostgreSQL; its URL without the database's name."""
    if not (shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))):
        pytest.skip("PostgreSQL's server programs are not installed")
    words = [str(ROOT / "tests/with-postgres.sh"), "sh", "-c", "echo $DATABASE_URL; exec sleep 600"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        url = next(line for line in running.stdout if line.startswith("postgres://")).strip()
        yield url.removesuffix("/bell")
        os.killpg(running.pid, signal.SIGTERM)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def fresh(request, tmp_path_factory):
    """Makes installations, each with an empty database of its own, all writing to one mail catcher."""
    base = request.getfixturevalue("server") if request.param == "postgresql" else ""
    made: list[Installation] = []

    def make() -> Installation:
        one = Installation(tmp_path_factory.mktemp("installation"))
        one.environment["BELL_SECRET_KEY"] = "the same key in every installation of this test, as it must be"
        if made:
            one.environment |= {key: made[0].environment[key] for key in ("BELL_SMTP_URL", "BELL_SMS_GATEWAY_URL")}
        if base:
            name = f"bell_{time.monotonic_ns()}"
            with psycopg.connect(f"{base}/bell", autocommit=True) as line:
                line.execute(f"CREATE DATABASE {name}")
            one.environment["DATABASE_URL"] = f"{base}/{name}"
        made.append(one)
        return one

    make.vendor = request.param
    return make


def mails(first: Installation) -> int:
    """How many mails the catcher has taken."""
    return sum(len(path.read_text().splitlines()) for path in first.folder.rglob("*mail*.jsonl"))


def run(one: Installation, *words: str) -> str:
    done = one.bell(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def backed_up(fresh, tmp_path_factory):
    """An installation with mail under way, its backup, and the catcher that took what was sent after the backup."""
    first = fresh()
    catcher = first.start("catch")
    first.until_said(catcher, "Mail is caught")
    run(first, "migrate", "--verbosity", "0")
    run(first, "createcachetable")
    environment = {**first.environment, "DJANGO_SETTINGS_MODULE": "bell.config.settings", "PYTHONPATH": str(ROOT)}
    seeded = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/cli/seed.py"), str(HELD_SECONDS)],
        env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = tmp_path_factory.mktemp("backups") / "one"
    said = run(first, "backup", str(folder))
    assert "SHA-256 of the manifest" in said
    time.sleep(max(0.0, HELD_SECONDS + 1 - (time.monotonic() - seeded)))
    for _ in range(12):  # a busy machine needs more rounds until both alerts are out
        run(first, "worker", "--once")
        if mails(first) >= 24:
            break
    yield first, folder, fresh
    catcher.send_signal(signal.SIGTERM)
    catcher.wait(20)


def test_the_manifest_lists_everything(backed_up):
    first, folder, _ = backed_up
    told = json.loads((folder / "manifest.json").read_text())
    assert told["tables"]["residents_resident"] == 12 and told["tables"]["delivery_delivery"] >= 12
    assert told["chain_position"] == told["tables"]["audit_entry"] and len(told["chain_seal"]) == 64
    (path, sha256), *_ = told["originals"].items()
    assert sha256 == hashlib.sha256(b"some footage").hexdigest() == told["files"][path]
    assert (folder / "paper" / "form.pdf").read_bytes() == (first.folder / "paper" / "form.pdf").read_bytes()
    assert not (folder / "evidence" / "incoming").exists()
    assert (folder.stat().st_mode & 0o777, (folder / "manifest.json").stat().st_mode & 0o777) == (0o700, 0o600)
    assert "Whole" in run(first, "backup", "--verify", str(folder))


def test_a_restored_backup_sends_nothing_a_second_time(backed_up):
    first, folder, fresh = backed_up
    sent = mails(first)
    assert sent >= 24, "both alerts went out after the backup"
    second = fresh()
    said = run(second, "restore", str(folder))
    assert "1 alert(s) that were going out are stopped; 1 that were about to" in said
    for _ in range(3):
        run(second, "worker", "--once")
    assert mails(first) == sent
    words = "from bell.alerts.models import Alert; from bell.delivery.models import Delivery; "
    words += "from bell.audit.record import verify; "
    words += "print(sorted(Alert.objects.values_list('state', flat=True)), "
    words += "sorted(set(Delivery.objects.filter(mailing__authority_kind='approval').values_list('state', 'reason'))), "
    words += "verify().broken or 'chain is whole')"
    told = run(second, "shell", "--no-imports", "-c", words)
    assert "['approved', 'draft', 'stopped']" in told and "chain is whole" in told
    assert "('uncertain', 'restored from a backup: may have been sent after it was made')" in told
    original = next((second.folder / "evidence" / "originals").rglob("*/*"))
    assert original.read_bytes() == b"some footage" and original.stat().st_mode & 0o222 == 0
    assert (second.folder / "paper" / "form.pdf").exists()
    again = second.bell("restore", str(folder))
    assert again.returncode == 1 and "not empty" in again.stderr


def damaged(folder: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    return copy


def change(path: Path) -> None:
    """One bit, somewhere in the middle."""
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("harm", ["database", "original", "paper", "missing", "stranger", "manifest", "unfinished"])
def test_a_backup_that_is_not_whole_is_named_and_not_restored(backed_up, tmp_path, harm):
    _, folder, fresh = backed_up
    copy = damaged(folder, tmp_path)
    told = json.loads((copy / "manifest.json").read_text())
    if harm == "database":
        change(copy / told["database"])
    elif harm == "original":
        change(copy / next(iter(told["originals"])))
    elif harm == "paper":
        change(copy / "paper" / "form.pdf")
    elif harm == "missing":
        (copy / "paper" / "form.pdf").unlink()
    elif harm == "stranger":
        (copy / "evidence" / "more").write_bytes(b"x")
    elif harm == "manifest":
        told["tables"]["residents_resident"] = 11
        (copy / "manifest.json").write_text(json.dumps(told))
    else:
        (copy / "manifest.json").unlink()
    target = fresh() if harm in ("database", "manifest") else None
    one = target or backed_up[0]
    done = one.bell("backup", "--verify", str(copy))
    assert done.returncode == 1 and done.stderr.strip(), harm
    if harm == "manifest":
        assert "residents_resident has 12 rows, not 11" in done.stderr
    if target:
        refused = target.bell("restore", str(copy))
        assert refused.returncode == 1
        assert not (target.folder / "evidence").exists() and not (target.folder / "bell.sqlite3").exists()


def test_a_backup_never_overwrites_and_an_empty_database_has_none(backed_up, tmp_path):
    first, folder, fresh = backed_up
    done = first.bell("backup", str(folder))
    assert done.returncode == 1 and "not empty" in done.stderr
    nothing = fresh().bell("backup", str(tmp_path / "nothing"))
    assert nothing.returncode == 1
    assert not (tmp_path / "nothing" / "manifest.json").exists()


def test_an_original_that_is_not_what_arrived_is_said_at_once(backed_up, tmp_path):
    first, _, fresh = backed_up
    if fresh.vendor != "sqlite":
        pytest.skip("the same code")
    original = next((first.folder / "evidence" / "originals").rglob("*/*"))
    was = original.read_bytes()
    try:
        change(original)
        done = first.bell("backup", str(tmp_path / "two"))
        assert done.returncode == 1 and "original(s) of footage" in done.stderr
        assert (tmp_path / "two" / "manifest.json").exists()
    finally:
        original.write_bytes(was)


def test_a_backup_of_a_newer_version_or_another_database_is_refused(backed_up, tmp_path):
    _, folder, fresh = backed_up
    copy = damaged(folder, tmp_path)
    told = json.loads((copy / "manifest.json").read_text())
    told["migrations"].append("alerts.9999_from_the_future")
    (copy / "manifest.json").write_text(json.dumps(told))
    done = fresh().bell("restore", str(copy))
    assert done.returncode == 1 and "newer version" in done.stderr


def test_a_manifest_cannot_lead_outside(tmp_path):
    told = {"made_at": "", "vendor": "sqlite", "database": "x", "files": {"../../etc/passwd": "0"}, "format": 1}
    (tmp_path / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(manifests.BackupError, match="outside"):
        manifests.read(tmp_path)


def test_a_copy_is_taken_while_others_write(tmp_path):
    source = tmp_path / "live.sqlite3"
    with closing(sqlite3.connect(source)) as line:
        line.executescript("PRAGMA journal_mode=WAL; CREATE TABLE a (n); INSERT INTO a VALUES (1);")
        line.execute("BEGIN IMMEDIATE")
        line.execute("INSERT INTO a VALUES (2)")
        folder = tmp_path / "copy"
        folder.mkdir()
        assert sqlite.counted(sqlite.take(source, folder)) == {"a": 1}
        line.commit()
    assert [path.name for path in folder.iterdir()] == [sqlite.FILE]
