"""PDFs: accessible by typst's own check, data is never markup, nothing outside is read; QR codes that are read back."""

import io

import pypdf
import pytest
import zxingcpp
from PIL import Image

from bell.lib import pdf

PAGE = '#import "/lib/type/base.typ": *\n#show: sheet.with(data.title)\n= #data.title\n'


@pytest.fixture
def template(tmp_path, monkeypatch):
    """A typst file in a package of its own, with our shared pages in it."""
    shared = tmp_path / "lib" / "type"
    shared.mkdir(parents=True)
    (shared / "base.typ").write_text((pdf.TYPE / "base.typ").read_text())
    monkeypatch.setattr(pdf, "ROOT", tmp_path)

    def write(more: str = ""):
        path = tmp_path / "page.typ"
        path.write_text(PAGE + more)
        return path

    return write


def words(made: bytes) -> str:
    return " ".join(pypdf.PdfReader(io.BytesIO(made)).pages[0].extract_text().split())


def test_the_same_data_gives_the_same_bytes(template):
    page = template("Été, naïve, Ł, “quoted”, £5")
    made = pdf.make(page, {"title": "Hello"})
    assert made == pdf.make(page, {"title": "Hello"}) != pdf.make(page, {"title": "Other"})
    assert "Été, naïve, Ł, “quoted”, £5" in words(made)
    fonts = made.count(b"AtkinsonHyperlegibleNext")
    assert fonts and b"Libertinus" not in made, "all of it in our typeface"


def test_data_is_text(template):
    title = '#read("/etc/passwd") *b* $x$ ] #panic() = '
    assert title.replace(" ", "") in words(pdf.make(template(), {"title": title})).replace(" ", "")


@pytest.mark.parametrize("path", ["/../../etc/passwd", "../../../../../../etc/passwd", "/etc/passwd"])
def test_nothing_outside_the_package_is_read(template, path):
    with pytest.raises(pdf.PdfError):
        pdf.make(template(f'#read("{path}")'), {"title": "Hello"})


def test_what_would_not_be_accessible_is_refused(template):
    page = template('#image(bytes(data.qr), format: "svg", width: 2cm)')
    with pytest.raises(pdf.PdfError, match="alt"):
        pdf.make(page, {"title": "Hello", "qr": pdf.qr("x")})


def test_a_mistake_in_a_template_is_an_error(template):
    with pytest.raises(pdf.PdfError):
        pdf.make(template("#data.missing"), {"title": "Hello"})


@pytest.mark.parametrize("text", ["x", "https://alert.example/join/?from=BCD4F7", "A" * pdf.LONGEST_QR])
def test_a_phone_reads_what_was_put_in(template, text):
    page = template('#code(data.qr, "QR", width: 6cm)')
    made = pdf.picture(page, {"title": "Hello", "qr": pdf.qr(text)})
    assert [code.text for code in zxingcpp.read_barcodes(Image.open(io.BytesIO(made)))] == [text]


@pytest.mark.parametrize("text", ["", "x" * (pdf.LONGEST_QR + 1), "é"])
def test_a_code_holds_what_every_phone_reads(text):
    with pytest.raises(ValueError, match="1 to"):
        pdf.qr(text)
