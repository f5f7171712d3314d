"""`bell import_areas` and `bell import_postcodes`, as an operator types them."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bell.audit.models import Entry
from bell.places.models import Area, Postcode

pytestmark = pytest.mark.django_db

WARD = ["--kind", "ward", "--name-property", "name", "--parent-property", "district"]


def square(name: str, west: float = -1.4, **properties) -> dict:
    east = west + 0.05
    ring = [[west, 53.0], [east, 53.0], [east, 53.05], [west, 53.05], [west, 53.0]]
    return {
        "type": "Feature",
        "properties": {"name": name, "code": name.lower(), "district": "Amber", **properties},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def file_of(folder: Path, *features: dict) -> str:
    path = folder / "areas.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return str(path)


def run(*words: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_areas_are_imported_and_a_second_time_changes_nothing(tmp_path) -> None:
    path = file_of(tmp_path, square("North"), square("South", -1.35))
    assert "2 new, 0 changed, 0 unchanged, 1 made to hold others" in run("import_areas", path, *WARD)[0]
    assert "0 new, 0 changed, 2 unchanged" in run("import_areas", path, *WARD)[0]
    assert set(Area.objects.values_list("kind", "name")) == {
        ("ward", "North"),
        ("ward", "South"),
        ("district", "Amber"),
    }
    assert Entry.objects.filter(verb="areas imported", by_type="operator").count() == 2


def test_what_was_repaired_or_refused_is_named(tmp_path) -> None:
    bow_tie = square("Bow")
    bow_tie["geometry"]["coordinates"] = [[[-1.4, 53.0], [-1.35, 53.05], [-1.35, 53.0], [-1.4, 53.05], [-1.4, 53.0]]]
    nowhere = square("Nowhere") | {"geometry": None}
    out, err = run("import_areas", file_of(tmp_path, square("North"), bow_tie, nowhere), *WARD)
    assert "2 new" in out and "repaired  Bow" in out
    assert "refused   Nowhere" in err


@pytest.mark.parametrize("words", ["", "{", "[]", '{"type": "FeatureCollection", "features": []}', "\x00"])
def test_a_file_that_is_none_is_refused_in_words(tmp_path, words) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(words)
    with pytest.raises(CommandError) as refused:
        run("import_areas", str(path), *WARD)
    assert len(str(refused.value)) > 10 and "Traceback" not in str(refused.value)
    assert not Area.objects.exists()


def test_a_file_that_is_not_there_is_said(tmp_path) -> None:
    for command in (["import_areas", str(tmp_path / "none"), *WARD], ["import_postcodes", str(tmp_path / "none")]):
        with pytest.raises(CommandError, match="none"):
            run(*command)


def test_an_area_cannot_be_the_parent_of_its_own_kind(tmp_path) -> None:
    with pytest.raises(CommandError, match="different kinds"):
        run("import_areas", file_of(tmp_path, square("North")), *WARD, "--parent-kind", "ward")


def test_postcodes_are_imported_and_bad_rows_are_numbered(tmp_path) -> None:
    path = tmp_path / "onspd.csv"
    path.write_text('pcds,doterm,lat,long\n"DE75 7AB",,53.02,-1.37\nDE75 7CD,,north,-1.3\n"GX11 1AA",,99.999999,0\n')
    out, err = run("import_postcodes", str(path))
    assert "1 new, 0 moved, 0 unchanged, 1 without a place" in out
    assert "row 3" in err
    assert "0 new, 0 moved, 1 unchanged" in run("import_postcodes", str(path))[0]
    assert Postcode.objects.get().code == "DE75 7AB"


def test_a_csv_of_something_else_is_refused(tmp_path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("name,age\nAnn,5\n")
    with pytest.raises(CommandError):
        run("import_postcodes", str(path))
