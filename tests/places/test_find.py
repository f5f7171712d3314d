"""Finding: postcodes however typed, points in areas exactly as brute force says, news noticed at once."""

import json

import numpy as np
import pytest
import shapely
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from bell.lib import clock, shapes
from bell.places import find
from bell.places.models import Area, Postcode


def make(name, shape, *, kind="ward", parent=None):
    label = shape.representative_point()
    west, south, east, north = shape.bounds
    return Area.objects.create(
        kind=kind, code=name, name=name, parent=parent, boundary=json.dumps(shapes.to_geojson(shape)),
        west=west, south=south, east=east, north=north, lon=label.x, lat=label.y, updated_at=clock.now(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "typed", ["DE75 7AB", "de757ab", " d e 7 5 7 a b ", "DE75-7AB", "de75.7ab", "DE75\u00a07AB", "DE75\u200b7AB"]
)
def test_a_postcode_however_typed(typed):
    assert find.normalise(typed) == "DE75 7AB"


@pytest.mark.parametrize("code", ["M1 1AA", "B33 8TH", "CR2 6XH", "DN55 1PT", "W1A 0AX", "EC1A 1BB"])
def test_all_six_forms(code):
    assert find.normalise(code.replace(" ", "").lower()) == code


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter your postcode"),
        ("  ", "Enter your postcode"),
        ("DE75", "whole postcode"),
        ("DE75 7", "whole postcode"),
        ("D1", "whole postcode"),
        ("Matlock", "Enter a postcode"),
        ("12345", "Enter a postcode"),
        ("DE75 7A1", "Enter a postcode"),
        ("ＤＥ75 7ＡＢ", "Enter a postcode"),
        ("DE75 7AB" + " " * 100, "Enter a postcode"),
        ("'; DROP TABLE places_area; --", "Enter a postcode"),
        ("\0", "Enter a postcode"),
        ("x" * 100_000, "Enter a postcode"),
    ],
)
def test_what_is_no_postcode(typed, words):
    with pytest.raises(find.PostcodeError, match=words):
        find.normalise(typed)


@given(st.text(max_size=50))
def test_anything_is_normal_or_refused(typed):
    try:
        code = find.normalise(typed)
    except find.PostcodeError as error:
        assert str(error)
    else:
        assert find.normalise(code) == code and len(code) <= 8


@pytest.mark.django_db
def test_postcodes_are_found_or_refused_in_words():
    Postcode.objects.create(code="DE75 7AB", lon=-1.35, lat=53.01)
    assert find.postcode("de757ab").lat == 53.01
    with pytest.raises(find.PostcodeError, match=r"do not know the postcode DE1 1AA.*map"):
        find.postcode("de11aa")


@pytest.mark.django_db
def test_points_find_their_areas():
    county = make("County", shapely.box(-2, 52.5, -1, 53.5), kind="force")
    west = make("West", shapely.box(-1.5, 53, -1.4, 53.1), parent=county)
    east = make("East", shapely.box(-1.4, 53, -1.3, 53.1), parent=county)
    found = find.areas_at([-1.45, -1.35, -1.4, -1.5, -1.9, 0.0], [53.05, 53.05, 53.05, 53.0, 53.4, 0.0])
    assert found == [
        [county.pk, west.pk],
        [county.pk, east.pk],
        [county.pk, west.pk, east.pk],  # on the shared boundary: both
        [county.pk, west.pk],  # a corner belongs
        [county.pk],
        [],
    ]
    assert find.areas_at([], []) == []


@pytest.mark.django_db
def test_nothing_is_anywhere_while_there_are_no_areas():
    assert find.areas_at([-1.5, 0], [53, 0]) == [[], []]
    assert find.territory() is None
    assert find.under([]) == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lons", "lats"), [([np.nan], [53]), ([-1.5], [np.inf]), ([-1.5, 2], [53]), (-1.5, 53), ([[-1.5]], [[53]])]
)
def test_points_that_are_none_are_an_error(lons, lats):
    with pytest.raises(ValueError, match="finite"):
        find.areas_at(lons, lats)


@pytest.mark.django_db
def test_many_points_as_brute_force_says():
    rng = np.random.default_rng(11)
    areas = []
    for number in range(25):
        x, y = rng.uniform(-2, -1), rng.uniform(52.7, 53.3)
        blob = shapely.Point(x, y).buffer(rng.uniform(0.02, 0.3)).difference(shapely.Point(x, y).buffer(0.01))
        areas.append((make(f"A{number}", blob), blob))
    corners = np.concatenate([shapely.get_coordinates(shape)[:5] for _, shape in areas])
    lons = np.concatenate([rng.uniform(-2.2, -0.8, 3000), corners[:, 0]])
    lats = np.concatenate([rng.uniform(52.5, 53.5, 3000), corners[:, 1]])
    found = find.areas_at(lons, lats)
    wanted = [
        [area.pk for area, shape in areas if shapely.intersects_xy(shape, x, y)]
        for x, y in zip(lons, lats, strict=True)
    ]
    assert found == wanted
    assert sum(map(len, wanted)) > 1000


@pytest.mark.django_db
def test_boundaries_are_read_once_and_news_is_noticed():
    area = make("One", shapely.box(-1.5, 53, -1.4, 53.1))
    assert find.areas_at([-1.45], [53.05]) == [[area.pk]]
    with CaptureQueriesContext(connection) as queries:
        find.areas_at([-1.45], [53.05])
    assert len(queries) == 1 and "boundary" not in queries[0]["sql"]
    two = make("Two", shapely.box(-1.5, 53, -1.4, 53.1))
    assert find.areas_at([-1.45], [53.05]) == [[area.pk, two.pk]]
    two.boundary = json.dumps(shapes.to_geojson(shapely.box(0, 0, 1, 1)))
    two.updated_at = clock.now()
    two.save()
    assert find.areas_at([-1.45], [53.05]) == [[area.pk]]
    assert find.territory().bounds[0] == -1.5
    two.delete()
    assert find.areas_at([0.5], [0.5]) == [[]]


@pytest.mark.django_db
def test_an_import_that_was_rolled_back_leaves_no_ghost():
    area = make("One", shapely.box(-1.5, 53, -1.4, 53.1))
    with pytest.raises(RuntimeError), transaction.atomic():
        make("Ghost", shapely.box(-1.5, 53, -1.4, 53.1))
        assert len(find.areas_at([-1.45], [53.05])[0]) == 2
        raise RuntimeError
    assert find.areas_at([-1.45], [53.05]) == [[area.pk]]


@pytest.mark.django_db
def test_the_territory():
    make("A", shapely.box(-2, 53, -1.5, 53.5), kind="district")
    make("B", shapely.box(-1.5, 53, -1, 53.5), kind="district")
    assert find.territory().equals(shapely.box(-2, 53, -1, 53.5))
    force = make("Force", shapely.box(-3, 52, 0, 54), kind="force")
    assert find.territory().equals(find.shape(force))


@pytest.mark.django_db
def test_under_an_area_is_everything_within_it():
    force = make("Force", shapely.box(-3, 52, 0, 54), kind="force")
    dale = make("Dale", shapely.box(-2, 53, -1, 53.5), kind="district", parent=force)
    west = make("West", shapely.box(-2, 53, -1.5, 53.5), parent=dale)
    peak = make("Peak", shapely.box(-3, 53, -2, 53.5), kind="district", parent=force)
    assert find.under([force.pk]) == {force.pk, dale.pk, west.pk, peak.pk}
    assert find.under([dale.pk]) == {dale.pk, west.pk}
    assert find.under(iter([west.pk, peak.pk])) == {west.pk, peak.pk}


@pytest.mark.django_db
def test_a_circle_in_the_tree_does_not_spin():
    one = make("One", shapely.box(0, 0, 1, 1))
    two = make("Two", shapely.box(0, 0, 1, 1), parent=one)
    one.parent = two
    one.save()
    assert find.under([one.pk]) == {one.pk, two.pk}


@pytest.mark.django_db
def test_two_areas_of_one_kind_never_share_a_code():
    make("One", shapely.box(0, 0, 1, 1))
    make("One", shapely.box(0, 0, 1, 1), kind="district")
    with pytest.raises(Exception, match=r"(?i)unique"), transaction.atomic():
        make("One", shapely.box(0, 0, 1, 1))


def test_areas_within_one_that_was_asked_for_need_no_asking(db):
    """A child is left out where its outline lies in its parent's, edges included, and stays where it does not."""
    whole = make("Force", shapely.box(0, 0, 4, 4), kind="force")
    left = make("Left", shapely.box(0, 0, 2, 4), parent=whole)
    over = make("Over", shapely.box(3, 3, 4.001, 4), parent=whole)
    deep = make("Deep", shapely.box(3.5, 3.5, 4.001, 3.6), parent=over)
    alone = make("Alone", shapely.box(0, 0, 1, 1), kind="team")
    assert find.under([whole.pk]) == {whole.pk, left.pk, over.pk, deep.pk}
    assert find.spanning([whole.pk]) == {whole.pk, over.pk, deep.pk}
    assert find.spanning([whole.pk, alone.pk]) == {whole.pk, alone.pk, over.pk, deep.pk}
    assert find.spanning([over.pk]) == {over.pk}
    assert find.spanning([left.pk]) == {left.pk} and find.spanning([]) == set()
    left.boundary = json.dumps(shapes.to_geojson(shapely.box(-1, 0, 2, 4)))
    left.updated_at = clock.now()
    left.save()
    assert find.spanning([whole.pk]) == {whole.pk, left.pk, over.pk, deep.pk}
