"""Boundaries in: good features go in, bad ones are named, a second import changes nothing, nor a bad file."""

import io
import json
import os
from pathlib import Path

import pytest
import shapely

from bell.lib import shapes
from bell.places import boundaries, find, reading
from bell.places.models import Area

pytestmark = pytest.mark.django_db
DATA = Path(os.environ.get("BELL_TEST_DATA", Path(__file__).resolve().parents[2] / "../shared/data")) / "derbyshire"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the Derbyshire boundaries are not here (BELL_TEST_DATA)")


def box(west, south=53.0, size=0.1):
    return shapes.to_geojson(shapely.box(west, south, west + size, south + size))


def feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def file(*features, **more):
    return io.BytesIO(json.dumps({"type": "FeatureCollection", "features": list(features), **more}).encode())


def wards(source, **more):
    return boundaries.import_areas(source, kind="ward", name_property="name", **more)


EAST = feature(box(-1.4), name="East", code="W2", district="Dale")
WEST = feature(box(-1.5), name="West", code="W1", district="Dale")
FAR = feature(box(-1.9), name="Far", code="W3", district="Peak")
BOW = {"type": "Polygon", "coordinates": [[[-1.5, 53], [-1.4, 53.1], [-1.4, 53], [-1.5, 53.1], [-1.5, 53]]]}


def test_areas_go_in_with_all_their_fields():
    report = wards(file(WEST))
    assert (report.created, report.changed, report.unchanged, report.repaired, report.refused) == (1, 0, 0, [], [])
    area = Area.objects.public().get()
    assert (area.kind, area.code, area.name, area.parent) == ("ward", "W1", "West", None)
    assert (area.west, area.south, area.east, area.north) == pytest.approx((-1.5, 53.0, -1.4, 53.1))
    assert find.shape(area).equals(shapely.box(area.west, area.south, area.east, area.north))
    assert shapely.intersects_xy(find.shape(area), area.lon, area.lat)
    assert str(area) == "West"


def test_parents_are_made_from_their_children():
    report = wards(file(WEST, EAST, FAR), parent_property="district")
    assert (report.created, report.parents) == (3, 2)
    dale = Area.objects.get(kind="district", name="Dale")
    assert {area.name for area in dale.children.all()} == {"East", "West"}
    assert shapely.symmetric_difference(find.shape(dale), shapely.box(-1.5, 53, -1.3, 53.1)).area < 1e-9
    assert [area.name for area in Area.objects.public()] == ["Dale", "East", "Far", "Peak", "West"]


def test_a_second_import_changes_nothing():
    wards(file(WEST, EAST, FAR), parent_property="district")
    before = list(Area.objects.order_by("pk").values())
    report = wards(file(FAR, EAST, WEST), parent_property="district")
    assert (report.created, report.changed, report.unchanged, report.parents) == (0, 0, 3, 0)
    assert list(Area.objects.order_by("pk").values()) == before


def test_the_same_shape_drawn_from_another_corner_is_unchanged():
    wards(file(WEST))
    ring = WEST["geometry"]["coordinates"][0]
    turned = {"type": "Polygon", "coordinates": [[*ring[2:-1], *ring[:3]][::-1]]}
    assert wards(file(feature(turned, name="West", code="W1"))).unchanged == 1


def test_changes_are_found_and_made():
    wards(file(WEST, EAST), parent_property="district")
    pk = Area.objects.get(code="W1").pk
    report = wards(
        file(feature(box(-1.5, size=0.05), name="West End", code="W1", district="Dale"), EAST),
        parent_property="district",
    )
    assert (report.created, report.changed, report.unchanged) == (0, 1, 1)
    area = Area.objects.get(code="W1")
    assert (area.pk, area.name) == (pk, "West End") and area.east == pytest.approx(-1.45)
    assert find.shape(Area.objects.get(name="Dale")).area == pytest.approx(0.01 + 0.0025)


def test_a_child_that_moves_redraws_both_parents():
    wards(file(WEST, EAST, FAR), parent_property="district")
    report = wards(file(feature(box(-1.4), name="East", code="W2", district="Peak")), parent_property="district")
    assert report.changed == 1
    assert find.shape(Area.objects.get(name="Dale")).area == pytest.approx(0.01)
    assert find.shape(Area.objects.get(name="Peak")).area == pytest.approx(0.02)


def test_a_part_import_keeps_the_rest_of_the_parent():
    wards(file(WEST, EAST), parent_property="district")
    wards(file(feature(box(-1.3), name="New", code="W9", district="Dale")), parent_property="district")
    assert find.shape(Area.objects.get(name="Dale")).area == pytest.approx(0.03)


def test_a_parent_with_its_own_official_boundary_keeps_it():
    boundaries.import_areas(
        file(feature(box(-1.6, size=0.5), name="Dale", code="E07")), kind="district", name_property="name"
    )
    report = wards(file(WEST, EAST), parent_property="district")
    dale = Area.objects.get(kind="district")
    assert report.parents == 0 and dale.code == "E07" and find.shape(dale).area == pytest.approx(0.25)
    assert dale.children.count() == 2


def test_a_file_without_parents_leaves_the_old_ones():
    wards(file(WEST), parent_property="district")
    assert wards(file(WEST)).unchanged == 1
    assert Area.objects.get(code="W1").parent.name == "Dale"


def test_bad_geometry_is_repaired_and_named():
    report = wards(file(feature(BOW, name="Bow", code="W5"), EAST))
    assert report.created == 2
    assert [(name, "crosses itself" in note) for name, note in report.repaired] == [("Bow (W5)", True)]
    assert find.shape(Area.objects.get(code="W5")).is_valid
    again = wards(file(feature(BOW, name="Bow", code="W5"), EAST))
    assert again.unchanged == 2 and len(again.repaired) == 1


@pytest.mark.parametrize(
    ("bad", "label", "words"),
    [
        (feature(None, name="X", code="X1"), "X (X1)", "no shape"),
        (feature({"type": "Point", "coordinates": [0, 0]}, name="X"), "X", "no inside"),
        (feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]}, name="X"), "X", "no area"),
        (feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, name="X"), "X", "three corners"),
        (
            feature({"type": "Polygon", "coordinates": [[[0, 0], [float("nan"), 0], [1, 1], [0, 0]]]}, name="X"),
            "X",
            "not a number",
        ),
        (
            feature({"type": "Polygon", "coordinates": [[[0, 0], [float("inf"), 0], [1, 1], [0, 0]]]}, name="X"),
            "X",
            "not a number",
        ),
        (
            feature({"type": "Polygon", "coordinates": [[[179, 0], [-179, 0], [0, 1], [179, 0]]]}, name="X"),
            "X",
            "180th",
        ),
        (feature(box(-1.2)), "Feature 2", 'no "name"'),
        (feature(box(-1.2), name=None), "Feature 2", 'no "name"'),
        (feature(box(-1.2), name={"en": "X"}), "Feature 2", 'no "name"'),
        (feature(box(-1.2), name="  "), "Feature 2", "empty"),
        (feature(box(-1.2), name="x" * 201), "Feature 2", "longer"),
        (feature(box(-1.2), name="X\u0000"), "Feature 2", "cannot be shown"),
        (feature(box(-1.2), name="X\ud800"), "Feature 2", "cannot be shown"),
        (feature(box(-1.2), name="X\u202e"), "Feature 2", "cannot be shown"),
        (feature(box(-1.2), name="X", code=["x"]), "Feature 2", 'no "code"'),
        (feature(box(-1.2), name="X", code="W1"), "X (W1)", "twice"),
    ],
)
def test_a_bad_feature_is_named_and_the_others_go_in(bad, label, words):
    report = wards(file(WEST, bad, EAST))
    assert report.created == 2
    [(name, why)] = report.refused
    assert name == label and words in why
    assert set(Area.objects.values_list("code", flat=True)) == {"W1", "W2"}


def test_a_missing_parent_refuses_that_feature_only():
    report = wards(file(WEST, feature(box(-1.2), name="X", code="X")), parent_property="district")
    assert report.created == 1 and report.refused == [("X", 'it has no "district"')]


def test_codes_may_be_missing_or_numbers():
    wards(file(feature(box(-1.2), name="No code"), feature(box(-1.3), name="Null", code=None)))
    wards(file(feature(box(-1.4), name="Number", code=17)))
    assert set(Area.objects.values_list("code", flat=True)) == {"No code", "Null", "17"}


def test_altitudes_and_loose_features_are_read():
    ring = [[lon, lat, 99.5] for lon, lat in box(-1.5)["coordinates"][0]]
    alone = io.BytesIO(json.dumps(feature({"type": "Polygon", "coordinates": [ring]}, name="High")).encode())
    assert wards(alone).created == 1


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"not json", "not valid JSON"),
        (b"\xff\xfe\x00\x01", "not valid JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[]", "not a GeoJSON collection"),
        (b"null", "not a GeoJSON collection"),
        (b'{"type":"FeatureCollection"}', "list of features is missing"),
        (b'{"type":"FeatureCollection","features":{}}', "list of features is missing"),
        (b'{"type":"FeatureCollection","features":[]}', "no features"),
        (b'{"type":"FeatureCollection","features":[7]}', "Number 1"),
        (b'{"type":"Topology","objects":{}}', "not a GeoJSON collection"),
        (b'{"type":"FeatureCollection","features":[{"type":"Feature"}]}', 'Feature 1: it has no "name"'),
        (b"<html><body>404</body></html>", "no features"),
        (b"<kml", "not well-formed"),
    ],
)
def test_a_bad_file_changes_nothing_and_says_why(raw, words):
    wards(file(WEST))
    before = list(Area.objects.values())
    with pytest.raises(boundaries.ImportRefused, match=words):
        wards(io.BytesIO(raw))
    assert list(Area.objects.values()) == before


def test_a_missing_file_and_a_folder_say_so(tmp_path):
    for path in (tmp_path / "none.geojson", tmp_path):
        with pytest.raises(boundaries.ImportRefused, match="cannot be opened"):
            wards(path)


def test_a_huge_file_is_refused(monkeypatch):
    monkeypatch.setattr(reading, "LARGEST_FILE", 1024 * 1024)
    with pytest.raises(boundaries.ImportRefused, match="larger than 1 MB"):
        wards(io.BytesIO(b"[" + b" " * 1024 * 1024))
    monkeypatch.setattr(reading, "MOST_FEATURES", 2)
    with pytest.raises(boundaries.ImportRefused, match="more than 2 features"):
        wards(file(WEST, EAST, FAR))


def test_an_area_cannot_be_its_own_kind_of_parent():
    with pytest.raises(boundaries.ImportRefused, match="different kinds"):
        wards(file(WEST), parent_property="district", parent_kind="ward")


def test_all_or_nothing(monkeypatch):
    """What breaks at the very end takes everything back."""

    def broken(changes, there):
        raise RuntimeError("the machine stopped")

    monkeypatch.setattr(boundaries, "_put_within", broken)
    with pytest.raises(RuntimeError):
        wards(file(WEST, EAST), parent_property="district")
    assert not Area.objects.exists()


KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>File</name><Folder>
 <Placemark><name> North
   Side </name><ExtendedData><Data name="code"><value>N1</value></Data>
   <SchemaData><SimpleData name="district">Dale</SimpleData></SchemaData></ExtendedData>
  <MultiGeometry><Polygon>
   <outerBoundaryIs><LinearRing><coordinates>
     -1.5,53,0 -1.4,53,0 -1.4,53.1,0 -1.5,53.1,0 -1.5,53,0</coordinates></LinearRing></outerBoundaryIs>
   <innerBoundaryIs><LinearRing><coordinates>
     -1.48,53.02 -1.42,53.02 -1.42,53.08 -1.48,53.08 -1.48,53.02</coordinates></LinearRing></innerBoundaryIs>
  </Polygon></MultiGeometry></Placemark>
 <Placemark><name>Station</name><Point><coordinates>-1.5,53</coordinates></Point></Placemark>
 <Placemark><name>Broken</name><Polygon>
   <outerBoundaryIs><LinearRing><coordinates>a,b c,d e,f a,b</coordinates></LinearRing></outerBoundaryIs></Polygon>
 </Placemark>
</Folder></Document></kml>"""


def test_kml_as_police_forces_publish_it():
    report = wards(io.BytesIO(KML.encode()), parent_property="district")
    assert report.created == 1
    area = Area.objects.get(kind="ward")
    assert (area.name, area.code, area.parent.name) == ("North Side", "N1", "Dale")
    assert find.shape(area).area == pytest.approx(0.01 - 0.0036)
    assert [name for name, _ in report.refused] == ["Station", "Broken"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (
            '<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><kml>&b;</kml>',
            "document type",
        ),
        ('<!DOCTYPE k SYSTEM "file:///etc/passwd"><kml/>', "document type"),
        ('<?xml version="1.0"?><!DOCTYPE k [<!ENTITY x SYSTEM "file:///etc/passwd">]><kml>&x;</kml>', "document type"),
        ("<kml>" * 50 + "</kml>" * 50, "nested too deeply"),
        ("<kml>" * 200_000, "nested too deeply"),
        ('<?xml version="1.0" encoding="martian"?><kml/>', "well-formed|encoding"),
        ("<kml>&undefined;</kml>", "well-formed"),
    ],
)
def test_hostile_xml_is_refused(raw, words):
    with pytest.raises(boundaries.ImportRefused, match=words):
        wards(io.BytesIO(raw.encode()))


@real
def test_the_real_county(django_assert_max_num_queries):
    with django_assert_max_num_queries(120):
        report = boundaries.import_areas(
            DATA / "wards.geojson", kind="ward", name_property="name", parent_property="district"
        )
    assert (report.created, report.parents, report.repaired, report.refused) == (194, 9, [], [])
    small = boundaries.import_areas(
        DATA / "lsoa.geojson", kind="lsoa", name_property="name", parent_property="district"
    )
    assert (small.created, small.parents, small.refused) == (642, 0, [])
    assert {name.rpartition("(")[2].rstrip(")") for name, _ in small.repaired} == {
        "E01013488",
        "E01019774",
        "E01019787",
    }
    for source, kind, number in (("wards", "ward", 194), ("lsoa", "lsoa", 642)):
        again = boundaries.import_areas(
            DATA / f"{source}.geojson", kind=kind, name_property="name", parent_property="district"
        )
        assert (again.created, again.changed, again.unchanged) == (0, 0, number)
    # Derbyshire with Derby measures 2,625 square kilometres.
    assert shapes.area_m2(find.territory()) == pytest.approx(2_625e6, rel=0.01)
