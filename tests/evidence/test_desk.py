"""Footage on the desk: who may see it, what every look and download leaves, and that nothing runs from it."""

import io
import json
import subprocess
import sys
import zipfile

import pytest
from django.test import Client
from PIL import Image

from bell.alerts import actions as alert_actions
from bell.alerts.models import Alert, State
from bell.audit.models import Entry
from bell.evidence import actions, custody, preview, store
from bell.evidence.models import Exhibit, Scan, Triage
from tests.evidence.conftest import exhibit, sha
from tests.public.conftest import send


def picture(colour="red", size=(640, 480)):
    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def at(cast):
    """A browser at the desk, by name of the cast."""

    def sign_in(name):
        client = Client()
        client.force_login(getattr(cast, name), backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


@pytest.fixture
def one(appeal):
    made = exhibit(
        appeal, picture(), name="door.png", when="Friday 2am", where="12 Mill Lane", clock="wrong", clock_words="7 fast"
    )
    assert preview.preview_due() == 1
    return Exhibit.objects.get(pk=made.pk)


@pytest.fixture
def path(one, appeal):
    return f"/desk/alerts/{appeal.reference}/exhibits/{one.number}/"


def whats(one):
    return [entry.what for entry in one.custody.all()]


def test_the_alert_lists_what_came(at, appeal, one):
    words = at("author").get(f"/desk/alerts/{appeal.reference}/").content.decode()
    assert one.reference in words and "PNG picture" in words and "Not scanned (no scanner)" in words
    assert "Friday 2am" in words and "12 Mill Lane" in words and f"exhibits/{one.number}/preview/" in words


def test_each_look_download_and_export_is_a_line(at, one, path, appeal):
    client = at("author")
    page = client.get(path).content.decode()
    assert sha(picture()) in page and "7 fast" in page and "Record viewed" in page
    assert client.get(f"{path}preview/").status_code == client.get(f"{path}preview/").status_code == 200
    got = client.post(f"{path}download/", {"why": "for the interview"})
    assert b"".join(got.streaming_content) == picture()
    client.post(f"{path}triage/", {"triage": "keep", "why": "shows the van"})
    client.get(path)
    assert whats(one) == [
        "arrived", "sealed", "preview", "viewed", "previewed", "downloaded", "triaged", "viewed",
    ]  # fmt: skip
    line = one.custody.get(what="downloaded")
    assert line.why == "for the interview" and line.officer.name == "Ana Author" and "Heanor SNT" in line.who
    assert Exhibit.objects.get(pk=one.pk).triage == Triage.KEEP
    assert custody.verify(one).broken == ()


def test_an_original_is_an_attachment_of_no_type_and_a_preview_can_do_nothing(at, one, path):
    got = at("author").post(f"{path}download/", {"why": "x"})
    assert got["Content-Type"] == "application/octet-stream" and got["X-Content-Type-Options"] == "nosniff"
    assert got["Content-Disposition"] == f'attachment; filename="{one.alert.reference}-1.png"'
    seen = at("author").get(f"{path}preview/")
    assert seen["Content-Type"] == "image/jpeg" and seen["Content-Disposition"].startswith("attachment")
    assert seen["Content-Security-Policy"] == "sandbox; default-src 'none'" and "no-store" in seen["Cache-Control"]
    assert seen["X-Content-Type-Options"] == "nosniff"
    assert seen.content != picture() and seen.content[:3] == b"\xff\xd8\xff"


def test_no_download_without_a_reason(at, one, path):
    answer = at("author").post(f"{path}download/", {"why": "  "})
    assert answer.status_code == 200 and "Say why" in answer.content.decode()
    assert "downloaded" not in whats(one)


@pytest.mark.parametrize("who", ["stranger", "outsider"])
def test_other_teams_and_partners_find_nothing(at, one, path, appeal, who):
    client = at(who)
    for method, where in (
        (client.get, path),
        (client.get, f"{path}preview/"),
        (client.post, f"{path}download/"),
        (client.post, f"{path}triage/"),
        (client.get, f"/desk/alerts/{appeal.reference}/exhibits/export/"),
        (client.post, f"/desk/alerts/{appeal.reference}/exhibits/export/"),
        (client.get, f"/desk/alerts/{appeal.reference}/exhibits/live/"),
        (client.get, f"/desk/alerts/{appeal.reference}/close/"),
    ):
        assert method(where, {"why": "x", "triage": "keep"}).status_code == 404, where
    assert whats(one) == ["arrived", "sealed", "preview"]


def test_nobody_without_signing_in(one, path):
    assert Client().get(path).status_code == 302
    assert whats(one) == ["arrived", "sealed", "preview"]


def test_an_administrator_may_look_but_not_take(at, one, path):
    client = at("administrator")
    assert client.get(path).status_code == 200
    assert b"Download the original" not in client.get(path).content
    assert client.post(f"{path}download/", {"why": "curious"}).status_code == 403
    assert "downloaded" not in whats(one)


def test_a_button_that_may_not_be_pressed_shows_nothing_of_the_exhibit(at, one, path):
    client, before = at("administrator"), Entry.objects.count()
    for said in ({}, {"triage": "keep"}, {"why": "curious"}):
        for button in ("triage/", "download/"):
            refused = client.post(f"{path}{button}", said)
            words = refused.content.decode()
            assert refused.status_code == 403 and "is handled by its own officers" in words
            assert "12 Mill Lane" not in words and "door.png" not in words
    assert whats(one) == ["arrived", "sealed", "preview"] and Entry.objects.count() == before


@pytest.mark.parametrize("button", ["triage/", "download/"])
def test_a_form_that_comes_back_with_the_page_is_a_look_too(at, one, path, button):
    again = at("author").post(f"{path}{button}")
    assert again.status_code == 200 and "12 Mill Lane" in again.content.decode()
    assert whats(one) == ["arrived", "sealed", "preview", "viewed"]
    assert "Record viewed" in again.content.decode()
    assert one.custody.get(what="viewed").officer.name == "Ana Author"


def test_what_is_infected_is_kept_never_shown_and_needs_a_second_yes(at, one, path):
    Exhibit.objects.update(scan=Scan.INFECTED, scan_words="Eicar")
    client = at("author")
    assert b"never previewed" in client.get(path).content
    assert client.get(f"{path}preview/").status_code == 404
    refused = client.post(f"{path}download/", {"why": "for the lab"})
    assert "made for that" in refused.content.decode()
    got = client.post(f"{path}download/", {"why": "for the lab", "infected": "on"})
    assert got["Content-Disposition"].endswith('.png.quarantined"') and b"".join(got.streaming_content) == picture()


def test_an_export_is_verified_on_any_machine_and_a_changed_one_is_named(at, one, appeal, tmp_path):
    exhibit(appeal, b"second file \xff", name="b.dav")
    infected = exhibit(appeal, b"bad", name="c.exe")
    Exhibit.objects.filter(pk=infected.pk).update(scan=Scan.INFECTED, scan_words="Eicar")
    client = at("author")
    where = f"/desk/alerts/{appeal.reference}/exhibits/export/"
    assert client.get(where).status_code == 200
    assert "Say why" in client.post(where, {"why": ""}).content.decode()
    data = b"".join(client.post(where, {"why": "case file"}).streaming_content)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.testzip() is None
        package.extractall(tmp_path)
    said = json.loads((tmp_path / "manifest.json").read_text())
    assert [one["custody"][-1]["what"] for one in said["exhibits"]] == ["exported"] * 3
    assert said["exhibits"][0]["declared"]["where"] == "12 Mill Lane"
    assert said["exhibits"][2]["file"] == "" and "Eicar" in said["exhibits"][2]["left_out"]
    first = tmp_path / said["exhibits"][0]["file"]
    assert first.read_bytes() == picture()

    def check():
        return subprocess.run(
            [sys.executable, "-I", str(tmp_path / "verify.py")], capture_output=True, text=True, check=False
        )

    whole = check()
    assert whole.returncode == 0 and "3 exhibits, 0 broken" in whole.stdout, whole.stdout + whole.stderr
    first.write_bytes(picture("blue"))
    assert check().returncode == 1 and "the original" in check().stdout
    first.write_bytes(picture())
    changed = json.loads((tmp_path / "manifest.json").read_text())
    changed["exhibits"][1]["custody"][0]["who"] = "somebody else"
    (tmp_path / "manifest.json").write_text(json.dumps(changed))
    assert check().returncode == 1 and "line 1 of the ledger was changed" in check().stdout
    (tmp_path / "originals" / "planted.mp4").write_bytes(b"x")
    assert "planted.mp4 is not in the manifest" in check().stdout


def test_closing_an_appeal_needs_an_outcome(at, cast, appeal, meg):
    client, where = at("author"), f"/desk/alerts/{appeal.reference}/close/"
    assert "owed an outcome" in client.get(where).content.decode()
    assert "Say what came of it" in client.post(where, {"title": "x", "outcome": " "}).content.decode()
    assert Alert.objects.get(pk=appeal.pk).state == State.SENT
    assert client.post(where, {"title": "It worked", "outcome": "Two men were charged. Thank you."}).status_code == 302
    assert Alert.objects.get(pk=appeal.pk).state == State.CLOSED
    outcome = Alert.objects.get(follows=appeal)
    assert (outcome.relation, outcome.state, outcome.title) == ("outcome", State.SUBMITTED, "It worked")
    version = outcome.versions.get()
    assert version.people == 1, "it goes to those who were asked"
    alert_actions.approve(version, by=cast.approver, digest=version.digest)
    assert client.get(where).status_code == 302, "closed once"


def test_an_outcome_written_before_is_enough_and_a_half_written_one_is_not(at, cast, appeal):
    draft = alert_actions.follow_up(appeal, relation="outcome", by=cast.author)
    client, where = at("author"), f"/desk/alerts/{appeal.reference}/close/"
    assert "owed an outcome" in client.get(where).content.decode()
    alert_actions.edit(draft, by=cast.author, body="They were charged.")
    alert_actions.submit(Alert.objects.get(pk=draft.pk), by=cast.author)
    assert "owed" not in client.get(where).content.decode()
    client.post(where)
    assert Alert.objects.get(pk=appeal.pk).state == State.CLOSED


def test_advice_closes_without_an_outcome(at, cast, meg):
    advice = send(cast, kind="prevention")
    at("author").post(f"/desk/alerts/{advice.reference}/close/")
    assert Alert.objects.get(pk=advice.pk).state == State.CLOSED
    draft = cast.draft()
    assert at("author").post(f"/desk/alerts/{draft.reference}/close/").status_code == 302
    assert Alert.objects.get(pk=draft.pk).state == State.DRAFT


def test_looking_by_action_is_refused_too(cast, one):
    with pytest.raises(actions.NotAllowed):
        actions.look(one, by=cast.stranger)
    with pytest.raises(actions.NotAllowed):
        actions.download(one, by=cast.stranger, why="x")
    with pytest.raises(actions.NotAllowed):
        actions.export(one.alert, by=cast.outsider, why="x")
    assert store.original(one.upload.key).exists()
