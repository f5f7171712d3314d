"""CSV out, safe to open: a cell that a spreadsheet would run as a formula becomes plain text (OWASP, CSV injection)."""

import csv
import io
from collections.abc import Iterable

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: object) -> str:
    """One cell as text: nothing for None; numbers as they are; dangerous words behind an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    words = str(value).replace("\x00", "")
    return f"'{words}" if words.lstrip(" \u00a0").startswith(_STARTS) or words.startswith(_STARTS) else words


def document(header: Iterable[object], rows: Iterable[Iterable[object]]) -> bytes:
    """A whole file in UTF-8 with a mark, so that spreadsheets read names with accents."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL)
    writer.writerow([cell(value) for value in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")
