"""Code-Point Open: no header, British National Grid."""

import io

import pytest

from bell.places.models import Postcode
from bell.places.postcodes import import_postcodes
from bell.places.reading import ImportRefused

# Eastings and northings of the Ordnance Survey's worked example (its guide to coordinate systems): Caister water tower
# lies at 651409.903, 313177.270, which is 52.657570 N, 1.717922 E on the OSGB36 datum and about 52.65798 N, 1.71605 E
# on WGS84.
CAISTER = '"NR30 5AA",10,651410,313177,"E92000001","E19000237","E18000239","","E07000145","E05005785"\n'


def load(text):
    return import_postcodes(io.StringIO(text))


@pytest.mark.django_db
def test_the_grid_becomes_wgs84_within_a_few_metres():
    assert load(CAISTER).created == 1
    found = Postcode.objects.get(code="NR30 5AA")
    assert abs(found.lat - 52.65798) < 0.0001 and abs(found.lon - 1.71605) < 0.0001


@pytest.mark.django_db
def test_again_changes_nothing():
    load(CAISTER)
    assert load(CAISTER).unchanged == 1


@pytest.mark.django_db
def test_rows_without_coordinates_are_skipped_and_bad_ones_named():
    nowhere = CAISTER.replace("NR30 5AA", "NR30 5AB").replace(",10,651410,313177,", ",90,0,0,")
    off = CAISTER.replace("NR30 5AA", "NR30 5AD").replace("651410", "99999999")
    words = CAISTER.replace("NR30 5AA", "NR30 5AE").replace("651410", "east")
    no_code = CAISTER.replace("NR30 5AA", "NOWHERE")
    short = '"NR30 5AF",10,651410\n'
    report = load(CAISTER + nowhere + off + words + no_code + short)
    assert (report.created, report.skipped, report.error_count) == (1, 1, 4)
    assert [row for row, _ in report.errors] == [3, 4, 5, 6]


@pytest.mark.django_db
def test_any_other_file_is_refused_in_words():
    with pytest.raises(ImportRefused, match="Code-Point Open"):
        load("a,b,c\n1,2,3\n")
