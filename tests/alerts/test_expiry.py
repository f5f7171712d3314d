"""When an alert is over by itself: it is not sent, or no further; its page, feeds and the check page say so."""

from datetime import datetime, timedelta

import pytest

from bell.alerts import actions, digests, dispatch, expiry, rules
from bell.alerts.models import State
from bell.alerts.rules import Unfinished
from bell.audit.models import Entry
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.public import kept
from bell.residents import digests as chosen
from tests.alerts.test_life import release
from tests.public.conftest import send

pytestmark = pytest.mark.django_db
SOON = timedelta(hours=1)


def later(monkeypatch, by):
    """So much time passes."""
    now = clock.now() + by
    monkeypatch.setattr(clock, "now", lambda: now)


def ending(cast, **changes):
    """A draft that is over in an hour."""
    return actions.edit(cast.draft(**changes), by=cast.author, expires_at=clock.now() + SOON)


def test_it_is_part_of_what_is_approved_and_old_approvals_hold(cast):
    plain = cast.draft()
    assert "expires_at" not in rules.snapshot(plain)
    before = rules.digest(rules.snapshot(plain))
    plain = actions.edit(plain, by=cast.author, expires_at=clock.now() + SOON)
    assert rules.digest(rules.snapshot(plain)) != before
    assert expiry.read(rules.snapshot(plain)) == expiry.of(plain)


@pytest.mark.parametrize("sends", [None, timedelta(hours=2)])
def test_an_alert_that_would_be_over_before_it_goes_is_not_submitted(cast, sends):
    now = clock.now()
    draft = actions.edit(
        cast.draft(), by=cast.author,
        expires_at=now + SOON if sends else now - SOON, send_at=now + sends if sends else None,
    )  # fmt: skip
    with pytest.raises(Unfinished, match="over before it is sent"):
        actions.submit(draft, by=cast.author)


@pytest.mark.parametrize("state", ["held", "approved"])
@pytest.mark.parametrize("by", ["dispatch", "timetable"])
def test_one_that_waited_too_long_expires_and_can_be_taken_back(cast, monkeypatch, state, by):
    cast.resident()
    alert, _ = cast.approved(ending(cast))
    if state == "approved":
        actions.undo(alert, by=cast.author)
    later(monkeypatch, SOON)
    assert expiry.run_due() if by == "timetable" or state == "approved" else dispatch.run_due() == 0
    alert.refresh_from_db()
    assert alert.state == State.EXPIRED and Entry.objects.filter(verb="alert expired").count() == 1
    assert expiry.run_due() == 0 and not Delivery.objects.filter(mailing__authority_kind="approval").exists()
    assert actions.take_back(alert, by=cast.author).state == State.DRAFT


def test_what_has_not_gone_when_its_time_passes_goes_no_more(cast, monkeypatch):
    people = [cast.resident() for _ in range(3)]
    waits = cast.resident()
    chosen.choose(waits, "weekly", by=waits)
    alert, _ = cast.approved(ending(cast))
    release(alert)
    while dispatch.run_due():
        pass
    Delivery.objects.filter(recipient_key=people[0].key).update(state="sent")
    later(monkeypatch, SOON)
    assert expiry.run_due() == 1 and expiry.run_due() == 0
    while dispatch.run_due():
        pass
    digests.run_due()
    alert.refresh_from_db()
    states = dict(Delivery.objects.filter(mailing__reference=alert.reference).values_list("recipient_key", "state"))
    assert states.pop(people[0].key) == "sent" and set(states.values()) == {"expired"} and len(states) == 3
    assert alert.state == State.SENT


def test_nobody_waits_in_a_digest_for_what_is_over_by_then(cast):
    person = cast.resident()
    chosen.choose(person, "weekly", by=person)
    alert, _ = cast.approved(ending(cast))
    release(alert)
    while dispatch.run_due():
        pass
    assert Delivery.objects.get(mailing__reference=alert.reference).state == "queued"


def test_page_feed_and_check_page_say_so(cast, client, monkeypatch):
    draft = ending(cast, title="Water off in Mill Lane")
    alert = send(cast, alert=draft)
    page = f"/a/{alert.reference}/"
    assert "over since" not in client.get(page).content.decode()
    assert "Water off" in client.get("/feed.atom").content.decode()
    later(monkeypatch, SOON + timedelta(minutes=1))
    kept.forget()
    words = client.get(page).content.decode()
    assert "This has been over since today at" in words or "This has been over since" in words
    assert "Are you one of those we asked?" not in words
    assert "Water off" not in client.get("/feed.atom").content.decode()
    assert "Water off" not in client.get(f"/area/ward/{cast.west.code}/feed.atom").content.decode()
    check = client.get(f"/genuine/?code={alert.reference}").content.decode()
    assert "Yes, we sent" in check and "This matter is over" in check


def test_an_event_is_over_at_the_end_of_its_day_and_a_search_never_by_itself(cast):
    at = datetime(2026, 12, 5, 10, tzinfo=clock.LONDON)
    event = cast.draft(kind=Kind.EVENT, fields={"event_time_at": at.isoformat(), "event_time": "x"})
    assert expiry.of(event) == datetime(2026, 12, 6, tzinfo=clock.LONDON)
    assert expiry.useful_until(rules.snapshot(event)) == at
    search = cast.draft(kind=Kind.MISSING, fields={"description": "x"})
    assert expiry.of(search) is None and expiry.over_since(search) is None
