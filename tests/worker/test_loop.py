"""The loop itself: who waits for whom, what a failure slows, and how it ends."""

import threading
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from bell.delivery import outbox
from bell.delivery.wake import DEAF_SECONDS
from bell.worker import loop
from bell.worker.timetable import TIMETABLE, Entry

pytestmark = pytest.mark.django_db(transaction=True)


def run_until(happened: Callable[[], bool], timetable: list[Entry], **options) -> float:
    """The loop runs until something happened, however long a busy machine takes for it; for how many seconds it ran."""
    told = threading.Event()
    thread = threading.Thread(target=loop.run, args=(told,), kwargs={"timetable": timetable, **options})
    started = time.monotonic()
    thread.start()
    while not happened() and time.monotonic() < started + 30:
        time.sleep(0.01)
    ran = time.monotonic() - started
    came = happened()
    told.set()
    thread.join(30)
    assert not thread.is_alive()
    assert came, "it did not happen"
    return ran


def waits_of(times: list[float]) -> list[float]:
    """Seconds from each time to the next."""
    return [after - before for before, after in pairwise(times)]


def counting(times: list[float], *, fails: bool = False):
    def work() -> int:
        times.append(time.monotonic())
        if fails:
            raise RuntimeError("broken")
        return 0

    return work


def test_each_entry_has_its_own_pace() -> None:
    quick, slow = [], []
    entries = [Entry("quick", 0.1, counting(quick)), Entry("slow", 0.4, counting(slow))]
    ran = run_until(lambda: len(quick) >= 9 and len(slow) >= 2, entries, senders=0)
    assert len(quick) <= ran / 0.1 + 2
    assert len(slow) <= ran / 0.4 + 2


def test_a_failing_entry_is_logged_slows_down_and_stops_no_other(caplog) -> None:
    broken, sound = [], []
    entries = [Entry("broken", 0.1, counting(broken, fails=True)), Entry("sound", 0.1, counting(sound))]
    run_until(lambda: len(broken) >= 4 and len(sound) >= 9, entries, senders=0)
    assert all(wait >= least for wait, least in zip(waits_of(broken), (0.2, 0.4, 0.8), strict=False))
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
    sending, over = threading.Event(), threading.Event()

    def long_batch(owner, *, keep_going) -> int:
        sending.set()
        while keep_going():
            time.sleep(0.02)
        over.set()
        return 1

    monkeypatch.setattr(outbox, "run_once", long_batch)
    times: list[float] = []

    def happened() -> bool:
        return sending.is_set() and len(times) >= 7 and not over.is_set()

    run_until(happened, [Entry("dispatch", 0.1, counting(times))])


def test_a_sender_that_fails_goes_on_later(monkeypatch) -> None:
    calls: list[float] = []

    def failing(owner, *, keep_going) -> int:
        calls.append(time.monotonic())
        raise RuntimeError("broken")

    monkeypatch.setattr(outbox, "run_once", failing)
    run_until(lambda: len(calls) >= 3, [Entry("idle", 0.1, lambda: 0)])
    assert all(wait >= least for wait, least in zip(waits_of(calls), (0.5, 1.0), strict=False))


def test_a_busy_outbox_is_emptied_without_a_pause(monkeypatch) -> None:
    calls: list[float] = []

    def busy(owner, *, keep_going) -> int:
        calls.append(time.monotonic())
        return 1 if len(calls) < 50 else 0

    monkeypatch.setattr(outbox, "run_once", busy)
    run_until(lambda: len(calls) >= 52, [Entry("idle", 0.1, lambda: 0)])
    waits = waits_of(calls)
    # The middle one, so that a machine that halts once says nothing of us.
    assert sorted(waits[:49])[24] < DEAF_SECONDS / 2
    # And an empty one is not asked all the time; once at once it may be, when the listener begins to hear.
    assert max(waits[49:]) >= DEAF_SECONDS * 0.9


def test_a_message_that_does_not_end_is_left_behind(monkeypatch, caplog) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(loop, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(outbox, "run_once", lambda owner, *, keep_going: int(let_go.wait(20)))
    started = time.monotonic()
    idle: list[float] = []
    run_until(lambda: bool(idle), [Entry("idle", 0.1, counting(idle))])
    assert time.monotonic() - started < 15  # of the 20 that the message takes
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
