"""The loop itself: who waits for whom, what a failure slows, and how it ends."""

import threading
import time

import pytest

from bell.delivery import outbox
from bell.worker import loop
from bell.worker.timetable import TIMETABLE, Entry

pytestmark = pytest.mark.django_db(transaction=True)


def run_for(seconds: float, timetable: list[Entry], **options) -> None:
    told = threading.Event()
    thread = threading.Thread(target=loop.run, args=(told,), kwargs={"timetable": timetable, **options})
    thread.start()
    time.sleep(seconds)
    told.set()
    thread.join(30)
    assert not thread.is_alive()


def counting(times: list[float], *, fails: bool = False):
    def work() -> int:
        times.append(time.monotonic())
        if fails:
            raise RuntimeError("broken")
        return 0

    return work


def test_each_entry_has_its_own_pace() -> None:
    quick, slow = [], []
    run_for(1.0, [Entry("quick", 0.1, counting(quick)), Entry("slow", 0.4, counting(slow))], senders=0)
    # Bounds that hold on a busy machine too: never more often than said, and the quick one more often than the slow.
    assert len(slow) <= 3 < len(quick) <= 11


def test_a_failing_entry_is_logged_slows_down_and_stops_no_other(caplog) -> None:
    broken, sound = [], []
    run_for(1.5, [Entry("broken", 0.1, counting(broken, fails=True)), Entry("sound", 0.1, counting(sound))], senders=0)
    assert 2 <= len(broken) <= 4 < len(sound)  # after 0, 0.2, 0.6, 1.4 seconds
    assert "broken failed, 1 in a row" in caplog.text


def test_a_failure_that_passes_is_forgotten() -> None:
    answers = [RuntimeError("broken"), 5]

    def work() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    turn = loop.Turn(Entry("mending", 0.1, work))
    assert turn.take() is None and turn.failures == 1
    assert turn.take() == 5 and turn.failures == 0


@pytest.mark.parametrize(
    ("every", "failures", "seconds"), [(0.5, 1, 1), (0.5, 3, 4), (2, 1, 4), (1, 50, 10), (1, 10**6, 10)]
)
def test_backoff_doubles_up_to_its_end(every, failures, seconds) -> None:
    assert loop.backoff(every, failures) == seconds


def test_a_long_batch_keeps_nothing_else_waiting(monkeypatch) -> None:
    sending = threading.Event()

    def long_batch(owner, *, keep_going) -> int:
        sending.set()
        end = time.monotonic() + 5
        while keep_going() and time.monotonic() < end:
            time.sleep(0.02)
        return 1

    monkeypatch.setattr(outbox, "run_once", long_batch)
    times: list[float] = []
    run_for(1.0, [Entry("dispatch", 0.1, counting(times))])
    assert sending.is_set() and len(times) >= 7


def test_a_sender_that_fails_goes_on_later(monkeypatch) -> None:
    calls = []

    def failing(owner, *, keep_going) -> int:
        calls.append(owner)
        raise RuntimeError("broken")

    monkeypatch.setattr(outbox, "run_once", failing)
    run_for(1.2, [Entry("idle", 0.1, lambda: 0)])
    assert 2 <= len(calls) <= 4


def test_a_busy_outbox_is_emptied_without_a_pause(monkeypatch) -> None:
    calls = []

    def busy(owner, *, keep_going) -> int:
        calls.append(owner)
        return 1 if len(calls) < 50 else 0

    monkeypatch.setattr(outbox, "run_once", busy)
    run_for(0.6, [Entry("idle", 0.1, lambda: 0)])
    assert 50 <= len(calls) <= 54


def test_a_message_that_does_not_end_is_left_behind(monkeypatch, caplog) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(loop, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(outbox, "run_once", lambda owner, *, keep_going: int(let_go.wait(20)))
    started = time.monotonic()
    run_for(0.2, [Entry("idle", 0.1, lambda: 0)])
    assert time.monotonic() - started < 3
    assert "left to the next worker" in caplog.text
    let_go.set()


def test_the_timetable_names_each_piece_of_work_once() -> None:
    names = [entry.name for entry in TIMETABLE]
    assert len(set(names)) == len(names)
    assert {"dispatch", "receive", "sweep", "seal", "retention", "review"} <= set(names)
    quick = {entry.name: entry.every for entry in TIMETABLE}
    assert all(quick[name] <= 5 for name in ("dispatch", "receive", "sweep", "seal"))
    assert all(0 < entry.every <= 3600 for entry in TIMETABLE)
    assert len(loop.owner(3)) <= 64
