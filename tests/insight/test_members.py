"""Members against households: who counts where, growth, sources, and what each officer may see."""

from datetime import timedelta

import pytest

from bell.insight import members, scope
from bell.lib import clock
from bell.organisations.models import Officer, Role, Team
from bell.places.models import Households
from bell.residents import actions
from bell.residents.models import Resident
from tests.cast import FAR, IN_EAST, IN_WEST

pytestmark = pytest.mark.django_db


@pytest.fixture
def town(cast):
    """12 members in the west, 8 in the east, 2 far away; one more left."""
    for place, count in ((IN_WEST, 12), (IN_EAST, 8), (FAR, 2)):
        for _ in range(count):
            cast.resident(place)
    actions.leave(cast.resident(IN_WEST), by="test", how="web")
    for area, homes in ((cast.west, 400), (cast.east, 200), (cast.far, 100)):
        Households.objects.create(area=area, households=homes, as_of="2021-03-21")
    return cast


def everyone(cast) -> scope.Scope:
    return scope.Scope("all", None)


def by_name(rows):
    return {row.area.name: row for row in rows}


def test_members_and_shares_by_area(town):
    found = by_name(members.rows(everyone(town), kind="ward"))
    assert found["West Ward"].members == 10 and found["West Ward"].share == 2.5
    assert found["East Ward"].members is None and found["East Ward"].households == 200, "or Far Ward would follow"
    assert found["Far Ward"].members is None and found["Far Ward"].share is None


def test_the_whole_does_not_tell_the_hidden_part(town):
    """Far Ward (2) is hidden; force minus district would be it, so the district must be hidden too, or the force."""
    wards = by_name(members.rows(everyone(town), kind="ward"))
    district = by_name(members.rows(everyone(town), kind="district"))["Amber Test"]
    force = by_name(members.rows(everyone(town), kind="force"))["Testshire"]
    assert wards["Far Ward"].members is None
    assert district.members is None or force.members is None


def test_a_person_with_two_places_in_an_area_counts_once(town):
    one = Resident.objects.filter(left_at=None).first()
    actions.add_place(one, actions.Spot(IN_WEST[0] + 0.001, IN_WEST[1]), by=one)
    assert members._counts()[0][town.west.pk] == 12


def test_new_members_of_the_last_weeks(town):
    west = Resident.objects.filter(left_at=None).order_by("pk")[:12]
    Resident.objects.filter(pk__in=[one.pk for one in west[:6]]).update(joined_at=clock.now() - timedelta(days=60))
    _, new_30, new_90 = members._counts()
    assert new_30[town.west.pk] == 6 and new_90[town.west.pk] == 12


def test_households_of_a_whole_are_those_of_its_parts():
    parents = {1: None, 2: 1, 3: 1, 4: 3, 5: 3}
    assert members.household_sums(parents, {2: 10, 4: 3, 5: 4}) == {2: 10, 4: 3, 5: 4, 3: 7, 1: 17}
    assert members.household_sums(parents, {2: 10, 4: 3}) == {2: 10, 4: 3}
    assert members.household_sums(parents, {1: 99, 2: 1, 3: 1})[1] == 99, "its own figure wins"


def test_growth_counts_todays_members_by_when_they_joined(town):
    old = [one.pk for one in Resident.objects.filter(left_at=None)[:10]]
    Resident.objects.filter(pk__in=old).update(joined_at=clock.now() - timedelta(days=100))
    points = members.growth(everyone(town))
    assert len(points) == 12 and points[-1].members == 20 and points[-2].members == 10 and points[0].members is None
    assert [point.month for point in points] == sorted({point.month for point in points})


def test_sources_are_named(town):
    Resident.objects.filter(pk__in=Resident.objects.filter(left_at=None)[:9]).update(source="web")
    assert members.sources(everyone(town)) == [("Not recorded", 15), ("The website", 10)]


def test_scope_by_role(cast):
    own = scope.of(cast.author)
    assert own.area_ids == {cast.west.pk, cast.east.pk}
    assert scope.of(cast.stranger).area_ids == {cast.far.pk}
    assert scope.of(cast.media).area_ids is None and scope.of(cast.administrator).area_ids is None
    assert scope.of(cast.outsider) is None, "a partner sees none"
    for who in (cast.author, cast.stranger, cast.media, cast.administrator, cast.outsider):
        assert scope.may_look(who) is (scope.of(who) is not None)
    loose = cast.officer(
        "Lou Loose", Team.objects.create(organisation=cast.force, name="None", slug="none"), Role.AUTHOR
    )
    assert scope.of(loose) is None and not scope.may_look(loose)
    Officer.objects.filter(pk=cast.media.pk).update(is_active=False)
    cast.media.refresh_from_db()
    assert scope.of(cast.media) is None and not scope.may_look(cast.media)


def test_the_same_is_hidden_for_everyone(town):
    """An officer who sees two areas sees no number that one who sees all does not."""
    for kind in ("ward", "district", "force"):
        whole = {row.area.pk: row for row in members.rows(everyone(town), kind=kind)}
        for who in (town.author, town.stranger):
            assert all(whole[row.area.pk] == row for row in members.rows(scope.of(who), kind=kind))
