"""The sending loop over a real relay: order, fence, stop, suppression, retries, and the truth in every row."""

import time
from datetime import timedelta

import pytest

from bell.delivery import blocking, leasing, outbox, post, settling
from bell.delivery.models import Batch, Delivery, Lane, Limit, Mailing, State, Suppression
from bell.lib import clock, keys
from tests.delivery.conftest import a_content, a_mailing, emails, filled
from tests.delivery.servers import DROP, Relay, closed_port

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_kept_connections():
    yield
    outbox.close()


@pytest.fixture
def relay(settings):
    with Relay() as running:
        settings.SMTP_URL = running.url
        yield running


def drain(owner="w1"):
    total = 0
    while sent := outbox.run_once(owner):
        total += sent
    return total


def all_due():
    """Let what waits for another try be due now."""
    Batch.objects.filter(state="ready").update(due_at=clock.now())
    Limit.objects.all().delete()


def test_everyone_is_sent_one_copy_and_rows_and_spool_agree(relay, settings, states):
    settings.BATCH_SIZE = 30
    mailing = filled(emails(100))
    assert drain() == 100
    assert sorted(relay.to()) == sorted(states(mailing))
    assert post.tally(mailing) == {"email": {"sent": 100}}
    assert set(Delivery.objects.values_list("attempts", "retried", "reason")) == {(1, False, "")}
    assert set(Batch.objects.values_list("state", "owner", "lease_until")) == {("done", "", None)}
    assert relay.connections == 1
    assert outbox.run_once("w1") == 0 and not post.waiting(mailing)


def test_the_highest_lane_goes_first_then_the_oldest_and_nothing_before_its_time(relay):
    now = clock.now()
    order = [
        ("digest", Lane.DIGEST, now - timedelta(hours=9)),
        ("routine-new", Lane.ROUTINE, now - timedelta(seconds=1)),
        ("routine-old", Lane.ROUTINE, now - timedelta(hours=1)),
        ("urgent", Lane.URGENT, now - timedelta(seconds=1)),
        ("later", Lane.URGENT, now + timedelta(hours=1)),
    ]
    for name, lane, due_at in order:
        filled([(1, "email", f"{name}@mail.example")], lane=lane)
        Batch.objects.filter(lane=lane, deliveries__address=f"{name}@mail.example").update(due_at=due_at)
    drain()
    assert [to.partition("@")[0] for to in relay.to()] == ["urgent", "routine-old", "routine-new", "digest"]


def a_code(address):
    return post.post(
        a_content(), authority=post.Authority("code", "1"), stream="code", lane=Lane.NOW,
        to=post.Address(99, "email", address),
    )  # fmt: skip


def test_a_code_overtakes_a_batch_that_is_being_sent(relay):
    filled(emails(60))

    def ask(mail):
        if len(relay.spool) == 3:
            # As if another process had queued it: written by the sender's own connection between two slices.
            wanted.append("code@mail.example")

    wanted = []
    relay.on_accept = ask
    given = []

    def keep_going():
        if wanted and not given:
            given.append(a_code(wanted[0]))
        return True

    while outbox.run_once("w1", keep_going=keep_going):
        pass
    place = relay.to().index("code@mail.example")
    assert place < 30 and len(relay.spool) == 61
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


def test_one_who_says_no_between_claim_and_sending_gets_nothing(relay, states):
    mailing = filled(emails(5))
    lease = outbox.lease("w1")
    key = keys.address_key("email", "person2@mail.example")
    Suppression.objects.create(address_key=key, channel="email", stream="", reason="left", since=clock.now())
    post.withdraw(recipient_key=4)
    assert outbox.send(lease) == 3
    assert sorted(relay.to()) == ["person1@mail.example", "person3@mail.example", "person5@mail.example"]
    assert states(mailing)["person2@mail.example"] == states(mailing)["person4@mail.example"] == "suppressed"
    assert Delivery.objects.get(recipient_key=2).reason == "left"


def test_stop_while_sending_ends_at_the_next_slice(relay):
    mailing = filled(emails(200))

    def stop_after_first_slice():
        if relay.spool and not Mailing.objects.get(pk=mailing.pk).stopped_at:
            post.stop(mailing, reason="stopped by an officer")
        return True

    outbox.run_once("w1", keep_going=stop_after_first_slice)
    tally = post.tally(mailing)["email"]
    assert tally["sent"] == len(relay.spool) <= 12
    assert tally["sent"] + tally["cancelled"] == 200
    assert drain() == 0 and not post.waiting(mailing)


def test_a_late_writer_is_refused_by_the_fence(relay):
    mailing = filled(emails(3))
    late = outbox.lease("w1")
    rows = outbox._persist(late, {}, [], 10)
    assert len(rows) == 3
    Batch.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    assert outbox.sweep() == 1
    before = list(Delivery.objects.order_by("id").values())
    accepted = {row.id: settling.Result(settling.Outcome.ACCEPTED, "250") for row in rows}
    with pytest.raises(leasing.LeaseLost):
        outbox._persist(late, accepted, rows, 10)
    assert list(Delivery.objects.order_by("id").values()) == before
    assert post.tally(mailing) == {"email": {"uncertain": 3}}
    assert outbox.send(late) == 0 and relay.spool == []


def test_after_a_crash_rows_past_the_mark_are_sent_and_rows_before_it_once_more(relay, settings, states):
    mailing = filled(emails(10))
    lease = outbox.lease("gone")
    rows = outbox._persist(lease, {}, [], 4)
    assert Batch.objects.get().begun_through == rows[-1].id
    assert outbox.lease("w2") is None and outbox.sweep() == 0  # the lease still holds
    Batch.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    outbox.sweep()
    assert drain("w2") == 6
    assert post.tally(mailing) == {"email": {"uncertain": 4, "sent": 6}}
    assert post.waiting(mailing)
    again = Batch.objects.get(state="ready")
    assert timedelta(seconds=400) < again.due_at - clock.now() < timedelta(seconds=800)
    all_due()
    first_ids = {mail.recipient: mail.data for mail in relay.spool}
    assert drain("w2") == 4
    assert post.tally(mailing) == {"email": {"sent": 10}}
    assert Delivery.objects.filter(retried=True).count() == 4
    assert len(relay.spool) == 10 and len(first_ids) == 6


def test_silence_after_the_dot_is_one_retry_with_the_same_message_id_and_then_an_end(relay):
    mailing = filled(emails(1))
    relay.says["DOT"] = ["accept then drop", "accept then drop"]
    assert drain() == 1
    row = Delivery.objects.get()
    assert (row.state, row.retried, row.attempts) == ("uncertain", False, 1) and post.waiting(mailing)
    all_due()
    assert drain() == 1
    row.refresh_from_db()
    assert (row.state, row.retried, row.attempts, row.batch_id) == ("uncertain", True, 2, None)
    all_due()
    assert drain() == 0 and not post.waiting(mailing)
    ids = {line for mail in relay.spool for line in mail.data.split(b"\r\n") if line.startswith(b"Message-ID")}
    assert len(relay.spool) == 2 and len(ids) == 1


@pytest.mark.parametrize(
    ("second", "state", "retried"), [("250 ok", "sent", True), ("550 5.1.1 nobody", "uncertain", False)]
)
def test_the_second_try_says_what_it_knows(relay, second, state, retried):
    filled(emails(1))
    relay.says["DOT"] = [DROP]
    drain()
    relay.says["RCPT"] = [second]
    all_due()
    drain()
    row = Delivery.objects.get()
    assert (row.state, row.retried) == (state, retried)
    assert not post.waiting(row.mailing)


def test_a_temporary_refusal_is_tried_again_later_with_its_like_and_in_the_end_fails(relay, monkeypatch):
    monkeypatch.setattr(settling, "MOST_ATTEMPTS", 3)
    mailing = filled(emails(6))
    relay.says["RCPT"] = lambda line: "450 4.2.1 greylisted" if "person1@" in line or "person2@" in line else None
    drain()
    assert post.tally(mailing) == {"email": {"sent": 4, "deferred": 2}}
    batch = Batch.objects.get(state="ready")
    assert batch.size == 2 and batch.deliveries.count() == 2
    assert 30 < (batch.due_at - clock.now()).total_seconds() < 90
    assert outbox.run_once("w1") == 0
    all_due()
    drain()
    second = Batch.objects.get(state="ready")
    assert (second.due_at - clock.now()).total_seconds() > 90  # it grows
    all_due()
    drain()
    assert post.tally(mailing) == {"email": {"sent": 4, "failed": 2}}
    assert set(Delivery.objects.filter(state="failed").values_list("reason", "attempts")) == {
        ("refused: 450 4.2.1 greylisted", 3)
    }
    assert not post.waiting(mailing)


def test_rows_deferred_by_several_slices_share_a_batch(relay, settings):
    settings.BATCH_SIZE = 3
    mailing = filled(emails(9))
    relay.says["RCPT"] = "450 4.2.1 later"
    for _ in range(3):
        outbox.run_once("w1")
    ready = Batch.objects.filter(state="ready", mailing=mailing)
    assert sum(b.size for b in ready) == 9 == Delivery.objects.filter(batch__in=ready).count()
    assert all(b.size <= 3 for b in ready)


def test_only_a_structured_nobody_suppresses_and_our_own_fault_never_does(relay):
    mailing = filled(emails(4))
    by_person = {"1": "550 5.1.1 nobody", "2": "550 5.7.1 blocked", "3": "550 no such user"}
    relay.says["RCPT"] = lambda line: by_person.get(line.split("person")[1][0])
    drain()
    assert {d.recipient_key: d.state for d in Delivery.objects.all()} == {
        1: "failed", 2: "deferred", 3: "failed", 4: "sent",
    }  # fmt: skip
    assert list(Suppression.objects.values_list("address_key", "reason")) == [
        (keys.address_key("email", "person1@mail.example"), blocking.HARD_BOUNCE)
    ]
    assert Delivery.objects.get(recipient_key=2).reason == "our side: 550 5.7.1 blocked"
    assert a_code("person1@mail.example").state == State.SUPPRESSED
    assert post.waiting(mailing)


def test_a_relay_that_is_away_costs_no_attempt_and_sending_goes_on_when_it_is_back(settings):
    settings.SMTP_URL = f"smtp://127.0.0.1:{closed_port()}"
    mailing = filled(emails(3))
    assert drain() == 0
    assert Limit.objects.get().name == "email"
    assert set(Delivery.objects.values_list("state", "attempts")) == {("queued", 0)}
    assert Batch.objects.get().state == "ready"
    assert outbox.lease("w1") is None  # all workers leave it alone meanwhile
    with Relay() as relay:
        settings.SMTP_URL = relay.url
        all_due()
        assert drain() == 3
    assert post.tally(mailing) == {"email": {"sent": 3}}


def test_an_opt_out_in_flight_is_not_tried_again_but_what_was_accepted_is_said(relay):
    filled(emails(3))
    lease = outbox.lease("w1")
    rows = outbox._persist(lease, {}, [], 10)
    post.withdraw(recipient_key=1)
    post.withdraw(recipient_key=2)
    post.withdraw(recipient_key=3)
    results = [settling.Outcome.ACCEPTED, settling.Outcome.TEMPORARY, settling.Outcome.UNCERTAIN]
    outbox._persist(lease, {r.id: settling.Result(o) for r, o in zip(rows, results, strict=True)}, rows, 10)
    assert list(Delivery.objects.order_by("id").values_list("state", flat=True)) == ["sent", "suppressed", "uncertain"]
    all_due()
    assert drain() == 0 and relay.spool == []


def test_a_second_try_is_not_made_for_one_who_said_no_meanwhile(relay):
    mailing = filled(emails(2))
    relay.says["DOT"] = [DROP, DROP]
    drain()
    post.withdraw(recipient_key=1)
    post.suppress(address_key=keys.address_key("email", "person2@mail.example"), channel="email", reason="left")
    all_due()
    assert drain() == 0 and relay.spool == []
    assert post.tally(mailing) == {"email": {"uncertain": 2}} and not post.waiting(mailing)


def test_practice_reaches_only_the_catchers_whatever_the_relay(relay, settings):
    settings.INVENTED_ONLY, settings.DEMO = False, True
    settings.SMTP_URL = "smtp://192.0.2.1:25"
    settings.CATCHER_SMTP = f"127.0.0.1:{relay.port}"
    mailing = filled([(1, "email", "someone@police.uk")], practice=True)
    drain()
    assert post.tally(mailing) == {"email": {"sent": 1}} and relay.to() == ["someone@police.uk"]
    settings.CATCHER_SMTP = settings.CATCHER_HTTP = "192.0.2.1:25"
    assert practice_is_refused() == outbox.INVENTED_ONLY_HERE
    settings.DEMO, settings.SMTP_URL = False, relay.url
    assert practice_is_refused() == outbox.PRACTICE_ONLY_CAUGHT
    assert len(relay.spool) == 1


def practice_is_refused():
    """Why no row of a practice mailing went out, found without even trying a connection."""
    mailing = filled([*emails(2), (1, "sms", "+447700900123")], practice=True)
    started = time.monotonic()
    drain()
    assert time.monotonic() - started < 10
    ((state, reason),) = set(Delivery.objects.filter(mailing=mailing).values_list("state", "reason"))
    assert state == "failed"
    return reason


def test_invented_people_stay_invented(relay, settings):
    settings.INVENTED_ONLY = True
    mailing = filled([(1, "email", "someone@police.uk"), (2, "email", "a@mail.example"), (3, "sms", "+447911123456")])
    drain()
    rows = {d.recipient_key: (d.state, d.reason) for d in Delivery.objects.filter(mailing=mailing)}
    assert rows[1] == rows[3] == ("failed", outbox.NOT_INVENTED) and rows[2][0] == "sent"
    assert relay.to() == ["a@mail.example"]
    settings.SMTP_URL = "smtp://192.0.2.1:25"
    other = filled(emails(1))
    drain()
    assert Delivery.objects.get(mailing=other).reason == outbox.INVENTED_ONLY_HERE


def test_a_text_changed_after_approval_does_not_leave(relay):
    mailing = filled(emails(2))
    Mailing.objects.filter(pk=mailing.pk).update(content={**a_content().as_json(), "subject": "Changed"})
    drain()
    assert relay.spool == []
    assert set(Delivery.objects.values_list("state", "reason")) == {("failed", outbox.NOT_APPROVED)}


def test_a_mailing_without_words_for_a_channel_fails_its_rows(relay):
    filled(emails(1), a_content(text="", html="", sms="only by text"))
    drain()
    assert Delivery.objects.get().reason == outbox.NOTHING_TO_SAY


def test_an_address_that_could_forge_a_header_fails_alone(relay):
    filled([(1, "email", "a@mail.example\r\nBcc: b@mail.example"), (2, "email", "c@mail.example")])
    drain()
    assert [d.state for d in Delivery.objects.order_by("recipient_key")] == ["failed", "sent"]
    assert relay.to() == ["c@mail.example"]


def test_a_worker_that_is_told_to_end_gives_its_batch_back(relay):
    mailing = filled(emails(50))
    going = iter([True, False])
    sent = outbox.run_once("w1", keep_going=lambda: next(going, False))
    assert sent == len(relay.spool) < 50
    batch = Batch.objects.get()
    assert (batch.state, batch.owner, batch.begun_through) == ("ready", "", None)
    assert drain("w2") == 50 - sent
    assert sorted(relay.to()) == sorted(d.address for d in Delivery.objects.filter(mailing=mailing))


def test_no_message_starts_past_the_end_of_the_lease(relay, settings, monkeypatch):
    filled(emails(5))
    lease = outbox.lease("w1")
    rows = outbox._persist(lease, {}, [], 10)
    lease.ends = time.monotonic() - 1
    monkeypatch.setattr(outbox, "_beat", lambda lease: None)
    done = outbox._send_slice(outbox._job(lease), rows)
    assert done.results == {} and relay.spool == []


def test_a_slow_message_does_not_cost_the_lease(relay, settings):
    settings.LEASE_SECONDS = 2
    filled(emails(1))
    relay.says["DOT"] = lambda to: time.sleep(3) or None
    swept = []
    lease = outbox.lease("w1")
    original = leasing.renew

    def renew(held):
        swept.append(outbox.sweep())
        original(held)

    leasing.renew, restore = renew, leasing.renew
    try:
        assert outbox.send(lease) == 1
    finally:
        leasing.renew = restore
    assert len(swept) > 2 and set(swept) == {0}
    assert Delivery.objects.get().state == "sent"


def test_settling_a_slice_is_one_update(relay, django_assert_max_num_queries):
    filled(emails(100))
    lease = outbox.lease("w1")
    rows = outbox._persist(lease, {}, [], 100)
    accepted = {row.id: settling.Result(settling.Outcome.ACCEPTED, "250") for row in rows}
    with django_assert_max_num_queries(8):
        outbox._persist(lease, accepted, rows, 100)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


def test_sweeping_a_stopped_mailing_leaves_nothing_to_send(relay):
    mailing = filled(emails(3))
    lease = outbox.lease("gone")
    outbox._persist(lease, {}, [], 1)
    post.stop(mailing, reason="stopped")
    Batch.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    assert outbox.sweep() == 1
    assert drain() == 0 and relay.spool == [] and not post.waiting(mailing)
    assert not Batch.objects.exclude(state="done").exists()


def test_an_empty_outbox_is_quiet(django_assert_num_queries):
    a_mailing()
    with django_assert_num_queries(1):
        assert outbox.run_once("w1") == 0
