"""`bell bench fill`: from an approved alert to a full outbox, beside a bare INSERT ... SELECT of the very same rows.

Ours is the dispatcher as the worker calls it, from the audience query to batches ready to be leased. The comparator
writes the rows that came out of that, from a ready list in the same order, into the same table with the same indexes,
in one statement. Before each run of either the outbox is emptied.
"""

import random

from django.db import connection

from bell.alerts import dispatch
from bell.alerts.models import Alert, State, Version
from bell.delivery.models import Batch, Delivery, Mailing
from bell.lib import clock
from bell.proving import county
from bell.proving.bench import crowd, desk
from bell.proving.bench.measure import Row, side_by_side, sizes
from bell.residents.models import Resident

_READY = "bench_ready"


def run(*, count: int, seed: int = 1) -> list[Row]:
    """10,000, 100,000 and 1,000,000 people as far as `count` allows: the whole outbox, and the first batch alone."""
    county.draw_ground(random.Random(seed))
    force = county.found_force()
    officers = desk.officers(force)
    rows: list[Row] = []
    for size in sizes(count):
        _clear(everybody=True)
        crowd.settle(size, force=force, seed=seed)
        rows += _filled(desk.approved(force, officers), size)
    return rows


def _filled(version: Version, size: int) -> list[Row]:
    """Both cases of one size."""
    dispatch.begin(version.alert)
    version.refresh_from_db()
    _whole(version)  # once, for the ready list
    made = Delivery.objects.count()
    _make_ready()

    def before() -> None:
        _clear()
        Mailing.objects.filter(pk=version.mailing_id or 0).update(filled_at=None)
        Version.objects.filter(pk=version.pk).update(filled_at=None, filled_through=0)
        Alert.objects.filter(pk=version.alert_id).update(state=State.SENDING)

    words = "a bare INSERT ... SELECT of the same rows"
    whole = side_by_side(
        f"{size:,} people, all in the outbox", made, lambda: _whole(version), _bare, comparator=words, before=before
    )
    first = side_by_side(
        f"{size:,} people, the first batches", 1, lambda: _first(version), None, comparator="", before=before
    )
    Version.objects.filter(pk=version.pk).update(filled_at=clock.now())  # the next size has an alert of its own
    return [whole, first]


def _whole(version: Version) -> None:
    """Fill everything, as the worker does."""
    while not Version.objects.filter(pk=version.pk, filled_at__isnull=False).exists():
        dispatch.run_due()


def _first(version: Version) -> None:
    """The first step: when it is over, batches can be leased."""
    dispatch.fill_step(version, step=dispatch.FIRST)


def _columns() -> str:
    """Every column of the outbox but its number."""
    return ", ".join(str(field.column) for field in Delivery._meta.concrete_fields if not field.primary_key)


def _make_ready() -> None:
    """The list that the comparator copies."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {_READY}")
        cursor.execute(f"CREATE TABLE {_READY} AS SELECT {_columns()} FROM delivery_delivery ORDER BY id")


def _bare() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO delivery_delivery ({_columns()}) SELECT {_columns()} FROM {_READY}")


def _clear(*, everybody: bool = False) -> None:
    """Empty the outbox; with `everybody` the residents too. A throw-away database: no promise is kept here."""
    tables = [Delivery, Batch, *([Resident] if everybody else [])]
    names = [model._meta.db_table for model in tables]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(names)} CASCADE")
            return
        cursor.execute("PRAGMA foreign_keys = OFF")
        related = [
            f"residents_{name}" for name in ("contact", "following", "place", "placearea", "groupmember") if everybody
        ]
        for name in [*names, *related]:
            cursor.execute(f"DELETE FROM {name}")
        cursor.execute("PRAGMA foreign_keys = ON")
