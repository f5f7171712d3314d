"""Sending footage as a person does: from an appeal, from a message, with the plain form; what the receipt says."""

import os

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from bell.alerts import actions as alert_actions
from bell.alerts.models import Alert, State
from bell.delivery.models import Delivery
from bell.evidence import receipts, rules, store
from bell.evidence.models import Exhibit, Upload
from bell.lib import clock
from bell.organisations.kinds import Kind
from tests.evidence.conftest import Phone, exhibit, sha
from tests.public.conftest import answer_link, send

DATA = os.urandom(200_000)
SAID = {"when": "Friday 2am", "where": "12 Mill Lane", "clock": "wrong", "clock_words": "7 min fast", "who": "Meg"}


def action_of(page):
    """Where the page's form goes."""
    return page.content.decode().split('action="')[1].split('"')[0]


def plain(client, path, *files, **said):
    """Open a page and send its form, as a browser without JavaScript."""
    page = client.get(path)
    assert page.status_code == 200
    return client.post(action_of(page), {**said, "files": [SimpleUploadedFile(name, data) for name, data in files]})


def test_from_the_public_page_without_an_account(appeal):
    client = Client(enforce_csrf_checks=True)
    page = client.get(f"/a/{appeal.reference}/")
    assert f'href="/a/{appeal.reference}/footage/"' in page.content.decode()
    answer = plain(client, f"/a/{appeal.reference}/footage/", ("a.mp4", DATA), ("b.jpg", b"x" * 10), **SAID)
    assert answer.status_code == 302
    words = client.get(answer["Location"]).content.decode()
    for number, data in ((1, DATA), (2, b"x" * 10)):
        assert f"{appeal.reference}/{number}" in words and sha(data) in words
    first = Exhibit.objects.get(number=1)
    assert first.upload.way == "page" and first.upload.resident is None
    assert (first.upload.said_where, first.upload.clock, first.upload.said_who) == ("12 Mill Lane", "wrong", "Meg")
    assert store.open_original(first.upload.key).read() == DATA


def test_from_the_link_of_a_message(appeal, meg, client):
    link = answer_link(appeal, meg)
    tapped = client.post(link, {"choice": "footage", "text": ""})
    thanks = client.get(tapped["Location"]).content.decode()
    assert f"{link}footage/" in thanks and "Send footage now" in thanks
    answer = plain(client, f"{link}footage/", ("a.mp4", DATA))
    upload = Upload.objects.get()
    assert upload.resident == meg and upload.way == "link" and upload.sitting
    assert "We also email it" in client.get(answer["Location"]).content.decode()


def test_the_receipt_is_emailed_once_to_those_who_came_by_a_message_and_to_nobody_else(appeal, meg, client):
    plain(client, f"{answer_link(appeal, meg)}footage/", ("a.mp4", DATA), ("b.mp4", b"second"))
    plain(client, f"{answer_link(appeal, meg, 'sms')}footage/", ("c.mp4", b"by the link of a text"))
    plain(client, f"/a/{appeal.reference}/footage/", ("d.mp4", b"by nobody known"), who="X", contact="x@home.example")
    assert receipts.send_due() == 0
    Upload.objects.update(received_at=clock.now() - receipts._QUIET * 2)
    assert receipts.send_due() == 1 and receipts.send_due() == 0
    mail = Delivery.objects.select_related("mailing").get(mailing__stream="receipt")
    assert mail.address == "meg@home.example" and mail.state == "queued"
    words = mail.mailing.content["text"]
    assert sha(DATA) in words and sha(b"second") in words and f"{appeal.reference}/2" in words
    assert "by nobody" not in words and mail.mailing.authority_kind == "receipt"
    # A second sitting on the same day is receipted too: a receipt is no automatic answer to a mail.
    plain(client, f"{answer_link(appeal, meg)}footage/", ("e.mp4", b"third"))
    Upload.objects.update(received_at=clock.now() - receipts._QUIET * 2)
    assert receipts.send_due() == 1
    assert set(Delivery.objects.filter(mailing__stream="receipt").values_list("state", flat=True)) == {"queued"}


@pytest.mark.parametrize("change", [{"state": State.CLOSED, "outcome_note": "Charged."}, {"kind": "event"}])
def test_a_closed_appeal_takes_none_and_says_where_to_go(appeal, meg, client, change):
    link = answer_link(appeal, meg)
    form = action_of(client.get(f"{link}footage/"))
    Alert.objects.filter(pk=appeal.pk).update(**change)
    for path in (f"{link}footage/", f"/a/{appeal.reference}/footage/"):
        answer = client.get(path)
        assert answer.status_code == 404 and "101" in answer.content.decode()
    assert client.post(form, {"files": [SimpleUploadedFile("a.mp4", DATA)]}).status_code == 404
    assert "footage/" not in client.get(f"/a/{appeal.reference}/").content.decode()
    assert not Upload.objects.exists()


def test_practice_takes_none(cast, meg, client):
    for officer in (cast.author, cast.approver):
        officer.practice = True
        officer.save()
    practice = send(cast, kind=Kind.CRIME)
    assert client.get(f"/a/{practice.reference}/footage/").status_code == 404
    assert client.get(f"{answer_link(practice, meg)}footage/").status_code == 404


def test_a_missing_person_who_was_found_takes_none_any_more(cast, meg, client):
    missing = send(cast, kind=Kind.MISSING, fields={"description": "a blue coat"})
    path = f"/a/{missing.reference}/footage/"
    assert client.get(path).status_code == 200
    over = alert_actions.follow_up(missing, relation="stand-down", by=cast.author)
    alert_actions.edit(over, by=cast.author, body="Found. Thank you.")
    send(cast, alert=Alert.objects.get(pk=over.pk))
    assert client.get(path).status_code == 404


def test_footage_for_an_update_lies_with_its_appeal(cast, appeal, meg, client):
    update = alert_actions.follow_up(appeal, relation="update", by=cast.author)
    alert_actions.edit(update, by=cast.author, body="Now also a red car.")
    update = send(cast, alert=Alert.objects.get(pk=update.pk))
    plain(client, f"{answer_link(update, meg)}footage/", ("a.mp4", DATA))
    assert Exhibit.objects.get().alert == appeal


def test_the_plain_form_says_what_is_wrong(appeal, client, settings):
    path = f"/a/{appeal.reference}/footage/"
    for files, words in (((), "Choose at least one file"), ((("a.mp4", b""),), "a.mp4 is empty")):
        answer = plain(client, path, *files)
        assert answer.status_code == 200 and words in answer.content.decode()
    settings.UPLOAD_MOST_BYTES = 100_000
    assert plain(client, path, ("a.mp4", DATA)).status_code == 200
    form = action_of(client.get(path))
    many = client.post(form, {"files": [SimpleUploadedFile("a.mp4", DATA), SimpleUploadedFile("b.mp4", b"ok")]})
    assert "The largest file we can take is 100 kB" in many.content.decode()
    assert "1 file did arrive" in many.content.decode()
    assert Exhibit.objects.get().size == 2
    settings.UPLOAD_MOST_BYTES = 10
    huge = client.post(form, {"files": [SimpleUploadedFile("a.mp4", b"x" * 1_200_000)]})
    assert huge.status_code == 413
    settings.UPLOAD_KEEP_FREE_BYTES = 10**18
    full = plain(client, path, ("a.mp4", b"abc"))
    assert full.status_code == 507 and "There is no room" in full.content.decode()
    assert not list(store.incoming(1).parent.iterdir()), "what was refused lies about"


def test_a_plain_form_that_breaks_off_leaves_nothing(appeal, client):
    form = action_of(client.get(f"/a/{appeal.reference}/footage/"))
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
    broken = client.post(form, head + DATA, content_type="multipart/form-data; boundary=x", CONTENT_LENGTH="")
    assert broken.status_code in (200, 400)
    assert not Exhibit.objects.exists()
    assert not [one for one in Upload.objects.all() if one.state in ("received", "sealed")]


def test_nobody_reads_anothers_receipt(appeal, client):
    made = exhibit(appeal, DATA)
    stranger = Phone(appeal)
    words = client.get(f"/upload/sent/{rules.ticket(stranger.ticket)}/").content.decode()
    assert sha(DATA) not in words and "Nothing has arrived" in words
    assert client.get("/upload/sent/nonsense/").status_code == 404
    token = rules.token_of(made.upload)
    assert client.get(f"/upload/sent/{token}/").status_code == 404
    assert client.get(f"/upload/file/{token}/").status_code == 405


def test_pages_that_are_secrets_say_so(appeal, meg, client):
    for path in (f"{answer_link(appeal, meg)}footage/", f"/a/{appeal.reference}/footage/"):
        page = client.get(path)
        assert page["Referrer-Policy"] == "no-referrer" and "no-store" in page["Cache-Control"]
        assert "meg@home" not in page.content.decode() and not page.cookies
