"""From a relay's word to a row's state: what is over, what is tried again and when; a slice in one UPDATE."""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Case, QuerySet, When

from bell.delivery import blocking, leasing, quiet, times
from bell.delivery.leasing import Lease
from bell.delivery.models import PENDING, TAKEN_BACK, Channel, Delivery, Lane, Mailing, State
from bell.delivery.results import Outcome, Result

MOST_ATTEMPTS = 10
# How much of settings.RETRY_SECONDS a lane waits before its second try.
_FIRST_WAIT = {Lane.NOW: 1 / 12, Lane.URGENT: 1 / 4, Lane.ROUTINE: 1.0, Lane.DIGEST: 1.0}
_LONGEST_WAIT = 3600.0

# Beginnings of reasons, by which bounces are counted later (bounces.py).
REFUSED = "refused: "
OUR_SIDE = "our side: "
# Of what was put off before it was tried: it has a slot of its way already, and does not queue for another.
HELD = "its turn has not come"


_COLUMNS = (
    "id", "recipient_key", "address", "address_key", "state", "attempts",
    "language", "provider", "provider_ref", "reason", "quiet_from", "quiet_until", "slot",
)  # fmt: skip


class Row(NamedTuple):
    """A delivery as the sender needs it; a tuple, because a million of them are made."""

    id: int
    recipient_key: int
    address: str
    address_key: int
    state: str
    attempts: int
    language: str = ""
    provider: str = ""
    provider_ref: str = ""
    reason: str = ""
    quiet_from: int | None = None
    quiet_until: int | None = None
    # When it was put off until now, if it was: it is not to be put off again for the same reason.
    slot: datetime | None = None


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
    provider: str = ""
    tried: int = 1  # 0: it was put off without a try


@dataclass(frozen=True)
class _Again:
    """A row to be tried again after about so many seconds."""

    row: Row
    state: State
    reason: str
    seconds: float
    result: Result


def next_slice(
    lease: Lease,
    results: Mapping[int, Result],
    rows: Iterable[Row],
    size: int,
    *,
    ahead: int = 0,
    kept: Sequence[Row] = (),
) -> list[Row]:
    """Settle what was sent and begin the next `size` rows, to be called in one transaction: the rows that are next.

    Raises LeaseLost when the fence is no longer ours: then nothing is written. An empty list means the batch is done;
    with a size of 0 nothing is begun and the batch is given back. `ahead`: read so many, begin only the first. `kept`:
    rows read ahead before, less than a second ago; without them they are read, and whoever said no meanwhile is out.
    """
    leasing.renew(lease)  # locks the batch's row: the sweeper and we cannot both go on
    by_id = {row.id: row for row in rows}
    _settle(lease, [(by_id[number], result) for number, result in results.items()])
    if size == 0:
        leasing.release(lease)
        return []
    chosen: list[Row] = []
    if not Mailing.objects.filter(pk=lease.mailing.pk).exclude(stopped_at=None).exists():
        chosen = list(kept) or _allowed(lease, max(size, ahead))
    if chosen:
        leasing.mark(lease, chosen[:size][-1].id)
    else:
        leasing.finish(lease)
    return chosen


def _allowed(lease: Lease, size: int) -> list[Row]:
    """The next rows that may be sent; those that may not are settled on the way.

    A row that was taken back leaves the batch here: one that is still in it when its worker dies may have been begun.
    """
    while True:
        found = _read(lease, size)
        chosen = _awake(lease, [row for row, why in found if not why and row.state in PENDING])
        if len(chosen) == len(found):
            return chosen
        _block(lease, [(row, why) for row, why in found if why and row.state in PENDING])
        out = [row.id for row, why in found if why or row.state not in PENDING]
        Delivery.objects.filter(pk__in=out, batch=lease.batch_id, state__in=TAKEN_BACK).update(batch=None)
        if chosen:
            return chosen


def _awake(lease: Lease, rows: list[Row]) -> list[Row]:
    """The rows that may be sent now; those whose person has quiet hours leave the batch until these are over."""
    if lease.lane not in quiet.KEEPING:
        return rows
    now = times.now()
    ends = {row.id: quiet.until(row.quiet_from, row.quiet_until, now) for row in rows if row.quiet_from is not None}
    asleep = [(number, end) for number, end in ends.items() if end is not None]
    if not asleep:
        return rows
    quiet.put_off(lease.mailing, lease.channel, lease.batch_id, asleep, now)
    away = {number for number, _ in asleep}
    return [row for row in rows if row.id not in away]


def _read(lease: Lease, size: int) -> list[tuple[Row, str]]:
    """The next rows that are still to be tried, each with why it must not be ("" when it may), or were taken back."""
    waiting = Delivery.objects.filter(batch=lease.batch_id, state__in=(*PENDING, *TAKEN_BACK))
    slot = Case(When(state=State.DEFERRED, reason=HELD, then="state_at"))
    found = blocking.with_reason(waiting, lease.mailing.stream).annotate(slot=slot).order_by("id")[:size]
    return [(Row(*row[:-1]), row[-1]) for row in found.values_list(*_COLUMNS, "blocked")]


def _block(lease: Lease, blocked: list[tuple[Row, str]]) -> None:
    """Rows whose address was suppressed meanwhile: not sent, or not a second time."""
    for why in {why for _, why in blocked}:
        rows: QuerySet[Delivery] = Delivery.objects.filter(pk__in=[row.id for row, w in blocked if w == why])
        blocking.take_back(rows.filter(batch=lease.batch_id), reason=why)


def _settle(lease: Lease, done: list[tuple[Row, Result]]) -> None:
    """Write every result of a slice in one UPDATE, then suppress the addresses that turned out dead."""
    if not done:
        return
    now = times.now()
    plain: list[int] = []
    fates: list[Fate] = []
    again: list[_Again] = []
    for row, result in done:
        if result.outcome is Outcome.ACCEPTED and not (result.reference or result.provider) and row.state != _UNSURE:
            plain.append(row.id)
            continue
        judged = _judge(lease, row, result, now)
        if isinstance(judged, Fate):
            fates.append(judged)
        else:
            again.append(judged)
    fates.extend(_rebatch(lease, again))
    if plain:
        _accept(lease, plain, now)
    if fates:
        _write(fates, now)
    for row, result in done:
        if result.dead:
            blocking.suppress(address_key=row.address_key, channel=lease.channel, reason=blocking.HARD_BOUNCE)


_UNSURE = State.UNCERTAIN


def _judge(lease: Lease, row: Row, result: Result, now: datetime) -> Fate | _Again:
    """One row's fate. A row that was uncertain before stays so until a second copy is accepted, and then says so."""
    second = row.state == _UNSURE
    if result.outcome is Outcome.ACCEPTED:
        sent_again = second and result.first == ""
        reason = _SAYS[result.first] if second else ""
        return _fate(lease, row, State.SENT, reason, now, result, retried=sent_again)
    if result.outcome is Outcome.HELD:
        return _Again(
            row, _UNSURE if second else State.DEFERRED, row.reason if second else HELD, result.wait or 1.0, result
        )
    if second and result.first == "lost":
        second = False  # there was no first copy: this was the first try
    if result.outcome is Outcome.UNCERTAIN:
        if not second and (lease.channel == Channel.EMAIL or result.provider):
            return _Again(row, _UNSURE, result.words(), settings.UNCERTAIN_RETRY_SECONDS, result)
        # A text is only looked up, where its gateway can: where that finds out nothing, no second one was sent.
        sent_again = second and lease.channel == Channel.EMAIL
        return Fate(row.id, _UNSURE, result.words(), None, now, retried=sent_again, provider=result.provider)
    reason = _reason(result)
    if result.outcome is Outcome.PERMANENT or row.attempts + 1 >= MOST_ATTEMPTS:
        # A refusal now says nothing about the first copy, which may have arrived.
        if second:
            return Fate(row.id, _UNSURE, f"the second try was {reason}"[:200], None, now)
        return _fate(lease, row, State.FAILED, reason, now, result)
    wait = _backoff(lease.lane, row.attempts) if result.wait is None else max(result.wait, 1.0)
    return _Again(row, _UNSURE if second else State.DEFERRED, reason, wait, result)


# What is said of a message that was uncertain before, by what a look-up of the first copy found.
_SAYS = {
    "": "sent a second time, the first was uncertain",
    "kept": "was uncertain; looked up: the first was accepted",
    "lost": "was uncertain; looked up: the first never arrived, sent anew",
}


def _fate(
    lease: Lease, row: Row, state: State, reason: str, now: datetime, result: Result, *, retried: bool = False
) -> Fate:
    return Fate(row.id, state, reason, lease.batch_id, now, result.reference, retried, result.provider)


def _reason(result: Result) -> str:
    """Words for the row: whose fault it was, and what the relay said; our own refusals speak for themselves."""
    if not result.code:
        return result.words()
    return (OUR_SIDE if result.outcome is Outcome.OURS else REFUSED) + result.words()


def _backoff(lane: int, attempts: int) -> float:
    """Seconds until the next try: doubling from the lane's first wait to an hour."""
    first = settings.RETRY_SECONDS * _FIRST_WAIT[Lane(lane)]
    return float(min(first * 2.0 ** min(attempts, 20), _LONGEST_WAIT))


def _rebatch(lease: Lease, again: list[_Again]) -> list[Fate]:
    """Rows to be tried again go into batches with their like: the same mailing, channel and wait, with jitter."""
    fates = []
    for seconds in {round(one.seconds, 1) for one in again}:
        alike = [one for one in again if round(one.seconds, 1) == seconds]
        batch = leasing.like(lease.mailing, lease.channel, seconds * random.uniform(0.85, 1.15), len(alike))
        fates += [
            Fate(
                one.row.id, one.state, one.reason, batch.pk, batch.due_at, one.result.reference,
                provider=one.result.provider, tried=int(one.result.outcome is not Outcome.HELD),
            )
            for one in alike
        ]  # fmt: skip
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
    provider = CASE WHEN v.column8 <> '' THEN v.column8 ELSE delivery_delivery.provider END,
    attempts = delivery_delivery.attempts + v.column9,
    state_at = %s
FROM (VALUES {rows}) AS v
WHERE delivery_delivery.id = v.column1
"""
_KEPT = """(delivery_delivery.state IN ('delivered', 'bounced', 'failed')
    OR (delivery_delivery.state IN ('suppressed', 'cancelled', 'expired')
        AND v.column2 NOT IN ('sent', 'uncertain')))"""
_OURS = "(delivery_delivery.state IN ('queued', 'deferred', 'uncertain') AND delivery_delivery.batch_id IS NOT NULL)"


# The usual case, with nothing to say but the ids: nine columns a row are not sent over for it.
_ACCEPT = """
UPDATE delivery_delivery
SET state = CASE WHEN state IN ('delivered', 'bounced', 'failed') THEN state ELSE 'sent' END,
    reason = CASE WHEN state IN ('delivered', 'bounced', 'failed') THEN reason ELSE '' END,
    batch_id = CASE WHEN {ours} THEN %s ELSE NULL END,
    attempts = attempts + 1,
    state_at = %s
WHERE id IN ({ids})
"""
_IDS = {"postgresql": "SELECT unnest(%s::bigint[])", "sqlite": "SELECT value FROM json_each(%s)"}


def _accept(lease: Lease, ids: list[int], now: datetime) -> None:
    """What the relay took at the first or a later try."""
    given: Any = ids if connection.vendor == "postgresql" else json.dumps(ids)
    statement = _ACCEPT.format(ours=_OURS, ids=_IDS[connection.vendor])
    with connection.cursor() as cursor:
        cursor.execute(statement, [lease.batch_id, connection.ops.adapt_datetimefield_value(now), given])


def _write(fates: list[Fate], now: datetime) -> None:
    """One UPDATE for the slice. The caller holds the lock on the batch, so that no late writer gets here."""
    moment = connection.ops.adapt_datetimefield_value
    params: list[Any] = [moment(now)]
    for fate in fates:
        params += [fate.id, fate.state.value, fate.reason[:200], fate.batch_id]
        params += [moment(fate.due_at), fate.reference[:64], fate.retried, fate.provider[:16], fate.tried]
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, %s)"] * len(fates))
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE.format(rows=rows, kept=_KEPT, ours=_OURS), params)
