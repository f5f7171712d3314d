"""An alert on paper: the words that were sent, a QR code a phone reads, and nothing once a search has ended."""

import io

import pypdf
import pytest
import zxingcpp
from PIL import Image

from bell.alerts import actions, printing
from bell.alerts.models import Alert, Relation, State
from bell.alerts.rules import NotAllowed
from bell.lib import clock, pdf
from bell.organisations.kinds import Kind
from tests.public.conftest import send


def words(made: bytes) -> str:
    """The text of a PDF, on one line."""
    pages = pypdf.PdfReader(io.BytesIO(made)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_a_poster_says_what_was_sent(cast, settings):
    settings.SITE_URL = "https://alert.example"
    alert = send(cast)
    made = printing.poster(alert)
    read = pypdf.PdfReader(io.BytesIO(made))
    said = words(made)
    assert len(read.pages) == 1
    assert "Shed burglaries in Heanor" in said and "Did you see a white van?" in said
    assert alert.reference in said and "Heanor SNT" in said and "999" in said
    assert f"alert.example/a/{alert.reference}" in said
    assert read.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert read.trailer["/Root"]["/Lang"].startswith("en")
    assert made == printing.poster(alert), "the same alert prints the same bytes"


def test_a_sheet_has_four_slips_that_a_phone_reads(cast, settings, monkeypatch):
    settings.SITE_URL = "https://alert.example"
    alert = send(cast)
    made = printing.slips(alert)
    assert len(pypdf.PdfReader(io.BytesIO(made)).pages) == 1
    assert words(made).count("Shed burglaries in Heanor") == 4
    monkeypatch.setattr(pdf, "make", pdf.picture)
    seen = zxingcpp.read_barcodes(Image.open(io.BytesIO(printing.slips(alert))))
    assert [code.text for code in seen] == [f"https://alert.example/a/{alert.reference}/"] * 4


def test_a_survey_with_all_its_choices_fits_on_poster_and_slips(cast):
    choices = "\n".join(f"{number} {'Cars past the school ' * 3}"[:60].strip() for number in range(8))
    fields = {"choices": choices, "most": "3", "closes": "Friday 11 December, 5pm"}
    alert = send(
        cast, kind=Kind.SURVEY, title="What matters " * 7, body="We plan the next months. " * 40, fields=fields
    )
    for made in (printing.poster(alert), printing.slips(alert)):
        assert len(pypdf.PdfReader(io.BytesIO(made)).pages) == 1
        assert "7 Cars past the school" in words(made) and "Open until: Friday" in words(made)


def test_a_long_message_still_fits_its_slip(cast):
    body = "\n\n".join(f"Paragraph {number} says that sheds were broken into again and again." for number in range(50))
    alert = send(cast, body=body)
    made = printing.slips(alert)
    assert len(pypdf.PdfReader(io.BytesIO(made)).pages) == 1
    assert words(made).count("The whole message is on the page below.") == 4
    assert words(made).count(f"Reference {alert.reference}") == 4
    assert "Paragraph 49" in words(printing.poster(alert)), "a poster shows all of it"


@pytest.mark.parametrize("hostile", ['#read("/etc/passwd")', "$x^2$ *bold* _x_ <a> @b \\", "]#panic()[", "= Heading"])
def test_words_are_words_and_no_markup(cast, hostile):
    alert = send(cast, title=f"Sheds {hostile}"[:100])
    assert "".join(f"Sheds {hostile}".split()) in words(printing.poster(alert)).replace(" ", "")


def test_what_has_no_page_is_not_printed(cast):
    with pytest.raises(NotAllowed):
        printing.poster(cast.draft())
    practice = send(cast)
    Alert.objects.filter(pk=practice.pk).update(practice=True)
    with pytest.raises(NotAllowed, match="practice"):
        printing.slips(Alert.objects.get(pk=practice.pk))


def test_nothing_is_printed_of_a_person_who_was_found(cast):
    alert = send(cast, kind=Kind.MISSING, fields={"description": "Grey coat"}, title="Missing: Tom")
    assert "Grey coat" in words(printing.poster(alert))
    end = actions.follow_up(alert, relation=Relation.STAND_DOWN, by=cast.author)
    Alert.objects.filter(pk=end.pk).update(state=State.SENT, sent_at=clock.now())
    for made in (printing.poster, printing.slips):
        with pytest.raises(NotAllowed, match="ended"):
            made(Alert.objects.get(pk=alert.pk))
