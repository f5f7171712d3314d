"""Texts through a real HTTP gateway: every answer it may give, its receipts in any order, STOP and what is not STOP."""

import hashlib
import hmac
import itertools
import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bell.delivery import inbound, outbox, post, receipts, sms
from bell.delivery.models import Batch, Delivery, Inbound, Limit, State, Suppression
from bell.delivery.results import Outcome, Result
from bell.delivery.sms.render import reference
from bell.delivery.sms.simulator import Simulator
from bell.delivery.sms.words import is_stop
from bell.lib import clock, keys
from tests.delivery.conftest import emails, filled
from tests.delivery.servers import DROP, Gateway, closed_port

pytestmark = pytest.mark.django_db
PHONES = [(n, "sms", f"+4477009001{n:02}") for n in range(1, 6)]


@pytest.fixture
def gateway(settings):
    settings.SMS_GATEWAY_SECRET = "the shared secret"
    with Gateway() as running:
        settings.SMS_GATEWAY_URL = running.url
        yield running


def drain():
    while outbox.run_once("w1"):
        pass


def test_texts_go_out_with_our_number_our_reference_and_the_answer_link(gateway, settings):
    mailing = filled(PHONES)
    drain()
    assert post.tally(mailing) == {"sms": {"sent": 5}}
    row = Delivery.objects.get(address="+447700900103")
    sent = next(r for r in gateway.spool if r["to"] == row.address)
    assert sent["from"] == settings.SMS_NUMBER and sent["reference"] == reference(row.pk)
    assert "/r/" in sent["text"] and "slot0" not in sent["text"]
    assert row.provider_ref.startswith("g")
    assert set(gateway.authorizations) == {"Bearer the shared secret"}


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        ((400, {"error": "bad"}, {}), "failed", "refused: 400 bad"),
        ((422, b"<html>", {}), "failed", "refused: 422"),
        ((401, {"error": "key"}, {}), "deferred", "our side: 401 key"),
        ((200, {"error": "blocked-number"}, {}), "failed", "refused: 200 blocked-number"),
        ((200, {"error": "queue-full"}, {}), "deferred", "refused: 200 queue-full"),
        ((202, b"ok?", {}), "uncertain", "202 accepted without an id"),
        ((500, {}, {}), "deferred", "refused: 500"),
        ((504, {}, {}), "uncertain", "504"),
        ((503, {}, {"Retry-After": "40"}), "deferred", "refused: 503"),
        (DROP, "uncertain", None),
        ((302, {}, {"Location": "http://192.0.2.1/"}), "deferred", "our side: 302 neither yes nor no"),
    ],
)
def test_each_answer_of_a_gateway(gateway, said, state, reason):
    filled(PHONES[:1])
    gateway.says = lambda request: said
    drain()
    row = Delivery.objects.get()
    assert row.state == state
    assert reason is None or row.reason == reason
    assert not Suppression.objects.exists()
    if state == "uncertain":  # looked up by our reference before anything is sent again: one copy in any case
        gateway.says = lambda request: None
        Batch.objects.filter(state="ready").update(due_at=clock.now())
        drain()
        row.refresh_from_db()
        found = "the first was accepted" if said == DROP else "the first never arrived, sent anew"
        assert (row.state, row.reason) == ("sent", f"was uncertain; looked up: {found}")
        assert len(gateway.spool) == 1 and not post.waiting(row.mailing)


def test_429_leaves_the_gateway_alone_for_as_long_as_it_asked(gateway, settings):
    settings.SMS_CONNECTIONS = 1
    mailing = filled(PHONES)
    seen = []

    def says(request):
        seen.append(request)
        return (429, {"error": "slow down"}, {"Retry-After": "100"}) if len(seen) == 2 else None

    gateway.says = says
    drain()
    assert len(seen) == 2
    assert post.tally(mailing) == {"sms": {"sent": 1, "deferred": 1, "queued": 3}}
    assert 90 < (Limit.objects.get(name="sms").next_free_at - clock.now()).total_seconds() <= 100
    assert 80 < (Delivery.objects.get(state="deferred").due_at - clock.now()).total_seconds() < 120
    filled(emails(1))
    assert outbox.lease("w2").channel == "email"  # only this channel waits


def test_a_gateway_that_is_away_costs_no_attempt(settings, gateway):
    settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{closed_port()}"
    mailing = filled(PHONES)
    drain()
    assert post.tally(mailing) == {"sms": {"queued": 5}}
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}
    settings.SMS_GATEWAY_URL = gateway.url
    Limit.objects.all().delete()
    drain()
    assert post.tally(mailing) == {"sms": {"sent": 5}}


def test_a_gateway_elsewhere_is_refused_while_people_are_invented(settings):
    settings.SMS_GATEWAY_URL = "https://gateway.example"
    filled(PHONES[:1])
    drain()
    assert Delivery.objects.get().reason == outbox.INVENTED_ONLY_HERE


def test_an_unknown_vendor_is_named(settings):
    settings.SMS_GATEWAYS = ["simulator", "pigeon"]
    with pytest.raises(Exception, match="pigeon"):
        sms.chosen()
    assert sms.named("pigeon") is None


def test_the_simulator_has_no_door_where_it_is_not_used(settings):
    assert sms.named("simulator") is not None and sms.named("twilio") is None  # whose settings are missing here
    settings.SMS_GATEWAYS = ["kannel"]
    assert sms.named("simulator") is None


def a_call(raw, headers):
    return sms.Call("receipt", "https://alert.example/gateways/simulator/receipt/", "", headers, raw)


def test_a_callback_counts_only_with_its_signature(gateway):
    vendor = sms.named("simulator")
    raw = b'{"reference": "x", "status": "delivered"}'
    good = hmac.new(b"the shared secret", raw, hashlib.sha256).hexdigest()
    assert vendor.verify(a_call(raw, {"X-Signature": good})) and vendor.verify(
        a_call(raw, {"x-signature": good.upper()})
    )
    for headers in ({}, {"X-Signature": ""}, {"X-Signature": good[:-1]}, {"X-Signature": "é"}):
        assert not vendor.verify(a_call(raw, headers))
    assert not vendor.verify(a_call(raw + b" ", {"X-Signature": good}))


def test_without_a_secret_nothing_is_genuine(settings):
    settings.SMS_GATEWAY_SECRET = ""
    signed = {"X-Signature": hmac.new(b"", b"x", hashlib.sha256).hexdigest()}
    assert not Simulator().verify(a_call(b"x", signed)) and sms.named("simulator") is None


def a_receipt(delivery_id, status, **more):
    raw = json.dumps({"id": "g1", "reference": reference(delivery_id), "status": status, **more}).encode()
    return inbound.store("simulator", "", "receipt", raw)


def test_receipts_move_their_row_once_and_forged_ones_nothing(gateway):
    filled(PHONES[:2])
    drain()
    first, second = Delivery.objects.order_by("id")
    for _ in range(2):
        _, created = a_receipt(first.pk, "delivered")
    assert not created
    a_receipt(second.pk, "failed", reason="absent subscriber +447700900102")
    inbound.store("simulator", "", "receipt", json.dumps({"reference": "a" * 24, "status": "delivered"}).encode())
    for nonsense in (b"", b"[", b"[" * 100_000, b'"x"', b"{}", b'{"reference": 5, "status": "sent"}', b"\xff"):
        inbound.store("simulator", "", "receipt", nonsense)
    inbound.store("pigeon", "", "receipt", b"{}")
    assert inbound.settle() == 11
    assert list(Delivery.objects.order_by("id").values_list("state", "reason")) == [
        ("delivered", ""), ("failed", "absent subscriber (address)"),
    ]  # fmt: skip
    assert Inbound.objects.filter(state="unreadable").count() == 8
    assert not Inbound.objects.filter(state="new").exists()


def test_a_receipt_that_comes_before_its_row_is_settled_is_kept():
    filled(PHONES[:1])
    lease = outbox.lease("w1")
    (row,) = outbox._persist(lease, {}, [], 10)
    receipts.apply(row.id, State.DELIVERED)  # the gateway is quicker than our commit
    outbox._persist(lease, {row.id: Result(Outcome.ACCEPTED, "202", reference="g1")}, [row], 10)
    kept = Delivery.objects.get()
    assert (kept.state, kept.provider_ref) == ("delivered", "g1")


@hypothesis_settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.lists(st.sampled_from(receipts.REPORTS), min_size=1, max_size=3), st.sampled_from(["sent", "uncertain"]))
def test_any_order_and_repetition_of_reports_ends_the_same(reports, start):
    filled(PHONES[:1])
    ends = set()
    for order in itertools.permutations([*reports, reports[0]]):
        Delivery.objects.update(state=start)
        for state in order:
            receipts.apply(Delivery.objects.get().pk, state)
        ends.add(Delivery.objects.get().state)
    assert len(ends) == 1
    Delivery.objects.all().delete()


def test_only_reports_can_be_reported():
    with pytest.raises(ValueError, match="no report"):
        receipts.apply(1, State.CANCELLED)
    assert not receipts.apply(123456, State.DELIVERED)


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        " Stop. ",
        "STOP!",
        "\nSTOPALL\n",
        "stop all",
        "Unsubscribe",
        "cancel",
        "END",
        "quit",
        "'STOP'",
        "“Stop”",
    ],
)
def test_stop_as_the_whole_message(text):
    assert is_stop(text)


@pytest.mark.parametrize(
    "text",
    [
        "stop the car",
        "STOP it now",
        "please stop",
        "",
        ".",
        "don't stop",
        "st op",
        "end of",
        "I saw him at the bus stop",
        "STOP" * 20,
        "STOP\nred Ford Focus",
    ],
)
def test_what_is_for_an_officer_is_not_stop(text):
    assert not is_stop(text)


def a_text(words, sender="+447700900101", number="1"):
    raw = json.dumps({"id": number, "from": sender, "to": "+447700900100", "text": words}).encode()
    return inbound.store("simulator", "", "sms", raw)[0]


def test_stop_ends_texts_confirms_once_and_leaves_email_and_codes(gateway):
    mailing = filled([*PHONES[:2], (1, "email", "a@mail.example")])
    a_text("Stop.")
    inbound.settle()
    assert post.tally(mailing) == {"sms": {"suppressed": 1, "queued": 1}, "email": {"queued": 1}}
    assert Suppression.objects.get().address_key == keys.address_key("sms", "+447700900101")
    confirmation = Delivery.objects.get(mailing__stream="receipt")
    assert (confirmation.state, confirmation.recipient_key, confirmation.batch.lane) == ("queued", 1, 0)
    assert "mails" in confirmation.mailing.content["sms"] and len(confirmation.mailing.content["sms"]) <= 160
    a_text("STOP", number="2")
    a_text("stop", number="3")
    inbound.settle()
    assert Delivery.objects.filter(mailing__stream="receipt").count() == 1
    assert set(Inbound.objects.values_list("state", "what")) == {("done", "stop")}
    code = filled([(1, "sms", "+447700900101")], stream="code", authority=post.Authority("code", "1"))
    assert post.tally(code) == {"sms": {"queued": 1}}
    drain()
    assert [r["to"] for r in gateway.spool if r["text"].startswith("You will get no more")] == ["+447700900101"]


def test_after_start_a_new_stop_is_confirmed_again():
    a_text("STOP")
    inbound.settle()
    post.lift(address_key=keys.address_key("sms", "+447700900101"), channel="sms")
    a_text("STOP", number="2")
    inbound.settle()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"queued"} and Delivery.objects.count() == 2


def test_a_persons_words_wait_for_the_rooms_above_once():
    one = a_text("stop the car, red Ford")
    a_text("stop the car, red Ford")  # delivered again by the gateway
    inbound.settle()
    (waiting,) = inbound.waiting()
    assert waiting.pk == one.pk
    text = inbound.read_text(waiting)
    assert (text.sender, text.to, text.text) == ("+447700900101", "+447700900100", "stop the car, red Ford")
    inbound.finish(waiting, outcome="threaded")
    assert inbound.waiting() == []


def test_the_same_id_with_other_words_is_another_message():
    a_text("yes", number="7")
    a_text("no", number="7")
    assert inbound.settle() == 2 and len(inbound.waiting()) == 2


@pytest.mark.parametrize("sender", ["InfoSMS", "60777", "+15550100", "", "x" * 500, "\0"])
def test_a_sender_that_is_no_mobile_is_still_heard_and_never_answered(sender):
    a_text("STOP" if sender != "" else "hello", sender=sender)
    inbound.settle()
    assert not Suppression.objects.exists() and not Delivery.objects.exists()
    if sender:
        assert len(inbound.read_text(inbound.waiting()[0]).sender) <= 64
