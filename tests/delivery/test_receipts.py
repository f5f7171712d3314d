"""Reports later on: any order, any repetition, racing the sender's own word, and before their row is there (I6)."""

import itertools
import json
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from bell.delivery import early, inbound, leasing, post
from bell.delivery.email import bounces, complaints, events
from bell.delivery.models import Batch, Delivery, Inbound, State, Suppression
from bell.delivery.results import Outcome, Result
from bell.delivery.settling import next_slice
from bell.lib import clock
from tests.delivery.conftest import emails, filled

pytestmark = pytest.mark.django_db


@pytest.fixture
def later(monkeypatch):
    """later(seconds): so much time passes."""
    passed = timedelta()
    now = clock.now

    def go(**time):
        nonlocal passed
        passed += timedelta(**time)

    monkeypatch.setattr(clock, "now", lambda: now() + passed)
    return go


def an_event(kind, delivery_id, **more):
    """A provider's event as it is kept; each with words of its own, so that it is a row of its own."""
    body = {"event": kind, "message_id": "x", "metadata": {"delivery": events.token(delivery_id)}, **more}
    return inbound.store("email:postmark", "", "receipt", json.dumps(body).encode())[0]


EVENTS = {
    "queued": {}, "sent": {}, "delivered": {}, "opened": {}, "deferred": {"text": "421 later"},
    "bounced": {"text": "550 5.2.1 mailbox disabled"}, "failed": {"description": "no"},
    "rejected": {"reject": "blocked"}, "complained": {}, "unsubscribed": {},
}  # fmt: skip
WORDS = {
    "accepted": Result(Outcome.ACCEPTED, "250", "ok", reference="x"),
    "uncertain": Result(Outcome.UNCERTAIN, "", "lost"),
    "refused": Result(Outcome.PERMANENT, "550", "5.2.1 no"),
    "later": Result(Outcome.TEMPORARY, "421", "later"),
    "ours": Result(Outcome.OURS, "550", "5.7.1 not you"),
}


def play(word, reports, place):
    """One delivery: reports in this order, the sender's own word before the one at `place`; then all waits pass."""
    with transaction.atomic():
        Inbound.objects.all().delete()
        Suppression.objects.all().delete()
        filled(emails(1))
        sent = Delivery.objects.latest("id")
        lease = leasing.take("test")
        assert lease is not None
        rows = next_slice(lease, {}, [], 10)
        for number, kind in enumerate([*reports, None]):
            if number == min(place, len(reports)):
                next_slice(lease, {sent.pk: WORDS[word]}, rows, 0)
            if kind is not None:
                an_event(kind, sent.pk, **EVENTS[kind], at=str(number))
                inbound.settle()
        Inbound.objects.filter(state="early").update(again_at=clock.now())
        inbound.settle()
        end = Delivery.objects.get(pk=sent.pk)
        stopped = sorted(Suppression.objects.values_list("stream", "reason"))
        tried = Delivery.objects.filter(pk=sent.pk, state__in=("queued", "deferred")).exists()
        Batch.objects.all().update(state="done", owner="", lease_until=None)
        return end.state, bool(end.complained_at), [stream for stream, _ in stopped], tried


@budget(max_examples=30, deadline=None)
@given(
    word=st.sampled_from(sorted(WORDS)),
    reports=st.lists(st.sampled_from(sorted(EVENTS)), min_size=1, max_size=5),
    data=st.data(),
)
def test_any_order_and_repetition_ends_the_same_wherever_the_senders_word_falls(word, reports, data):
    expected = play(word, reports, 0)
    shuffled = data.draw(st.permutations(reports + data.draw(st.lists(st.sampled_from(reports), max_size=3))))
    place = data.draw(st.integers(0, len(shuffled)))
    assert play(word, shuffled, place) == expected, (word, reports, shuffled, place)


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "bounced", "delivered"])))
def test_the_top_of_the_lattice_is_what_the_phone_or_mailbox_got(order):
    assert play("uncertain", list(order), 0)[0] == play("accepted", list(order), 3)[0] == "delivered"


def test_on_its_way_settles_an_uncertain_message_also_when_it_was_said_first():
    assert play("uncertain", ["sent"], 1)[0] == play("uncertain", ["sent"], 0)[0] == "sent"
    assert play("uncertain", [], 0)[0] == "uncertain"


# Before its row


def test_an_event_before_its_row_is_kept_and_applied_when_the_row_is_there(later):
    filled(emails(1))
    first = Delivery.objects.get()
    row = an_event("delivered", first.pk + 1)
    inbound.settle()
    row.refresh_from_db()
    assert (row.state, row.what) == ("early", "") and row.again_at > clock.now()
    filled([(2, "email", "person2@mail.example")])
    coming = Delivery.objects.latest("id")
    Delivery.objects.filter(pk=coming.pk).update(id=first.pk + 1)
    inbound.settle()
    assert Delivery.objects.get(pk=first.pk + 1).state == "queued"  # not yet its time
    later(seconds=30)
    inbound.settle()
    row.refresh_from_db()
    assert (row.state, row.what, row.again_at) == ("done", "receipt", None)
    assert Delivery.objects.get(pk=first.pk + 1).state == "delivered"


def test_an_event_by_the_providers_name_waits_for_it(later):
    filled(emails(1))
    row, _ = inbound.store(
        "email:postmark", "", "receipt", json.dumps({"event": "delivered", "message_id": "pm-7"}).encode()
    )
    inbound.settle()
    row.refresh_from_db()
    assert row.state == "early"
    Delivery.objects.update(state="sent", provider_ref="pm-7")
    later(minutes=1)
    inbound.settle()
    assert Delivery.objects.get().state == "delivered"
    other = inbound.store("email:x", "", "receipt", json.dumps({"event": "delivered", "message_id": "pm-8"}).encode())
    Delivery.objects.update(state="sent", provider_ref="pm-8", provider="postmark")
    inbound.settle()
    other[0].refresh_from_db()
    assert other[0].state == "early" and Delivery.objects.get().state == "sent"  # another provider's name


def test_waits_grow_and_end_after_a_day_counted(later):
    start = clock.now()
    row = an_event("delivered", 987_654)
    waits = []
    for _ in range(60):
        inbound.settle()
        row.refresh_from_db()
        if row.state != "early":
            break
        waits.append((row.again_at - clock.now()).total_seconds())
        later(seconds=waits[-1] + 1)
    assert [round(one) for one in waits] == sorted(round(one) for one in waits)
    assert waits[0] <= 6 and waits[-1] <= 7200.1 and 10 < len(waits) < 40
    assert (row.state, row.what, row.outcome) == ("done", "unknown", early.GIVEN_UP)
    assert clock.now() - row.received_at >= timedelta(hours=24)
    assert early.given_up(start - timedelta(seconds=1)) == 1 and early.given_up(clock.now()) == 0


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"{}", b'{"event": 3}', b"[" * 100_000])
def test_events_that_make_no_sense_are_unreadable(raw):
    row, _ = inbound.store("email:postmark", "", "receipt", raw)
    inbound.settle()
    row.refresh_from_db()
    assert (row.state, row.what) == ("unreadable", "unknown")


@pytest.mark.parametrize(
    "more",
    [{"metadata": {"delivery": "a" * 24}}, {"metadata": {"delivery": 7}}, {"metadata": ["x"]}, {"metadata": None}, {}],
)
def test_an_event_with_a_forged_token_moves_nothing(more):
    filled(emails(1))
    Delivery.objects.update(state="sent")
    body = {"event": "bounced", "message_id": "", "text": "550 5.1.1 x", **more}
    row, _ = inbound.store("email:postmark", "", "receipt", json.dumps(body).encode())
    inbound.settle()
    row.refresh_from_db()
    assert Delivery.objects.get().state == "sent" and row.what == "unknown" and not Suppression.objects.exists()


# What a provider's bounce says of an address


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"text": "smtp;550 5.1.1 The account does not exist"}, "5.1.1"),
        ({"text": "550-5.1.10 RESOLVER.ADR.RecipientNotFound"}, "5.1.10"),
        ({"text": "host mx.example[5.1.1.9] said: 550 blocked"}, "5.0.0"),
        ({"text": "see 5.1.1 in our handbook"}, ""),
        ({"text": "452 4.2.2 full"}, "4.2.2"),
        ({"text": "no such user"}, ""),
        ({"raw": {"status": "5.1.1"}, "text": "550 5.7.1 x"}, "5.1.1"),
        ({"raw": {"bounce": {"bouncedRecipients": [{"status": "5.1.2"}]}}}, "5.1.2"),
        ({"raw": {"event-data": {"delivery-status": {"enhanced-code": "5.4.7"}}}}, "5.4.7"),
        ({"raw": {"status": 5}, "text": None}, ""),
        ({"raw": {"bounce": {"bouncedRecipients": []}}}, ""),
    ],
)
def test_only_a_stated_status_counts(event, status):
    assert events.status(event) == status


def test_bounces_by_event_follow_the_rules_of_bounces_by_mail():
    for number, text in enumerate(["550 5.7.1 policy", "no such user", "550 mailbox gone"]):
        filled([(1, "email", "person1@mail.example")])
        one = Delivery.objects.latest("id")
        Delivery.objects.filter(pk=one.pk).update(state="sent")
        an_event("bounced", one.pk, text=text)
        inbound.settle()
        Delivery.objects.filter(pk=one.pk).update(state_at=clock.now() - timedelta(days=9 - number))
    assert not Suppression.objects.exists()
    assert bounces.strikes(one.address_key) == 1  # only the bare 550 speaks of the address
    an_event("bounced", one.pk, text="550 5.1.1 nobody")
    inbound.settle()
    assert Suppression.objects.get().reason == "hard bounce"


def test_trouble_of_a_mailing_is_counted_from_a_moment_on():
    mailing = filled(emails(8))
    old = clock.now() - timedelta(hours=2)
    ids = list(Delivery.objects.order_by("id").values_list("pk", flat=True))
    Delivery.objects.update(state="sent", state_at=old)
    for number in ids[:3]:
        Delivery.objects.filter(pk=number).update(state_at=clock.now())
    an_event("bounced", ids[3], text="550 5.7.1 x")
    an_event("complained", ids[4])
    inbound.settle()
    hour = clock.now() - timedelta(hours=1)
    assert complaints.trouble(mailing, hour) == complaints.Trouble(sent=5, failures=1, complaints=1)
    assert complaints.trouble(mailing, old).sent == 8
    assert post.tally(mailing) == {"email": {"sent": 6, "bounced": 1, "delivered": 1}}
    assert Delivery.objects.get(pk=ids[4]).state == State.DELIVERED
