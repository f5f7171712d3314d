"""PDFs that anyone can read: tagged, PDF/UA-1 by typst's own check, the same bytes each time, and QR codes for them.

A document is a typst file that belongs to this package, and data as JSON. Data is shown as text, never run as markup,
so a title such as `#read("/etc/passwd")` prints as it stands.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import segno
import typst

TYPE = Path(__file__).resolve().parent / "type"
ROOT = Path(__file__).resolve().parents[1]
LONGEST_QR = 300


class PdfError(Exception):
    """The document could not be made; the message is for developers (a template's mistake, not a reader's)."""


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """Our typeface and those that typst carries; none of the machine's, so that every machine prints the same."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(TYPE)])


def make(template: Path, data: Mapping[str, Any]) -> bytes:
    """The PDF of a typst file and its data, which the file reads as `json(bytes(sys.inputs.data))`.

    The file may read nothing outside this package; what documents share is in "/lib/type/base.typ".
    PdfError when it does not compile or would not be accessible.
    """
    return _compile(template, data, format="pdf", pdf_standards=["ua-1"])


def picture(template: Path, data: Mapping[str, Any], *, ppi: float = 144) -> bytes:
    """The first page of the same as a PNG, at so many pixels an inch."""
    return _compile(template, data, format="png", ppi=ppi)


def _compile(template: Path, data: Mapping[str, Any], **how: Any) -> bytes:
    try:
        made = typst.compile(
            str(template),
            root=str(ROOT),
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
            **how,
        )
    except typst.TypstError as error:
        raise PdfError(str(error)) from error
    pages = made if isinstance(made, list) else [made]
    if not pages or pages[0] is None:
        raise PdfError(f"{template.name} gave no page")
    return bytes(pages[0])


def qr(text: str) -> str:
    """A QR code (ISO/IEC 18004, error correction M or better) as SVG, its quiet zone of four modules included."""
    # ASCII only: readers guess the encoding of the rest, and guess wrongly.
    if not text.isascii() or not 1 <= len(text) <= LONGEST_QR:
        raise ValueError(f"A QR code holds 1 to {LONGEST_QR} ASCII characters here")
    made = segno.make_qr(text, error="m")
    return str(made.svg_inline(scale=4, border=4, dark="#000", light="#fff", omitsize=False))
