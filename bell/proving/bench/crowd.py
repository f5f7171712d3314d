"""A crowd of invented residents for benchmarks: a million within a minute or two, in flat memory.

The rows are those of people who joined on the web, without their consents, which no benchmark reads. They are written
as plain tuples (COPY on PostgreSQL), because a Django object a row would take longer than what is measured.
"""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.core.management.color import no_style
from django.db import connection, models, transaction

from bell.delivery.models import Channel
from bell.lib import cells, clock, keys
from bell.organisations.kinds import ALL_BITS
from bell.places import find
from bell.places.models import Postcode
from bell.proving import county, people
from bell.residents.models import Contact, Following, Group, GroupMember, Place, PlaceArea, Resident

_CHUNK = 20_000
_SOME_KINDS = 0.2  # of the people chose only some kinds
_IN_GROUP = 0.14  # of the people belong to each group

Rows = Iterable[tuple[Any, ...]]


def settle(count: int, *, force: county.Force, seed: int = 1, texts: float = 0.3) -> None:
    """`count` people near the force's postcodes, all following it, each with an email address, `texts` with a mobile.

    The tables of residents must be empty.
    """
    random_keys = np.random.default_rng(seed)
    homes = np.array(list(Postcode.objects.public().order_by("code").values_list("lon", "lat")))
    codes = list(Postcode.objects.public().order_by("code").values_list("code", flat=True))
    rng = random.Random(seed)
    mobiles = 0
    for first in range(1, count + 1, _CHUNK):
        ids = range(first, min(first + _CHUNK, count + 1))
        with transaction.atomic():
            mobiles += _people(ids, rng, random_keys, force, mobiles, texts)
            _places(ids, random_keys, homes, codes)
            _members(ids, random_keys, force.groups)
    _go_on_numbering(Resident, Contact, Place)
    with connection.cursor() as cursor:
        # What PostgreSQL's own housekeeping has done a minute later in any installation: an index is not answered from
        # alone before the table was cleaned once.
        clean = connection.vendor == "postgresql" and not connection.in_atomic_block
        cursor.execute("VACUUM ANALYZE" if clean else "ANALYZE")


def write(model: type[models.Model], columns: Sequence[str], rows: Rows) -> None:
    """Plain rows into a model's table, in the caller's transaction."""
    table, named = model._meta.db_table, ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({named}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(columns))
        cursor.executemany(f"INSERT INTO {table} ({named}) VALUES ({marks})", list(rows))


def moment() -> Any:
    """Now, as this database keeps it."""
    now: datetime = clock.now()
    return connection.ops.adapt_datetimefield_value(now)


def _people(
    ids: range, rng: random.Random, random_keys: np.random.Generator, force: county.Force, mobiles: int, share: float
) -> int:
    """Residents, whom they follow and their addresses; how many mobiles were given away."""
    now = moment()
    numbers = random_keys.integers(1, keys.LARGEST, size=len(ids)).tolist()
    chosen = [ALL_BITS if rng.random() > _SOME_KINDS else rng.randrange(1, ALL_BITS) for _ in ids]
    texts = [number for number in ids if rng.random() < share]
    with_mobile = set(texts)
    write(
        Resident,
        ("id", "key", "name", "email_kinds", "sms_kinds", "joined_at", "source"),
        (
            (number, key, f"Person {number}", kinds, kinds if number in with_mobile else 0, now, "bench")
            for number, key, kinds in zip(ids, numbers, chosen, strict=True)
        ),
    )
    organisation = force.organisation.pk
    write(Following, ("resident_id", "organisation_id"), ((number, organisation) for number in ids))
    addresses = [(number, Channel.EMAIL.value, f"person{number}@home.example") for number in ids]
    addresses += [(number, Channel.SMS.value, people.mobile(mobiles + place)) for place, number in enumerate(texts)]
    write(
        Contact,
        ("resident_id", "channel", "address", "address_key", "verified_at"),
        ((who, channel, address, keys.address_key(channel, address), now) for who, channel, address in addresses),
    )
    return len(texts)


def _places(ids: range, random_keys: np.random.Generator, homes: Any, codes: list[str]) -> None:
    """One home each, near a postcode, and the areas it lies in."""
    at = random_keys.integers(0, len(homes), size=len(ids))
    spots = homes[at] + random_keys.normal(0, (0.002, 0.0012), size=(len(ids), 2))
    found = cells.encode(spots[:, 0], spots[:, 1]).tolist()
    rows = zip(ids, at.tolist(), spots.tolist(), found, strict=True)
    write(
        Place,
        ("id", "resident_id", "label", "postcode", "lon", "lat", "cell"),
        ((number, number, "Home", codes[home], lon, lat, cell) for number, home, (lon, lat), cell in rows),
    )
    areas = find.areas_at(spots[:, 0], spots[:, 1])
    inside = ((place, area) for place, here in zip(ids, areas, strict=True) for area in here)
    write(PlaceArea, ("place_id", "area_id"), inside)


def _members(ids: range, random_keys: np.random.Generator, groups: Sequence[Group]) -> None:
    """Who belongs to which group."""
    member = GroupMember.State.MEMBER.value
    belongs = random_keys.random((len(groups), len(ids))) < _IN_GROUP
    pairs = ((group.pk, ids[place]) for group, row in zip(groups, belongs, strict=True) for place in row.nonzero()[0])
    write(GroupMember, ("group_id", "resident_id", "state"), ((group, number, member) for group, number in pairs))


def _go_on_numbering(*tables: type[models.Model]) -> None:
    """Rows that are made later get numbers after ours."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(tables)):
            cursor.execute(statement)
