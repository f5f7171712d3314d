"""From a relay's word to a row's state: what is over, what is tried again and when; a slice in one UPDATE."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from bell.delivery import blocking, leasing
from bell.delivery.leasing import Lease
from bell.delivery.models import PENDING, Channel, Delivery, Lane, Mailing, State
from bell.delivery.results import Outcome, Result
from bell.lib import clock

MOST_ATTEMPTS = 10
_FIRST_WAIT = {Lane.NOW: 5.0, Lane.URGENT: 15.0, Lane.ROUTINE: 60.0, Lane.DIGEST: 60.0}
_LONGEST_WAIT = 3600.0

# Beginnings of reasons, by which bounces are counted later (bounces.py).
REFUSED = "refused: "
OUR_SIDE = "our side: "


@dataclass(frozen=True)
class Row:
    """A delivery as the sender needs it."""

    id: int
    recipient_key: int
    address: str
    address_key: int
    state: str
    attempts: int


@dataclass(frozen=True)
class Fate:
    """What a row becomes. `batch_id` on an unfinished row says where it is tried again; None there means never."""

    id: int
    state: State
    reason: str
    batch_id: int | None
    due_at: datetime
    reference: str = ""
    retried: bool = False


@dataclass(frozen=True)
class _Again:
    """A row to be tried again after about so many seconds."""

    row: Row
    state: State
    reason: str
    seconds: float


def next_slice(lease: Lease, results: Mapping[int, Result], rows: Iterable[Row], size: int) -> list[Row]:
    """Settle one slice and begin the next of at most `size` rows, to be called in one transaction.

    Raises LeaseLost when the fence is no longer ours: then nothing is written. An empty list means the batch is done;
    with a size of 0 nothing is begun and the batch is given back.
    """
    leasing.renew(lease)  # locks the batch's row: the sweeper and we cannot both go on
    by_id = {row.id: row for row in rows}
    _settle(lease, [(by_id[number], result) for number, result in results.items()])
    if size == 0:
        leasing.release(lease)
        return []
    chosen: list[Row] = []
    stopped = Mailing.objects.filter(pk=lease.mailing.pk).exclude(stopped_at=None).exists()
    while not stopped:
        found = _read(lease, size)
        blocked = [(row, why) for row, why in found if why]
        _block(lease, blocked)
        chosen = [row for row, why in found if not why]
        if chosen or not blocked:
            break
    if chosen:
        leasing.mark(lease, chosen[-1].id)
    else:
        leasing.finish(lease)
    return chosen


def _read(lease: Lease, size: int) -> list[tuple[Row, str]]:
    """The next rows that are still to be tried, each with why it must not be ("" when it may)."""
    waiting = Delivery.objects.filter(batch=lease.batch_id, state__in=PENDING)
    found = blocking.with_reason(waiting, lease.mailing.stream).order_by("id")[:size]
    columns = ("id", "recipient_key", "address", "address_key", "state", "attempts", "blocked")
    return [(Row(*row[:-1]), row[-1]) for row in found.values_list(*columns)]


def _block(lease: Lease, blocked: list[tuple[Row, str]]) -> None:
    """Rows whose address was suppressed meanwhile: not sent, or not a second time."""
    for why in {why for _, why in blocked}:
        rows: QuerySet[Delivery] = Delivery.objects.filter(pk__in=[row.id for row, w in blocked if w == why])
        blocking.take_back(rows.filter(batch=lease.batch_id), reason=why)


def _settle(lease: Lease, done: list[tuple[Row, Result]]) -> None:
    """Write every result of a slice in one UPDATE, then suppress the addresses that turned out dead."""
    if not done:
        return
    now = clock.now()
    fates: list[Fate] = []
    again: list[_Again] = []
    for row, result in done:
        judged = _judge(lease, row, result, now)
        if isinstance(judged, Fate):
            fates.append(judged)
        else:
            again.append(judged)
    fates.extend(_rebatch(lease, again))
    _write(fates, now)
    for row, result in done:
        if result.dead:
            blocking.suppress(address_key=row.address_key, channel=lease.channel, reason=blocking.HARD_BOUNCE)


def _judge(lease: Lease, row: Row, result: Result, now: datetime) -> Fate | _Again:
    """One row's fate. A row that was uncertain before stays so until a second copy is accepted, and then says so."""
    second = row.state == State.UNCERTAIN
    unsure = State.UNCERTAIN
    if result.outcome is Outcome.ACCEPTED:
        reason = "sent a second time, the first was uncertain" if second else ""
        return Fate(row.id, State.SENT, reason, lease.batch_id, now, result.reference, retried=second)
    if result.outcome is Outcome.UNCERTAIN:
        if lease.channel == Channel.EMAIL and not second:
            return _Again(row, unsure, result.words(), settings.UNCERTAIN_RETRY_SECONDS)
        return Fate(row.id, unsure, result.words(), None, now, retried=second)
    reason = _reason(result)
    if result.outcome is Outcome.PERMANENT or row.attempts + 1 >= MOST_ATTEMPTS:
        # A refusal now says nothing about the first copy, which may have arrived.
        if second:
            return Fate(row.id, unsure, f"the second try was {reason}"[:200], None, now)
        return Fate(row.id, State.FAILED, reason, lease.batch_id, now)
    wait = _backoff(lease.lane, row.attempts) if result.wait is None else max(result.wait, 1.0)
    return _Again(row, unsure if second else State.DEFERRED, reason, wait)


def _reason(result: Result) -> str:
    """Words for the row: whose fault it was, and what the relay said; our own refusals speak for themselves."""
    if not result.code:
        return result.words()
    return (OUR_SIDE if result.outcome is Outcome.OURS else REFUSED) + result.words()


def _backoff(lane: int, attempts: int) -> float:
    """Seconds until the next try: doubling from the lane's first wait to an hour."""
    return min(_FIRST_WAIT[Lane(lane)] * 2.0 ** min(attempts, 20), _LONGEST_WAIT)


def _rebatch(lease: Lease, again: list[_Again]) -> list[Fate]:
    """Rows to be tried again go into batches with their like: the same mailing, channel and wait, with jitter."""
    fates = []
    for seconds in {one.seconds for one in again}:
        alike = [one for one in again if one.seconds == seconds]
        batch = leasing.like(lease.mailing, lease.channel, seconds * random.uniform(0.85, 1.15), len(alike))
        fates += [Fate(one.row.id, one.state, one.reason, batch.pk, batch.due_at) for one in alike]
    return fates


# What happened meanwhile is kept: a receipt that came before us (delivered, bounced, failed), an opt-out or a stop
# (unless the message did go out). Only a row that nobody took back is tried again.
_SETTLE = """
UPDATE delivery_delivery
SET state = CASE WHEN {kept} THEN delivery_delivery.state ELSE v.column2 END,
    reason = CASE WHEN {kept} THEN delivery_delivery.reason ELSE v.column3 END,
    batch_id = CASE WHEN {ours} THEN CAST(v.column4 AS bigint) ELSE NULL END,
    due_at = CASE WHEN v.column2 IN ('deferred', 'uncertain') THEN v.column5 ELSE delivery_delivery.due_at END,
    provider_ref = CASE WHEN v.column6 <> '' THEN v.column6 ELSE delivery_delivery.provider_ref END,
    retried = delivery_delivery.retried OR v.column7,
    attempts = delivery_delivery.attempts + 1,
    state_at = %s
FROM (VALUES {rows}) AS v
WHERE delivery_delivery.id = v.column1
"""
_KEPT = """(delivery_delivery.state IN ('delivered', 'bounced', 'failed')
    OR (delivery_delivery.state IN ('suppressed', 'cancelled', 'expired')
        AND v.column2 NOT IN ('sent', 'uncertain')))"""
_OURS = "(delivery_delivery.state IN ('queued', 'deferred', 'uncertain') AND delivery_delivery.batch_id IS NOT NULL)"


def _write(fates: list[Fate], now: datetime) -> None:
    """One UPDATE for the slice. The caller holds the lock on the batch, so that no late writer gets here."""
    moment = connection.ops.adapt_datetimefield_value
    params: list[Any] = [moment(now)]
    for fate in fates:
        params += [fate.id, fate.state.value, fate.reason[:200], fate.batch_id]
        params += [moment(fate.due_at), fate.reference[:64], fate.retried]
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(fates))
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE.format(rows=rows, kept=_KEPT, ours=_OURS), params)
