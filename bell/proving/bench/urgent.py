"""`bell bench urgent`: an urgent alert to a thousand people falls due while a million routine messages go out.

Two workers send the routine ones, as fast as a free sink takes them or at a thousand a second (BELL_SMTP_PER_SECOND, as
one sets it for a relay that takes no more); one keeps the timetable. Seconds are counted from the moment the hold of
the urgent alert is over until its first and its last email is recorded as accepted. Beside it: the same with nothing
else in the outbox.
"""

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db.models import Max, Min

from bell.alerts import dispatch
from bell.alerts.models import Version
from bell.delivery import limits
from bell.delivery.models import Batch, Channel, Delivery, Mailing, State
from bell.lib import clock
from bell.organisations.models import Officer
from bell.proving import county
from bell.proving.bench import crowd, desk, email, measure, memory
from bell.proving.bench.measure import Row
from bell.proving.bench.serving import Broken

PEOPLE = 1_000
CAPPED = 1_000
_UNDER_WAY_SECONDS = 3.0
_LONGEST_SECONDS = 120.0


def run(*, count: int, seed: int = 1) -> list[Row]:
    """`count` routine messages before the urgent ones."""
    sink = shutil.which("smtp-sink", path=email._SBIN)
    if sink is None:
        raise Broken("This benchmark needs smtp-sink (Debian: apt-get install postfix).")
    county.draw_ground(random.Random(seed))
    force = county.found_force()
    officers = desk.officers(force)
    crowd.settle(PEOPLE, force=force, seed=seed, texts=0.0)
    routine = _routine(force, officers)
    rows = []
    with email.sinking(sink):
        for words, per_second in (("a free sink", 0), (f"{CAPPED:,} a second at most", CAPPED)):
            with _capped(per_second), email.working(email.processes(), only_send=False):
                rows += _case(words, count, lambda many: _once(routine, many, force, officers))
    return rows


def _case(words: str, count: int, once: Callable[[int], tuple[float, float, int]]) -> list[Row]:
    """First and last of it, with the routine ones and without."""
    busy: list[tuple[float, float, int]] = []
    idle: list[tuple[float, float, int]] = []
    with memory.watched() as peak:
        for turn in range(-1, measure.runs()):
            for many, found in ((count, busy), (0, idle)):
                took = once(many)
                if turn >= 0:
                    found.append(took)
    people = busy[0][2]
    return [
        measure.row(
            f"the {which}, {words}", 1 if place == 0 else people,
            [one[place] for one in busy], [one[place] for one in idle],
            comparator="the same with nothing else in the outbox", peak_mb=peak.mb,
        )
        for place, which in enumerate(("first", "last"))
    ]  # fmt: skip


def _routine(force: county.Force, officers: tuple[Officer, Officer]) -> Mailing:
    """The mailing of an approved routine alert; the dispatcher is done with it."""
    version = desk.approved(force, officers)
    dispatch.begin(version.alert)
    version.refresh_from_db()
    assert version.mailing is not None
    Version.objects.filter(pk=version.pk).update(filled_at=clock.now())
    Mailing.objects.filter(pk=version.mailing.pk).update(filled_at=clock.now())
    return version.mailing


def _once(
    routine: Mailing, many: int, force: county.Force, officers: tuple[Officer, Officer]
) -> tuple[float, float, int]:
    """(seconds to the first, seconds to the last, how many) of one urgent alert."""
    email.put_in(routine, many)
    if many:
        email.let_go(routine)
        _until(lambda: Delivery.objects.filter(mailing=routine, state=State.SENT)[:1].exists(), "nothing goes out")
        time.sleep(_UNDER_WAY_SECONDS)
    version = desk.approved(force, officers, urgent=True)
    due = clock.now()

    def over() -> bool:
        version.refresh_from_db()
        if version.filled_at is None:
            return False
        batches = Batch.objects.filter(mailing=version.mailing, channel=Channel.EMAIL)
        return not batches.exclude(state=Batch.State.DONE).exists()

    _until(over, "the urgent alert did not go out")
    if many and not Batch.objects.filter(mailing=routine).exclude(state=Batch.State.DONE).exists():
        raise Broken("The routine messages were over before the urgent ones: take more of them.")
    sent = Delivery.objects.filter(mailing=version.mailing, channel=Channel.EMAIL, state=State.SENT)
    found = sent.aggregate(first=Min("state_at"), last=Max("state_at"))
    people = sent.count()
    if people < PEOPLE // 2:
        raise Broken(f"the urgent alert reached only {people}")
    limits.trip(limits.mailing(routine.pk), "held by the benchmark", seconds=None)
    _until(lambda: not Batch.objects.filter(state=Batch.State.LEASED).exists(), "the workers do not pause")
    return (found["first"] - due).total_seconds(), (found["last"] - due).total_seconds(), people


def _until(happened: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + _LONGEST_SECONDS
    while not happened():
        if time.monotonic() > end:
            raise Broken(otherwise)
        time.sleep(0.05)


@contextmanager
def _capped(per_second: int) -> Iterator[None]:
    """Workers that start now send no more than this a second together."""
    os.environ["BELL_SMTP_PER_SECOND"] = str(per_second)
    try:
        yield
    finally:
        del os.environ["BELL_SMTP_PER_SECOND"]
