"""Sealed exactly once, whatever happens: killed before, between and after; damaged files; two sealers; the mode."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from django.conf import settings as live
from django.db import connection, connections

from bell.evidence import actions, intake, store
from bell.evidence.intake import Declared
from bell.evidence.models import CustodyEntry, Exhibit, Upload
from tests.evidence.conftest import Bytes, exhibit, sha, ticket, upload

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
DATA = os.urandom(5_000_000)


def environment(crash=""):
    """The child's: the tests' database, this test's folder."""
    db = connection.settings_dict
    url = f"sqlite:///{db['NAME']}"
    if connection.vendor == "postgresql":
        host, user = db["HOST"].replace("/", "%2F"), db["USER"]
        word = f":{db['PASSWORD']}" if db["PASSWORD"] else ""
        url = f"postgres://{user}{word}@{host}:{db['PORT'] or 5432}/{db['NAME']}"
    return {
        **os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings", "CRASHPOINT": crash,
        "BELL_EVIDENCE_DIR": str(live.EVIDENCE_DIR), "PYTHONPATH": str(ROOT), "BELL_UPLOAD_KEEP_FREE_BYTES": "0",
    }  # fmt: skip


def child(*words, crash=""):
    command = [sys.executable, "-m", "tests.evidence.child", *words]
    return subprocess.Popen(command, cwd=ROOT, env=environment(crash), stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("point", ["before-seal", "after-seal-before-commit"])
def test_killed_while_sealing_it_is_sealed_exactly_once_afterwards(appeal, point):
    made = upload(appeal, DATA)
    killed = child("seal", crash=point)
    assert killed.wait(60) == 137
    assert not Exhibit.objects.exists() and Upload.objects.get().state == "received"
    again = child("seal")
    assert again.communicate(timeout=60)[0].strip() == "1" and again.returncode == 0
    assert actions.seal_due() == 0
    one = Exhibit.objects.get()
    assert one.sha256 == sha(DATA) and store.open_original(made.key).read() == DATA
    assert list(one.custody.values_list("what", flat=True)) == ["arrived", "sealed"]
    assert not store.incoming(made.key).exists()


def test_killed_after_the_last_byte_before_anybody_sealed(appeal):
    """The request that brought the last byte died with its process: the worker seals on its own."""
    upload(appeal, DATA)
    assert not Exhibit.objects.exists()
    assert actions.seal_due() == 1 and actions.seal_due() == 0
    assert Exhibit.objects.get().sha256 == sha(DATA)


def test_kill_9_while_bytes_arrive_and_go_on(appeal):
    made = intake.begin(ticket(appeal), Declared(name="a.mp4"), length=10**9)
    process = child("append", str(made.key))
    assert process.stdout.readline().strip() == "begins"
    deadline = time.monotonic() + 30
    while Upload.objects.get(pk=made.pk).offset < 8_000_000 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    at = Upload.objects.get(pk=made.pk).offset
    assert at >= 8_000_000 and store.incoming(made.key).stat().st_size >= at
    # Everything that was acknowledged is on disk, and it goes on from there.
    Upload.objects.filter(pk=made.pk).update(length=at + 4)
    assert intake.append(made.key, at, Bytes(b"tail"), expected=4) == at + 4
    one = actions.seal(Upload.objects.get(pk=made.pk))
    assert one.size == at + 4 and one.sha256 == sha(b"z" * at + b"tail")


def test_two_sealers_at_once_make_one_exhibit(appeal):
    for number in range(3):
        upload(appeal, DATA[: 100_000 + number])
    results: list[object] = []

    def run() -> None:
        try:
            results.append(actions.seal_due())
        except Exception as error:
            results.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(isinstance(one, int) for one in results), results
    assert Exhibit.objects.count() == 3
    assert sorted(Exhibit.objects.values_list("number", flat=True)) == [1, 2, 3]
    assert CustodyEntry.objects.filter(what="sealed").count() == 3


def test_an_original_cannot_be_written_to(appeal):
    one = exhibit(appeal, DATA)
    path = store.original(one.upload.key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    with pytest.raises(store.Gone), store.growing(one.upload.key):
        pass
    with pytest.raises(intake.Ended):
        intake.Writer(one.upload.key, len(DATA))
    assert not intake.drop(Upload.objects.get()) and path.read_bytes() == DATA


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_the_owner_cannot_open_it_for_writing(appeal, settings):
    """Root may anything; an ordinary account, such as a deployment's, is refused by the system itself."""
    with tempfile.TemporaryDirectory() as own:
        settings.EVIDENCE_DIR = Path(own) / "evidence"
        path = store.original(exhibit(appeal, b"abc").upload.key)
        for one in (Path(own), *Path(own).rglob("*")):
            os.chown(one, 65534, 65534)
        words = (
            "import sys\nassert open(sys.argv[1], 'rb').read() == b'abc'\n"
            "try:\n open(sys.argv[1], 'r+b')\nexcept PermissionError:\n sys.exit(7)"
        )
        command = ["/usr/bin/env", "python3", "-c", words, str(path)]
        done = subprocess.run(command, user=65534, group=65534, check=False, env={"PATH": "/usr/bin:/bin"})
        assert done.returncode == 7


@pytest.mark.parametrize("harm", ["changed", "cut", "longer", "gone"])
def test_what_is_not_as_it_arrived_is_never_sealed(appeal, harm):
    made = upload(appeal, DATA)
    path = store.incoming(made.key)
    if harm == "gone":
        path.unlink()
    else:
        data = {"changed": DATA[:100] + b"!" + DATA[101:], "cut": DATA[:-1], "longer": DATA + b"x"}[harm]
        path.write_bytes(data)
    assert actions.seal_due() == 0
    assert Upload.objects.get().state == "damaged" and not Exhibit.objects.exists()
