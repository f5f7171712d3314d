"""People who have had enough while an alert is being sent, each by a door that people have."""

import random
from dataclasses import dataclass, field
from datetime import datetime

from bell.delivery import unsubscribe
from bell.delivery.models import Delivery, Mailing, State
from bell.lib import clock, links
from bell.proving.rehearse import visitor
from bell.proving.rehearse.expected import Everyone, Person

PEOPLE = 20
_WAYS = ("one-click", "one-click", "STOP", "one-click", "leave")


@dataclass(frozen=True)
class OptOut:
    """Who no longer wants what: addresses by channel, from which moment, and which rows waited for them then."""

    key: int
    way: str
    at: datetime
    addresses: dict[str, str]
    waited: frozenset[int] = field(default_factory=frozenset)


def run(
    world_stream: str,
    mailings: list[Mailing],
    everyone: Everyone,
    *,
    by_text: bool,
    rng: random.Random,
    stay: set[int],
) -> list[OptOut]:
    """Let people opt out whose copies of these mailings still wait; the first mailing gives a third of its people.

    Of those who `stay`, because something else is proved by their being members, none leaves altogether.
    """
    people = everyone.by_key()
    chosen = _choose(mailings, people, by_text=by_text, rng=rng)
    ways = [(key, "one-click" if way == "leave" and key in stay else way) for key, way in chosen]
    return [_opt_out(people[key], way, world_stream, mailings) for key, way in ways]


def _choose(
    mailings: list[Mailing], people: dict[int, Person], *, by_text: bool, rng: random.Random
) -> list[tuple[int, str]]:
    """Twenty people (fewer in a very small county) and the way each takes."""
    first, *others = [_waiting(mailing) for mailing in mailings]
    keys = rng.sample(first, min(len(first) // 3, PEOPLE)) if first else []
    for more in others:
        # The last to be sent to: their copies surely wait still when they opt out.
        fresh = [key for key in more[-4 * PEOPLE :] if key not in keys]
        keys += rng.sample(fresh, min(len(fresh), PEOPLE - len(keys)))
    return [(key, _way(people[key], number, by_text)) for number, key in enumerate(keys)]


def _waiting(mailing: Mailing) -> list[int]:
    """People with a waiting copy, in the order in which they are sent to."""
    rows = Delivery.objects.filter(mailing=mailing, state=State.QUEUED).order_by("pk")
    return list(dict.fromkeys(rows.values_list("recipient_key", flat=True)))


def _way(person: Person, number: int, by_text: bool) -> str:
    """The way that falls to the number-th person, if they have what it takes."""
    way = _WAYS[number % len(_WAYS)]
    if way == "STOP" and not (by_text and "sms" in person.contacts):
        way = "one-click"
    return "leave" if way == "one-click" and "email" not in person.contacts else way


def _opt_out(person: Person, way: str, world_stream: str, mailings: list[Mailing]) -> OptOut:
    """Do it, and note the moment at which the site had taken it."""
    channels = {"one-click": ["email"], "STOP": ["sms"], "leave": list(person.contacts)}[way]
    rows = Delivery.objects.filter(
        mailing__in=mailings, recipient_key=person.key, channel__in=channels, state=State.QUEUED
    )
    waited = frozenset(rows.values_list("pk", flat=True))
    token = unsubscribe.token(person.key, world_stream)
    if way == "one-click":
        visitor.one_click(links.absolute(links.unsubscribe(token)))
    elif way == "STOP":
        visitor.text(person.contacts["sms"][0], "STOP")
    else:
        visitor.fill_in(f"{links.unsubscribe(token)}leave/", {})
    addresses = {channel: person.contacts[channel][0] for channel in channels}
    return OptOut(person.key, way, clock.now(), addresses, waited)
