"""`bell bench audience`: from a shape or a named area to a number of people, and what counting while drawing takes.

Beside PostGIS where it is installed: the same places, the same question, the same answer. Where it is not, drawn shapes
stand beside what anyone would write first (read every point and test it). Named areas stand beside the bare count over
the same membership table.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from django.db import connection
from django.db.models import Count, Q, QuerySet
from shapely.geometry.base import BaseGeometry

from bell.alerts import audience, counting, squares
from bell.alerts.models import CountAsked
from bell.alerts.rule import Ground, Rule
from bell.lib import shapes
from bell.organisations.kinds import Kind
from bell.organisations.models import Role
from bell.places.models import Area
from bell.proving import county, history
from bell.proving.bench import crowd, small_areas
from bell.proving.bench.measure import Row, side_by_side
from bell.proving.bench.postgis import NOT_HERE, PostGIS, beside
from bell.residents.models import Contact, Place

# So many people inside the drawn shapes, as far as there are so many: a street up to most of the county.
_INSIDE = (60, 600, 5_000, 20_000, 150_000, 800_000)
_MOST = 0.8  # of all people inside the largest
_HEANOR = (-1.3537, 53.0140)
_METRES = (67_000, 111_200)  # a degree of longitude and of latitude there, roughly
_CORNERS = 60
_EVERY_POINT = f"read and test every point ({NOT_HERE})"


def prepare(count: int, seed: int) -> county.Force:
    """The demo's ground and `count` people in it, near its postcodes."""
    county.draw_ground(random.Random(seed))
    force = county.found_force()
    crowd.settle(count, force=force, seed=seed)
    return force


def run(*, count: int, seed: int = 1, areas: Sequence[BaseGeometry] = ()) -> list[Row]:
    """All cases, smallest first. `areas`: real small areas, of which a sample is counted one by one."""
    force = prepare(count, seed)
    county.add_teams(force, {history.HEANOR: [history.HEANOR]}, kind="team")
    drawn = _growing(count, random.Random(seed))
    rows: list[Row] = []
    with beside() as peer:
        for inside, shape in drawn:
            rows.append(_places(f"{inside:,} inside, drawn", shape, peer))
            rows.append(_whole(f"{inside:,} inside, with preferences", force, shape, peer))
        if areas:
            rows += small_areas.rows(areas, peer, rng=random.Random(seed))
    for inside, shape in drawn:
        rows += _while_drawing(inside, force, shape)
    return [*rows, _named(force)]


def _growing(count: int, rng: random.Random) -> list[tuple[int, BaseGeometry]]:
    """Lumpy shapes about Heanor with about so many people inside."""
    points = np.array(list(Place.objects.values_list("lon", "lat")))
    metres = np.sort(np.hypot(*((points - _HEANOR) * _METRES).T))
    most = int(count * _MOST)
    return [(inside, _blob(float(metres[inside]), rng)) for inside in [*(n for n in _INSIDE if n < most), most]]


def _blob(metres: float, rng: random.Random) -> BaseGeometry:
    """A lumpy shape of 60 corners about a reach in metres."""
    corners = []
    for step in range(_CORNERS):
        angle, reach = 2 * math.pi * step / _CORNERS, metres * rng.uniform(0.8, 1.2)
        corners.append(
            (_HEANOR[0] + reach * math.cos(angle) / _METRES[0], _HEANOR[1] + reach * math.sin(angle) / _METRES[1])
        )
    return shapes.read({"type": "Polygon", "coordinates": [[*corners, corners[0]]]})


def _rule(force: county.Force, areas: tuple[int, ...] = ()) -> Rule:
    return Rule(organisation=force.organisation.pk, kind=Kind.CRIME, channels=("email", "sms"), areas=areas)


def _with_shape(force: county.Force, shape: BaseGeometry) -> Rule:
    feature = {"type": "Feature", "properties": {}, "geometry": shapes.to_geojson(shape)}
    return replace(_rule(force), shapes=(feature,))


def _places(case: str, shape: BaseGeometry, peer: PostGIS | None) -> Row:
    """(a) From a shape to different people, whatever they chose."""

    def ours() -> int:
        return small_areas.distinct(shape)

    if peer is None:
        found = Place.objects.filter(audience.places(Ground(), shape=shape)).count()
        assert found == _scan(shape), "the index and the full scan disagree"
        return side_by_side(case, ours(), ours, lambda: _scan(shape), comparator=_EVERY_POINT)
    words = small_areas.agree(shape, peer)
    return side_by_side(case, ours(), ours, lambda: peer.distinct(shape), comparator=f"{peer.name}{words}")


def _scan(drawn: BaseGeometry) -> int:
    """What anyone would write first."""
    points = np.array(list(Place.objects.values_list("lon", "lat")))
    return int(shapes.contains(drawn, points[:, 0], points[:, 1]).sum())


def _whole(case: str, force: county.Force, shape: BaseGeometry, peer: PostGIS | None) -> Row:
    """(b) The same with kinds, organisations, pauses and suppressions, by channel: in the peer's query too."""
    rule = _with_shape(force, shape)

    def ours() -> audience.Reached:
        return audience.count(rule)

    if peer is None:
        return side_by_side(case, ours().people, ours, lambda: _scan(shape), comparator=_EVERY_POINT)

    def theirs() -> int:
        return _by_channel(audience.reachable(rule).filter(resident__in=peer.residents(shape)))

    found = ours().people
    if not peer.on_the_edge(shape, small_areas.place_ids(shape)):
        assert found == theirs(), "PostGIS counts other people"
    return side_by_side(case, found, ours, theirs, comparator=f"{peer.name}, same preferences")


def _by_channel(found: QuerySet[Contact]) -> int:
    """How many people, with the messages by channel counted as `audience.count` does."""
    emails, texts = (Count("id", filter=Q(channel=one)) for one in ("email", "sms"))
    return int(found.aggregate(people=Count("resident", distinct=True), emails=emails, texts=texts)["people"])


def _while_drawing(inside: int, force: county.Force, shape: BaseGeometry) -> list[Row]:
    """(d) What an officer of the team at Heanor waits for: at the first change of the map, and at those soon after."""
    rule, team = _with_shape(force, shape), force.teams[history.HEANOR]
    officer = team.grants.filter(role=Role.AUTHOR).select_related("officer").order_by("pk")[0].officer

    def ours() -> counting.Roughly:
        return counting.roughly(rule, by=officer, team=team)

    def exact() -> audience.Reached:
        return audience.count(rule)

    _as_new()
    people, told = exact().people, ours().people or 0
    comparator = f"exact count ({people:,}; while drawing {told:,})"
    first = f"{inside:,} inside, while drawing, first"
    again = f"{inside:,} inside, while drawing, again"
    return [
        side_by_side(first, people, ours, exact, comparator=comparator, before=_as_new),
        side_by_side(again, people, ours, None, comparator="", before=_forget_asked),
    ]


def _as_new() -> None:
    """Nothing is kept of earlier counts."""
    squares.forget()
    _forget_asked()


def _forget_asked() -> None:
    """Sixty counts a minute are an officer's limit, and a benchmark's runs are more."""
    CountAsked.objects.all().delete()


def _named(force: county.Force) -> Row:
    """(c) The whole force by name, against a bare count over the same membership table."""
    area = Area.objects.public().get(kind="force")
    rule = _rule(force, areas=(area.pk,))

    def ours() -> audience.Reached:
        return audience.count(rule)

    bare: Callable[[], object] = lambda: _bare(area.pk)  # noqa: E731 (one line beside its use)
    return side_by_side("the whole force, with preferences", ours().people, ours, bare, comparator="bare count of rows")


def _bare(area: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(DISTINCT p.resident_id) FROM residents_placearea a"
            " JOIN residents_place p ON p.id = a.place_id WHERE a.area_id = %s",
            [area],
        )
        return int(cursor.fetchone()[0])
