"""Postcodes in: the directory's layout, row by row, with errors by number and memory that stays flat."""

import io
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bell.places import postcodes
from bell.places.models import Postcode

pytestmark = pytest.mark.django_db
HEADER = "pcd,pcd2,pcds,dointr,doterm,oscty,lat,long,imd\n"


def row(code, lat="53.0", lon="-1.5", doterm=""):
    return f'"{code}","{code}","{code}","198001","{doterm}","E10000007",{lat},{lon},"1"\n'


def brought(*rows, header=HEADER):
    return postcodes.import_postcodes(io.BytesIO((header + "".join(rows)).encode()))


def test_rows_go_in():
    report = brought(row("DE1 1AA", "52.9", "-1.47"), row("DE757AB"))
    assert (report.created, report.updated, report.skipped, report.errors) == (2, 0, 0, [])
    assert list(Postcode.objects.public().values_list("code", "lon", "lat")) == [
        ("DE1 1AA", -1.47, 52.9),
        ("DE75 7AB", -1.5, 53.0),
    ]


def test_terminated_and_nowhere_are_skipped():
    report = brought(row("DE1 1AA", doterm="199606"), row("DE1 1AB", "99.999999", "0.000000"), row("DE1 1AD"))
    assert (report.created, report.skipped, report.error_count) == (1, 2, 0)


def test_a_second_import_changes_nothing_and_a_move_is_found():
    brought(row("DE1 1AA"), row("DE1 1AB"))
    report = brought(row("DE1 1AA"), row("DE1 1AB", "53.5"), row("DE1 1AD"))
    assert (report.created, report.updated, report.unchanged) == (1, 1, 1)
    assert Postcode.objects.get(code="DE1 1AB").lat == 53.5


def test_a_postcode_that_stands_twice_is_one():
    report = brought(row("DE1 1AA", "53.1"), row("de11aa", "53.2"))
    assert report.created == 1 and Postcode.objects.get().lat == 53.2


@pytest.mark.parametrize(
    "header",
    [
        "PCDS,LAT,LONG,DOTERM\n",
        "\ufeffpcds,lat,long,doterm\n",
        " pcds , lat , long , doterm \n",
        '"pcds","lat","long","doterm"\n',
    ],
)
def test_headers_as_editions_write_them(header):
    assert brought("DE1 1AA,53,-1.5,\n", header=header).created == 1


def test_paths_texts_and_line_ends(tmp_path):
    path = tmp_path / "onspd.csv"
    path.write_bytes(HEADER.replace("\n", "\r\n").encode() + row("DE1 1AA").replace("\n", "\r\n").encode())
    assert postcodes.import_postcodes(path).created == 1
    assert postcodes.import_postcodes(str(path)).unchanged == 1
    assert postcodes.import_postcodes(io.StringIO(HEADER + row("DE1 1AB"))).created == 1
    with path.open(encoding="utf-8") as text:
        assert postcodes.import_postcodes(text).unchanged == 1
    with pytest.raises(postcodes.ImportRefused, match="cannot be opened"):
        postcodes.import_postcodes(tmp_path / "none.csv")


def test_errors_name_their_rows_and_the_others_go_in():
    report = brought(
        row("DE1 1AA"),
        row("not one"),
        row("DE1 1AB", "north"),
        row("DE1 1AD", "", ""),
        row("DE1 1AE", "nan", "nan"),
        row("DE1 1AF", "inf", "-1.5"),
        "short,row\n",
        row("DE1 1AG", "-1.5", "53.0"),
        row("DE1 1AH", "10", "100"),
        "\n",
        row("DE1 1AJ"),
        row("\u0000"),
        row("=cmd|' /C calc'!A0"),
    )
    assert report.created == 2
    assert [number for number, _ in report.errors] == [3, 4, 5, 6, 7, 8, 9, 10, 13, 14]
    words = dict(report.errors)
    assert "not a postcode" in words[3] and "number" in words[4] and "too few" in words[8]
    assert "swapped" in words[9] and "United Kingdom" in words[10] and "United Kingdom" in words[6]


def test_errors_are_counted_all_and_kept_only_some():
    report = brought(*[row("bad")] * 200)
    assert report.error_count == 200 and len(report.errors) == postcodes.MOST_ERRORS


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no column pcds or lat or long or doterm"),
        (b"postcode,lat,long\n", "no column pcds or doterm"),
        (b'{"type":"FeatureCollection"}', "no column"),
        (b"\x89PNG\r\n\x1a\n" * 100, "no column"),
        (b"x" * 1_000_000, "too long"),
        (HEADER.encode() + b'"' + b"x" * 1_000_000, "too long"),
    ],
)
def test_other_files_are_refused(raw, words):
    with pytest.raises(postcodes.ImportRefused, match=words):
        postcodes.import_postcodes(io.BytesIO(raw))
    assert not Postcode.objects.exists()


def test_a_quote_never_closed_is_an_error_and_not_the_end():
    report = brought(row("DE1 1AA"), '"DE1 1AB,' + "x" * 50_000 + "\n", *["y" * 60_000 + "\n"] * 5, row("DE1 1AD"))
    assert report.created >= 1 and report.error_count >= 1


def test_bytes_that_are_no_text_cost_their_row_only():
    raw = HEADER.encode() + b"\xff\xfe,\xff,\xff\xfe,,,,53,-1.5,\n" + row("DE1 1AA").encode()
    report = postcodes.import_postcodes(io.BytesIO(raw))
    assert (report.created, [number for number, _ in report.errors]) == (1, [2])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_report_or_a_refusal(raw):
    try:
        report = postcodes.import_postcodes(io.BytesIO(HEADER.encode() + raw))
    except postcodes.ImportRefused as error:
        assert str(error)
    else:
        assert report.error_count >= len(report.errors)


class _Endless(io.RawIOBase):
    """A file of so many rows that exist only while they are read."""

    def __init__(self, rows):
        self.rows = rows
        self.at = -1

    def readline(self, size=-1):
        self.at += 1
        if self.at == 0:
            return HEADER.encode()
        if self.at > self.rows:
            return b""
        number, letters = divmod(self.at, 676)
        code = f"DE{number // 10 + 1} {number % 10}{chr(65 + letters // 26)}{chr(65 + letters % 26)}"
        return row(code, f"{52.5 + self.at % 1000 / 1000}").encode()


def test_memory_stays_flat(monkeypatch):
    monkeypatch.setattr(postcodes, "CHUNK", 500)
    peaks = []
    for rows in (2_000, 12_000):
        Postcode.objects.all().delete()
        tracemalloc.start()
        report = postcodes.import_postcodes(_Endless(rows))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert report.created + report.updated + report.unchanged > rows * 0.9
        assert report.error_count == 0
    assert peaks[1] < peaks[0] * 1.5


def test_chunks_join_without_loss(monkeypatch):
    monkeypatch.setattr(postcodes, "CHUNK", 7)
    report = postcodes.import_postcodes(_Endless(100))
    assert report.created == Postcode.objects.count() == 100
    assert postcodes.import_postcodes(_Endless(100)).unchanged == 100
