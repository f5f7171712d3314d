"""The scanner: a real clamd where one is installed (EICAR, sizes, down and up again), and every answer it may give."""

import shutil
import socket
import subprocess
import threading
import time
import zipfile
from datetime import timedelta

import pytest

from bell.evidence import preview, scan, store
from bell.evidence.models import Exhibit, Scan
from bell.lib import clock
from tests.evidence.conftest import exhibit
from tests.ports import free_ports

# The 68 bytes of the EICAR test file, in two halves so that this file is not one itself.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
CLAMD = shutil.which("clamd") or ("/usr/sbin/clamd" if shutil.which("/usr/sbin/clamd") else None)
CONF = """\
DatabaseDirectory {folder}/db
OfficialDatabaseOnly no
TCPAddr 127.0.0.1
TCPSocket {port}
Foreground yes
LogFile {folder}/clamd.log
TemporaryDirectory {folder}/tmp
SelfCheck 0
AlertExceedsMax yes
StreamMaxLength 4M
MaxScanSize 4M
MaxFileSize 8M
Bytecode no
"""


@pytest.fixture(scope="module")
def clamd(tmp_path_factory):
    """A daemon with one signature: EICAR."""
    if CLAMD is None:
        pytest.skip("clamd is not installed: apt-get install clamav-daemon")
    folder, port = tmp_path_factory.mktemp("clamd"), free_ports(1)[0]
    (folder / "db").mkdir()
    (folder / "tmp").mkdir()
    (folder / "db" / "bell.ndb").write_text(f"Bell.Test.EICAR:0:*:{EICAR.hex()}\n")
    (folder / "clamd.conf").write_text(CONF.format(folder=folder, port=port))
    process = subprocess.Popen([CLAMD, "--config-file", str(folder / "clamd.conf")], stdout=subprocess.DEVNULL)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.05)
    else:
        process.kill()
        pytest.fail((folder / "clamd.log").read_text())
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
def scanned(appeal, settings):
    """Seal some bytes, have them scanned, give back the exhibit."""

    def run(data, where):
        settings.CLAMD = where
        made = exhibit(appeal, data)
        assert made.scan == Scan.WAITING
        assert scan.scan_due() == 1
        return Exhibit.objects.get(pk=made.pk)

    return run


def test_clean(scanned, clamd):
    one = scanned(b"an ordinary file" * 1000, clamd)
    assert one.scan == Scan.CLEAN and one.scan_at and one.scan_due_at is None
    assert one.custody.last().facts["found"] == "clean" and scan.scan_due() == 0


def test_eicar_is_quarantined(scanned, clamd):
    one = scanned(EICAR, clamd)
    assert one.scan == Scan.INFECTED and "EICAR" in one.scan_words
    assert preview.preview_due() == 0
    assert store.open_original(one.upload.key).read() == EICAR, "it is kept"


def test_eicar_within_a_zip(scanned, clamd, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("inside.mp4", EICAR)
    assert scanned((tmp_path / "a.zip").read_bytes(), clamd).scan == Scan.INFECTED


def test_too_large_is_not_clean(scanned, clamd, tmp_path):
    assert scanned(bytes(6_000_000), clamd).scan == Scan.TOO_LARGE
    # And what only unpacks to more than the scanner looks into is not called clean either.
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("inside.mp4", bytes(12_000_000) + EICAR)
    found = scanned((tmp_path / "a.zip").read_bytes(), clamd)
    assert found.scan in (Scan.TOO_LARGE, Scan.INFECTED), found.scan_words


def test_down_and_up_again(scanned, clamd, settings):
    one = scanned(b"abc", f"127.0.0.1:{free_ports(1)[0]}")
    assert one.scan == Scan.DOWN and one.scan_due_at > clock.now()
    assert scan.scan_due() == 0
    for _ in range(3):
        Exhibit.objects.update(scan_due_at=clock.now() - timedelta(seconds=1))
        scan.scan_due()
    assert one.custody.filter(what="scanned").count() == 1, "one line, not one every two minutes"
    settings.CLAMD = clamd
    Exhibit.objects.update(scan_due_at=clock.now() - timedelta(seconds=1))
    assert scan.scan_due() == 1
    one.refresh_from_db()
    assert one.scan == Scan.CLEAN and one.custody.filter(what="scanned").count() == 2


def test_without_a_scanner_it_says_so_and_is_scanned_once_there_is_one(appeal, clamd, settings):
    one = exhibit(appeal, EICAR)
    assert one.scan == Scan.NONE and scan.scan_due() == 0
    settings.CLAMD = clamd
    assert scan.scan_due() == 1
    assert Exhibit.objects.get(pk=one.pk).scan == Scan.INFECTED


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("stream: OK", Scan.CLEAN),
        ("stream: Win.Test.EICAR_HDB-1 FOUND", Scan.INFECTED),
        ("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND", Scan.TOO_LARGE),
        ("INSTREAM size limit exceeded. ERROR", Scan.TOO_LARGE),
        ("stream: Can't allocate memory ERROR", Scan.DOWN),
        ("UNKNOWN COMMAND", Scan.DOWN),
        ("", Scan.DOWN),
        ("stream: OKAY", Scan.DOWN),
        ("stream: not OK", Scan.DOWN),
        ("stream: OK FOUND", Scan.INFECTED),
    ],
)
def test_only_ok_is_clean(answer, expected):
    assert scan.verdict(answer).scan == expected


@pytest.mark.parametrize("answer", [b"", b"\0", b"stream: O", b"\xff\xfe\0", b"A" * 100_000])
def test_a_scanner_that_talks_nonsense_never_makes_it_clean(scanned, answer):
    """A real socket that hangs up, dribbles or floods."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        line, _ = server.accept()
        with line:
            line.recv(100)
            line.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    with server:
        one = scanned(b"x" * 10, f"127.0.0.1:{server.getsockname()[1]}")
    assert one.scan == Scan.DOWN
