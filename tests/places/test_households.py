"""Households in: errors by row, twice the same, hostile files refused in words."""

import io
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from bell.places.households import import_households
from bell.places.models import Area, Households
from bell.places.reading import ImportRefused

pytestmark = pytest.mark.django_db


def figures() -> dict[str, int]:
    return dict(Households.objects.values_list("area__code", "households"))


def test_figures_go_in_and_a_second_time_changes_nothing(cast):
    words = 'households,Code,note\n1200,W1,x\n"3,400",W2,\n'
    first = import_households(io.StringIO(words), as_of=date(2021, 3, 21))
    assert (first.created, first.updated, first.unchanged, first.errors) == (2, 0, 0, [])
    again = import_households(io.StringIO(words))
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    assert figures() == {"W1": 1200, "W2": 3400}
    assert set(Households.objects.values_list("as_of", flat=True)) == {date(2021, 3, 21)}
    changed = import_households(io.StringIO("code,households\nW1,1300\n"), as_of=date(2031, 3, 21))
    assert (changed.created, changed.updated, figures()["W1"]) == (0, 1, 1300)


def test_bad_rows_are_numbered_and_the_others_go_in(cast):
    rows = [
        "code,households",
        "W1,many",
        "W9,5",
        "W2,-4",
        "W3,7",
        "W3,8",
        "W1",
        ",3",
        "",
        "W2,99999999999999",
        "W2,4.5",
    ]
    report = import_households(io.StringIO("\n".join(rows)))
    assert [row for row, _ in report.errors] == [2, 3, 4, 6, 7, 8, 10, 11]
    assert report.error_count == 8 and figures() == {"W3": 7}
    assert "row 5 already" in dict(report.errors)[6]


def test_a_code_of_several_kinds_needs_the_kind(cast):
    Area.objects.filter(code="D1").update(code="W1")
    report = import_households(io.StringIO("code,households\nW1,5\n"))
    assert "district, ward" in report.errors[0][1] and not figures()
    assert import_households(io.StringIO("code,households\nW1,5\n"), kind="ward").created == 1


@pytest.mark.parametrize("words", ["", "name,age\nAnn,5\n", "code\nW1\n"])
def test_another_file_is_refused(cast, words):
    with pytest.raises(ImportRefused):
        import_households(io.StringIO(words))


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200))
def test_no_file_breaks_it(words):
    try:
        import_households(io.StringIO(words))
    except ImportRefused as refused:
        assert len(str(refused)) > 10


def test_the_command_says_what_became_of_each_row(cast, tmp_path):
    path = tmp_path / "homes.csv"
    path.write_bytes("\ufeffcode,households\r\nW1,500\r\nnone,3\r\n".encode())
    out, err = io.StringIO(), io.StringIO()
    call_command("import_households", str(path), "--kind", "ward", "--as-of", "2021-03-21", stdout=out, stderr=err)
    assert "1 new, 0 changed, 0 unchanged" in out.getvalue() and "row 3" in err.getvalue()
    with pytest.raises(CommandError, match="none"):
        call_command("import_households", str(tmp_path / "none.csv"))
