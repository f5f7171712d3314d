"""What a scan is: by its first bytes only, whatever they are."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.lib import scans
from tests.residents.paper_people import jpeg, png

STARTS = (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"%PDF-", png()[:20], jpeg()[:20])


def check(body: bytes) -> scans.Scan:
    return scans.check(io.BytesIO(body), len(body))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (png(40, 60), ("image/png", 40, 60)),
        (jpeg(1240, 1754), ("image/jpeg", 1240, 1754)),
        (b"%PDF-1.7\n%%EOF\n", ("application/pdf", 0, 0)),
    ],
)
def test_what_is_kept(body, found):
    assert check(body) == found


@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_any_bytes_are_a_scan_or_refused_in_words(start, rest):
    try:
        found = check(start + rest)
    except scans.ScanError as error:
        assert str(error)
    else:
        assert found.width <= scans.MOST_SIDE and found.height <= scans.MOST_SIDE


def test_the_file_is_ready_to_be_read_afterwards():
    for body in (png(), b"nothing of ours"):
        file = io.BytesIO(body)
        with contextlib.suppress(scans.ScanError):
            scans.check(file, len(body))
        assert file.tell() == 0


def test_a_declared_size_beyond_the_limit_is_not_even_read():
    class Closed(io.BytesIO):
        def read(self, *_):
            raise AssertionError("read")

    with pytest.raises(scans.ScanError, match="larger"):
        scans.check(Closed(png()), scans.MOST_BYTES + 1)
