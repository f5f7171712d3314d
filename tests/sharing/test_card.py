"""The picture card: the right size for every title, and nothing in it that must not be."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from shapely.geometry import box

from bell.sharing import find, pictures
from bell.sharing.card import Face, draw
from bell.sharing.cardmap import Ground
from tests.public.conftest import send

FACE = Face("Sheds broken into", "Crime alert", "Testshire Police", "TP-1", "alert.example")
WARD = box(-1.40, 53.00, -1.35, 53.04)
GROUND = Ground((-1.42, 52.98, -1.33, 53.06), [WARD], [WARD], [("West Ward", -1.375, 53.02)])


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=120), st.text(max_size=60))
def test_any_title_makes_a_card_of_the_right_size(title, organisation):
    image = opened(draw(Face(title, "Crime alert", organisation, "TP-1", "x"), pictures._typeface(), GROUND))
    assert image.format == "PNG" and image.size == (1200, 630)


def test_the_same_words_make_the_same_picture_and_others_another():
    assert draw(FACE, pictures._typeface(), GROUND) == draw(FACE, pictures._typeface(), GROUND)
    other = Face("Bikes taken", *(getattr(FACE, name) for name in ("kind", "organisation", "reference", "site")))
    assert draw(FACE, pictures._typeface(), None) != draw(other, pictures._typeface(), None)


def test_letters_of_names_are_drawn_and_unknown_signs_left_out():
    type_ = pictures._typeface()
    assert type_.width("Łódź", 40, 700) > type_.width("Ło", 40, 700) > 0
    assert type_.width("\U0001f600", 40, 700) == 0
    assert [run for run, _ in type_.runs("a\U0001f600b", 40, 700)] == ["ab"]


def test_a_title_never_runs_into_the_map():
    image = opened(draw(Face("W" * 100, "k", "o", "TP-1", "s"), pictures._typeface(), GROUND))
    left_of_the_map = image.crop((706, 150, 758, 510)).getcolors()
    assert left_of_the_map is not None and len(left_of_the_map) == 1, "the margin is one colour"


def test_the_audience_is_drawn_where_it_lies():
    image = opened(draw(FACE, pictures._typeface(), GROUND))
    middle, corner = image.getpixel((980, 300)), image.getpixel((770, 600))
    assert middle != corner


def test_the_box_round_an_audience_is_never_empty():
    for shape in (box(0, 52, 0, 52), WARD):
        west, south, east, north = find.box_round([shape], ratio=0.7)
        assert east > west and north > south and west <= shape.bounds[0] and north >= shape.bounds[3]


@pytest.mark.django_db
def test_a_card_without_the_typeface_says_what_to_do(cast, settings):
    settings.STATICFILES_FINDERS = []
    pictures.finders.get_finder.cache_clear()
    alert = send(cast)
    pictures.cache.clear()
    with pytest.raises(pictures.NoTypeface, match="npm ci"):
        pictures.of_public(alert)
    pictures.finders.get_finder.cache_clear()
