"""The counter: nothing without authority, one row a person and channel, and no means no."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bell.delivery import blocking, filling, post, unsubscribe
from bell.delivery.models import Batch, Delivery, Lane, Mailing, State, Suppression
from bell.lib import keys
from tests.delivery.conftest import APPROVED, a_content, a_mailing, an_audience, emails, filled

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("authority", [("", "1"), ("because", "1"), ("approval", ""), ("code", "x" * 65)])
def test_nothing_leaves_without_authority(authority):
    with pytest.raises(post.NoAuthority):
        a_mailing(authority=post.Authority(*authority))
    with pytest.raises(post.NoAuthority):
        post.post(
            a_content(),
            authority=post.Authority(*authority),
            stream="code",
            lane=Lane.NOW,
            to=post.Address(1, "email", "a@mail.example"),
        )
    assert not Mailing.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "a\r\nBcc: everyone@mail.example"},
        {"subject": "a\nb"},
        {"sender_name": "x\ny"},
        {"sender_name": "x\x85y"},
        {"subject": "\u2028"},
        {"list_id": "a>\r\nX: y"},
        {"list_id": "a b"},
        {"in_reply_to": "<a b@c>"},
        {"in_reply_to": "<a@c>\n"},
        {"text": "a\0b"},
        {"text": "\ud800"},
        {"text": "", "html": "", "sms": ""},
        {"text": "", "html": "<p>only</p>"},
    ],
)
def test_a_text_that_could_forge_a_header_or_says_nothing_is_refused(change):
    with pytest.raises(post.BadContent):
        a_mailing(a_content(**change))


def test_the_digest_covers_every_field():
    base = a_content()
    changed = [
        a_content(**{name: value})
        for name, value in {
            "sender_name": "x", "subject": "x", "text": "x", "html": "x", "sms": "x", "list_id": "x",
            "auto_submitted": True, "replies": False, "unsubscribe": False, "in_reply_to": "<a@b>",
        }.items()
    ]  # fmt: skip
    assert len({c.digest() for c in [base, *changed]}) == 11
    assert post.Content.from_json(base.as_json()).digest() == base.digest()


def test_fill_gives_each_person_one_row_a_channel_in_batches_of_their_like(settings):
    settings.BATCH_SIZE = 4
    people = [*emails(10), *[(n, "sms", f"+4477009001{n:02}") for n in range(1, 4)]]
    mailing = filled(people)
    assert post.tally(mailing) == {"email": {"queued": 10}, "sms": {"queued": 3}}
    assert sorted(Batch.objects.values_list("channel", "size")) == [
        ("email", 2), ("email", 4), ("email", 4), ("sms", 3),
    ]  # fmt: skip
    for batch in Batch.objects.all():
        assert batch.deliveries.count() == batch.size
        assert set(batch.deliveries.values_list("channel", flat=True)) == {batch.channel}


def test_fill_is_resumable_and_repeatable_and_never_splits_a_person():
    people = [*emails(7), *[(n, "sms", f"+4477009001{n:02}") for n in range(1, 8)]]
    audience = an_audience(people)
    mailing = a_mailing()
    after, steps = 0, 0
    while True:
        step = post.fill(mailing, audience, after=after, step=3)
        again = post.fill(mailing, audience, after=after, step=3)  # a crash before the cursor was kept
        assert (again.inserted, again.after, again.finished) == (0, step.after, step.finished)
        assert step.inserted % 2 == 0  # both rows of a person in one step
        after, steps = step.after, steps + 1
        if step.finished:
            break
    assert steps > 2
    assert post.tally(mailing) == {"email": {"queued": 7}, "sms": {"queued": 7}}
    assert not Delivery.objects.filter(mailing=mailing, batch=None).exists()


def test_two_at_one_address_get_one_copy_within_a_step_and_across_steps():
    people = [(1, "email", "both@mail.example"), (2, "email", "Both@mail.example"), (3, "email", "c@mail.example")]
    for step in (1, 100):
        mailing = a_mailing()
        audience = an_audience(people)
        after, finished = 0, False
        while not finished:
            done = post.fill(mailing, audience, after=after, step=step)
            after, finished = done.after, done.finished
        rows = {d.recipient_key: d for d in Delivery.objects.filter(mailing=mailing)}
        assert [rows[n].state for n in (1, 2, 3)] == ["queued", "suppressed", "queued"]
        assert (rows[2].reason, rows[2].address_key) == (filling.SAME_ADDRESS, None)
        Delivery.objects.filter(mailing__stream="source").delete()


def test_suppressed_addresses_get_a_row_that_says_why():
    key = keys.address_key("email", "person2@mail.example")
    post.suppress(address_key=key, channel="email", stream="1.crime", reason="unsubscribed")
    post.suppress(address_key=keys.address_key("email", "person3@mail.example"), channel="email", reason="left")
    other = keys.address_key("email", "person1@mail.example")
    post.suppress(address_key=other, channel="email", stream="2.event", reason="another stream")
    mailing = filled(emails(3))
    rows = {d.recipient_key: (d.state, d.reason) for d in Delivery.objects.filter(mailing=mailing)}
    assert rows == {1: ("queued", ""), 2: ("suppressed", "unsubscribed"), 3: ("suppressed", "left")}
    assert Delivery.objects.get(mailing=mailing, recipient_key=2).address_key == key


def test_an_audience_of_nobody_is_finished_at_once():
    assert post.fill(a_mailing(), Delivery.objects.none()).finished
    assert post.fill(a_mailing(), an_audience([])) == post.Step(0, 0, 0, True)


def test_a_stopped_mailing_takes_nobody_and_a_closed_one_refuses():
    mailing = a_mailing()
    audience = an_audience(emails(3))
    post.stop(mailing, reason="stopped by an officer")
    assert post.fill(mailing, audience) == post.Step(0, 0, 0, True)
    closed = a_mailing()
    post.close(closed)
    with pytest.raises(ValueError, match="closed"):
        post.fill(closed, audience)


def test_stop_cancels_what_waits():
    mailing = filled(emails(5))
    assert post.waiting(mailing)
    assert post.stop(mailing, reason="stopped by an officer") == 5
    assert post.tally(mailing) == {"email": {"cancelled": 5}}
    assert not post.waiting(mailing)
    assert set(Batch.objects.filter(mailing=mailing).values_list("state", flat=True)) == {"done"}


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["email", "sms"]), st.integers(0, 4)), max_size=14),
       st.integers(1, 5))  # fmt: skip
def test_every_person_and_channel_has_exactly_one_row_and_every_address_at_most_one_copy(people, step):
    named = {(n, c, f"a{a}@mail.example" if c == "email" else f"+4477009001{a:02}") for n, c, a in people}
    mailing, audience = a_mailing(), an_audience(named)
    after, finished = 0, False
    while not finished:
        done = post.fill(mailing, audience, after=after, step=step)
        after, finished = done.after, done.finished
    rows = list(Delivery.objects.filter(mailing=mailing).values_list("recipient_key", "channel", "address", "state"))
    assert sorted((n, c) for n, c, _, _ in rows) == sorted({(n, c) for n, c, _ in named})
    queued = [(c, a) for _, c, a, s in rows if s == "queued"]
    assert len(queued) == len(set(queued))
    Delivery.objects.all().delete()


def test_withdraw_takes_back_by_person_by_stream_and_leaves_what_was_asked_for():
    mailing = filled(emails(3))
    code = post.post(
        a_content(), authority=post.Authority("code", "1"), stream="code", lane=Lane.NOW,
        to=post.Address(1, "email", "person1@mail.example"),
    )  # fmt: skip
    assert post.withdraw(recipient_key=1, stream="2.event") == 0
    assert post.withdraw(recipient_key=1, channel="sms") == 0
    assert post.withdraw(recipient_key=1) == 1
    assert post.withdraw(address_key=keys.address_key("email", "PERSON2@mail.example")) == 1
    code.refresh_from_db()
    assert code.state == State.QUEUED
    assert post.tally(mailing) == {"email": {"suppressed": 2, "queued": 1}}
    with pytest.raises(ValueError, match="whose"):
        post.withdraw()


def test_several_streams_are_taken_back_or_lifted_at_once_and_no_other():
    mailings = {name: filled(emails(1), stream=name) for name in ("1.crime", "1.scam", "1.event")}
    assert post.withdraw(recipient_key=1, channel="email", stream=set()) == 0
    assert post.withdraw(recipient_key=1, channel="email", stream={"1.crime", "1.event"}) == 2
    assert post.tally(mailings["1.scam"]) == {"email": {"queued": 1}}
    key = keys.address_key("email", "person1@mail.example")
    for name in ("", *mailings):
        post.suppress(address_key=key, channel="email", stream=name, reason="no")
    assert post.lift(address_key=key, channel="email", stream={"1.crime", "1.scam"})
    left = Suppression.objects.filter(address_key=key).values_list("stream", flat=True)
    assert sorted(left) == ["", "1.event"]
    assert not post.lift(address_key=key, channel="email", stream=set())


def a_post(stream: str, address: str = "a@mail.example", **changes):
    kind = stream if stream in post.ASKED_FOR else "approval"
    return post.post(
        a_content(**changes.pop("content", {})), authority=changes.pop("authority", post.Authority(kind, "9")),
        stream=stream, lane=Lane.NOW, to=post.Address(5, "email", address),
    )  # fmt: skip


def test_a_no_to_everything_leaves_codes_and_answers_but_a_dead_address_gets_nothing():
    key = keys.address_key("email", "a@mail.example")
    assert post.suppress(address_key=key, channel="email", reason="left")
    assert not post.suppress(address_key=key, channel="email", reason="left")
    assert a_post("1.crime").state == State.SUPPRESSED
    waiting = [a_post(stream) for stream in post.ASKED_FOR]
    assert {d.state for d in waiting} == {State.QUEUED}
    assert post.suppress(address_key=key, channel="email", reason=blocking.HARD_BOUNCE)
    assert a_post("code").state == State.SUPPRESSED
    for delivery in waiting:
        delivery.refresh_from_db()
        assert (delivery.state, delivery.reason) == (State.SUPPRESSED, blocking.HARD_BOUNCE)
    assert post.suppressed(address_key=key, channel="email", stream="code") == blocking.HARD_BOUNCE
    assert post.lift(address_key=key, channel="email")
    assert not post.lift(address_key=key, channel="email")
    assert a_post("1.crime").state == State.QUEUED


def test_suppressing_takes_back_what_waits():
    mailing = filled(emails(2))
    post.suppress(address_key=keys.address_key("email", "person1@mail.example"), channel="email", reason="left")
    assert post.tally(mailing) == {"email": {"suppressed": 1, "queued": 1}}
    assert Suppression.objects.count() == 1


def test_one_automatic_answer_an_address_a_day():
    machine = {"authority": post.Authority("receipt", "help"), "content": {"auto_submitted": True}}
    assert a_post("receipt", **{k: dict(v) if isinstance(v, dict) else v for k, v in machine.items()}).state == "queued"
    again = a_post("receipt", authority=post.Authority("receipt", "help"), content={"auto_submitted": True})
    assert (again.state, again.reason) == (State.SUPPRESSED, blocking.ONE_A_DAY)
    assert a_post("receipt", authority=post.Authority("receipt", "person")).state == "queued"  # not a machine's
    other = a_post(
        "receipt", "b@mail.example", authority=post.Authority("receipt", "x"), content={"auto_submitted": True}
    )
    assert other.state == "queued"


def test_the_unsubscribe_token_outlives_its_row_and_cannot_be_made_up():
    token = unsubscribe.token(2**62 + 5, "12.prevention")
    assert len(token) == 64
    assert unsubscribe.read(token) == unsubscribe.read(token.upper()) == (2**62 + 5, "12.prevention")
    for wrong in ("", token[:-1], token[:-1] + ("a" if token[-1] != "a" else "b"), "é" * 64, token + "a"):
        assert unsubscribe.read(wrong) is None
    with pytest.raises(ValueError, match="16 bytes"):
        unsubscribe.token(1, "x" * 17)


def test_the_approval_is_kept_with_the_hash_of_the_text():
    mailing = a_mailing(authority=APPROVED)
    assert (mailing.authority_kind, mailing.authority_key) == ("approval", "1:abc")
    assert mailing.content_hash == a_content().digest()
