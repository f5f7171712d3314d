"""Invented residents: names, addresses nobody can have, choices, and where they live, all from one seed.

They are written in bulk rather than one by one through `residents.actions.join`, because thousands of people must be
there within seconds; each has the same rows as one who joined, the consent included.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import transaction

from bell.audit.record import record
from bell.delivery.models import Channel
from bell.lib import cells, clock, keys
from bell.organisations.kinds import ALL_BITS, Kind, bits
from bell.organisations.models import Organisation
from bell.proving import tongues
from bell.residents import areas, rules
from bell.residents.models import Consent, Contact, Following, Group, GroupMember, Place, Resident

SOURCE = "demo"


def _words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


_FIRST = _words(
    """
    Aisha Alan Alice Amir Andrew Angela Ann Barbara Ben Brenda Brian Carol Catherine Charlotte Chloe Chris Colin Craig
    Daniel David Dawn Debbie Derek Donna Doreen Edward Eileen Ellie Emma Eric Fatima Frank Gareth Gemma George Graham
    Grace Hannah Harry Hazel Helen Ian Imran Irene Jack James Jane Janet Jason Jean Jenny Joan Joe John Joyce Julie
    Karen Kate Keith Kelly Ken Kevin Laura Leah Lee Linda Lisa Louise Lucy Maria Mark Martin Mary Maureen Megan
    Michael Mohammed Nadia Neil Nicola Norman Olivia Pamela Patricia Paul Peter Philip Priya Rachel Ravi Rebecca
    Richard Rita Robert Roger Rose Roy Ruth Sally Sam Sandra Sarah Sharon Sheila Simon Sophie Stephen Sue Susan Tariq
    Terry Thomas Tim Tina Tom Tony Tracey Trevor Vera Walter Wendy William Yasmin Zoe
    """
)
_LAST = _words(
    """
    Adams Ahmed Allen Allsop Baker Barker Barnes Bell Bennett Berry Birch Booth Bradley Brook Brown Bryan Butler
    Carter Chapman Clarke Clay Cole Collins Cook Cooper Cox Dale Davies Dean Dixon Ellis Evans Fearn Fisher Fletcher
    Flint Foster Fox Frost Gill Goodwin Grant Gray Green Hall Hardy Harris Harrison Hill Holmes Howard Hunt Hussain
    Jackson Johnson Jones Kaur Kelly Khan King Knight Lane Lee Lewis Lomas Marsh Marshall Mason Miller Mills Moore
    Morris Murphy Nair Newton Oldham Palmer Parker Patel Pearson Potter Price Reid Riley Roberts Robinson Rose Rowe
    Russell Shah Sharma Shaw Simpson Singh Slater Smith Spencer Stone Street Swift Taylor Thompson Tomlinson Turner
    Wain Walker Ward Watson Webb West White Wild Williams Wilson Wood Wright Young
    """
)
_MAILBOXES = ("home.example", "post.example", "mail.example", "inbox.example")
# Ofcom's numbers for drama: the last hundred are officers', one is the number that we text from.
_RESIDENTS_DRAMA = [number for number in range(900) if number != 100]


class Point(NamedTuple):
    """Where somebody lives (WGS84 degrees), and the postcode if it has one."""

    lon: float
    lat: float
    postcode: str = ""


@dataclass(frozen=True)
class Person:
    """One invented resident before there is a row of them. `email` or `mobile` may be empty, never both."""

    name: str
    email: str
    mobile: str
    homes: tuple[Point, ...]
    groups: tuple[str, ...] = ()
    email_kinds: int = ALL_BITS
    sms_kinds: int = 0
    follows: bool = True


def mobile(number: int) -> str:
    """The number-th invented mobile: drama numbers first (07700 900...), then "+999..."."""
    if number < len(_RESIDENTS_DRAMA):
        return f"+447700900{_RESIDENTS_DRAMA[number]:03}"
    return f"+999700{number:06}"


def invent(
    rng: random.Random,
    homes: Sequence[Point],
    *,
    groups: Sequence[str],
    share: float = 0.14,
    first: int = 0,
    mobiles: int = 0,
) -> list[Person]:
    """One person a home, each in a `share` of the groups (slugs).

    `first` and `mobiles` number addresses and mobiles on from those of others.
    """
    people = []
    for number, home in enumerate(homes, start=first):
        name, surname = rng.choice(_FIRST), rng.choice(_LAST)
        has_email = rng.random() < 0.86
        has_mobile = not has_email or rng.random() < 0.3
        address = f"{name}.{surname}{number}@{rng.choice(_MAILBOXES)}".lower() if has_email else ""
        second = rng.random() < 0.06  # a workplace or a parent's house elsewhere
        people.append(
            Person(
                name=f"{name} {surname}",
                email=address,
                mobile=mobile(mobiles) if has_mobile else "",
                homes=(home, rng.choice(homes)) if second else (home,),
                groups=tuple(slug for slug in groups if rng.random() < share),
                email_kinds=_some_kinds(rng, most=0.8) if has_email else 0,
                sms_kinds=_some_kinds(rng, most=0.45) if has_mobile else 0,
                follows=rng.random() < 0.98,
            )
        )
        mobiles += has_mobile
    return people


def _some_kinds(rng: random.Random, *, most: float) -> int:
    """The kinds a person chose: all of them with probability `most`, else those that matter to them."""
    if rng.random() < most:
        return ALL_BITS
    chosen = [kind.value for kind in Kind if rng.random() < 0.6]
    return bits([*chosen, Kind.MISSING.value])


@transaction.atomic
def settle(
    people: Sequence[Person], *, force: Organisation, groups: Sequence[Group], rng: random.Random, source: str = SOURCE
) -> list[Resident]:
    """Write these people as residents who joined on the web, in order; their keys come from the seed too."""
    residents = Resident.objects.bulk_create(
        [
            Resident(
                key=rng.getrandbits(62) + 1,
                name=one.name,
                email_kinds=one.email_kinds,
                sms_kinds=one.sms_kinds,
                source=source,
                language=tongues.of_person(number),
            )
            for number, one in enumerate(people)
        ],
        batch_size=1000,
    )
    pairs = list(zip(residents, people, strict=True))
    Contact.objects.bulk_create([row for pair in pairs for row in _contacts(*pair)], batch_size=1000)
    places = Place.objects.bulk_create([row for pair in pairs for row in _places(*pair)], batch_size=1000)
    areas.refresh(places)
    by_slug = {group.slug: group for group in groups}
    GroupMember.objects.bulk_create(
        [GroupMember(group=by_slug[slug], resident=resident) for resident, one in pairs for slug in one.groups],
        batch_size=1000,
    )
    Following.objects.bulk_create(
        [Following(resident=resident, organisation=force) for resident, one in pairs if one.follows], batch_size=1000
    )
    now = clock.now()
    Consent.objects.bulk_create(
        [
            Consent(resident=row, what="messages", given=True, wording=rules.CONSENT_WORDING, how="web", at=now)
            for row in residents
        ],
        batch_size=1000,
    )
    record("invented residents settled", force, by=source, people=len(residents))
    return residents


def _contacts(resident: Resident, one: Person) -> list[Contact]:
    """The person's confirmed addresses."""
    given = [(Channel.EMAIL, one.email), (Channel.SMS, one.mobile)]
    return [
        Contact(
            resident=resident,
            channel=channel,
            address=address,
            address_key=keys.address_key(channel, address),
            verified_at=clock.now(),
        )
        for channel, address in given
        if address
    ]


def _places(resident: Resident, one: Person) -> list[Place]:
    """The person's places: the first is home."""
    labels = ("Home", "Work", "Family")
    return [
        Place(
            resident=resident,
            label=label,
            postcode=home.postcode,
            lon=home.lon,
            lat=home.lat,
            cell=cells.encode_one(home.lon, home.lat),
        )
        for label, home in zip(labels, one.homes, strict=False)
    ]
