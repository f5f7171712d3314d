"""The one query from an audience rule to people: the same for counting, for freezing and for filling the outbox."""

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    Count,
    DateTimeField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from shapely.geometry.base import BaseGeometry

from bell.alerts import drawing, within
from bell.alerts.models import Version
from bell.alerts.rule import Ground, Part
from bell.alerts.rule import Rule as Rule
from bell.delivery.models import Channel, Delivery, Mailing, Suppression
from bell.delivery.models import State as Delivered
from bell.lib import cells, clock, shapes, text
from bell.organisations import kinds
from bell.places import find
from bell.residents.actions import stream
from bell.residents.models import Contact, Following, GroupMember, Place, PlaceArea


@dataclass(frozen=True)
class Reached:
    """Exact numbers: people, and messages by channel."""

    people: int
    emails: int
    texts: int


def geometry(ground: Ground) -> BaseGeometry | None:
    """The drawn shapes of a ground as one geometry."""
    return shapes.union([drawing.read(shape) for shape in ground.shapes]) if ground.shapes else None


def ranges(wanted: list[cells.Range]) -> Q:
    """Places whose cell lies in any of these ranges."""
    return Q(_Within("cell", wanted)) if wanted else Q(pk__in=[])


def edge_places(shape: BaseGeometry, edge: list[tuple[int, int]]) -> list[int]:
    """Ids of the places in the edge ranges that lie inside the shape: fetched and tested exactly."""
    if not edge:
        return []
    # One parameter whatever the number of ranges, and rows as they come: half of the time of the smallest shapes.
    if connection.vendor == "postgresql":
        listed, first, last = "json_array_elements", "(r.value ->> 0)::bigint", "(r.value ->> 1)::bigint"
    else:  # ->> came to SQLite in 2022 (3.38), and systems with an older one are about
        listed, first, last = "json_each", "json_extract(r.value, '$[0]')", "json_extract(r.value, '$[1]')"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT p.id, p.lon, p.lat FROM {listed}(%s) r"
            f" JOIN residents_place p ON p.cell BETWEEN {first} AND {last}",
            [json.dumps(edge)],
        )
        rows = cursor.fetchall()
    if not rows:
        return []
    table = np.array(rows, dtype=float)
    inside = shapes.contains(shape, table[:, 1], table[:, 2])
    return [int(number) for number in table[inside, 0]]


def places(
    ground: Ground,
    part: Part = Part.IN,
    *,
    version: Version | None = None,
    shape: BaseGeometry | None = None,
    walk: bool = False,
) -> Q:
    """Which places lie in a ground. With a `version`, edge places come from those fixed when its fan-out began.

    `shape` stands in for the drawn shapes. `walk`: asked of each place, for whoever has the place at hand already (see
    `people`).
    """
    meant = Q(pk__in=[])
    if ground.areas:
        lying = PlaceArea.objects.filter(area__in=find.spanning(ground.areas))
        meant |= Q(Exists(lying.filter(place=OuterRef("pk")))) if walk else Q(pk__in=lying.values("place"))
    drawn = shape if shape is not None else geometry(ground)
    if drawn is None:
        return meant
    if version is None and not walk:
        here = within.some_places(drawn)
        if here is not None:
            return meant | Q(_OneOf("pk", here.tolist()))
    covering = cells.cover(drawn)
    meant |= ranges(covering.inside)
    fixed = version.shape_places.filter(part=part) if version is not None else None
    if fixed is None:
        return meant | Q(_OneOf("pk", edge_places(drawn, covering.edge)))
    if walk:
        return meant | Q(Exists(fixed.filter(place=OuterRef("pk"))))
    return meant | Q(_OneOf("pk", list(fixed.values_list("place", flat=True))))


def meant_places(rule: Rule, *, version: Version | None = None, walk: bool = False) -> QuerySet[Place]:
    """The places by which people are meant: in the ground, and not in what is left out.

    What is left out is asked of each place in either form: a database looks a place up much quicker than it makes a set
    of all the places of a district, of which it then needs few.
    """
    found = Place.objects.filter(places(rule.ground(Part.IN), Part.IN, version=version, walk=walk))
    if left_out := rule.ground(Part.NOT):
        found = found.exclude(places(left_out, Part.NOT, version=version, walk=True))
    return found


class _Within(Func):
    """Whether a column lies in one of these ranges: one expression, since a hundred lookups take Django a while."""

    output_field = BooleanField()

    def __init__(self, column: str, wanted: list[cells.Range]) -> None:
        super().__init__(F(column))
        each = (f"%(expressions)s BETWEEN {int(first)} AND {int(last)}" for first, last in wanted)
        self.extra["template"] = f"({' OR '.join(each)})"


class _OneOf(Func):
    """Whether a column holds one of these numbers, however many: an array on PostgreSQL, JSON on SQLite (targeting.md).

    On PostgreSQL a query of its own in its place would be right and slow: with an "or" between it and the ranges, only
    an array lets the database use an index for either. Else it reads every place there is. Where nothing stands beside
    it and the numbers are few, a query is right (`one_by_one`): PostgreSQL then looks up each person in every table,
    and not in one of them all that there are.
    """

    output_field = BooleanField()

    def __init__(self, column: str, numbers: list[int], *, one_by_one: bool = False) -> None:
        postgres = connection.vendor == "postgresql"
        many = "{" + ",".join(map(str, numbers)) + "}" if postgres else json.dumps(numbers)
        super().__init__(F(column), Value(many, output_field=TextField()))
        if not postgres:
            joiner, end = " IN (SELECT value FROM json_each(", "))"
        elif one_by_one:
            joiner, end = " IN (SELECT unnest(", "::bigint[]))"
        else:
            joiner, end = " = ANY (", "::bigint[])"
        self.extra["arg_joiner"], self.extra["template"] = joiner, "%(expressions)s" + end


_ONE_BY_ONE = 10_000


def people(rule: Rule, *, version: Version | None = None, walk: bool = False) -> QuerySet[Contact]:
    """Contacts to write to: place, groups, kind, organisation, channel, pause and suppression honoured (A3, A4).

    Both forms find the same people. The usual one begins at the places and groups, which is quick where few are meant.
    With `walk` everything is asked of one resident after the other, so that a reader in the order of their keys may
    stop at any of them and has then read no further: right where most are meant (dispatch).
    """
    found = reachable(rule, walk=walk)
    if rule.follows is None:
        return found.filter(_present(rule, version=version, walk=walk))
    got = _among(_sent(rule.follows, kept=rule.kept), _KEY, walk)
    if not rule.ground(Part.IN):
        return found.filter(got)
    return found.filter(got | _present(rule, version=version, walk=walk))


def _present(rule: Rule, *, version: Version | None, walk: bool) -> Q:
    """Contacts whom groups and ground mean today."""
    meant = in_groups(rule, walk=walk)
    if also := rule.ground(Part.ALSO):
        other = Place.objects.filter(places(also, Part.ALSO, version=version, walk=walk))
        meant &= _among(other, _RESIDENT, walk)
    if version is None and not walk and (here := _residents_here(rule)) is not None:
        return meant & Q(_OneOf("resident", here, one_by_one=len(here) <= _ONE_BY_ONE))
    return meant & _among(meant_places(rule, version=version, walk=walk), _RESIDENT, walk)


def _residents_here(rule: Rule) -> list[int] | None:
    """The people of a ground that is drawn and nothing else, if they are not too many for a list."""
    ground = rule.ground(Part.IN)
    if ground.areas or rule.ground(Part.NOT):
        return None
    drawn = geometry(ground)
    here = within.some_people(drawn) if drawn is not None else None
    return None if here is None else here.tolist()


def in_groups(rule: Rule, *, walk: bool = False) -> Q:
    """Members of any of the rule's groups, of each that they must be in too, and of none that is left out."""
    members, found = GroupMember.objects.members(), Q()
    if rule.groups:
        found &= _among(members.filter(group__in=rule.groups), _RESIDENT, walk)
    for group in rule.also_groups:
        found &= _among(members.filter(group=group), _RESIDENT, walk)
    if rule.not_groups:
        found &= ~_among(members.filter(group__in=rule.not_groups), _RESIDENT, True)
    return found


def reachable(rule: Rule, *, walk: bool = False) -> QuerySet[Contact]:
    """Contacts anywhere that a message of this kind, organisation and channel may reach (A4)."""
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


def _sent(mailings: tuple[int, ...], *, kept: bool = False) -> QuerySet[Delivery]:
    """The deliveries of earlier mailings that were sent; `kept`: or that wait for their digest."""
    states = [*_REACHED, *([Delivered.WAITING] if kept else [])]
    return Delivery.objects.filter(mailing__in=mailings, state__in=states)


def columns(found: QuerySet[Contact], *, urgent: bool = True) -> QuerySet[Contact, Any]:
    """The columns that the post room's `fill` asks for. What is not urgent is due when a person's quiet hours end, and
    carries them, for whatever may delay it."""
    now = clock.now()
    due: Any = Value(now, output_field=DateTimeField())
    asked: QuerySet[Contact, Any] = found.annotate(
        recipient_key=F("resident__key"),
        language=F("resident__language"),
        due_at=due if urgent else after_quiet(now, due),
        **({} if urgent else QUIET),
    )
    given: QuerySet[Contact, Any] = asked.values(*NAMES) if urgent else asked.values(*NAMES, *QUIET)
    return given


# Columns of `fill`, and a person's quiet hours as such.
NAMES: Final = ("recipient_key", "channel", "address", "address_key", "due_at", "language")
QUIET: Final = {"quiet_from": F("resident__quiet_from"), "quiet_until": F("resident__quiet_until")}

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
    """Exactly how many people and messages; for frozen versions only (see `counting`)."""
    found = people(rule, **where)
    numbers = found.aggregate(
        people=Count("resident", distinct=True),
        emails=Count("id", filter=Q(channel=Channel.EMAIL)),
        texts=Count("id", filter=Q(channel=Channel.SMS)),
    )
    return Reached(**numbers)


def beyond(rule: Rule, patch: set[int] | None) -> int:
    """How many people are meant by no place within the patch (area ids; None: everywhere is), exactly (A8)."""
    if patch is None or rule.follows is not None:
        return 0
    home = meant_places(rule).filter(Exists(PlaceArea.objects.filter(place=OuterRef("pk"), area__in=patch)))
    return people(rule).exclude(resident__in=home.values("resident")).values("resident").distinct().count()


def pence(texts: int, sms_text: str) -> float:
    """Expected cost of the texts, in pence."""
    return texts * max(1, text.segments(sms_text).count) * settings.SMS_PENCE_PER_SEGMENT if texts else 0.0


def hidden(number: int) -> int | None:
    """Rounded to 5, and nothing under 5: nobody finds one person by drawing (targeting.md)."""
    return None if 0 < number < 5 else 5 * math.floor(number / 5 + 0.5)
