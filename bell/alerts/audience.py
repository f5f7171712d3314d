"""The one query from an audience rule to people: the same for counting, for freezing and for filling the outbox."""

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Count, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from shapely.geometry.base import BaseGeometry

from bell.alerts import drawing
from bell.alerts.models import CountAsked, Relation, Version
from bell.audit.record import record
from bell.delivery.models import Channel, Delivery, Mailing, Suppression
from bell.delivery.models import State as Delivered
from bell.lib import cells, clock, shapes, text
from bell.organisations import kinds
from bell.organisations.models import Officer
from bell.places import find
from bell.residents.actions import stream
from bell.residents.models import Contact, Following, GroupMember, Place, PlaceArea

COUNTS_A_MINUTE = 60
_EDGE_CHUNK = 50_000


class TooManyCounts(Exception):
    """An officer counted too often in a minute."""


@dataclass(frozen=True)
class Rule:
    """Who is meant: people with a place in these areas or shapes, in any of these groups (none: everyone).

    `follows` names an earlier mailing instead: the people who were sent that, and whoever areas or shapes mean today,
    where there are any ("also the present audience").
    """

    organisation: int
    kind: str
    channels: tuple[str, ...]
    areas: tuple[int, ...] = ()
    shapes: tuple[Any, ...] = ()
    groups: tuple[int, ...] = ()
    follows: int | None = None  # id of the earlier alert's mailing
    but_not: tuple[int, ...] = ()  # ids of mailings whose people have this message already
    kept: bool = False  # with `follows`: also those who still wait for it in a digest

    @classmethod
    def of(
        cls,
        frozen: dict[str, Any],
        follows_mailing: int | None = None,
        *,
        carrier: int | None = None,
        but_not: tuple[int, ...] = (),
    ) -> "Rule":
        """The rule in a frozen version (alerts.rules.snapshot), for its own organisation or for one that carries it."""
        chosen = [(Channel.EMAIL, frozen["by_email"]), (Channel.SMS, frozen["by_sms"])]
        rule = frozen["audience"]
        return cls(
            organisation=carrier or frozen["organisation"],
            kind=frozen["kind"],
            channels=tuple(str(channel) for channel, on in chosen if on),
            areas=tuple(rule.get("areas", [])),
            shapes=tuple(rule.get("shapes", [])),
            groups=tuple(rule.get("groups", [])),
            follows=follows_mailing,
            but_not=but_not,
            kept=frozen["relation"] == Relation.UPDATE,
        )


@dataclass(frozen=True)
class Reached:
    """Exact numbers: people, and messages by channel."""

    people: int
    emails: int
    texts: int


@dataclass(frozen=True)
class Roughly:
    """Numbers fit to be shown while drawing: rounded to 5, hidden under 5 (None). Pence of the texts."""

    people: int | None
    emails: int | None
    texts: int | None
    pence: float


def geometry(rule: Rule) -> BaseGeometry | None:
    """The rule's shapes as one geometry."""
    return shapes.union([drawing.read(shape) for shape in rule.shapes]) if rule.shapes else None


def _ranges(ranges: list[tuple[int, int]]) -> Q:
    """Places whose cell lies in any of these ranges."""
    found = Q(pk__in=[])
    for first, last in ranges:
        found |= Q(cell__range=(first, last))
    return found


def edge_places(shape: BaseGeometry, edge: list[tuple[int, int]]) -> list[int]:
    """Ids of the places in the edge ranges that lie inside the shape: fetched and tested exactly."""
    rows = list(Place.objects.filter(_ranges(edge)).values_list("id", "lon", "lat")) if edge else []
    if not rows:
        return []
    table = np.array(rows, dtype=float)
    inside = shapes.contains(shape, table[:, 1], table[:, 2])
    return [int(number) for number in table[inside, 0]]


def places(rule: Rule, *, version: Version | None = None, shape: BaseGeometry | None = None, walk: bool = False) -> Q:
    """Which places are meant. With a `version`, edge places come from those fixed when its fan-out began.

    `walk`: asked of each place, for whoever has the place at hand already (see `people`).
    """
    meant = Q(pk__in=[])
    if rule.areas:
        within = PlaceArea.objects.filter(area__in=find.under(list(rule.areas)))
        meant |= Q(Exists(within.filter(place=OuterRef("pk")))) if walk else Q(pk__in=within.values("place"))
    drawn = shape if shape is not None else geometry(rule)
    if drawn is not None:
        covering = cells.cover(drawn)
        meant |= _ranges(covering.inside)
        if version is not None and walk:
            meant |= Q(Exists(version.shape_places.filter(place=OuterRef("pk"))))
        elif version is not None:
            meant |= Q(pk__in=version.shape_places.values("place"))
        else:
            meant |= Q(pk__in=_these(edge_places(drawn, covering.edge)))
    return meant


def _these(ids: list[int]) -> RawSQL:
    """A set of ids as one parameter, however many: an array on PostgreSQL, JSON on SQLite (targeting.md)."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", [ids])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(ids)])


def people(
    rule: Rule, *, version: Version | None = None, shape: BaseGeometry | None = None, walk: bool = False
) -> QuerySet[Contact]:
    """Contacts to write to: place, groups, kind, organisation, channel, pause and suppression honoured (A3, A4).

    Both forms find the same people. The usual one begins at the places and groups, which is quick where few are meant.
    With `walk` everything is asked of one resident after the other, so that a reader in the order of their keys may
    stop at any of them and has then read no further: right where most are meant (dispatch).
    """
    now = clock.now()
    bit = kinds.FACTS[rule.kind].bit
    wanted = Q(pk__in=[])
    if Channel.EMAIL in rule.channels:
        wanted |= Q(channel=Channel.EMAIL, chosen_email__gt=0)
    if Channel.SMS in rule.channels:
        wanted |= Q(channel=Channel.SMS, chosen_sms__gt=0)
    found = (
        Contact.objects.alias(
            chosen_email=F("resident__email_kinds").bitand(bit), chosen_sms=F("resident__sms_kinds").bitand(bit)
        )
        .filter(wanted, resident__left_at=None)
        .filter(Q(resident__paused_until=None) | Q(resident__paused_until__lte=now))
        .filter(Exists(Following.objects.filter(resident=OuterRef("resident"), organisation=rule.organisation)))
        .exclude(Exists(_suppressions(rule)))
    )
    if rule.but_not:
        found = found.exclude(_among(Delivery.objects.filter(mailing__in=rule.but_not), _KEY, walk))
    if rule.follows is not None:
        got = _among(_sent(rule.follows, kept=rule.kept), _KEY, walk)
        if not (rule.areas or rule.shapes):
            return found.filter(got)
        here = Place.objects.filter(places(rule, version=version, shape=shape, walk=walk))
        today = _among(here, _RESIDENT, walk)
        if rule.groups:
            today &= _among(GroupMember.objects.members().filter(group__in=rule.groups), _RESIDENT, walk)
        return found.filter(got | today)
    meant = Place.objects.filter(places(rule, version=version, shape=shape, walk=walk))
    found = found.filter(_among(meant, _RESIDENT, walk))
    if rule.groups:
        found = found.filter(_among(GroupMember.objects.members().filter(group__in=rule.groups), _RESIDENT, walk))
    return found


# A contact's column, and the column of other rows that says the same.
_KEY = ("resident__key", "recipient_key")
_RESIDENT = ("resident", "resident")


def _among(rows: QuerySet[Any, Any], columns: tuple[str, str], walk: bool) -> Q:
    """Contacts that these rows speak of: as a set of its own, or asked of each contact."""
    ours, theirs = columns
    if walk:
        return Q(Exists(rows.filter(**{theirs: OuterRef(ours)})))
    return Q(**{f"{ours}__in": rows.values(theirs)})


def _suppressions(rule: Rule) -> QuerySet[Suppression]:
    """Suppressions that hold against a contact for this rule's stream, or against everything."""
    return Suppression.objects.filter(
        address_key=OuterRef("address_key"),
        channel=OuterRef("channel"),
        stream__in=["", stream(rule.organisation, rule.kind)],
    )


_REACHED = (Delivered.SENT, Delivered.DELIVERED, Delivered.UNCERTAIN)


def _sent(mailing: int, *, kept: bool = False) -> QuerySet[Delivery]:
    """The deliveries of an earlier mailing that were sent; `kept`: or that wait for their digest."""
    states = [*_REACHED, *([Delivered.WAITING] if kept else [])]
    return Delivery.objects.filter(mailing=mailing, state__in=states)


def columns(found: QuerySet[Contact], *, urgent: bool = True) -> QuerySet[Contact, Any]:
    """The columns that the post room's `fill` asks for. What is not urgent is due when a person's quiet hours end."""
    now = clock.now()
    due: Any = Value(now, output_field=DateTimeField())
    return found.annotate(
        recipient_key=F("resident__key"),
        language=F("resident__language"),
        due_at=due if urgent else after_quiet(now, due),
    ).values("recipient_key", "channel", "address", "address_key", "due_at", "language")


_HALF_HOURS = range(0, 24 * 60, 30)


def in_quiet(now: datetime, prefix: str = "resident__") -> Q:
    """Residents whose quiet hours hold at this moment."""
    here = clock.local(now)
    minute = here.hour * 60 + here.minute
    begins, ends = f"{prefix}quiet_from", f"{prefix}quiet_until"
    begun, not_over = Q(**{f"{begins}__lte": minute}), Q(**{f"{ends}__gt": minute})
    over_midnight = Q(**{f"{begins}__gt": F(ends)})
    return (over_midnight & (begun | not_over)) | (~over_midnight & begun & not_over)


def after_quiet(now: datetime, otherwise: Any) -> Case:
    """When each person may be written to: one moment for each half hour at which quiet hours can end."""
    ends = {}
    for end in _HALF_HOURS:
        over = next(
            (at for start in _HALF_HOURS if start != end and (at := clock.quiet_end(now, start, end)) is not None), None
        )
        if over is not None:
            ends[end] = over
    whens = [
        When(resident__quiet_until=end, then=Value(over, output_field=DateTimeField())) for end, over in ends.items()
    ]
    return Case(
        When(resident__quiet_from=None, then=otherwise),
        When(in_quiet(now), then=Case(*whens, default=otherwise)),
        default=otherwise,
    )


def reached(version: Version) -> int:
    """How many people got a version, by its own mailing or a carrier's: those whom a correction goes to."""
    ids = [mailing.pk for mailing in version.mailings()]
    rows = Delivery.objects.filter(mailing__in=ids, state__in=_REACHED)
    return rows.values("recipient_key").distinct().count()


def recipients(mailing: Mailing) -> QuerySet[Delivery, Any]:
    """The keys of the people to whom a mailing goes."""
    taken = (Delivered.SUPPRESSED, Delivered.CANCELLED, Delivered.EXPIRED)
    return Delivery.objects.filter(mailing=mailing).exclude(state__in=taken).values("recipient_key")


def count(rule: Rule, **where: Any) -> Reached:
    """Exactly how many people and messages; for frozen versions only (see `roughly`)."""
    found = people(rule, **where)
    numbers = found.aggregate(
        people=Count("resident", distinct=True),
        emails=Count("id", filter=Q(channel=Channel.EMAIL)),
        texts=Count("id", filter=Q(channel=Channel.SMS)),
    )
    return Reached(**numbers)


def pence(texts: int, sms_text: str) -> float:
    """Expected cost of the texts, in pence."""
    return texts * max(1, text.segments(sms_text).count) * settings.SMS_PENCE_PER_SEGMENT if texts else 0.0


def hidden(number: int) -> int | None:
    """Rounded to 5, and nothing under 5: nobody finds one person by drawing (targeting.md)."""
    return None if 0 < number < 5 else 5 * math.floor(number / 5 + 0.5)


def roughly(rule: Rule, *, by: Officer, sms_text: str = "") -> Roughly:
    """Count while drawing: corners snapped to 50 m, numbers rounded and hidden, each count logged and limited."""
    _note_count(rule, by=by)
    drawn = geometry(rule)
    reached = count(rule, shape=shapes.snap(drawn) if drawn is not None else None)
    texts = hidden(reached.texts)
    return Roughly(hidden(reached.people), hidden(reached.emails), texts, pence(texts or 0, sms_text))


@transaction.atomic
def _note_count(rule: Rule, *, by: Officer) -> None:
    """Keep that this officer counted this rule; refuse the sixty-first in a minute."""
    now = clock.now()
    if CountAsked.objects.filter(officer=by, at__gt=now - timedelta(minutes=1)).count() >= COUNTS_A_MINUTE:
        raise TooManyCounts("You have counted many audiences in a minute. Wait a moment, then change the map again.")
    words = json.dumps([rule.areas, rule.shapes, rule.groups, rule.kind, rule.channels], sort_keys=True, default=str)
    mark = hashlib.sha256(words.encode()).hexdigest()
    CountAsked.objects.create(officer=by, at=now, digest=mark)
    record("audience counted", None, by=by, rule=mark)
