"""Filling the outbox straight from an audience query, step by step, never an object a person.

A step reads its part of the audience once, into a temporary table. Then the batches are made, and the rows are written
once, as they stay. Nobody is asked beforehand whether a row is there already or an address taken: the table's own
constraints say so, for nothing, and only a step in which they did is gone over again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connections, router, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Count, F, QuerySet
from django.utils.dateparse import parse_datetime

from bell.delivery import blocking, crash, times, wake
from bell.delivery.content import ASKED_FOR, Step
from bell.delivery.models import Batch, Delivery, Mailing
from bell.lib import clock

COLUMNS = ("recipient_key", "channel", "address", "address_key", "due_at")
QUIET = ("quiet_from", "quiet_until")
SAME_ADDRESS = "same address"
_CACHE_KB = 64 * 1024


@dataclass(frozen=True)
class _People:
    """An audience query, compiled. `language`, `waits`, `quiet`: the SQL of those columns; `some_wait`: it has that."""

    sql: str
    params: tuple[Any, ...]
    language: str
    waits: str
    some_wait: bool
    quiet: str


def fill(
    mailing: Mailing, people: QuerySet[Any, Any], *, after: int = 0, step: int = 20_000, walk: bool = False
) -> Step:
    """Queue the next `step` rows or so of `people`, in one transaction; a rerun of a step changes nothing.

    `people` has the columns recipient_key (positive), channel, address, address_key, due_at, and may have language (""
    is the mailing's own), waits (1: kept for the digest that is due then, see digests), and quiet_from and quiet_until
    (see quiet; an urgent mailing's audience has neither), in any order, no slice. With
    `walk` it is read by its indexes in the order of recipient_key, and no further than the step goes: right for an
    audience of many steps, wrong for a few people among many. All rows of one recipient fall into one step. Of people
    who share an address the first gets the message, the others a row that says so. A stopped mailing takes nobody;
    ValueError when it is closed or the audience is sliced.
    """
    using = router.db_for_write(Delivery)
    with transaction.atomic(using=using):
        blocking.hold_fill(using)
        # Locked, so that a stop waits for this step and then cancels its rows too; not so that a worker's new batch for
        # the same mailing, whose foreign key looks at this row, would wait for us while we wait for its rows.
        kept = Mailing.objects.using(using).select_for_update(no_key=True).get(pk=mailing.pk)
        if kept.stopped_at is not None:
            return Step(0, 0, after, True)
        if kept.filled_at is not None:
            raise ValueError("This mailing is closed: nobody can be added")
        compiled = _compile(people, using)
        if compiled is None:
            return Step(0, 0, after, True)
        with connections[using].cursor() as cursor:
            return _step(cursor, kept, compiled, _Part(after, max(step, 1), walk, using))


@dataclass(frozen=True)
class _Part:
    """Which part of the audience a step takes, and how."""

    after: int
    most: int
    walk: bool
    using: str


def _step(cursor: CursorWrapper, mailing: Mailing, people: _People, part: _Part) -> Step:
    """Read, make the batches, write."""
    _prepare(cursor, part.using)
    upto, finished = _read(cursor, people, part)
    if upto is None:
        return Step(0, 0, part.after, True)
    now = connections[part.using].ops.adapt_datetimefield_value(times.now())
    _due_by_our_clock(cursor, part.using)
    blocked = _block(cursor, mailing)
    expected, queued, batches = _queue(cursor, mailing, now, part.using)
    suppressed = _suppress(cursor, mailing, now) if blocked else 0
    kept, waiting = _keep(cursor, mailing, now) if people.some_wait else (0, 0)
    expected, queued = expected + kept, queued + waiting
    crash.point("mid-fill")
    if queued + suppressed < expected + blocked:
        suppressed += _mend(cursor, mailing, now, batches, part.using)
    if batches:
        wake.ring(part.using)
    # The connection lives on, and SQLite keeps temporary tables in a file: nobody's address stays in one.
    cursor.execute("DELETE FROM fill_read")
    return Step(queued + suppressed, suppressed, upto, finished)


def _compile(people: QuerySet[Any, Any], using: str) -> _People | None:
    """The query's SQL with our column names, or None when it surely finds nobody."""
    known = {*people.query.values_select, *people.query.annotations}
    has_language, some_wait = "language" in known, "waits" in known
    has_quiet = set(QUIET) <= known
    some = (["language"] if has_language else [], ["waits"] if some_wait else [], QUIET if has_quiet else [])
    columns = (*COLUMNS, *chain.from_iterable(some))
    query = people.using(using).order_by().values(*columns).query
    if query.is_sliced:
        raise ValueError("An audience is filled whole: take no slice of it")
    try:
        sql, params = query.get_compiler(using).as_sql()
    except EmptyResultSet:
        return None
    language, waits = "q.language" if has_language else "''", "q.waits" if some_wait else "0"
    quiet = ", ".join(f"q.{name}" if has_quiet else "NULL" for name in QUIET)
    return _People(sql, tuple(params), language, waits, some_wait, quiet)


# Temporary tables of this connection: what a step read, and its batches.
_TABLES = {
    "fill_read": "recipient_key bigint NOT NULL, channel varchar(8) NOT NULL, address varchar(254) NOT NULL,"
    " address_key bigint, due_at {moment} NOT NULL, language varchar(12) NOT NULL, waits integer NOT NULL,"
    " reason varchar(200) DEFAULT '' NOT NULL, quiet_from smallint, quiet_until smallint",
    "fill_batch": "chunk bigint NOT NULL PRIMARY KEY, batch_id bigint NOT NULL",
}


def _prepare(cursor: CursorWrapper, using: str) -> None:
    """The temporary tables, empty."""
    postgres = connections[using].vendor == "postgresql"
    if not postgres:
        # SQLite's usual 2 MB of cache would read and write most pages of the indexes again for every few rows.
        cursor.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    end = " ON COMMIT DELETE ROWS" if postgres else ""
    moment = connections[using].data_types["DateTimeField"]
    for name, columns in _TABLES.items():
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns.format(moment=moment)}){end}")
        cursor.execute(f"DELETE FROM {name}")


_READ = """
INSERT INTO fill_read (recipient_key, channel, address, address_key, due_at, language, waits, quiet_from, quiet_until)
SELECT q.recipient_key, q.channel, q.address, q.address_key, q.due_at, {language}, {waits}, {quiet}
FROM ({people}) q WHERE {where} ORDER BY q.recipient_key LIMIT %s
"""


def _read(cursor: CursorWrapper, people: _People, part: _Part) -> tuple[int | None, bool]:
    """Evaluate the audience once: (last recipient key of this step, whether it is the last); (None, True): nobody."""

    def read(where: str, key: int, most: int) -> int:
        own = {"language": people.language, "waits": people.waits, "quiet": people.quiet}
        statement = _READ.format(people=people.sql, where=where, **own)
        cursor.execute(statement, [*people.params, key, most])
        return int(cursor.rowcount)

    with _by_index(cursor, part):
        found = read("q.recipient_key > %s", part.after, part.most + 1)
    cursor.execute("SELECT MAX(recipient_key) FROM fill_read")
    last = cursor.fetchone()[0]
    if found <= part.most:
        return last, True
    # One row more than the step takes: whoever it belongs to comes whole in the next step.
    cursor.execute("DELETE FROM fill_read WHERE recipient_key = %s", [last])
    if cursor.rowcount < found:
        cursor.execute("SELECT MAX(recipient_key) FROM fill_read")
        return cursor.fetchone()[0], False
    # One person alone fills the step.
    read("q.recipient_key = %s", last, 2**31)
    return last, False


def _due_by_our_clock(cursor: CursorWrapper, using: str) -> None:
    """What is due now by a host's clock that runs ahead is due now by everyone's."""
    here, ours = clock.now(), times.now()
    if here <= ours:
        return
    moment = connections[using].ops.adapt_datetimefield_value
    cursor.execute(
        "UPDATE fill_read SET due_at = %s WHERE due_at > %s AND due_at <= %s",
        [moment(ours), moment(ours), moment(here)],
    )


@contextmanager
def _by_index(cursor: CursorWrapper, part: _Part) -> Iterator[None]:
    """On PostgreSQL: let the planner walk along indexes, where its picture of a cold disk would have it read and sort
    the whole audience at every step."""
    if not part.walk or connections[part.using].vendor != "postgresql":
        yield
        return
    ways = ("enable_hashjoin", "enable_mergejoin", "enable_seqscan", "enable_sort", "enable_material")
    for way in ways:
        cursor.execute(f"SET LOCAL {way} = off")
    yield
    for way in ways:
        cursor.execute(f"SET LOCAL {way} TO DEFAULT")


# The rule is blocking.matching's. "IS NOT NULL" and not EXISTS: PostgreSQL may answer that by reading whole tables.
_BLOCK = """
UPDATE fill_read SET reason = ({reason} LIMIT 1) WHERE ({reason} LIMIT 1) IS NOT NULL
""".format(
    reason="SELECT s.reason FROM delivery_suppression s"
    " WHERE s.address_key = fill_read.address_key AND s.channel = fill_read.channel"
    " AND (s.stream = %s OR (s.stream = '' AND (%s OR s.reason IN (%s, %s)))) ORDER BY s.stream"
)


def _block(cursor: CursorWrapper, mailing: Mailing) -> int:
    """Say of whoever is suppressed why; how many."""
    rule: list[Any] = [mailing.stream, mailing.stream not in ASKED_FOR, *blocking.DEAD]
    cursor.execute(_BLOCK, [*rule, *rule])
    return int(cursor.rowcount)


_INSERT = """
INSERT INTO delivery_delivery (mailing_id, state_at, retried, recipient_key, channel, address, quiet_from, quiet_until,
                               address_key, due_at, language, reason, state, batch_id, attempts, provider, provider_ref)
SELECT %s, %s, %s, f.recipient_key, f.channel, f.address, f.quiet_from, f.quiet_until, {columns}, 0, '', ''
FROM {rows}
ORDER BY f.recipient_key
ON CONFLICT DO NOTHING
"""

_QUEUED = _INSERT.format(
    columns="f.address_key, f.due_at, f.language, '', 'queued', b.batch_id",
    rows="(SELECT r.*, %s + (ROW_NUMBER() OVER (ORDER BY r.recipient_key) - 1) / %s AS chunk FROM fill_read r"
    " WHERE r.channel = %s AND r.due_at = %s AND r.waits = 0 AND r.reason = '') f"
    " JOIN fill_batch b ON b.chunk = f.chunk",
)
_SUPPRESSED = _INSERT.format(
    columns="f.address_key, f.due_at, f.language, f.reason, 'suppressed', NULL",
    rows="fill_read f WHERE f.reason <> ''",
)
_KEPT = _INSERT.format(
    columns="f.address_key, f.due_at, f.language, '', 'waiting', NULL",
    rows="fill_read f WHERE f.waits = 1 AND f.reason = ''",
)
_ITEMS = """
INSERT INTO delivery_digestitem (delivery_id, due_at, digest_id, over)
SELECT d.id, f.due_at, NULL, %s FROM fill_read f JOIN delivery_delivery d
    ON d.recipient_key = f.recipient_key AND d.mailing_id = %s AND d.channel = f.channel
WHERE f.waits = 1 AND f.reason = '' AND d.state = 'waiting'
ON CONFLICT DO NOTHING
"""
_SHARED = _INSERT.format(
    columns="NULL, f.due_at, f.language, %s, 'suppressed', NULL",
    rows="fill_read f WHERE (SELECT 1 FROM delivery_delivery d WHERE d.recipient_key = f.recipient_key"
    " AND d.mailing_id = %s AND d.channel = f.channel LIMIT 1) IS NULL",
)


def _queue(cursor: CursorWrapper, mailing: Mailing, now: Any, using: str) -> tuple[int, int, list[int]]:
    """Write what is to be sent, like with like: (how many rows that should be, how many were new, ids of batches)."""
    cursor.execute(
        "SELECT channel, due_at, COUNT(*) FROM fill_read WHERE reason = '' AND waits = 0"
        " GROUP BY channel, due_at ORDER BY 1, 2"
    )
    expected = queued = 0
    made: list[int] = []
    for channel, due, rows in cursor.fetchall():
        sizes = [min(settings.BATCH_SIZE, rows - start) for start in range(0, rows, settings.BATCH_SIZE)]
        like = {"mailing": mailing, "channel": channel, "lane": mailing.lane, "due_at": _moment(due)}
        batches = Batch.objects.using(using).bulk_create([Batch(**like, size=size) for size in sizes])
        numbered = [(len(made) + place, batch.pk) for place, batch in enumerate(batches)]
        cursor.executemany("INSERT INTO fill_batch (chunk, batch_id) VALUES (%s, %s)", numbered)
        cursor.execute(_QUEUED, [mailing.pk, now, False, len(made), settings.BATCH_SIZE, channel, due])
        made += [batch.pk for batch in batches]
        expected += rows
        queued += int(cursor.rowcount)
    return expected, queued, made


def _suppress(cursor: CursorWrapper, mailing: Mailing, now: Any) -> int:
    """Write who is suppressed, with why; how many rows are new."""
    cursor.execute(_SUPPRESSED, [mailing.pk, now, False])
    return int(cursor.rowcount)


def _keep(cursor: CursorWrapper, mailing: Mailing, now: Any) -> tuple[int, int]:
    """Write what is kept for digests, in no batch: (how many rows that should be, how many were new)."""
    cursor.execute("SELECT COUNT(*) FROM fill_read WHERE reason = '' AND waits = 1")
    expected = int(cursor.fetchone()[0])
    if not expected:
        return 0, 0
    cursor.execute(_KEPT, [mailing.pk, now, False])
    kept = int(cursor.rowcount)
    cursor.execute(_ITEMS, [False, mailing.pk])
    return expected, kept


def _mend(cursor: CursorWrapper, mailing: Mailing, now: Any, batches: list[int], using: str) -> int:
    """Some rows could not be written. Whose address another has gets a row that says so (how many is returned); a row
    that was there before stays as it is. Then the batches say what is in them."""
    cursor.execute(_SHARED, [mailing.pk, now, False, SAME_ADDRESS, mailing.pk])
    shared = int(cursor.rowcount)
    ours = Batch.objects.using(using).filter(pk__in=batches)
    for batch in ours.annotate(n=Count("deliveries")).exclude(n=F("size")):
        if batch.n:
            ours.filter(pk=batch.pk).update(size=batch.n)
        else:
            ours.filter(pk=batch.pk).delete()
    return shared


def _moment(value: Any) -> datetime:
    """A time that a bare cursor gave: SQLite says text in UTC, PostgreSQL a datetime."""
    moment = parse_datetime(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise ValueError("due_at must be a time")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
