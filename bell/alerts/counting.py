"""Counting while one draws: about how many people, in numbers from which nobody can be found (decision 13).

An exact count would tell whoever draws often enough who lives where. So here those who follow an organisation are
counted in blocks of at least five (lib.blocks), once all of them and once for each single group; everyone counts none,
once or twice by a secret of their own that never changes; and a shape gets its share of the blocks. Crossings of groups
are reckoned from the single groups, kinds and channels from what part of all followers chose them. However often anyone
asks, this is all there is to learn. Exact numbers stand on a frozen version only.
"""

import hashlib
import json
import math
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache

from django.db import transaction
from django.db.models import QuerySet, Sum
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from bell.alerts import audience, squares
from bell.alerts.models import CountAsked
from bell.alerts.rule import KEYS, Ground, Part, Rule
from bell.audit.record import record
from bell.delivery.models import Channel
from bell.lib import blocks, cells, clock, shapes
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer, Team
from bell.places import find
from bell.places.models import Area
from bell.residents.models import Resident

COUNTS_A_MINUTE = 60
FEWEST = 5


class TooManyCounts(Exception):
    """An officer counted too often in a minute."""


@dataclass(frozen=True)
class Roughly:
    """Numbers fit to be shown while drawing: rounded to 5; None is fewer than 5, perhaps nobody. Pence of the texts.

    `at_most`: people must have a place elsewhere too, which is not counted here. `beyond`: how many of them are meant
    by places outside the team's patch alone.
    """

    people: int | None
    emails: int | None
    texts: int | None
    pence: float
    at_most: bool = False
    beyond: int | None = None


def roughly(rule: Rule, *, by: Officer, sms_text: str = "", team: Team | None = None) -> Roughly:
    """Count while drawing: in blocks, rounded and hidden, each count logged and limited. `team`: whose patch it is."""
    _note_count(rule, by=by)
    ground = _drawn(rule)
    there = None if rule.follows is not None else _there(rule, ground)
    parts = squares.reached(rule) if there is not None else {}

    def by_channels(*channels: str) -> int | None:
        """Those who get it by any of these."""
        if there is None:
            return hide(_sent_before(replace(rule, channels=channels)))
        return hide(there * parts[channels])

    emails, texts = (by_channels(one) if one in rule.channels else 0 for one in (Channel.EMAIL, Channel.SMS))
    home = organisation_rules.patch_ground(team) if team is not None and ground is not None else None
    beyond = None
    if home is not None and ground is not None:
        beyond = hide(_there(rule, shapes.union([ground.difference(home)])) * parts[rule.channels])
    return Roughly(
        people=by_channels(*rule.channels),
        emails=emails,
        texts=texts,
        pence=audience.pence(texts or 0, sms_text),
        at_most=bool(rule.ground(Part.ALSO)) and rule.follows is None,
        beyond=beyond,
    )


def hide(number: float) -> int | None:
    """Rounded to 5, and nothing under 5, zero neither: whether there is anybody is not said of so few."""
    return None if number < FEWEST else audience.hidden(round(number))


def _sent_before(rule: Rule) -> float:
    """Those who were sent an earlier alert and may still be reached: a set that nobody can draw."""
    return _weighed(Resident.objects.filter(pk__in=audience.people(rule).values("resident")))


def _there(rule: Rule, ground: BaseGeometry | None) -> float:
    """About how many of the rule's groups have a place in a ground (None: in its named areas), whatever they chose.

    Crossings of groups are reckoned as if being in one had nothing to do with being in another.
    """
    count = cache(lambda group: _followers_in(rule, ground, group))
    everyone = count(None)
    if not everyone:
        return 0.0

    def share(group: int) -> float:
        return min(1.0, count(group) / everyone)

    any_of = 1 - math.prod(1 - share(group) for group in rule.groups) if rule.groups else 1.0
    each_of = math.prod(share(group) for group in rule.also_groups)
    none_of = math.prod(1 - share(group) for group in rule.not_groups)
    return everyone * any_of * each_of * none_of


def _followers_in(rule: Rule, ground: BaseGeometry | None, group: int | None) -> float:
    """Followers with a place there: in a drawn ground by blocks, in named areas, which nobody draws anew, exactly."""
    if ground is None:
        followers = squares.followers(rule.organisation, group)
        return _weighed(followers.filter(pk__in=audience.meant_places(rule).values("resident")))
    # Blocks are made of the whole squares that the ground touches: they are the same whatever is drawn in them.
    tiles, sums = squares.sums(rule.organisation, group, cells.touching(ground, blocks.TOP))
    return blocks.gather(tiles, sums, least=FEWEST).within(ground)


def _drawn(rule: Rule) -> BaseGeometry | None:
    """The ground that is meant without what is left out, where any of it is drawn: corners on a grid of 50 metres."""
    meant, left_out = rule.ground(Part.IN), rule.ground(Part.NOT)
    if rule.follows is not None or not (meant.shapes or left_out.shapes):
        return None
    return shapes.union([_outline(meant).difference(_outline(left_out))])


def _outline(ground: Ground) -> BaseGeometry:
    """Areas and shapes as one shape."""
    drawn = audience.geometry(ground)
    named = [find.shape(area) for area in Area.objects.public().filter(pk__in=ground.areas)]
    return shapes.union([*named, shapes.snap(drawn) if drawn is not None else Polygon()])


def _weighed(residents: QuerySet[Resident]) -> float:
    """How many, each as often as they count."""
    return float(residents.aggregate(n=Sum(squares.weight("key")))["n"] or 0)


@transaction.atomic
def _note_count(rule: Rule, *, by: Officer) -> None:
    """Keep that this officer counted this rule; refuse the sixty-first in a minute."""
    now = clock.now()
    if CountAsked.objects.filter(officer=by, at__gt=now - timedelta(minutes=1)).count() >= COUNTS_A_MINUTE:
        raise TooManyCounts("You have counted many audiences in a minute. Wait a moment, then change the map again.")
    asked = [[getattr(rule, key) for key in KEYS], rule.kind, rule.channels]
    mark = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
    CountAsked.objects.create(officer=by, at=now, digest=mark)
    record("audience counted", None, by=by, rule=mark)
