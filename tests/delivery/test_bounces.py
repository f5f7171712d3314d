"""Mail that came back: the row is marked, and an address suppressed only on good evidence."""

from datetime import timedelta

import pytest

from bell.delivery import blocking, post
from bell.delivery.email import bounces
from bell.delivery.models import Delivery, Inbound, Suppression
from bell.lib import clock, keys
from tests.delivery.conftest import emails, filled
from tests.delivery.mails import bounce_address, reply_address, settled

pytestmark = pytest.mark.django_db


# Bounces


def a_dsn(status="5.1.1", action="failed", diagnostic="smtp; 550 nobody", report_type="delivery-status"):
    return (
        f'Content-Type: multipart/report; report-type={report_type}; boundary="b"\r\n'
        "From: MAILER-DAEMON@mail.example\r\n"
        "Subject: Undelivered\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example\r\n\r\n"
        f"Final-Recipient: rfc822; person1@mail.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: {diagnostic}\r\n (folded)\r\n\r\n--b--\r\n"
    ).encode()


def sent_to_one(days_ago=0):
    """A delivery of another mailing to the same person, sent so many days ago."""
    mailing = filled(emails(1))
    Delivery.objects.filter(mailing=mailing).update(state="sent", state_at=clock.now() - timedelta(days=days_ago))
    return Delivery.objects.get(mailing=mailing)


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"])
def test_a_structured_bounce_of_a_dead_address_suppresses_at_once(status):
    one = sent_to_one()
    row = settled(a_dsn(status), bounce_address(one.pk), "")
    one.refresh_from_db()
    assert (one.state, one.reason) == ("bounced", f"bounce {status} smtp; 550 nobody (folded)")
    assert (row.state, row.what) == ("done", "bounce")
    assert post.suppressed(address_key=one.address_key, channel="email", stream="code") == blocking.HARD_BOUNCE


@pytest.mark.parametrize(
    "status", ["5.7.1", "5.7.26", "5.4.1", "5.3.0", "4.4.7", "5.2.2", "5.0.0", "nonsense", "5.1.1.1", ""]
)
def test_other_bounces_mark_the_row_but_suppress_nobody_at_once(status):
    one = sent_to_one()
    settled(a_dsn(status), bounce_address(one.pk), "")
    one.refresh_from_db()
    assert one.state == "bounced" and not Suppression.objects.exists()


@pytest.mark.parametrize("action", ["delayed", "relayed", "expanded", "delivered", ""])
def test_a_report_without_a_failure_changes_nothing(action):
    one = sent_to_one()
    row = settled(a_dsn("5.1.1", action), bounce_address(one.pk), "")
    one.refresh_from_db()
    assert one.state == "sent" and row.what == "bounce" and not Suppression.objects.exists()


@pytest.mark.parametrize("to", ["b-" + "a" * 24 + "@in.alert.example", "postmaster@in.alert.example"])
def test_a_forged_bounce_moves_nothing(to):
    one = sent_to_one()
    row = settled(a_dsn(), to, "")
    one.refresh_from_db()
    assert one.state == "sent" and row.what == "bounce" and not Suppression.objects.exists()


def test_a_bounce_to_the_reply_address_is_not_believed():
    one = sent_to_one()
    settled(a_dsn(), reply_address(one.pk), "")
    one.refresh_from_db()
    assert one.state == "sent" and not Suppression.objects.exists()


def bounced(status, days_ago):
    one = sent_to_one()
    settled(a_dsn(status, diagnostic=f"x {days_ago} {one.pk}"), bounce_address(one.pk), "")
    Delivery.objects.filter(pk=one.pk).update(state_at=clock.now() - timedelta(days=days_ago))
    return keys.address_key("email", "person1@mail.example")


def test_hard_looking_bounces_suppress_on_the_third_day_without_a_success_between():
    for days_ago in (5, 5, 3):
        key = bounced("5.2.1", days_ago)
    assert not Suppression.objects.exists()  # three bounces, but on two days
    bounced("5.2.1", 0)
    assert Suppression.objects.get().reason == blocking.REPEATED_BOUNCES
    assert bounces.strikes(key) == 3


def test_a_success_between_begins_the_count_anew_and_our_faults_do_not_count():
    for days_ago in (9, 8, 7):
        bounced("5.7.1", days_ago)
    for days_ago in (6, 5):
        bounced("5.2.1", days_ago)
    sent_to_one(days_ago=4)
    key = bounced("5.2.1", 0)
    assert bounces.strikes(key) == 1 and not Suppression.objects.exists()


def test_a_bounce_reported_twice_counts_once():
    one = sent_to_one()
    for _ in range(3):
        settled(a_dsn(), bounce_address(one.pk), "")
    assert Inbound.objects.count() == 1
