"""CSV out: no cell that a spreadsheet would run."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.lib import csvs


@given(st.text(max_size=40))
def test_no_text_begins_like_a_formula(words):
    cell = csvs.cell(words)
    assert not cell.lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))
    assert cell.removeprefix("'") == words.replace("\x00", "").removeprefix("'")


@pytest.mark.parametrize("value, cell", [
    ("=1+1", "'=1+1"), ("@x", "'@x"), (" =1", "' =1"), ("-3", "'-3"), (-3, "-3"), (2.5, "2.5"), (None, ""),
    ("Heanor", "Heanor"), (True, "True"), ("a=b", "a=b"),
])  # fmt: skip
def test_cells(value, cell):
    assert csvs.cell(value) == cell


def test_a_document_is_read_back_as_it_was():
    words = csvs.document(["Name", "No"], [['Łódź, "old"', 5], ["line\nbreak", None]])
    assert words.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(words.decode("utf-8-sig"), newline="")))
    assert rows == [["Name", "No"], ['Łódź, "old"', "5"], ["line\nbreak", ""]]
