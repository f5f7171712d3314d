"""One resident asks to be forgotten while an update is being sent to them; then the whole database is searched."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from bell.conversations.models import Conversation, Turn
from bell.delivery.models import Delivery, Mailing
from bell.delivery.models import State as Delivered
from bell.lib import clock
from bell.privacy import erase
from bell.privacy.models import Restriction
from bell.proving.rehearse.expected import Pair
from bell.residents.models import Contact, Resident

_MOBILE_DIGITS = 10  # without the country's prefix, so that every way to write a number is found


@dataclass(frozen=True)
class Before:
    """A delivery as it was before its person was forgotten."""

    pair: Pair
    address: str


@dataclass(frozen=True)
class Erased:
    """Who it was, when it was done, and what was theirs until then."""

    key: int
    at: datetime
    addresses: dict[str, str]
    deliveries: dict[int, Before] = field(default_factory=dict)
    waited: frozenset[int] = field(default_factory=frozenset)
    """Deliveries that still waited for them."""


def choose(mailings: list[Mailing], *, rather: set[int], never: set[int]) -> int | None:
    """Somebody with a copy that waits, of the last to be sent to; `rather` one of these.

    Where few are written to, nothing may wait any more: then one who got it. None when it went to nobody.
    """
    rows = Delivery.objects.filter(mailing__in=mailings).exclude(recipient_key__in=never).order_by("-pk")
    waiting = _people(rows.filter(state=Delivered.QUEUED))
    half = waiting[: max(1, len(waiting) // 2)] or _people(rows)  # the first may be on their way already
    return next((key for key in half if key in rather), next(iter(half), None))


def _people(rows: QuerySet[Delivery]) -> list[int]:
    """Whose deliveries these are, in their order."""
    return list(dict.fromkeys(rows.values_list("recipient_key", flat=True)))


def run(key: int) -> Erased:
    """Erase them, as the button on their own page does."""
    person = Resident.objects.get(key=key)
    addresses = dict(Contact.objects.of(person).values_list("channel", "address"))
    rows = Delivery.objects.filter(recipient_key=key)
    columns = rows.values_list("pk", "channel", "address")
    before = {number: Before((key, channel), address) for number, channel, address in columns}
    waited = frozenset(rows.filter(state=Delivered.QUEUED).values_list("pk", flat=True))
    erase.erase(person, by=person, why="asked on the web")
    return Erased(key, clock.now(), addresses, before, waited)


def traces(erased: Erased) -> tuple[int, list[str]]:
    """Search every column of every table for their addresses: (rows looked at, where one stands undeclared)."""
    needles = [one.casefold() if "@" in one else one[-_MOBILE_DIGITS:] for one in erased.addresses.values()]
    declared, looked, found = _declared(erased), 0, []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                looked += 1
                for name, value in zip(names, row, strict=True):
                    words = _words(value)
                    if any(one in words for one in needles) and (table, str(row[0])) not in declared:
                        found.append(f"{table}.{name}")
    return looked, found


def _words(value: object) -> str:
    """A column's value as text; bytes as they stand."""
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1").casefold()
    return str(value).casefold()


def _declared(erased: Erased) -> set[tuple[str, str]]:
    """Rows that a restriction keeps: a conversation that matters to a case, and what was said in it."""
    kept = Restriction.objects.standing().filter(person_key=erased.key, target_type="conversation")
    keys = [int(key) for key in kept.values_list("target_key", flat=True)]
    talks = Conversation.objects.filter(key__in=keys)
    turns = Turn.objects.filter(conversation__in=talks)
    return {(Conversation._meta.db_table, str(pk)) for pk in talks.values_list("pk", flat=True)} | {
        (Turn._meta.db_table, str(pk)) for pk in turns.values_list("pk", flat=True)
    }
