"""Filling the outbox straight from an audience query: INSERT ... SELECT, step by step, never an object a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connections, router, transaction
from django.db.models import Max, QuerySet
from django.utils.dateparse import parse_datetime

from bell.delivery import blocking, crash
from bell.delivery.content import ASKED_FOR, Step
from bell.delivery.models import Batch, Delivery, Mailing, State
from bell.lib import clock

COLUMNS = ("recipient_key", "channel", "address", "address_key", "due_at")
SAME_ADDRESS = "same address"


@dataclass(frozen=True)
class _People:
    """An audience query, compiled."""

    sql: str
    params: tuple[Any, ...]


def fill(mailing: Mailing, people: QuerySet[Any, Any], *, after: int = 0, step: int = 20_000) -> Step:
    """Queue the next `step` rows or so of `people`, in one transaction; a rerun of a step changes nothing.

    `people` has the columns recipient_key (positive), channel, address, address_key and due_at, in any order, no slice.
    All rows of one recipient fall into one step. Of people who share an address the first gets the message, the others
    a row that says so. A stopped mailing takes nobody; ValueError when it is closed or the audience is sliced.
    """
    using = router.db_for_write(Delivery)
    with transaction.atomic(using=using):
        blocking.hold_fill(using)
        # Locked, so that a stop waits for this step and then cancels its rows too.
        kept = Mailing.objects.using(using).select_for_update().get(pk=mailing.pk)
        if kept.stopped_at is not None:
            return Step(0, 0, after, True)
        if kept.filled_at is not None:
            raise ValueError("This mailing is closed: nobody can be added")
        compiled = _compile(people, using)
        if compiled is None:
            return Step(0, 0, after, True)
        upto, finished = _end_of_step(compiled, after, step, using)
        if upto is None:
            return Step(0, 0, after, True)
        newest = Delivery.objects.using(using).aggregate(newest=Max("id"))["newest"] or 0
        inserted = _insert(kept, compiled, after, upto, using)
        crash.point("mid-fill")
        fresh = Delivery.objects.using(using).filter(pk__gt=newest, state=State.SUPPRESSED)
        suppressed = fresh.filter(mailing=kept).count()
        _cut(kept, newest, using)
        return Step(inserted, suppressed, upto, finished)


def _compile(people: QuerySet[Any, Any], using: str) -> _People | None:
    """The query's SQL with our column names, or None when it surely finds nobody."""
    query = people.using(using).order_by().values(*COLUMNS).query
    if query.is_sliced:
        raise ValueError("An audience is filled whole: take no slice of it")
    try:
        sql, params = query.get_compiler(using).as_sql()
    except EmptyResultSet:
        return None
    return _People(sql, tuple(params))


def _end_of_step(people: _People, after: int, step: int, using: str) -> tuple[int | None, bool]:
    """(last recipient key of this step, whether it is the last step); (None, True) when nobody is left."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"SELECT q.recipient_key FROM ({people.sql}) q WHERE q.recipient_key > %s"
            " ORDER BY q.recipient_key LIMIT 1 OFFSET %s",
            [*people.params, after, max(step, 1) - 1],
        )
        row = cursor.fetchone()
        if row is not None:
            return int(row[0]), False
        cursor.execute(
            f"SELECT MAX(q.recipient_key) FROM ({people.sql}) q WHERE q.recipient_key > %s", [*people.params, after]
        )
        last = cursor.fetchone()[0]
        return (None if last is None else int(last)), True


# q: the audience; o: one row per person and channel; p: at_address numbers those who share an address in this step;
# r: shared says so for earlier steps too, blocked says why it is suppressed (the rule is blocking.matching's).
# "IS NOT NULL" and not EXISTS, which PostgreSQL may answer by reading all earlier steps into a hash.
_INSERT = """
INSERT INTO delivery_delivery (mailing_id, recipient_key, channel, address, address_key, state, reason,
                               batch_id, attempts, due_at, state_at, provider_ref, retried)
SELECT %s, r.recipient_key, r.channel, r.address,
       CASE WHEN r.shared THEN NULL ELSE r.address_key END,
       CASE WHEN r.shared OR r.blocked <> '' THEN 'suppressed' ELSE 'queued' END,
       CASE WHEN r.shared THEN %s ELSE r.blocked END,
       NULL, 0, r.due_at, %s, '', %s
FROM (
    SELECT p.*,
           (p.at_address > 1 OR (
               SELECT 1 FROM delivery_delivery d
               WHERE d.mailing_id = %s AND d.channel = p.channel AND d.address_key = p.address_key LIMIT 1) IS NOT NULL
           ) AS shared,
           COALESCE((
               SELECT s.reason FROM delivery_suppression s
               WHERE s.address_key = p.address_key AND s.channel = p.channel
                 AND (s.stream = %s OR (s.stream = '' AND (%s OR s.reason IN (%s, %s))))
               ORDER BY s.stream LIMIT 1), '') AS blocked
    FROM (
        SELECT o.*, ROW_NUMBER() OVER (PARTITION BY o.channel, o.address_key ORDER BY o.recipient_key) AS at_address
        FROM (
            SELECT q.*, ROW_NUMBER() OVER (PARTITION BY q.recipient_key, q.channel ORDER BY q.address_key) AS own
            FROM ({people}) q
            WHERE q.recipient_key > %s AND q.recipient_key <= %s
        ) o
        WHERE o.own = 1
    ) p
) r
WHERE true
ORDER BY r.recipient_key
ON CONFLICT DO NOTHING
"""


def _insert(mailing: Mailing, people: _People, after: int, upto: int, using: str) -> int:
    """One statement from audience to outbox; how many rows are new."""
    connection = connections[using]
    now = connection.ops.adapt_datetimefield_value(clock.now())
    everything = mailing.stream not in ASKED_FOR
    params = [mailing.pk, SAME_ADDRESS, now, False, mailing.pk, mailing.stream, everything, *blocking.DEAD]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(people=people.sql), [*params, *people.params, after, upto])
        return int(cursor.rowcount)


# "+ 0": only the key may be used to find the rows, never an index that leads to all of the mailing.
_CHUNKS = """
SELECT n.channel, n.due_at, MIN(n.id), MAX(n.id), COUNT(*)
FROM (
    SELECT id, channel, due_at, ROW_NUMBER() OVER (PARTITION BY channel, due_at ORDER BY id) - 1 AS place
    FROM delivery_delivery
    WHERE id > %s AND mailing_id + 0 = %s AND state = 'queued'
) n
GROUP BY n.channel, n.due_at, n.place / %s
"""


_ASSIGN = """
UPDATE delivery_delivery SET batch_id = %s
WHERE id BETWEEN %s AND %s AND mailing_id + 0 = %s AND channel = %s AND due_at = %s AND state = 'queued'
"""


def _cut(mailing: Mailing, newest: int, using: str) -> None:
    """Put the new queued rows into batches of one channel and due time, at most BATCH_SIZE each."""
    moment = connections[using].ops.adapt_datetimefield_value
    with connections[using].cursor() as cursor:
        cursor.execute(_CHUNKS, [newest, mailing.pk, settings.BATCH_SIZE])
        chunks: Sequence[tuple[str, Any, int, int, int]] = cursor.fetchall()
        for channel, due, first, last, size in chunks:
            due_at = _moment(due)
            batch = Batch.objects.using(using).create(
                mailing=mailing, channel=channel, lane=mailing.lane, due_at=due_at, size=size
            )
            cursor.execute(_ASSIGN, [batch.pk, first, last, mailing.pk, channel, moment(due_at)])


def _moment(value: Any) -> datetime:
    """A time that a bare cursor gave: SQLite says text in UTC, PostgreSQL a datetime."""
    moment = parse_datetime(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise ValueError("due_at must be a time")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
