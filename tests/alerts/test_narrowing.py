"""Include, leave out and must-also-be: the one query in each of its forms against the plain meaning of the words."""

import random
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import shapely
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import affinity
from shapely.geometry import box

from bell.alerts import actions, audience, dispatch, drawing, rules
from bell.alerts.models import Alert, ShapePlace, Version
from bell.alerts.rule import Part, Rule, tidy
from bell.lib import clock, shapes
from bell.organisations.kinds import Kind
from bell.organisations.models import Role
from bell.residents import actions as residents
from bell.residents.actions import Spot
from bell.residents.models import Resident
from tests.cast import EAST, IN_EAST, IN_WEST, MIDDLE, NORTH, SOUTH, WEST, Cast


def rule(cast: Cast, **changes) -> Rule:
    facts = {"organisation": cast.force.pk, "kind": Kind.CRIME, "channels": ("email",), "areas": (cast.west.pk,)}
    return Rule(**(facts | changes))


def keys(found: Rule) -> set[int]:
    return set(audience.people(found).values_list("resident__key", flat=True))


def square(lon: float, lat: float, half: float = 0.002) -> dict:
    return feature(box(lon - half, lat - half, lon + half, lat + half))


def feature(shape) -> dict:
    return {"type": "Feature", "properties": {}, "geometry": shapes.to_geojson(shape)}


# The words, one at a time.


def test_a_place_that_is_left_out_does_not_count_but_another_of_the_person_may(cast):
    near, far = (IN_WEST[0] - 0.01, IN_WEST[1]), IN_WEST
    cast.resident(far)
    both = cast.resident(far)
    residents.add_place(both, Spot(*near, "Work"), by=both)
    kept = cast.resident(near)
    assert keys(rule(cast, not_shapes=(square(*far),))) == {both.key, kept.key}
    assert keys(rule(cast, areas=(cast.west.parent_id,), not_areas=(cast.west.pk,))) == set()


def test_also_means_another_place_there_or_the_same(cast):
    cast.resident(IN_WEST)
    both = cast.resident(IN_WEST)
    residents.add_place(both, Spot(*IN_EAST, "Work"), by=both)
    assert keys(rule(cast, also_areas=(cast.east.pk,))) == {both.key}
    assert keys(rule(cast, also_shapes=(square(*IN_EAST),))) == {both.key}
    assert len(keys(rule(cast, also_areas=(cast.west.pk,)))) == 2


def test_who_is_left_out_of_also_ground_is_asked_of_meant_places_only(cast):
    """What is left out takes places away from those that are meant, not from those that must lie elsewhere too."""
    both = cast.resident(IN_WEST)
    residents.add_place(both, Spot(*IN_EAST, "Work"), by=both)
    assert keys(rule(cast, also_areas=(cast.east.pk,), not_areas=(cast.east.pk,))) == {both.key}


def test_groups_any_each_and_none(cast):
    walker = cast.resident(groups=(cast.dog_walkers,))
    owner = cast.resident(groups=(cast.cctv,))
    both = cast.resident(groups=(cast.cctv, cast.dog_walkers))
    neither = cast.resident()
    dogs, cctv = cast.dog_walkers.pk, cast.cctv.pk
    assert keys(rule(cast, also_groups=(dogs, cctv))) == {both.key}
    assert keys(rule(cast, groups=(dogs,), also_groups=(cctv,))) == {both.key}
    assert keys(rule(cast, groups=(dogs,), not_groups=(cctv,))) == {walker.key}
    assert keys(rule(cast, not_groups=(dogs, cctv))) == {neither.key}
    assert keys(rule(cast, not_groups=(dogs,))) == {owner.key, neither.key}


def test_what_was_frozen_before_these_words_existed_means_what_it_did(cast):
    alert = cast.draft()
    assert set(alert.audience) == {"areas", "shapes", "groups"} == set(tidy(alert.audience))
    frozen = rules.snapshot(alert)
    assert frozen["audience"] == {"areas": [cast.west.pk], "shapes": [], "groups": []}
    found = Rule.of(frozen)
    assert not any((found.not_areas, found.not_shapes, found.not_groups, found.also_areas, found.also_groups))
    assert tidy({"areas": [1], "not_areas": [], "also_groups": [3]}) == {
        "areas": [1], "shapes": [], "groups": [], "also_groups": [3],
    }  # fmt: skip


# The rules.


def test_what_is_left_out_may_lie_anywhere_but_must_be_a_shape(cast):
    draft = cast.draft(audience={"areas": [cast.west.pk], "not_areas": [cast.far.pk], "not_shapes": [square(-1.2, 53)]})
    assert rules.problems_with_audience(draft) == ""
    draft.audience["also_shapes"] = [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [0, 0]}}]
    assert "radius" in rules.problems_with_audience(draft)
    draft.audience = {"areas": [cast.west.pk], "not_areas": [cast.west.parent_id]}
    assert "left out again" in rules.problems_with_audience(draft)
    draft.audience = {"not_areas": [cast.west.pk], "also_areas": [cast.west.pk]}
    assert "Choose at least one area" in rules.problems_with_audience(draft)


def test_a_watch_scheme_crosses_no_other_group(cast):
    cast.dog_walkers.scheme_team = cast.team
    cast.dog_walkers.save()
    draft = cast.draft(audience={"areas": [cast.west.pk], "groups": [cast.dog_walkers.pk]})
    assert rules.problems_with_audience(draft) == ""
    for key in ("also_groups", "not_groups"):
        draft.audience = {"areas": [cast.west.pk], "groups": [cast.dog_walkers.pk], key: [cast.cctv.pk]}
        assert "can only write to its own scheme" in rules.problems_with_audience(draft)


# From a draft to the outbox.


def test_the_frozen_number_is_the_number_sent_whatever_the_parts(cast):
    chance = random.Random(5)
    for number in range(40):
        person = cast.resident((chance.uniform(WEST, MIDDLE), chance.uniform(SOUTH, NORTH)))
        if number % 3:
            residents.add_place(
                person, Spot(chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH), "Work"), by=person
            )
    rings = {
        "shapes": [feature(box(WEST + 0.003, SOUTH + 0.003, EAST - 0.003, NORTH - 0.003))],
        "not_shapes": [feature(shapely.Point(IN_WEST).buffer(0.011))],
        "also_shapes": [feature(shapely.Point(MIDDLE, 53.02).buffer(0.03))],
    }
    alert, version = cast.approved(audience={"areas": [], "groups": [], **rings})
    Alert.objects.filter(pk=alert.pk).update(hold_until=timezone.now() - timedelta(seconds=1))
    assert dispatch.begin(alert)
    version.refresh_from_db()
    assert set(ShapePlace.objects.values_list("part", flat=True)) == {"in", "not", "also"}
    while not version.filled_at:
        dispatch.fill_step(version, step=7)
        version.refresh_from_db()
    sent = set(version.mailing.deliveries.values_list("recipient_key", flat=True))
    assert 0 < len(sent) == version.people
    assert sent == keys(Rule.of(version.frozen))


# Against brute force.


@dataclass
class Person:
    """One resident as brute force sees them."""

    row: Resident
    spots: list[tuple[float, float]]
    groups: set[int]
    reach: set[str]
    kinds: bool = True
    paused: bool = False
    others: set[int] = field(default_factory=set)


@dataclass
class Town:
    """A cast with sixty people of every sort."""

    cast: Cast
    people: list[Person]

    @property
    def spots(self) -> list[tuple[float, float]]:
        return [spot for person in self.people for spot in person.spots]


@pytest.fixture
def town(cast) -> Town:
    chance = random.Random(11)
    third = (MIDDLE, 53.013)  # on the boundary of two wards
    people = []
    for number in range(60):
        spots = [(round(chance.uniform(WEST, EAST), 4), round(chance.uniform(SOUTH, NORTH), 4))]
        groups = {one for one in (cast.dog_walkers, cast.cctv) if chance.random() < 0.4}
        reach = chance.choice([{"email"}, {"sms"}, {"email", "sms"}])
        row = cast.resident(
            spots[0],
            email="" if "email" in reach else None,
            mobile="" if "sms" in reach else None,
            groups=tuple(groups),
            kinds=(Kind.CRIME,) if number % 9 else (Kind.SCAM,),
            sms_kinds=(Kind.CRIME,) if number % 9 else (Kind.SCAM,),
            organisations=(cast.force,) if number % 11 else (),
        )
        for label in ("Work", "Parents")[: chance.choice([0, 0, 1, 2])]:
            spot = (
                third
                if number % 5 == 0
                else (round(chance.uniform(WEST, EAST), 4), round(chance.uniform(SOUTH, NORTH), 4))
            )
            residents.add_place(row, Spot(*spot, label), by=row)
            spots.append(spot)
        if number % 13 == 0:
            residents.pause(row, until=timezone.now() + timedelta(days=2), by=row)
        wants = bool(number % 9) and bool(number % 11) and bool(number % 13)
        people.append(Person(row, spots, {one.pk for one in groups}, reach, wants))
    return Town(cast, people)


@st.composite
def polygons(draw: st.DrawFn, spots: list[tuple[float, float]]):
    """A drawn shape: often with corners on people's very places, with holes, in parts, or as thin as a hair."""
    corner = st.sampled_from(spots) | st.tuples(
        st.floats(WEST - 0.01, EAST + 0.01).map(lambda value: round(value, 6)),
        st.floats(SOUTH - 0.01, NORTH + 0.01).map(lambda value: round(value, 6)),
    )
    hull = shapely.MultiPoint(draw(st.lists(corner, min_size=3, max_size=7, unique=True))).convex_hull
    if hull.geom_type != "Polygon":
        hull = hull.buffer(0.001)
    match draw(st.sampled_from(["plain", "hole", "parts", "sliver"])):
        case "hole":
            hull = hull.difference(affinity.scale(hull, 0.5, 0.5))
        case "parts":
            hull = hull.union(affinity.translate(affinity.scale(hull, 0.3, 0.3), 0.06, 0))
        case "sliver":
            one, other = draw(st.tuples(corner, corner).filter(lambda pair: pair[0] != pair[1]))
            hull = shapely.LineString([one, other]).buffer(1e-6, cap_style="flat")
    return feature(hull)


@st.composite
def audiences(draw: st.DrawFn, town: Town) -> dict:
    """An audience with any of its parts."""
    cast = town.cast
    area = st.lists(st.sampled_from([cast.west.pk, cast.east.pk, cast.far.pk]), max_size=2, unique=True)
    shape = st.lists(polygons(town.spots), max_size=2)
    group = st.lists(st.sampled_from([cast.dog_walkers.pk, cast.cctv.pk]), max_size=2, unique=True)
    found = {"areas": draw(area), "shapes": draw(st.lists(polygons(town.spots), min_size=1, max_size=2))}
    for part in ("not", "also"):
        if draw(st.booleans()):
            found |= {f"{part}_areas": draw(area), f"{part}_shapes": draw(shape)}
    return found | {key: draw(group) for key in ("groups", "not_groups", "also_groups") if draw(st.booleans())}


def lies(town: Town, spot: tuple[float, float], areas: list[int], drawn: list[dict]) -> bool:
    """Whether a place lies in any of these areas or shapes; a boundary belongs to its shape."""
    cast = town.cast
    boxes = {
        cast.west.pk: box(WEST, SOUTH, MIDDLE, NORTH),
        cast.east.pk: box(MIDDLE, SOUTH, EAST, NORTH),
        cast.far.pk: box(-1.22, SOUTH, -1.15, NORTH),
    }
    grounds = [boxes[pk] for pk in areas] + [drawing.read(one) for one in drawn]
    return any(bool(shapely.intersects_xy(ground, *spot)) for ground in grounds)


def expected(town: Town, rule: dict, channels: set[str]) -> set[tuple[int, str]]:
    """Who is meant, by the words of alerts.rule."""
    found = set()
    for person in town.people:

        def in_(part: str, spot: tuple[float, float]) -> bool:
            return lies(town, spot, rule.get(f"{part}areas", []), rule.get(f"{part}shapes", []))

        also = bool(rule.get("also_areas") or rule.get("also_shapes"))
        if (
            person.kinds
            and any(in_("", spot) and not in_("not_", spot) for spot in person.spots)
            and (not also or any(in_("also_", spot) for spot in person.spots))
            and (not rule.get("groups") or person.groups & set(rule["groups"]))
            and not person.groups & set(rule.get("not_groups", []))
            and set(rule.get("also_groups", [])) <= person.groups
        ):
            found |= {(person.row.key, channel) for channel in person.reach & channels}
    return found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_every_form_of_the_query_agrees_with_brute_force(town, data):
    given_audience = data.draw(audiences(town))
    channels = data.draw(st.sampled_from([{"email"}, {"sms"}, {"email", "sms"}]))
    frozen = rules.snapshot(town.cast.draft(audience=given_audience))
    frozen |= {"by_email": "email" in channels, "by_sms": "sms" in channels}
    found = Rule.of(frozen)
    wanted = expected(town, given_audience, channels)
    version = freeze(town.cast, frozen)
    forms = [audience.people(found, version=fixed, walk=walk) for fixed in (None, version) for walk in (False, True)]
    for form in forms:
        assert set(form.values_list("resident__key", "channel")) == wanted
    reached = audience.count(found)
    assert reached.people == len({key for key, _ in wanted})
    assert (reached.emails, reached.texts) == tuple(
        sum(channel == one for _, channel in wanted) for one in ("email", "sms")
    )
    home = {town.cast.west.pk, town.cast.east.pk}
    assert audience.beyond(found, home) == beyond(town, given_audience, wanted)


def freeze(cast: Cast, frozen: dict) -> Version:
    """A version with its edges fixed, as dispatch does when the fan-out begins."""
    alert = Alert.objects.get(reference=frozen["reference"])
    version = Version.objects.create(
        alert=alert, number=1, frozen=frozen, digest=rules.digest(frozen), by=cast.author, at=clock.now()
    )
    dispatch._fix_edges(version)
    assert set(version.shape_places.values_list("part", flat=True)) <= set(Part)
    return version


def beyond(town: Town, rule: dict, wanted: set[tuple[int, str]]) -> int:
    """People who are meant by no place in the patch."""
    home = [town.cast.west.pk, town.cast.east.pk]
    reached = {key for key, _ in wanted}
    count = 0
    for person in town.people:
        meant = [
            spot
            for spot in person.spots
            if lies(town, spot, rule.get("areas", []), rule.get("shapes", []))
            and not lies(town, spot, rule.get("not_areas", []), rule.get("not_shapes", []))
        ]
        count += person.row.key in reached and not any(lies(town, spot, home, []) for spot in meant)
    return count


def test_a_version_keeps_how_many_lie_beyond_the_patch(cast):
    for _ in range(3):
        cast.resident(IN_WEST)
    over = cast.resident((EAST + 0.002, 53.02))
    both = cast.resident((EAST + 0.002, 53.02))
    residents.add_place(both, Spot(*IN_WEST, "Work"), by=both)
    cast.team.margin_m = 500
    cast.team.save()
    wide = feature(box(WEST, SOUTH, EAST + 0.004, NORTH))
    version = actions.submit(cast.draft(audience={"areas": [], "shapes": [wide], "groups": []}), by=cast.author)
    assert (version.people, version.beyond) == (5, 1) and over.key in keys(Rule.of(version.frozen))
    cast.officer("Max Media", cast.media_team, Role.APPROVER)
    whole = cast.draft(by=cast.media, team=cast.media_team, audience={"areas": [], "shapes": [wide], "groups": []})
    assert actions.submit(whole, by=cast.media).beyond == 0
