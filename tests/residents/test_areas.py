"""Imports of areas: what would change is shown, applied as shown, put back as it was; nothing a dead worker undoes."""

import io
import json
from datetime import timedelta
from itertools import pairwise

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bell.audit.models import Entry
from bell.lib import clock, shapes
from bell.places import boundaries, find
from bell.places.models import Area
from bell.places.planning import Columns
from bell.residents import area_import, area_rules, area_work, areas
from bell.residents.area_models import BUSY, AreaChange, AreaImport
from bell.residents.area_models import ImportState as State
from bell.residents.models import Place, PlaceArea
from tests.cast import EAST, IN_EAST, IN_WEST, MIDDLE, NORTH, SOUTH, WEST

pytestmark = pytest.mark.django_db
WARDS = Columns("ward", "name")


def feature(name, code, *bounds, **more):
    geometry = shapes.to_geojson(shapely.box(*bounds)) if bounds else None
    return {"type": "Feature", "properties": {"name": name, "code": code, **more}, "geometry": geometry}


def raw(*features):
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


# The border between the two wards moves east, so that who lives just east of it changes; a ward is new, one is gone.
MOVED = (
    feature("West Ward", "W1", WEST, SOUTH, -1.32, NORTH),
    feature("East Ward (new)", "W2", -1.32, SOUTH, EAST, NORTH),
    feature("North Ward", "W9", WEST, NORTH, EAST, 53.06),
)
WHOLE = Columns("ward", "name", whole=True)


def uploaded(cast, *features, columns=WHOLE):
    run = area_import.upload(raw(*(features or MOVED)), filename="wards.geojson", by=cast.administrator)
    return area_import.check(run, columns, by=cast.administrator)


def work_through():
    for _ in range(50):
        if not area_work.run_due():
            return
    raise AssertionError("the worker does not come to an end")


def checked(cast, *features, columns=WHOLE):
    run = uploaded(cast, *features, columns=columns)
    work_through()
    run.refresh_from_db()
    return run


def picture():
    """All areas and who is in them."""
    held = ("kind", "code", "name", "parent__code", "boundary", "west", "east", "lon", "lat")
    return list(Area.objects.filter(retired_at=None).order_by("kind", "code").values_list(*held))


def inside():
    """Who is in what, retired areas left out."""
    rows = PlaceArea.objects.filter(area__retired_at=None).values_list("place_id", "area__kind", "area__code")
    return sorted(rows)


def by_geometry():
    """The same, found anew from the boundaries."""
    every = {area.pk: area for area in Area.objects.filter(retired_at=None)}
    return sorted(
        (place.pk, every[pk].kind, every[pk].code)
        for place in Place.objects.all()
        for pk in find.areas_at([place.lon], [place.lat])[0]
        if pk in every
    )


def test_a_check_says_what_would_change_and_changes_nothing(cast):
    cast.resident(IN_EAST)
    cast.resident(IN_WEST)
    before = picture()
    run = checked(cast)
    assert run.state == State.CHECKED and picture() == before
    rows = {row.code: (row.sort, row.came, row.left) for row in run.changes.all()}
    assert rows == {"W1": ("changed", 1, 0), "W2": ("changed", 0, 1), "W9": ("new", 0, 0), "W3": ("gone", 0, 0)}
    assert run.people == 1 and run.unchanged == 0
    assert run.changes.get(code="W2").note == "Was called East Ward"
    assert run.changes.get(code="W1").share == pytest.approx(100 * 0.03 / 0.08, rel=0.01)


def test_what_was_shown_is_applied_and_put_back(cast):
    cast.resident(IN_EAST)
    cast.resident(IN_WEST)
    before, people = picture(), inside()
    run = checked(cast)
    area_import.apply(run, typed=" Ward ", by=cast.administrator)
    work_through()
    run.refresh_from_db()
    assert run.state == State.APPLIED and run.done == run.total == 2
    assert inside() == by_geometry() != people
    gone = Area.objects.get(code="W3")
    assert gone.retired_at is not None and gone not in Area.objects.public().offered()
    assert cast.other_team.patch.get() == gone
    area_import.put_back(run, typed="ward", by=cast.administrator)
    work_through()
    run.refresh_from_db()
    assert run.state == State.PUT_BACK and picture() == before and inside() == by_geometry() == people
    verbs = [verb for verb in Entry.objects.order_by("pk").values_list("verb", flat=True) if verb.startswith("areas")]
    assert verbs == [
        "areas uploaded", "areas to be checked", "areas to be applied", "areas applied", "areas to be put back",
        "areas put back",
    ]  # fmt: skip


def test_who_lives_in_a_retired_area_is_still_meant_by_it(cast):
    from_far = cast.resident((-1.20, 53.02))
    run = checked(cast)
    area_import.apply(run, typed="ward", by=cast.administrator)
    work_through()
    cast.resident((-1.20, 53.03))  # who joins later too
    assert PlaceArea.objects.filter(area__code="W3").count() == 2
    assert from_far.places.get().memberships.filter(area__code="W3").exists()


def test_without_the_whole_nothing_is_gone(cast):
    run = checked(cast, columns=WARDS)
    assert {row.code for row in run.changes.all()} == {"W1", "W2", "W9"}


def test_an_area_whose_shape_was_refused_is_not_gone(cast):
    run = checked(cast, *MOVED, feature("Far Ward", "W3"))
    assert not run.changes.filter(code="W3").exists()
    assert run.refused == [["Far Ward (W3)", "it has no shape"]]


def test_parents_are_made_and_put_back_too(cast):
    columns = Columns("beat", "name", parent="patch", parent_kind="sector")
    two = [
        feature("A", "A", WEST, SOUTH, MIDDLE, NORTH, patch="P"),
        feature("B", "B", MIDDLE, SOUTH, EAST, NORTH, patch="P"),
    ]
    run = checked(cast, *two, columns=columns)
    assert [(row.kind, row.sort) for row in run.changes.all()] == [("sector", "new"), ("beat", "new"), ("beat", "new")]
    area_import.apply(run, typed="beat", by=cast.administrator)
    work_through()
    sector = Area.objects.get(kind="sector")
    assert {area.name for area in sector.children.all()} == {"A", "B"}
    assert find.shape(sector).equals(shapely.box(WEST, SOUTH, EAST, NORTH))
    area_import.put_back(run, typed="beat", by=cast.administrator)
    work_through()
    assert not Area.objects.public().offered().filter(kind__in=["sector", "beat"]).exists()
    again = checked(cast, *two, columns=columns)
    assert again.changes.get(code="A").note == "Comes back" and again.changes.get(code="A").sort == "new"


@pytest.mark.parametrize("who", ["author", "dpo", "outsider", "stranger"])
def test_only_administrators_of_the_force_import(cast, who):
    run = checked(cast)
    stranger = getattr(cast, who)
    for act in (
        lambda: area_import.upload(raw(*MOVED), filename="x", by=stranger),
        lambda: area_import.check(run, WARDS, by=stranger),
        lambda: area_import.apply(run, typed="ward", by=stranger),
        lambda: area_import.put_back(run, typed="ward", by=stranger),
        lambda: area_import.drop(run, by=stranger),
    ):
        with pytest.raises(area_rules.NotAllowed, match="administrator"):
            act()


def test_two_at_once_are_refused_in_words(cast):
    first = uploaded(cast)
    second = area_import.upload(raw(*MOVED), filename="other.geojson", by=cast.administrator)
    with pytest.raises(area_rules.NotAnImport, match=r"wards\.geojson, being read"):
        area_import.check(second, WARDS, by=cast.administrator)
    with pytest.raises(boundaries.ImportRefused, match="at work from the desk"):
        areas.import_areas(io.BytesIO(raw(*MOVED)), by="operator", kind="ward", name_property="name")
    work_through()
    area_import.check(second, WARDS, by=cast.administrator)
    with pytest.raises(area_rules.NotAnImport, match=r"other\.geojson"):
        area_import.apply(first, typed="ward", by=cast.administrator)


def test_of_two_that_begin_at_one_moment_the_database_lets_one(cast, monkeypatch):
    uploaded(cast)
    second = area_import.upload(raw(*MOVED), filename="other.geojson", by=cast.administrator)
    monkeypatch.setattr(type(AreaImport.objects.all()), "busy", lambda self: self.none())
    with pytest.raises(area_rules.NotAnImport, match="Another import"):
        area_import.check(second, WARDS, by=cast.administrator)


def test_what_changed_since_the_check_is_not_applied(cast):
    run = checked(cast)
    Area.objects.filter(code="W1").update(name="Renamed by hand")
    before = picture()
    area_import.apply(run, typed="ward", by=cast.administrator)
    work_through()
    run.refresh_from_db()
    assert run.state == State.CHECKED and "check it again" in run.problem and picture() == before
    assert run.applied_by is None


def test_an_import_is_not_put_back_under_a_later_one(cast):
    first = checked(cast)
    area_import.apply(first, typed="ward", by=cast.administrator)
    work_through()
    later = checked(cast, feature("West Ward", "W1", WEST, SOUTH, -1.34, NORTH), columns=WARDS)
    area_import.apply(later, typed="ward", by=cast.administrator)
    work_through()
    area_import.put_back(first, typed="ward", by=cast.administrator)
    work_through()
    first.refresh_from_db()
    assert first.state == State.APPLIED and "put back the later import first" in first.problem
    for run in (later, first):
        area_import.put_back(run, typed="ward", by=cast.administrator)
        work_through()
        run.refresh_from_db()
        assert run.state == State.PUT_BACK


def test_the_word_must_be_typed_and_nothing_new_is_not_applied(cast):
    run = checked(cast)
    with pytest.raises(area_rules.NotAnImport, match="Type the word ward"):
        area_import.apply(run, typed="wards", by=cast.administrator)
    area_import.apply(run, typed="ward", by=cast.administrator)
    with pytest.raises(area_rules.NotAnImport, match="cannot be done now"):
        area_import.apply(run, typed="ward", by=cast.administrator)
    work_through()
    same = checked(cast)
    with pytest.raises(area_rules.NotAnImport, match="changes nothing"):
        area_import.apply(same, typed="ward", by=cast.administrator)


def test_every_move_is_in_the_table():
    assert set(area_rules.MOVES) == set(State.values)
    for state in BUSY:
        assert area_rules.MOVES[state], "work leads somewhere"


class Dead(BaseException):
    """The worker was killed."""


@pytest.mark.parametrize("die_at", range(1, 10))
def test_a_worker_that_dies_anywhere_is_followed_by_another(cast, monkeypatch, die_at):
    """Killed in the middle of the step numbered so; whatever it was, the end is the same as without."""
    monkeypatch.setattr(area_work, "STEP", 2)
    for at in (IN_EAST, IN_EAST, IN_WEST, (-1.33, 53.03), (-1.20, 53.02)):
        cast.resident(at)
    steps = {"left": die_at}

    def note(work, **facts):
        steps["left"] -= 1
        if steps["left"] == 0:
            raise Dead
        plain(work, **facts)

    plain = area_work._Work.note
    monkeypatch.setattr(area_work._Work, "note", note)

    def through():
        for _ in range(60):
            try:
                if not area_work.run_due():
                    return
            except Dead:
                assert AreaImport.objects.get().lease_until is not None, "nobody gave it back"
                assert area_work.run_due() == 0, "while its lease runs nobody takes it"
                AreaImport.objects.update(lease_until=clock.now() - timedelta(seconds=1))

    run = uploaded(cast)
    through()
    run.refresh_from_db()
    assert (run.state, run.people) == (State.CHECKED, 4)
    assert (run.changes.get(code="W1").came, run.changes.get(code="W2").left) == (3, 3)
    area_import.apply(run, typed="ward", by=cast.administrator)
    through()
    run.refresh_from_db()
    assert run.state == State.APPLIED and run.done == 5 and inside() == by_geometry()
    assert Entry.objects.filter(verb="areas applied").count() == 1
    assert steps["left"] <= 0


def test_a_slow_worker_that_lost_its_lease_does_nothing_more(cast, monkeypatch):
    cast.resident(IN_EAST)
    run = uploaded(cast)
    late = area_work._claim()
    AreaImport.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    work_through()
    assert late is not None
    with pytest.raises(area_work._Late):
        area_work._read(area_work._Work(late))
    run.refresh_from_db()
    assert run.state == State.CHECKED and run.people == 1


def test_what_never_works_is_given_up_in_words(cast, monkeypatch):
    run = uploaded(cast)

    def broken(*_):
        raise RuntimeError("no")

    monkeypatch.setattr(area_work.planning, "plan", broken)
    for _ in range(area_work.MOST_TRIES):
        with pytest.raises(RuntimeError):
            area_work.run_due()
    assert area_work.run_due() == 0
    run.refresh_from_db()
    assert run.state == State.REFUSED and "several times" in run.problem
    assert area_work.run_due() == 0


def test_a_file_of_which_nothing_can_be_used_is_refused(cast):
    run = checked(cast, feature("X", "X"))
    assert run.state == State.REFUSED and "it has no shape" in run.problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"[]", "not a GeoJSON"),
        (b"<!DOCTYPE x><kml/>", "document type"),
        (b"\x89PNG", "not valid JSON"),
    ],
)
def test_a_bad_file_is_not_kept(cast, content, words):
    with pytest.raises(area_rules.NotAnImport, match=words):
        area_import.upload(content, filename="x", by=cast.administrator)
    assert not AreaImport.objects.exists()


def test_a_file_that_is_too_large_is_not_read(cast, monkeypatch):
    monkeypatch.setattr(area_import, "LARGEST_FILE", 1024)
    with pytest.raises(area_rules.NotAnImport, match="MB or smaller"):
        area_import.upload(b"{" * 1025, filename="x", by=cast.administrator)


def test_the_file_is_kept_as_it_came(cast):
    run = area_import.upload(raw(*MOVED), filename="C:\\maps\\we\x00ird.geojson", by=cast.administrator)
    assert area_import.content(run) == raw(*MOVED) and run.filename == "weird.geojson"
    assert run.properties[0] == ["name", 3, ["West Ward", "East Ward (new)"]]


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        (Columns("ward", "no such"), "name"),
        (Columns("ward", "name", code="no such"), "code"),
        (Columns("ward", "name", parent="no such"), "parent"),
        (Columns("Ward!", "name"), "kind"),
        (Columns("x" * 33, "name"), "kind"),
        (Columns("ward", "name", parent="code", parent_kind="ward"), "parent_kind"),
        (Columns("ward", "name", parent="code", parent_kind=""), "parent_kind"),
    ],
)
def test_columns_that_cannot_be(cast, columns, field):
    run = area_import.upload(raw(*MOVED), filename="x", by=cast.administrator)
    with pytest.raises(area_rules.NotAnImport) as error:
        area_import.check(run, columns, by=cast.administrator)
    assert list(error.value.problems) == [field]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    borders=st.lists(st.floats(-1.39, -1.31), min_size=1, max_size=3, unique=True),
    points=st.lists(st.tuples(st.floats(-1.41, -1.29), st.floats(52.99, 53.05)), max_size=8),
)
def test_people_who_change_are_those_whose_areas_differ(cast, borders, points):
    """Whatever the borders and the places: the check's number is what brute force finds, and back is back."""
    AreaImport.objects.all().delete()
    Place.objects.all().delete()
    for point in points:
        cast.resident(
            point, email=f"p{Place.objects.count()}-{AreaChange.objects.count()}-{clock.now().timestamp()}@home.example"
        )
    edges = [WEST, *sorted(borders), EAST]
    new = [feature(f"N{n}", f"W{n + 1}", one, SOUTH, other, NORTH) for n, (one, other) in enumerate(pairwise(edges))]
    before, was = picture(), inside()
    run = checked(cast, *new)
    area_import.apply(run, typed="ward", by=cast.administrator)
    work_through()
    will = inside()
    assert will == by_geometry()

    def sets(rows):
        return {place.resident_id: {row[1:] for row in rows if row[0] == place.pk} for place in Place.objects.all()}

    assert run.people == sum(1 for key, one in sets(was).items() if sets(will)[key] != one)
    area_import.put_back(run, typed="ward", by=cast.administrator)
    work_through()
    assert picture() == before and inside() == was
