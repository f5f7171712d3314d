"""Texts through two vendors: when the second is used and when never; pauses, alarms, pace; caps that hold back."""

import threading
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import OperationalError

from bell.delivery import limits, outbox, post, sms
from bell.delivery.models import Alarm, Delivery, Lane, Limit, Spend
from bell.delivery.results import Outcome, Watch
from bell.delivery.sms import caps, sending, ways
from bell.delivery.sms.render import reference
from bell.lib import clock
from tests.delivery.conftest import a_content, filled
from tests.delivery.servers import DROP, Web, closed_port

pytestmark = pytest.mark.django_db
PHONES = [(n, "sms", f"+4477009001{n:02}") for n in range(1, 8)]
ALWAYS = Watch(lambda: True, lambda: None)


@pytest.fixture
def two(settings):
    """The simulator is preferred, Twilio second; each takes everything."""
    settings.SMS_GATEWAY_SECRET, settings.TWILIO_ACCOUNT, settings.TWILIO_AUTH_TOKEN = "s", "AC", "t"
    settings.SMS_GATEWAYS = ["simulator", "twilio"]
    with Web(lambda asked: (202, {"id": "s-1"}, {})) as first, Web(lambda asked: (201, {"sid": "SM1"}, {})) as second:
        settings.SMS_GATEWAY_URL, settings.TWILIO_URL = first.url, second.url
        yield first, second


def texts(count=7, words="Lock it", **changes):
    return [
        (n, sms.Text(reference(n), "+447700900100", f"+4477009001{n:02}", words, **changes))
        for n in range(1, count + 1)
    ]


def send(messages=None, lane=Lane.ROUTINE, watch=ALWAYS):
    return sms.chosen(lane).send(texts() if messages is None else messages, watch)


def providers(done):
    return {result.provider for result in done.results.values()}


def to(web):
    return sorted(asked.json["to"] if asked.headers["Content-Type"] == "application/json" else asked.form["To"]
                  for asked in web.asked)  # fmt: skip


def test_the_first_has_everything_while_it_can(two):
    first, second = two
    done = send()
    assert len(done.results) == 7 and providers(done) == {"simulator"} and done.pause is None
    assert len(first.asked) == 7 and not second.asked
    assert not Limit.objects.exclude(open_since=None).exists() and not Alarm.objects.exists()


def away(first, settings):
    settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{closed_port()}"


def refusing(status, headers=None):
    def refuse(first, settings):
        first.says = lambda asked: (status, {"error": "no"}, headers or {})

    return refuse


@pytest.mark.parametrize(
    ("trouble", "alarms"),
    [(away, 1), (refusing(503), 0), (refusing(429, {"Retry-After": "20"}), 0), (refusing(401), 1), (refusing(402), 1)],
)
def test_the_second_takes_over_what_the_first_surely_did_not_take(two, settings, trouble, alarms):
    first, second = two
    trouble(first, settings)
    done = send()
    assert {result.outcome for result in done.results.values()} == {Outcome.ACCEPTED} and done.pause is None
    assert providers(done) == {"twilio"} and to(second) == [number for _, _, number in PHONES]
    assert Alarm.objects.filter(name="sms:simulator", ended_at=None).count() == alarms
    before = len(first.asked)
    assert providers(send()) == {"twilio"} and len(first.asked) == before  # every worker leaves it alone
    assert ways.read(["simulator"])["simulator"].left > 1


@pytest.mark.parametrize("said", [DROP, (504, b"", {}), (202, b"?", {})])
def test_never_after_silence(two, said):
    first, second = two
    first.says = lambda asked: said
    done = send(texts(2))
    assert {(r.outcome, r.provider) for r in done.results.values()} == {(Outcome.UNCERTAIN, "simulator")}
    assert len(first.asked) == 2 and not second.asked


@pytest.mark.parametrize("said", [(400, {"error": "bad"}, {}), (500, b"", {})])
def test_never_for_a_refusal_of_the_text_itself(two, said):
    first, second = two
    first.says = lambda asked: said
    assert providers(send(texts(2))) == {"simulator"} and not second.asked


def test_a_vendor_that_keeps_silent_is_left_alone_after_a_few(two, settings):
    first, second = two
    settings.SMS_CONNECTIONS = 1
    first.says = lambda asked: DROP
    done = send()
    assert [result.outcome for result in done.results.values()].count(Outcome.UNCERTAIN) == 5 == len(first.asked)
    assert to(second) == ["+447700900106", "+447700900107"]
    assert Alarm.objects.get().name == "sms:simulator"


def test_one_text_finds_out_whether_it_works_again(two, settings):
    first, second = two
    refusing(401)(first, settings)
    send()
    first.asked.clear()
    second.asked.clear()
    Limit.objects.update(open_until=clock.now())
    assert providers(send()) == {"twilio"}
    assert len(first.asked) == 1 and len(second.asked) == 7
    row = Limit.objects.get(name="sms:simulator")
    assert row.failures == 2 and (row.open_until - clock.now()).total_seconds() > 100  # longer each time
    assert Alarm.objects.get().times == 2
    Limit.objects.update(open_until=clock.now())
    first.says = lambda asked: (202, {"id": "s-1"}, {})
    assert providers(send()) == {"simulator"}
    assert ways.read(["simulator"]) == {}
    assert Alarm.objects.get().ended_at is not None


def test_a_vendor_that_a_person_closed_stays_closed(two):
    first, _ = two
    Limit.objects.create(name="sms:simulator", next_free_at=clock.now(), open_since=clock.now(), why="by hand")
    assert providers(send()) == {"twilio"} and not first.asked


def test_with_no_vendor_left_everything_keeps_its_place_and_the_channel_waits(two, settings):
    away(two[0], settings)
    settings.TWILIO_URL = f"http://127.0.0.1:{closed_port()}"
    mailing = filled(PHONES)
    while outbox.run_once("w1"):
        pass
    assert post.tally(mailing) == {"sms": {"queued": 7}}
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}
    done = send()
    assert done.results == {} and done.pause >= 1 and done.why
    assert Alarm.objects.filter(ended_at=None).count() == 2


def test_the_refusal_is_the_result_when_nobody_takes_it(two, settings):
    refusing(503, {"Retry-After": "40"})(two[0], settings)
    two[1].says = lambda asked: (429, {"code": 20429}, {"Retry-After": "60"})
    done = send(texts(1))
    assert done.results[1].outcome is Outcome.TEMPORARY and done.results[1].wait == 60
    assert 38 < done.pause <= 40


def test_a_lost_text_may_go_through_the_other_vendor(two, settings):
    first, second = two
    first.says = lambda asked: (200, {"messages": []}, {}) if asked.method == "GET" else (503, {}, {})
    done = send(texts(1, maybe=True, provider="simulator"))
    assert (done.results[1].outcome, done.results[1].first) == (Outcome.ACCEPTED, "lost")
    assert providers(done) == {"twilio"} and len(second.asked) == 1


def test_nothing_starts_once_the_watch_says_no(two):
    started = []

    def may_start():
        started.append(1)
        return len(started) <= 3

    done = send(watch=Watch(may_start, lambda: None))
    assert len(done.results) == 3 == len(two[0].asked)


def test_the_lease_is_looked_at_while_a_vendor_is_slow(two):
    first, _ = two
    enough = threading.Event()
    beats = []

    def beat():
        beats.append(threading.get_ident())
        if len(beats) > 2:
            enough.set()

    def says(asked):
        enough.wait(10)
        return (202, {"id": "s-1"}, {})

    first.says = says
    done = send(texts(1), watch=Watch(lambda: True, beat))
    assert done.results[1].outcome is Outcome.ACCEPTED and set(beats) == {threading.get_ident()}


def test_many_are_under_way_at_once(two, settings):
    settings.SMS_CONNECTIONS = 5
    together = threading.Barrier(5, timeout=10)

    def says(asked):
        together.wait()
        return (202, {"id": "s-1"}, {})

    two[0].says = says
    assert len(send(texts(5)).results) == 5


def test_a_fault_of_ours_costs_one_result_and_not_the_others(two, monkeypatch):
    judge = sms.Simulator.judge
    seen = []

    def failing(self, reply):
        seen.append(reply)
        if len(seen) == 2:
            raise KeyError("unforeseen")
        return judge(self, reply)

    monkeypatch.setattr(sms.Simulator, "judge", failing)
    outcomes = [result.outcome for result in send().results.values()]
    assert outcomes.count(Outcome.ACCEPTED) == 6 and outcomes.count(Outcome.UNCERTAIN) == 1


def test_results_outlive_trouble_with_the_database(two, settings, monkeypatch):
    refusing(401)(two[0], settings)

    def locked(*args, **kwargs):
        raise OperationalError("locked")

    monkeypatch.setattr(limits, "trip", locked)
    monkeypatch.setattr(caps, "refund", locked)
    assert providers(send()) == {"twilio"}


def test_slots_are_shared_and_unused_ones_are_given_back(two, settings):
    one = ways.reserve("simulator", 10, 20.0)
    other = ways.reserve("simulator", 5, 20.0)
    every = one + other
    assert all(later - sooner == pytest.approx(0.05, abs=0.02) for sooner, later in pairwise(every))
    ways.give_back("simulator", 5, 20.0)
    assert ways.reserve("simulator", 1, 20.0)[0] == pytest.approx(other[0], abs=0.02)


def test_the_permitted_pace_is_kept_over_slices(two, settings):
    settings.SMS_PER_SECOND = 50.0
    start = Limit.objects.create(name="rate:sms:simulator", next_free_at=clock.now()).next_free_at
    for _ in range(3):
        assert len(send().results) == 7
    reserved = Limit.objects.get(name="rate:sms:simulator").next_free_at - start
    assert reserved >= timedelta(seconds=21 / 50) - timedelta(seconds=0.2)
    assert clock.now() >= start + timedelta(seconds=20 / 50) - timedelta(seconds=0.2)


def test_a_slice_that_ends_gives_its_slots_back(two, settings):
    settings.SMS_PER_SECOND = 2.0
    settings.SMS_CONNECTIONS = 3
    started = []

    def may_start():
        started.append(1)
        return len(started) <= 3

    now = clock.now()
    done = send(watch=Watch(may_start, lambda: None))
    free = Limit.objects.get(name="rate:sms:simulator").next_free_at
    assert (free - now).total_seconds() == pytest.approx(len(done.results) / 2.0, abs=0.3)


def test_no_slots_means_not_begun(two, settings, monkeypatch):
    settings.SMS_PER_SECOND, settings.SMS_GATEWAYS = 50.0, ["simulator"]

    def locked(*args, **kwargs):
        raise OperationalError("locked")

    monkeypatch.setattr(ways, "reserve", locked)
    done = send()
    assert done.results == {} and not two[0].asked and done.pause == 1.0


def at(hour, day=10, month=11):
    return datetime(2026, month, day, hour, 0, tzinfo=clock.LONDON)


def test_a_number_gets_so_many_a_day_and_the_rest_waits(two, settings, monkeypatch):
    settings.SMS_NUMBER_CAP = 2
    for n in range(3):
        mailing = filled(PHONES[:1] if n < 2 else PHONES[:2], a_content(sms=f"Alert {n}"))
        while outbox.run_once("w1"):
            pass
    held = Delivery.objects.get(mailing=mailing, address="+447700900101")
    assert (held.state, held.attempts) == ("deferred", 0)
    assert held.due_at > clock.now() and post.tally(mailing) == {"sms": {"deferred": 1, "sent": 1}}
    assert Alarm.objects.get().name == "sms:number-cap"
    assert send(texts(1), lane=Lane.NOW).results[1].outcome is Outcome.ACCEPTED  # a code is not an alert
    assert send(texts(1, maybe=True, provider="x")).results[1].text.startswith("the gateway cannot")
    settings.SMS_NUMBER_CAP = 0
    assert send(texts(1)).results[1].outcome is Outcome.ACCEPTED


def test_a_days_money_has_a_reserve_for_what_cannot_wait(two, settings, monkeypatch):
    settings.SMS_PENCE_PER_SEGMENT, settings.SMS_SPEND_DAY_PENCE = 1.0, 20
    monkeypatch.setattr(clock, "now", lambda: at(23))
    sent = {}
    for lane in (Lane.ROUTINE, Lane.URGENT, Lane.NOW):
        messages = [(n, text) for n in range(20) for _, text in texts(1)]
        done = send(messages, lane=lane)
        sent[lane] = [result.outcome for result in done.results.values()].count(Outcome.ACCEPTED)
        held = [result for result in done.results.values() if result.outcome is Outcome.HELD]
        assert len(held) == 20 - sent[lane]
        assert all(result.wait == 3600 and result.text == "the day's money for texts is spent" for result in held)
    assert list(sent.values()) == [16, 3, 1] and Spend.objects.get().millipence == 20_000
    assert Alarm.objects.get().name == "sms:spend-day" and Alarm.objects.get().ended_at is None
    monkeypatch.setattr(clock, "now", lambda: at(0, day=11))
    assert len(send().results) == 7 and Alarm.objects.get().ended_at is not None


def test_a_months_money_counts_its_days(two, settings, monkeypatch):
    settings.SMS_PENCE_PER_SEGMENT, settings.SMS_SPEND_MONTH_PENCE = 1.0, 10
    for day in (1, 29):
        monkeypatch.setattr(clock, "now", lambda day=day: at(12, day=day))
        done = send(texts(5))
    outcomes = [result.outcome for result in done.results.values()]
    assert outcomes.count(Outcome.ACCEPTED) == 3
    (wait,) = {result.wait for result in done.results.values() if result.wait}
    assert wait == 3600 and Alarm.objects.get().name == "sms:spend-month"
    monkeypatch.setattr(clock, "now", lambda: at(12, day=1, month=12))
    assert {result.outcome for result in send(texts(5)).results.values()} == {Outcome.ACCEPTED}


def test_only_what_a_vendor_took_or_may_have_taken_is_booked(two, settings):
    first, _ = two
    settings.SMS_GATEWAYS = ["simulator"]
    settings.SMS_SPEND_DAY_PENCE = 10_000
    words = "x" * 161
    answers = iter([(202, {"id": "1"}, {}), DROP, (400, {}, {}), (500, {}, {}), (200, {"messages": [{}]}, {})])
    settings.SMS_CONNECTIONS = 1
    first.says = lambda asked: next(answers)
    done = send([*texts(4, words), (5, texts(1, words, maybe=True, provider="simulator")[0][1])])
    assert [done.results[n].outcome.value for n in range(1, 6)] == [
        "accepted", "uncertain", "permanent", "temporary", "accepted",
    ]  # fmt: skip
    assert Spend.objects.get().segments == 4


def test_practice_costs_nothing_and_has_a_breaker_of_its_own(two, settings):
    settings.SMS_SPEND_DAY_PENCE = 10_000
    done = sms.catcher(two[0].url).send(texts(2), ALWAYS)
    assert providers(done) == {sms.PRACTICE} and not Spend.objects.exists()
    sms.catcher(f"http://127.0.0.1:{closed_port()}").send(texts(1), ALWAYS)
    assert Limit.objects.get().name == "sms:practice"


def test_where_texts_may_end_up_is_the_first_that_is_elsewhere(two, settings):
    assert sms.chosen().url == two[0].url
    settings.TWILIO_URL = "https://api.twilio.com"
    assert sms.chosen().url == "https://api.twilio.com"
    filled(PHONES[:1])
    outbox.run_once("w1")
    assert Delivery.objects.get().reason == outbox.INVENTED_ONLY_HERE and not two[0].asked


def test_kept_connections_are_closed_with_the_thread(two):
    send()
    sms.close()
    assert sending._kept.loop is None
    assert len(send().results) == 7
