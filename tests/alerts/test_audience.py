"""Who is meant: the one query counts, freezes and fills the same people, on both databases."""

import random
from datetime import timedelta

import numpy as np
import shapely
from django.utils import timezone

from bell.alerts import audience
from bell.alerts.rule import Rule
from bell.delivery import post
from bell.lib import shapes
from bell.organisations.kinds import Kind
from bell.residents import actions as residents
from bell.residents.actions import Spot
from tests.cast import EAST, FAR, IN_EAST, IN_WEST, NORTH, SOUTH, WEST, Cast


def rule(cast: Cast, **changes) -> Rule:
    facts = {"organisation": cast.force.pk, "kind": Kind.CRIME, "channels": ("email", "sms"), "areas": (cast.west.pk,)}
    return Rule(**(facts | changes))


def keys(found) -> set[int]:
    return set(audience.people(found).values_list("resident__key", flat=True))


def circle(lon: float, lat: float, metres: float) -> dict:
    point = {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "geometry": point, "properties": {"radius_m": metres}}


def test_people_of_an_area_by_each_channel(cast):
    cast.resident(IN_WEST, email="one@home.example", mobile="07700 900001")
    cast.resident(IN_WEST, email=None, mobile="07700 900002")
    cast.resident(IN_EAST)
    reached = audience.count(rule(cast))
    assert (reached.people, reached.emails, reached.texts) == (2, 1, 2)
    assert audience.count(rule(cast, channels=("email",))).people == 1


def test_a_parent_area_means_all_within(cast):
    people = {cast.resident(IN_WEST).key, cast.resident(IN_EAST).key}
    cast.resident(FAR)
    assert keys(rule(cast, areas=(cast.west.parent_id,))) == people


def test_a_person_with_two_places_in_the_shape_is_one_person(cast):
    person = cast.resident(IN_WEST)
    residents.add_place(person, Spot(IN_WEST[0] + 0.001, IN_WEST[1], "Work"), by=person)
    reached = audience.count(rule(cast, shapes=(circle(*IN_WEST, 500),)))
    assert (reached.people, reached.emails) == (1, 1)


def test_groups_narrow_and_any_of_them_will_do(cast):
    walker = cast.resident(groups=(cast.dog_walkers,))
    owner = cast.resident(groups=(cast.cctv,))
    cast.resident()
    assert keys(rule(cast, groups=(cast.dog_walkers.pk,))) == {walker.key}
    assert keys(rule(cast, groups=(cast.dog_walkers.pk, cast.cctv.pk))) == {walker.key, owner.key}


def test_preferences_are_always_honoured(cast):
    kept = cast.resident()
    cast.resident(kinds=(Kind.SCAM,))
    cast.resident(organisations=())
    paused = cast.resident()
    residents.pause(paused, until=timezone.now() + timedelta(days=2), by=paused)
    unsubscribed = cast.resident()
    residents.unsubscribe(recipient_key=unsubscribed.key, stream=residents.stream(cast.force.pk, Kind.CRIME), by="link")
    gone = cast.resident()
    residents.leave(gone, by=gone, how="web")
    dead = cast.resident(email="dead@home.example")
    post.suppress(address_key=dead.contacts.get().address_key, channel="email", reason="hard bounce")
    assert keys(rule(cast)) == {kept.key}


def test_nobody_is_meant_by_a_rule_without_a_place(cast):
    cast.resident()
    assert audience.count(rule(cast, areas=())).people == 0


def test_shapes_agree_with_brute_force(cast):
    chance = random.Random(7)
    spots = [(chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH)) for _ in range(300)]
    people = [cast.resident(spot) for spot in spots]
    for _ in range(12):
        corners = [(chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH)) for _ in range(7)]
        hull = shapely.MultiPoint(corners).convex_hull
        drawn = {"type": "Feature", "geometry": shapes.to_geojson(hull), "properties": {}}
        inside = shapely.intersects_xy(hull, *np.array(spots).T)
        expected = {person.key for person, hit in zip(people, inside, strict=True) if hit}
        found = rule(cast, areas=(), shapes=(drawn, circle(*IN_WEST, 400)))
        near = shapely.intersects_xy(shapes.circle(*IN_WEST, 400), *np.array(spots).T)
        expected |= {person.key for person, hit in zip(people, near, strict=True) if hit}
        assert keys(found) == expected
