"""The tus server: every rule of the protocol that a phone on a poor line depends on."""

import base64
import hashlib
import os
from contextlib import nullcontext
from datetime import timedelta

import pytest

from bell.alerts.models import Alert, State
from bell.evidence import intake, rules, store
from bell.evidence.models import Exhibit, Upload
from bell.lib import clock
from tests.evidence.conftest import Bytes, Phone, sha

DATA = os.urandom(300_000)


@pytest.fixture
def phone(appeal):
    return Phone(appeal)


def test_options_say_what_the_server_can_do(phone):
    answer = phone.client.options("/upload/new/anything/")
    assert answer.status_code == 200 and answer["Tus-Version"] == "1.0.0"
    assert set(answer["Tus-Extension"].split(",")) == {"creation", "expiration", "checksum", "termination"}
    assert answer["Tus-Max-Size"] == str(5 * 1024**3) and "sha1" in answer["Tus-Checksum-Algorithm"]


def test_interrupted_and_resumed_it_is_byte_for_byte_the_same(phone, appeal):
    made = phone.create(len(DATA), filename="clip.mp4", when="Friday 2am", clock="wrong", clock_words="7 min fast")
    assert made.status_code == 201 and made["Location"].startswith("/upload/file/") and "Upload-Expires" in made
    at, cuts = 0, [1, 77_777, 200_001, len(DATA)]
    for cut in cuts:
        assert phone.head()["Upload-Offset"] == str(at)
        answer = phone.patch(at, DATA[at:cut])
        assert answer.status_code == 204 and answer["Upload-Offset"] == str(cut), answer.content
        at = cut
    exhibit = Exhibit.objects.get()
    assert exhibit.reference == f"{appeal.reference}/1" and exhibit.sha256 == sha(DATA) and exhibit.size == len(DATA)
    assert store.open_original(exhibit.upload.key).read() == DATA
    assert (exhibit.upload.said_when, exhibit.upload.clock_words) == ("Friday 2am", "7 min fast")
    assert exhibit.upload.pieces.count() == len(cuts)
    head = phone.head()
    assert head["Upload-Offset"] == head["Upload-Length"] == str(len(DATA)) and head["Cache-Control"] == "no-store"


@pytest.mark.parametrize("breaks", [True, False])
def test_a_connection_that_breaks_keeps_what_came(phone, breaks):
    phone.create(len(DATA))
    key = Upload.objects.get().key
    # A reset is an error, a closed connection only an early end.
    with pytest.raises(OSError, match="broke") if breaks else nullcontext():
        intake.append(key, 0, Bytes(DATA[:150_001], breaks=breaks), expected=len(DATA))
    assert phone.head()["Upload-Offset"] == "150001"
    assert phone.patch(150_001, DATA[150_001:]).status_code == 204
    assert Exhibit.objects.get().sha256 == sha(DATA)


def test_what_was_written_but_never_acknowledged_is_written_again(phone):
    """Killed between the disk and the table: the file is longer than what anybody was told."""
    phone.create(len(DATA))
    phone.patch(0, DATA[:1000])
    with store.incoming(Upload.objects.get().key).open("ab") as file:
        file.write(b"never acknowledged" * 10_000)
    assert phone.head()["Upload-Offset"] == "1000"
    assert phone.patch(1000, DATA[1000:]).status_code == 204
    assert store.open_original(Exhibit.objects.get().upload.key).read() == DATA


@pytest.mark.parametrize("at", [0, 1, 99_999, 100_001, 300_000, 10**17])
def test_a_wrong_offset_is_409_and_changes_nothing(phone, at):
    phone.create(len(DATA))
    phone.patch(0, DATA[:100_000])
    assert phone.patch(at, b"x").status_code == 409
    assert phone.head()["Upload-Offset"] == "100000"
    assert store.incoming(Upload.objects.get().key).read_bytes() == DATA[:100_000]


def test_never_more_than_was_declared(phone):
    phone.create(10)
    assert phone.patch(0, b"x" * 11).status_code == 413
    assert phone.head()["Upload-Offset"] == "0"
    assert phone.patch(0, b"x" * 10).status_code == 204
    assert phone.patch(10, b"y").status_code == 403
    assert store.open_original(Upload.objects.get().key).read() == b"x" * 10


def test_sizes_that_are_not_taken(phone, settings):
    settings.UPLOAD_MOST_BYTES = 1000
    assert phone.create(1001).status_code == 413
    assert phone.create(0).status_code == 400
    for length in ("", "-1", "1e3", "१२", "9" * 40):
        assert phone.create(length).status_code == 400, length
    assert not Upload.objects.exists()
    assert phone.create(1000).status_code == 201


def test_a_full_disk_is_a_clear_answer_and_resumes(phone, settings):
    phone.create(len(DATA))
    assert phone.patch(0, DATA[:1000]).status_code == 204
    settings.UPLOAD_KEEP_FREE_BYTES = 10**18
    answer = phone.patch(1000, DATA[1000:])
    assert answer.status_code == 507 and b"is safe" in answer.content
    assert phone.create(5).status_code == 507
    settings.UPLOAD_KEEP_FREE_BYTES = 0
    phone.path = f"/upload/file/{rules.token_of(Upload.objects.get())}/"
    assert phone.head()["Upload-Offset"] == "1000"
    assert phone.patch(1000, DATA[1000:]).status_code == 204
    assert Exhibit.objects.get().sha256 == sha(DATA)


def test_a_checksum_is_kept_whole_or_not_at_all(phone):
    phone.create(100)
    good = f"sha1 {base64.b64encode(hashlib.sha1(b'a' * 50).digest()).decode()}"
    assert phone.patch(0, b"b" * 50, HTTP_UPLOAD_CHECKSUM=good).status_code == 460
    assert phone.head()["Upload-Offset"] == "0"
    assert phone.patch(0, b"a" * 50, HTTP_UPLOAD_CHECKSUM=good).status_code == 204
    for bad in ("md5 AAAA", "sha1", "sha1 !!", ""):
        assert phone.patch(50, b"a" * 50, HTTP_UPLOAD_CHECKSUM=bad).status_code == 400
    best = f"sha256 {base64.b64encode(hashlib.sha256(b'c' * 50).digest()).decode()}"
    assert phone.patch(50, b"c" * 50, HTTP_UPLOAD_CHECKSUM=best).status_code == 204
    assert store.open_original(Upload.objects.get().key).read() == b"a" * 50 + b"c" * 50


def test_a_file_may_be_taken_back_until_it_is_evidence(phone):
    phone.create(100)
    phone.patch(0, b"a" * 50)
    path = store.incoming(Upload.objects.get().key)
    assert path.exists() and phone.delete().status_code == 204 and not path.exists()
    assert phone.head().status_code == 410 and phone.patch(50, b"a" * 50).status_code == 410
    phone.create(3)
    phone.patch(0, b"abc")
    assert phone.delete().status_code == 403
    assert store.open_original(Exhibit.objects.get().upload.key).read() == b"abc"


def test_what_is_never_finished_is_dropped(phone, settings):
    phone.create(100)
    phone.patch(0, b"a" * 50)
    upload = Upload.objects.get()
    assert intake.expire_due() == 0
    Upload.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert phone.patch(50, b"a" * 50).status_code == 403
    assert intake.expire_due() == 1
    assert not store.incoming(upload.key).exists() and phone.head().status_code == 410


SAID = {"name": "Ann at home.mp4", "who": "Ann", "contact": "ann@home.example", "when": "9 pm", "where": "1 Mill Lane"}
WORDS = ("name", "name_given", "said_who", "said_contact", "said_when", "said_where", "clock_words")


@pytest.mark.parametrize("how", ["dropped", "expired"])
def test_what_never_arrived_keeps_nothing_that_was_said(phone, how):
    made = intake.begin(phone.ticket, intake.Declared(**SAID, clock_words="an hour slow"), length=100)
    assert "Ann" in made.said_who and made.said_where
    if how == "dropped":
        assert intake.drop(made)
    else:
        Upload.objects.update(expires_at=clock.now() - timedelta(seconds=1))
        assert intake.expire_due() == 1
    ended = Upload.objects.get()
    assert ended.state == how
    assert [getattr(ended, column) for column in WORDS] == ["erased", "", "", "", "", "", ""]


def test_other_versions_types_and_methods(phone):
    phone.create(10)
    old = phone.client.patch(phone.path, b"x", content_type="application/offset+octet-stream", HTTP_UPLOAD_OFFSET="0")
    assert old.status_code == 412 and old["Tus-Version"] == "1.0.0"
    plain = phone.client.patch(phone.path, b"x", content_type="text/plain", HTTP_TUS_RESUMABLE="1.0.0")
    assert plain.status_code == 415
    assert phone.client.get(phone.path).status_code == 405
    assert phone.patch("", b"x").status_code == 400
    assert phone.patch(0, b"x", HTTP_TRANSFER_ENCODING="chunked").status_code == 411
    assert phone.head()["Upload-Offset"] == "0"
    over = phone.client.post(
        phone.path, b"x", content_type="application/offset+octet-stream", HTTP_TUS_RESUMABLE="1.0.0",
        HTTP_UPLOAD_OFFSET="0", HTTP_X_HTTP_METHOD_OVERRIDE="PATCH",
    )  # fmt: skip
    assert over.status_code == 204 and over["Upload-Offset"] == "1"


def test_addresses_cannot_be_made_up(phone, appeal):
    phone.create(10)
    token = phone.path.split("/")[3]
    for bad in ("x", token[:-1], token[:-1] + ("a" if token[-1] != "a" else "b"), rules.ticket(phone.ticket)):
        phone.path = f"/upload/file/{bad}/"
        assert phone.head().status_code == 404 and phone.patch(0, b"x").status_code == 404
    ticket = rules.ticket(phone.ticket)
    for bad in ("x", ticket[:-2], token):
        assert phone.client.post(f"/upload/new/{bad}/", HTTP_TUS_RESUMABLE="1.0.0").status_code == 404


@pytest.mark.parametrize(
    "change",
    [{"state": State.CLOSED, "outcome_note": "Charged."}, {"practice": True}, {"kind": "event"}, {"state": "held"}],
)
def test_only_appeals_that_are_open_and_real(phone, appeal, change):
    Alert.objects.filter(pk=appeal.pk).update(**change, hold_until=clock.now())
    assert phone.create(10).status_code == 403
    assert not Upload.objects.exists()


def test_what_began_before_the_appeal_closed_may_still_arrive(phone, appeal):
    phone.create(3)
    Alert.objects.filter(pk=appeal.pk).update(state=State.CLOSED, outcome_note="Charged.")
    assert phone.patch(0, b"abc").status_code == 204 and Exhibit.objects.exists()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("clip\0.mp4", "clip\ufffd.mp4"),
        ("holiday\u202egpj.exe", "holiday\ufffdgpj.exe"),
        ("a\r\nSet-Cookie: x=1.mp4", "a\ufffd\ufffdSet-Cookie: x=1.mp4"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("<script>alert(1)</script>.mp4", "script>.mp4"),
        ("n" * 5000, "n" * 255),
    ],
)
def test_hostile_names_are_shown_safely_kept_exactly_and_never_a_path(phone, folder, given, shown):
    phone.create(3, filename=given)
    phone.patch(0, b"abc")
    upload = Upload.objects.get()
    assert upload.name == shown
    if given and upload.name_given:
        assert upload.name_given.encode().decode("unicode_escape") == given[:1000]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [path.name for path in files] == [f"{upload.key:016x}"]


def test_metadata_that_is_no_metadata(phone):
    answer = phone.client.post(
        f"/upload/new/{rules.ticket(phone.ticket)}/", HTTP_TUS_RESUMABLE="1.0.0", HTTP_UPLOAD_LENGTH="5",
        HTTP_UPLOAD_METADATA="filename !!!,,when,clock aGFja2Vk,\xff x,who //79",
    )  # fmt: skip
    assert answer.status_code == 201
    upload = Upload.objects.get()
    assert upload.name == "unnamed" and upload.clock == "unknown" and "\0" not in upload.said_who


def test_one_person_cannot_take_every_place(phone, monkeypatch):
    monkeypatch.setattr(intake, "MOST_OPEN_A_SITTING", 2)
    assert [phone.create(10).status_code for _ in range(3)] == [201, 201, 429]
    monkeypatch.setattr(intake, "MOST_OPEN_AN_ALERT", 2)
    assert Phone(Alert.objects.get(pk=phone.ticket.alert)).create(10).status_code == 429
