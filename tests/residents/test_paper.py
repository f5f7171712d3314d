"""Paper forms: printing, bundles, scans as proof, entering, duplicates. Through the verbs that the desk calls."""

import io
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bell.audit.models import Entry as Record
from bell.delivery.models import Delivery
from bell.lib import clock, pdf
from bell.residents import paper, paper_print, paper_rules, rules
from bell.residents.models import Bundle, PaperForm, PendingJoin, PrintRun, Resident, SourceCode
from bell.residents.paper_rules import ALPHABET, NotAccepted, NotAllowed
from tests.residents.paper_people import entry, file, jpeg, png


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.PAPER_DIR = tmp_path / "paper"


def bundle_of(cast, size=3, scans=True) -> Bundle:
    bundle = paper.open_bundle(cast.team, received_on=clock.now().date(), size=size, by=cast.author)
    if scans:
        paper.keep_scans(bundle, [file(png()) for _ in range(size)], by=cast.author)
    return bundle


def form(bundle, number=1) -> PaperForm:
    return bundle.forms.get(number=number)


def words(made: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(made)).pages]


# Printing


def test_a_run_prints_a_page_for_each_serial(cast):
    run = paper.print_forms(cast.team, count=3, by=cast.author)
    serials = [paper_rules.shown(signs) for signs in paper.serials_of(run)]
    made = paper_print.forms(run)
    pages = words(made)
    assert len(pages) == 3 == len(set(serials))
    for page, serial in zip(pages, serials, strict=True):
        assert serial in page and "Heanor SNT" in page and "Police House" in page
        assert rules.CONSENT_WORDING in page
        assert "Dog walkers" in page and "Scam warning" in page and "Test Council" in page
    assert made == paper_print.forms(run), "printing again gives the same bytes"
    root = pypdf.PdfReader(io.BytesIO(made)).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/StructTreeRoot"] and root["/Lang"].startswith("en")
    assert b"pdfuaid:part" in root["/Metadata"].get_object().get_data()


def test_the_code_on_a_form_leads_to_joining_with_its_source(cast, settings, monkeypatch):
    settings.SITE_URL = "https://alert.example"
    run = paper.print_forms(cast.team, count=1, by=cast.author)
    monkeypatch.setattr(pdf, "make", pdf.picture)
    for made in (paper_print.forms(run), paper_print.poster(run.source)):
        seen = zxingcpp.read_barcodes(Image.open(io.BytesIO(made)))
        assert [code.text for code in seen] == [f"https://alert.example/join/?from={run.source.code}"]


def test_runs_of_a_team_share_their_source(cast):
    first = paper.print_forms(cast.team, count=1, by=cast.author)
    second = paper.print_forms(cast.team, count=1, by=cast.approver)
    assert first.source == second.source and SourceCode.objects.count() == 1


@pytest.mark.parametrize("count", [0, -1, 101, 10**9])
def test_a_run_has_a_reasonable_size(cast, count):
    with pytest.raises(NotAccepted):
        paper.print_forms(cast.team, count=count, by=cast.author)
    assert not PrintRun.objects.exists()


@pytest.mark.parametrize("who", ["stranger", "outsider"])
def test_only_the_team_handles_its_paper(cast, who):
    other = getattr(cast, who)
    bundle = bundle_of(cast)
    with pytest.raises(NotAllowed):
        paper.print_forms(cast.team, count=1, by=other)
    with pytest.raises(NotAllowed):
        paper.enter(form(bundle), entry("a@home.example"), by=other)
    with pytest.raises(NotAllowed):
        paper.look_at_scan(form(bundle), by=other, why="curious")
    with pytest.raises(NotAllowed):
        paper.join_at_door(cast.team, entry("a@home.example"), by=other)
    assert not Bundle.objects.visible_to(other).exists()
    assert not PendingJoin.objects.exists()


def test_a_partner_makes_posters_but_never_sees_forms(cast):
    desk = cast.outsider.grants.first().team
    assert paper.make_source(desk, label="Town hall", by=cast.outsider).team == desk
    with pytest.raises(NotAllowed):
        paper.print_forms(desk, count=1, by=cast.outsider)


def test_an_officer_who_left_sees_nothing(cast):
    bundle_of(cast)
    cast.author.is_active = False
    cast.author.save()
    assert not Bundle.objects.visible_to(cast.author).exists()


# Serial numbers


@given(st.text(ALPHABET, min_size=7, max_size=7), st.integers(0, 7), st.sampled_from(ALPHABET))
def test_every_slip_of_one_sign_is_found(body, at, other):
    signs = body + paper_rules._check_character(body)
    assert paper_rules.serial(f" {signs[:4].lower()}-{signs[4:]} ") == signs
    slipped = signs[:at] + other + signs[at + 1 :]
    if slipped != signs:
        with pytest.raises(NotAccepted):
            paper_rules.serial(slipped)


@given(st.text(max_size=80))
def test_any_text_is_a_serial_number_or_refused(text):
    try:
        assert len(paper_rules.serial(text)) == 8
    except NotAccepted as error:
        assert error.problems["serial"]


# Scans


def test_scans_go_to_forms_in_order_and_are_kept_as_they_came(cast, settings):
    bundle = bundle_of(cast, scans=False)
    files = [png(41, 60), jpeg(), b"%PDF-1.7\n1 0 obj\n%%EOF\n"]
    assert paper.keep_scans(bundle, [file(body) for body in files], by=cast.author) == 3
    kept = list(bundle.forms.all())
    assert [one.scan_type for one in kept] == ["image/png", "image/jpeg", "application/pdf"]
    assert [paper.look_at_scan(one, by=cast.author, why="entering") for one in kept] == files
    paths = list(Path(settings.PAPER_DIR).iterdir())
    assert len(paths) == 3 and all(path.stat().st_mode & 0o077 == 0 for path in paths)
    assert Record.objects.filter(verb="paper form read").count() == 3


HOSTILE = {
    "empty": b"",
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "gif": b"GIF89a" + b"\0" * 100,
    "zip": b"PK\x03\x04" + b"\0" * 100,
    "exe": b"MZ" + b"\0" * 100,
    "png bomb": png(3, 3)[:16] + (100_000).to_bytes(4, "big") + (100_000).to_bytes(4, "big") + png(3, 3)[24:],
    "png wide": png(3, 3)[:16] + (2**31 - 1).to_bytes(4, "big") + (1).to_bytes(4, "big") + png(3, 3)[24:],
    "png of nothing": png(3, 3)[:16] + b"\0" * 8 + png(3, 3)[24:],
    "png cut": png()[:14],
    "jpeg bomb": jpeg(65_000, 65_000),
    "jpeg of nothing": jpeg(0, 0),
    "jpeg cut": jpeg()[:12],
    "jpeg of fill bytes": b"\xff\xd8" + b"\xff" * 5000,
    "jpeg that skips nowhere": b"\xff\xd8" + b"\xff\xe0\x00\x00" * 5000,
    "jpeg that skips past its end": b"\xff\xd8\xff\xe0\xff\xff" + b"\0" * 100,
    "pdf cut": b"%PDF-1.7\n1 0 obj\n",
    "pdf behind html": b"<html>%PDF-1.7 %%EOF",
    "too large": png() + b"\0" * (10 * 1024 * 1024),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_scans_are_refused_whole(cast, settings, name):
    bundle = bundle_of(cast, scans=False)
    with pytest.raises(NotAccepted, match=r"bad\.png"):
        paper.keep_scans(bundle, [file(png()), file(HOSTILE[name], "bad.png")], by=cast.author)
    assert not bundle.forms.exclude(scan_name="").exists(), "one bad file would shift the others"
    assert not Path(settings.PAPER_DIR).exists() or not list(Path(settings.PAPER_DIR).iterdir())


def test_more_scans_than_forms_are_refused(cast):
    bundle = bundle_of(cast, size=1, scans=False)
    with pytest.raises(NotAccepted, match="only 1"):
        paper.keep_scans(bundle, [file(png()), file(png())], by=cast.author)


@pytest.mark.django_db(transaction=True)
def test_another_scan_takes_the_place_of_the_first(cast, settings):
    bundle = bundle_of(cast, size=1)
    body = png(50, 50)
    paper.keep_scan(form(bundle), io.BytesIO(body), len(body), by=cast.author)
    assert paper.look_at_scan(form(bundle), by=cast.author, why="entering") == body
    assert len(list(Path(settings.PAPER_DIR).iterdir())) == 1


# Entering


def test_an_entered_form_is_nobody_until_confirmed(cast):
    bundle = bundle_of(cast)
    run = paper.print_forms(cast.team, count=1, by=cast.author)
    signs = paper.serials_of(run)[0]
    before = Resident.objects.count()
    outcome = paper.enter(form(bundle), entry("meg@home.example", serial=signs.lower(), name="Meg"), by=cast.author)
    assert outcome.asked == ("email",) and not outcome.known
    one = form(bundle)
    assert one.state == PaperForm.State.ENTERED and one.printed.serial == signs
    assert Resident.objects.count() == before
    assert PendingJoin.objects.get(form=one).source == run.source.code
    assert Delivery.objects.get().address == "meg@home.example", "the confirmation and nothing else"
    alert, _ = cast.approved()
    assert not Delivery.objects.exclude(mailing__stream="code").filter(address="meg@home.example").exists()
    assert alert


def test_the_wording_is_that_of_the_printed_form(cast, monkeypatch):
    run = paper.print_forms(cast.team, count=1, by=cast.author)
    monkeypatch.setattr(rules, "CONSENT_WORDING", "New words")
    bundle = bundle_of(cast)
    paper.enter(form(bundle), entry("meg@home.example", serial=paper.serials_of(run)[0]), by=cast.author)
    assert PendingJoin.objects.get().wording == run.wording != "New words"
    assert paper_print.forms(run) and run.wording in words(paper_print.forms(run))[0]


def test_without_its_scan_a_form_is_not_entered(cast):
    bundle = bundle_of(cast, scans=False)
    with pytest.raises(NotAccepted, match="scan"):
        paper.enter(form(bundle), entry("meg@home.example"), by=cast.author)
    assert not PendingJoin.objects.exists() and not Delivery.objects.exists()


def test_a_members_address_changes_nothing_and_is_a_look(cast):
    member = cast.resident(email="meg@home.example")
    before = list(member.consents.values()), list(member.contacts.values()), list(member.places.values())
    bundle = bundle_of(cast)
    outcome = paper.enter(form(bundle), entry("MEG@home.example", "07700 900777", name="Not Meg"), by=cast.author)
    assert outcome.known and not outcome.asked
    member.refresh_from_db()
    assert before == (list(member.consents.values()), list(member.contacts.values()), list(member.places.values()))
    assert member.name == "" and not PendingJoin.objects.exists() and not Delivery.objects.exists()
    look = Record.objects.get(verb="address compared")
    assert (look.target_key, look.by_key) == (str(member.key), str(cast.author.key))
    assert look.why and "home.example" not in str(look.facts)


def test_the_same_address_twice_in_a_bundle_is_found(cast):
    bundle = bundle_of(cast)
    paper.enter(form(bundle, 1), entry("meg@home.example", "07700 900123"), by=cast.author)
    with pytest.raises(NotAccepted) as caught:
        paper.enter(form(bundle, 2), entry("MEG@HOME.example", "+44 7700 900123"), by=cast.author)
    assert "Form 1" in caught.value.problems["email"] and "Form 1" in caught.value.problems["mobile"]
    assert form(bundle, 2).state == PaperForm.State.WAITING
    assert PendingJoin.objects.count() == 1


def test_the_same_serial_number_twice_is_found(cast):
    signs = paper.serials_of(paper.print_forms(cast.team, count=1, by=cast.author))[0]
    first, second = bundle_of(cast), bundle_of(cast)
    paper.enter(form(first, 1), entry("a@home.example", serial=signs), by=cast.author)
    for other, says in ((form(first, 2), "form 1 of this bundle"), (form(second, 1), "another bundle")):
        with pytest.raises(NotAccepted, match=says):
            paper.enter(other, entry("b@home.example", serial=signs), by=cast.author)
    with pytest.raises(NotAccepted, match="printed no form"):
        paper.enter(form(first, 2), entry("b@home.example", serial=paper_rules.new_serial()), by=cast.author)


def test_one_form_is_entered_once(cast):
    bundle = bundle_of(cast)
    paper.enter(form(bundle), entry("a@home.example"), by=cast.author)
    with pytest.raises(NotAccepted, match="already"):
        paper.enter(form(bundle), entry("b@home.example"), by=cast.author)


def test_skipped_and_taken_back(cast):
    bundle = bundle_of(cast)
    paper.skip(form(bundle, 1), by=cast.author)
    assert form(bundle, 1).state == PaperForm.State.SKIPPED
    paper.enter(form(bundle, 1), entry("a@home.example"), by=cast.author)
    paper.skip(form(bundle, 1), by=cast.author)
    assert form(bundle, 1).state == PaperForm.State.ENTERED, "what is entered is not skipped"
    paper.reopen(form(bundle, 1), by=cast.author)
    assert form(bundle, 1).state == PaperForm.State.WAITING and not PendingJoin.objects.exists()


def test_the_next_form_is_behind_this_one_and_then_from_the_start(cast):
    bundle = bundle_of(cast)
    paper.skip(form(bundle, 2), by=cast.author)
    assert paper_rules.next_waiting(bundle, 1).number == 3
    assert paper_rules.next_waiting(bundle, 3).number == 1
    for number in (1, 3):
        paper.skip(form(bundle, number), by=cast.author)
    assert paper_rules.next_waiting(bundle) is None


def test_a_bundle_did_not_come_tomorrow(cast):
    with pytest.raises(NotAccepted, match="past"):
        paper.open_bundle(cast.team, received_on=clock.now().date() + timedelta(days=2), size=1, by=cast.author)


def test_nothing_personal_stands_in_the_record(cast):
    bundle = bundle_of(cast)
    paper.enter(form(bundle), entry("canary@home.example", name="Canary", postal="1 Canary Row"), by=cast.author)
    written = " ".join(f"{one.verb} {one.why} {one.facts} {one.target_key}" for one in Record.objects.all())
    assert "anary" not in written
