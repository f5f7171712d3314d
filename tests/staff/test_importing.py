"""A shape from a file: taken as it is, repaired by name, or refused in words; without scripts."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from bell.alerts.models import Alert
from bell.lib import shapes
from bell.staff import importing
from tests.staff.test_composing import circle, drawn, path, sent, shape

IN = (-1.38, 53.01, -1.37, 53.02)
BOW = {
    "type": "Polygon",
    "coordinates": [[[-1.38, 53.01], [-1.37, 53.02], [-1.37, 53.01], [-1.38, 53.02], [-1.38, 53.01]]],
}
KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>
<Placemark><name>Our pin</name><Point><coordinates>-1.37,53.01</coordinates></Point></Placemark>
<Placemark><name>Market &amp; mill</name><Polygon><outerBoundaryIs><LinearRing><coordinates>
-1.38,53.01,0 -1.37,53.01,0 -1.37,53.02,0 -1.38,53.02,0 -1.38,53.01,0
</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>"""


@pytest.fixture
def desk(cast, at_desk):
    return at_desk("author")


@pytest.fixture
def alert(cast) -> Alert:
    return cast.draft()


def named(name, geometry):
    return {"type": "Feature", "properties": {"name": name}, "geometry": geometry}


def given(cast, text="", *, file=None, **more):
    files = {} if file is None else {"shape_file": SimpleUploadedFile("shape.kml", file)}
    return sent(cast, do="import", shape_text=text, areas=[], **files) | more


def kept(page):
    """What the page's form holds as drawn."""
    text = page.context["form"]["shapes"].value()
    return json.loads(text)["features"] if text else []


def test_pasted_geojson_joins_what_is_drawn_and_is_saved_by_saving_alone(cast, desk, alert):
    text = json.dumps(named("Mill Lane", shape(*IN)["geometry"]))
    page = desk.post(path(alert), given(cast, text, shapes=drawn(circle()), title="Typed before"))
    assert "“Mill Lane” is added." in page.content.decode() and 'value="Typed before"' in page.content.decode()
    assert [one["geometry"]["type"] for one in kept(page)] == ["Point", "Polygon"]
    alert.refresh_from_db()
    assert alert.audience["shapes"] == []
    desk.post(path(alert), sent(cast, areas=[], shapes=drawn(*kept(page))))
    alert.refresh_from_db()
    assert len(alert.audience["shapes"]) == 2


def test_a_kml_file_is_read_and_what_has_no_inside_is_left_out_by_name(cast, desk, alert):
    page = desk.post(path(alert), given(cast, file=KML.encode()))
    words = page.content.decode()
    assert "“Market &amp; mill” is added." in words and "“Our pin” cannot be used" in words
    assert len(kept(page)) == 1


def test_a_crossed_outline_is_repaired_and_said_by_name(cast, desk, alert):
    page = desk.post(path(alert), given(cast, json.dumps(named("Bow <b>", BOW))))
    assert "“Bow &lt;b&gt;” was repaired: the outline crosses itself near longitude" in page.content.decode()
    (made,) = kept(page)
    assert shapes.read(made).is_valid
    # What is drawn is refused as before.
    again = desk.post(path(alert), sent(cast, areas=[], shapes=drawn(named("Bow", BOW))))
    assert "The outline crosses itself" in again.content.decode()


SWAPPED = {"type": "Polygon", "coordinates": [[[y, x] for x, y in shape(*IN)["geometry"]["coordinates"][0]]]}
REFUSED = {
    "nothing": ("", "Choose a file, or paste"),
    "words": ("hello", "not"),
    "a line": (json.dumps({"type": "LineString", "coordinates": [[-1.38, 53.01], [-1.37, 53.02]]}), "have no inside"),
    "no area": (
        json.dumps({"type": "Polygon", "coordinates": [[[-1.38, 53], [-1.37, 53], [-1.38, 53], [-1.38, 53]]]}),
        "no area",
    ),
    "swapped": (json.dumps(SWAPPED), "longitude and latitude are swapped"),
    "elsewhere": (json.dumps(shape(10, 50, 10.1, 50.1)), "lies outside the area you may send to"),
    "half outside": (json.dumps(shape(-1.38, 53.01, -1.0, 53.02)), "part of this shape lies outside"),
    "not a number": ('{"type": "Polygon", "coordinates": [[[NaN, 1], [1, 1], [1, 0], [NaN, 1]]]}', "NaN"),
    "too deep": ("[" * 5000, "This"),
    "an entity": ('<!DOCTYPE k [<!ENTITY a "aa">]><kml>&a;</kml>', "declares a document type"),
    "broken XML": ("<kml><Placemark>", "not well-formed"),
    "an empty list": ('{"type": "FeatureCollection", "features": []}', "There is no shape in this file"),
    "a zip": ("PK\x03\x04 and so on", "zipped KML"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_used_is_refused_in_words(cast, desk, alert, what):
    text, words = REFUSED[what]
    page = desk.post(path(alert), given(cast, text, shapes=drawn(circle())))
    assert words in page.content.decode() and 'href="#id_shape_text"' in page.content.decode()
    assert len(kept(page)) == 1, "what was drawn stays"


@pytest.mark.parametrize("text", ["null", "[]", "1", '"x"', '{"type": "FeatureCollection", "features": [null, 1, []]}',
                                  '{"type": "Feature", "properties": 3, "geometry": []}', "{}"])  # fmt: skip
def test_strange_json_is_refused(cast, text):
    with pytest.raises(shapes.ShapeError):
        importing.read(text.encode(), cast.team)


def test_too_many_or_too_large_is_refused(cast):
    many = {"type": "FeatureCollection", "features": [shape(*IN)] * 21}
    with pytest.raises(shapes.ShapeError, match="more than 20"):
        importing.read(json.dumps(many).encode(), cast.team)
    with pytest.raises(shapes.ShapeError, match="2 MB"):
        importing.read(b" " * (importing.MOST_BYTES + 1), cast.team)


def test_a_fine_outline_is_kept_to_a_tenth_of_a_metre(cast):
    fine = shapes.to_geojson(shapes.circle(-1.375, 53.02, 300))
    (made,) = importing.read(json.dumps(fine).encode(), cast.team).features
    assert all(round(number, 6) == number for pair in made["geometry"]["coordinates"][0] for number in pair)
    assert shapes.area_m2(shapes.read(made)) == pytest.approx(shapes.area_m2(shapes.read(fine)), rel=1e-4)
