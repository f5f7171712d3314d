"""Feedback reports (ARF): by our tokens only, the stream they are about stops; hostile ones harm nobody."""

import time
from datetime import timedelta

import pytest

from bell.delivery import post, unsubscribe
from bell.delivery.email import complaints, render
from bell.delivery.models import Delivery, Suppression
from bell.lib import clock
from tests.delivery.conftest import emails, filled
from tests.delivery.mails import bounce_address, reply_address, settled

pytestmark = pytest.mark.django_db
FBL = "fbl@in.alert.example"


def an_arf(original, *, kind="abuse", fields="", part="message/rfc822", encoding="7bit"):
    """A report as RFC 5965 has it, about a mail with these headers."""
    return (
        "From: <abuse@mailbox.example>\r\nTo: fbl@in.alert.example\r\nSubject: FW: complaint\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n\r\n"
        f"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\n"
        f"User-Agent: SomeFBL/1.0\r\nVersion: 1\r\n{fields}\r\n"
        f"--b\r\nContent-Type: {part}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{original}\r\n--b--\r\n"
    ).encode()


@pytest.fixture
def sent():
    """A mail that arrived."""
    mailing = filled(emails(1))
    Delivery.objects.filter(mailing=mailing).update(state="sent", state_at=clock.now() - timedelta(days=1))
    return Delivery.objects.get(mailing=mailing)


def original(sent, *without):
    """The reported mail with all our marks, or some of them."""
    lines = {
        "return": f"Return-Path: <{bounce_address(sent.pk)}>",
        "id": f"Message-ID: {render.message_id(sent.pk)}",
        "reply": f"Reply-To: {reply_address(sent.pk)}",
        "list": f"List-Unsubscribe: <https://alert.example/u/{unsubscribe.token(sent.recipient_key, '1.crime')}/>",
    }
    kept = [line for name, line in lines.items() if name not in without]
    return "\r\n".join([*kept, "From: Derbyshire Alert <alerts@alert.example>", "To: person1@mail.example", "", "x"])


ALL = ("return", "id", "reply", "list")


@pytest.mark.parametrize("mark", ALL)
@pytest.mark.parametrize("part", ["message/rfc822", "text/rfc822-headers"])
def test_any_one_of_our_marks_stops_the_stream_and_no_other(sent, mark, part):
    row = settled(an_arf(original(sent, *(name for name in ALL if name != mark)), part=part), FBL, "")
    sent.refresh_from_db()
    assert (row.state, row.what, row.outcome) == ("done", "receipt", "complaint: no more of 1.crime")
    assert sent.state == "delivered" and sent.complained_at is not None
    key = {"address_key": sent.address_key, "channel": "email"}
    assert post.suppressed(**key, stream="1.crime") == complaints.COMPLAINED
    assert not post.suppressed(**key, stream="2.crime") and not post.suppressed(**key, stream="code")


def test_the_return_path_in_the_reports_own_fields_is_enough(sent):
    fields = f"Original-Mail-From: <{bounce_address(sent.pk)}>\r\nOriginal-Rcpt-To: <other@mail.example>\r\n"
    settled(an_arf("Subject: redacted\r\n\r\nx", fields=fields), FBL, "")
    sent.refresh_from_db()
    assert sent.complained_at is not None


def test_a_complaint_takes_back_what_is_queued_and_repeats_change_nothing(sent):
    again = filled(emails(1))
    settled(an_arf(original(sent)), FBL, "")
    assert post.tally(again) == {"email": {"suppressed": 1}}
    first = Delivery.objects.get(pk=sent.pk).complained_at
    settled(an_arf(original(sent), fields="Arrival-Date: later\r\n"), FBL, "")
    assert Delivery.objects.get(pk=sent.pk).complained_at == first and Suppression.objects.count() == 1


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "other", "", "x" * 5000])
def test_feedback_that_is_no_complaint_changes_nothing(sent, kind):
    row = settled(an_arf(original(sent), kind=kind), FBL, "")
    assert row.what == "receipt" and row.outcome.startswith("feedback that is no complaint")
    sent.refresh_from_db()
    assert sent.state == "sent" and not Suppression.objects.exists()


@pytest.mark.parametrize(
    "reported",
    [
        "To: person1@mail.example\r\nFrom: alerts@alert.example\r\n\r\nan address alone",
        "Message-ID: <d" + "a" * 24 + "@alert.example>\r\n\r\nforged",
        "Message-ID: <daaaa@alert.example>\r\nList-Unsubscribe: <https://alert.example/u/aaaa/>\r\n\r\nforged",
        "List-Unsubscribe: <mailto:x@y.example>, nonsense <\r\n\r\nothers'",
        "",
    ],
)
def test_without_a_genuine_token_nobody_is_stopped(sent, reported):
    fields = "Original-Rcpt-To: person1@mail.example\r\nOriginal-Mail-From: <b-" + "a" * 24 + "@in.alert.example>\r\n"
    row = settled(an_arf(reported, fields=fields), FBL, "")
    assert row.outcome == "complaint without our token" and not Suppression.objects.exists()


def test_a_complaint_about_somebody_erased_is_said_to_be_of_nobody(sent):
    whole = original(sent)
    Delivery.objects.all().delete()
    assert settled(an_arf(whole), FBL, "").outcome == "complaint of nothing we know"


@pytest.mark.parametrize(
    "raw",
    [
        b'Content-Type: multipart/report; report-type=feedback-report; boundary=""\r\n\r\n',
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n' + b"--b\r\n" * 200_000,
        an_arf("Message-ID: " + "<" * 500_000),
        an_arf("List-Unsubscribe: " + "<https://alert.example/u/,".join([""] * 40_000)),
        an_arf("x", fields="Original-Mail-From: " + "\r\n ".join(["a"] * 100_000) + "\r\n"),
        an_arf("=" * 500_000, encoding="base64"),
        an_arf("\0\xff" * 1000, kind="\0"),
    ],
)
def test_hostile_reports_are_read_in_a_moment_and_name_nobody(sent, raw):
    started = time.process_time()
    found = complaints.read(raw)
    assert found.delivery_id is None and found.unsubscribe is None
    assert time.process_time() - started < 10  # a hang, not a measurement
    settled(raw, FBL, "")
    assert not Suppression.objects.exists()
