"""Who should get what, worked out by brute force: every person, every place, in plain Python.

On purpose nothing of `alerts.audience`, `lib.cells` or the tables that place people in areas is used here: the
rehearsal compares two ways of reckoning that have only the tables of what people said in common.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from bell.delivery.models import Suppression
from bell.organisations.kinds import FACTS
from bell.residents.models import Contact, Following, GroupMember, Place, Resident

Pair = tuple[int, str]
"""A person's key and a channel."""


@dataclass(frozen=True)
class Due:
    """One copy that should reach somebody: where, and by whose stream (the organisation's id)."""

    address: str
    organisation: int


@dataclass
class Person:
    """All that decides whether somebody is written to."""

    key: int
    kinds: dict[str, int]
    left: bool
    paused_until: datetime | None
    places: list[tuple[float, float]] = field(default_factory=list)
    groups: set[int] = field(default_factory=set)
    hears: set[int] = field(default_factory=set)
    contacts: dict[str, tuple[str, int]] = field(default_factory=dict)  # channel: (address, its key)


@dataclass(frozen=True)
class Everyone:
    """What the tables say of everybody at one moment."""

    people: list[Person]
    refused: set[tuple[int, str, str]]  # (address key, channel, stream)

    def by_key(self) -> dict[int, Person]:
        """Each person by key."""
        return {person.key: person for person in self.people}


def everyone() -> Everyone:
    """Read all residents and what they chose, row by row."""
    people = {
        row["id"]: Person(
            key=row["key"],
            kinds={"email": row["email_kinds"], "sms": row["sms_kinds"]},
            left=row["left_at"] is not None,
            paused_until=row["paused_until"],
        )
        for row in Resident.objects.values("id", "key", "email_kinds", "sms_kinds", "left_at", "paused_until")
    }
    for resident, lon, lat in Place.objects.values_list("resident_id", "lon", "lat"):
        people[resident].places.append((lon, lat))
    for resident, group, state in GroupMember.objects.values_list("resident_id", "group_id", "state"):
        if state == "member":
            people[resident].groups.add(group)
    for resident, organisation in Following.objects.values_list("resident_id", "organisation_id"):
        people[resident].hears.add(organisation)
    for resident, channel, address, key in Contact.objects.values_list(
        "resident_id", "channel", "address", "address_key"
    ):
        people[resident].contacts[channel] = (address, key)
    return Everyone(list(people.values()), set(Suppression.objects.values_list("address_key", "channel", "stream")))


def within(all_of: Everyone, shapes: Sequence[BaseGeometry]) -> list[Person]:
    """Members with a place in one of the shapes; one that lies on the boundary is in."""
    for shape in shapes:
        shapely.prepare(shape)
    return [person for person in all_of.people if not person.left and any(_in(shapes, at) for at in person.places)]


def _in(shapes: Sequence[BaseGeometry], at: tuple[float, float]) -> bool:
    """Whether one of the shapes has this point."""
    return any(shapely.intersects(shape, shapely.Point(at)) for shape in shapes)


def eligible(
    all_of: Everyone,
    people: Iterable[Person],
    *,
    organisation: int,
    kind: str,
    channels: Collection[str],
    groups: Collection[int],
    now: datetime,
) -> dict[Pair, str]:
    """(person, channel) -> address of everyone among `people` who may be written to about this kind."""
    found: dict[Pair, str] = {}
    stream = f"{organisation}.{kind}"[:16]
    silent = _silent(all_of)
    for person in people:
        if person.left or organisation not in person.hears or (groups and not person.groups & set(groups)):
            continue
        if person.paused_until is not None and person.paused_until > now:
            continue
        for channel, (address, key) in person.contacts.items():
            wanted = channel in channels and bool(person.kinds[channel] & FACTS[kind].bit)
            if wanted and not silent[key, channel] & {"", stream}:
                found[person.key, channel] = address
    return found


def carried(all_of: Everyone, shares: Sequence[tuple[int, Iterable[Person]]], **rule: Any) -> dict[Pair, Due]:
    """Who should get an alert by whose stream: `shares` are (organisation, the people meant), the alert's own first.

    One copy each: whoever an earlier organisation writes to gets nothing from a later one, by no channel.
    """
    found: dict[Pair, Due] = {}
    for organisation, people in shares:
        have = {key for key, _ in found}
        own = eligible(all_of, (one for one in people if one.key not in have), organisation=organisation, **rule)
        found |= {pair: Due(address, organisation) for pair, address in own.items()}
    return found


def _silent(all_of: Everyone) -> dict[tuple[int, str], set[str]]:
    """The streams that each address refused; "" is everything."""
    found: dict[tuple[int, str], set[str]] = defaultdict(set)
    for key, channel, stream in all_of.refused:
        found[key, channel].add(stream)
    return found
