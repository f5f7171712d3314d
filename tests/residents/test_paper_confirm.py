"""Confirming paper and door: by link, code or letter; nothing before it; nothing after 30 days."""

import io
import os
import re
import time
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
import zxingcpp
from PIL import Image

from bell.delivery.models import Delivery
from bell.lib import clock, pdf
from bell.residents import actions, codes, paper, paper_confirm, paper_print, paper_rules, rules
from bell.residents.models import Confirmation, Consent, PaperForm, PendingJoin, Resident
from bell.residents.paper_rules import NotAllowed
from bell.worker.timetable import TIMETABLE
from tests.residents.paper_people import entry, file, png


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.PAPER_DIR = tmp_path / "paper"
    settings.SITE_URL = "https://alert.example"


@pytest.fixture
def bundle(cast):
    made = paper.open_bundle(cast.team, received_on=clock.now().date(), size=3, by=cast.author)
    paper.keep_scans(made, [file(png())] * 3, by=cast.author)
    return made


def form(bundle, number=1) -> PaperForm:
    return bundle.forms.get(number=number)


def code_to(address: str) -> str:
    """The code in the newest message to an address, from the words that a person reads."""
    newest = Delivery.objects.filter(address=address).order_by("-pk").first()
    content = newest.mailing.content
    words = content["sms"] if newest.channel == "sms" else content["text"]
    return re.search(r"https://alert\.example/confirm/([A-Z0-9-]+)/", words).group(1)


def older(by: timedelta) -> None:
    """As if that much time had gone by."""
    for one in PendingJoin.objects.all():
        PendingJoin.objects.filter(pk=one.pk).update(made_at=one.made_at - by)
    for one in Confirmation.objects.all():
        Confirmation.objects.filter(pk=one.pk).update(sent_at=one.sent_at - by)


def test_confirming_by_email_makes_a_member_with_proof(cast, bundle):
    run = paper.print_forms(cast.team, count=1, by=cast.author)
    filled = entry(
        "meg@home.example", name="Meg", groups=[cast.cctv.pk], organisations=[cast.force.pk],
        serial=paper.serials_of(run)[0],
    )  # fmt: skip
    paper.enter(form(bundle), filled, by=cast.author)
    person = paper_confirm.confirm(code_to("meg@home.example"))
    assert person.name == "Meg" and person.source == run.source.code
    assert [contact.address for contact in person.contacts.all()] == ["meg@home.example"]
    assert [one.group for one in person.memberships.all()] == [cast.cctv]
    assert person.places.get().postcode == "DE75 7AB"
    consent = Consent.objects.get(resident=person)
    assert consent.how == "paper" and consent.given and consent.wording == run.wording
    assert consent.proof == form(bundle) and form(bundle).scan_name, "the scan is the proof"
    assert form(bundle).state == PaperForm.State.JOINED and form(bundle).resident == person
    assert not PendingJoin.objects.exists(), "what was typed is kept once"
    assert paper_rules.sign_ups(type(run.source).objects.all())[run.source.code] == 1


def test_confirming_twice_is_confirming_once(cast, bundle):
    paper.enter(form(bundle), entry("meg@home.example"), by=cast.author)
    code = code_to("meg@home.example")
    assert paper_confirm.confirm(code) is not None
    assert paper_confirm.confirm(code) is None
    assert Resident.objects.count() == 1 and Consent.objects.count() == 1


def test_each_address_is_proved_by_itself(cast, bundle):
    outcome = paper.enter(form(bundle), entry("meg@home.example", "07700 900123"), by=cast.author)
    assert outcome.asked == ("email", "sms")
    mail, text = code_to("meg@home.example"), code_to("+447700900123")
    assert mail != text
    person = paper_confirm.confirm(text)
    assert [one.channel for one in person.contacts.all()] == ["sms"]
    left = PendingJoin.objects.get()
    assert left.resident == person and not left.name and not left.mobile
    assert paper_confirm.confirm(mail) == person
    assert {one.channel for one in person.contacts.all()} == {"email", "sms"}
    assert not PendingJoin.objects.exists() and Resident.objects.count() == 1
    assert person.sms_kinds and person.email_kinds


def test_an_address_set_meanwhile_is_left_as_it_is(cast, bundle):
    paper.enter(form(bundle), entry("meg@home.example", "07700 900123"), by=cast.author)
    person = paper_confirm.confirm(code_to("meg@home.example"))
    actions.add_contact(person, rules.reach("sms", "07700 900456"), by=person)
    paper_confirm.confirm(code_to("+447700900123"))
    assert person.contacts.get(channel="sms").address == "+447700900456"


def test_somebody_who_joined_online_meanwhile_is_not_joined_twice(cast, bundle):
    paper.enter(form(bundle), entry("meg@home.example"), by=cast.author)
    member = cast.resident(email="meg@home.example")
    assert paper_confirm.confirm(code_to("meg@home.example")) == member
    assert Resident.objects.count() == 1 and not PendingJoin.objects.exists()
    assert member.consents.count() == 1 and form(bundle).state == PaperForm.State.KNOWN


def test_the_message_holds_no_word_that_anybody_typed(cast, bundle):
    spam = entry("meg@home.example", "07700 900123", name="WIN A PRIZE www.bad.example", postal="Call 0909 8790000")
    paper.enter(form(bundle), spam, by=cast.author)
    for delivery in Delivery.objects.all():
        everything = str(delivery.mailing.content)
        assert "PRIZE" not in everything and "bad.example" not in everything and "0909" not in everything
        assert "DE75" not in everything and "Meg" not in everything
        assert delivery.mailing.authority_kind == "code"


def test_a_stolen_table_shows_no_code(cast, bundle):
    paper.enter(form(bundle), entry("meg@home.example"), by=cast.author)
    signs = code_to("meg@home.example").replace("-", "")
    assert signs not in Confirmation.objects.get().digest
    assert len(signs) == 12


@pytest.mark.parametrize("typed", ["", "BCDF-GHJK-MNPQ", "x" * 500, "\0", "é" * 12, "../../etc", "BCDF GHJK MNP"])
def test_other_codes_are_of_no_use(cast, bundle, typed):
    paper.enter(form(bundle), entry("meg@home.example"), by=cast.author)
    assert paper_confirm.confirm(typed) is None and not paper_confirm.refuse(typed)
    assert not Resident.objects.exists()


def test_a_code_is_typed_as_people_type(cast, bundle):
    paper.enter(form(bundle), entry("meg@home.example"), by=cast.author)
    assert paper_confirm.confirm(f"  {code_to('meg@home.example').lower().replace('-', ' ')} ") is not None


def test_an_address_gets_one_an_hour_and_three_a_day(cast, bundle):
    paper.enter(form(bundle), entry("meg@home.example"), by=cast.author)
    first = code_to("meg@home.example")
    assert paper_confirm.ask_again(form(bundle), by=cast.author) == ()
    for _ in range(2):
        older(timedelta(minutes=61))
        assert paper_confirm.ask_again(form(bundle), by=cast.author) == ("email",)
    older(timedelta(minutes=61))
    assert paper_confirm.ask_again(form(bundle), by=cast.author) == ()
    assert Delivery.objects.count() == 3
    assert paper_confirm.confirm(first) is None, "a newer one takes the place of the older"
    assert paper_confirm.confirm(code_to("meg@home.example")) is not None


def test_codes_count_towards_the_limit(cast, bundle):
    codes.send_code(rules.reach("email", "meg@home.example"), name="Alert")
    assert paper.enter(form(bundle), entry("meg@home.example"), by=cast.author).asked == ()
    assert Delivery.objects.count() == 1


def test_taking_a_form_back_makes_its_code_useless_and_counts_still(cast, bundle):
    paper.enter(form(bundle), entry("meg@home.example"), by=cast.author)
    code = code_to("meg@home.example")
    paper.reopen(form(bundle), by=cast.author)
    assert paper_confirm.confirm(code) is None
    assert paper.enter(form(bundle), entry("meg@home.example"), by=cast.author).asked == (), "the hour is not over"


def test_a_letter_for_people_with_neither(cast, bundle, monkeypatch):
    filled = entry(name="Vera Vane", postal="12 High Street\nHeanor")
    assert paper.enter(form(bundle), filled, by=cast.author).asked == ()
    assert not Delivery.objects.exists()
    pending, code = paper_confirm.letter(form(bundle), by=cast.author)
    made = paper_print.letter(pending, code)
    words = " ".join(pypdf.PdfReader(io.BytesIO(made)).pages[0].extract_text().split())
    assert "Vera Vane 12 High Street Heanor DE75 7AB" in words
    assert paper_rules.shown(code) in words and "alert.example/confirm" in words
    monkeypatch.setattr(pdf, "make", pdf.picture)
    seen = zxingcpp.read_barcodes(Image.open(io.BytesIO(paper_print.letter(pending, code))))
    assert [one.text for one in seen] == [f"https://alert.example/confirm/{paper_rules.shown(code)}/"]
    person = paper_confirm.confirm(code)
    assert person.name == "Vera Vane" and not person.contacts.exists()
    assert Consent.objects.get(resident=person).proof == form(bundle)
    with pytest.raises(NotAllowed):
        paper_confirm.letter(form(bundle), by=cast.author)


def test_a_new_letter_makes_the_old_one_useless(cast, bundle):
    paper.enter(form(bundle), entry(postal="12 High Street"), by=cast.author)
    _, first = paper_confirm.letter(form(bundle), by=cast.author)
    _, second = paper_confirm.letter(form(bundle), by=cast.author)
    assert paper_confirm.confirm(first) is None and paper_confirm.confirm(second) is not None


def test_a_letter_leaves_the_email_to_be_confirmed(cast, bundle):
    paper.enter(form(bundle), entry("meg@home.example", postal="12 High Street"), by=cast.author)
    _, code = paper_confirm.letter(form(bundle), by=cast.author)
    person = paper_confirm.confirm(code)
    assert not person.contacts.exists()
    assert paper_confirm.confirm(code_to("meg@home.example")) == person
    assert person.contacts.get().address == "meg@home.example"


@pytest.mark.django_db(transaction=True)
def test_it_was_not_me_deletes_everything_at_once(cast, bundle, settings):
    paper.enter(form(bundle), entry("meg@home.example", name="Meg"), by=cast.author)
    code = code_to("meg@home.example")
    assert paper_confirm.refuse(code)
    assert not PendingJoin.objects.exists() and not form(bundle).scan_name
    assert form(bundle).state == PaperForm.State.REFUSED
    assert len(list(Path(settings.PAPER_DIR).iterdir())) == 2, "the scans of the other two forms"
    assert not paper_confirm.refuse(code) and paper_confirm.confirm(code) is None


def test_at_the_door(cast):
    outcome = paper.join_at_door(cast.team, entry("meg@home.example"), by=cast.author)
    assert outcome.asked == ("email",) and not Resident.objects.exists()
    person = paper_confirm.confirm(code_to("meg@home.example"))
    consent = Consent.objects.get(resident=person)
    assert consent.how == "door" and consent.proof is None
    assert consent.wording == paper_rules.wording(cast.force)
    source = paper_rules.source(person.source)
    assert source.officer == cast.author and source.team == cast.team
    assert paper.join_at_door(cast.team, entry("meg@home.example"), by=cast.author).known


# Forgetting


@pytest.mark.django_db(transaction=True)
def test_unconfirmed_people_are_forgotten_after_30_days_with_their_scans(cast, bundle, settings):
    paper.enter(form(bundle, 1), entry("meg@home.example", name="Meg"), by=cast.author)
    paper.enter(form(bundle, 2), entry("joe@home.example"), by=cast.author)
    joined = paper_confirm.confirm(code_to("joe@home.example"))
    code = code_to("meg@home.example")
    older(timedelta(days=29, hours=23))
    assert paper_confirm.forget_unconfirmed() == 0 and PendingJoin.objects.count() == 1
    older(timedelta(hours=2))
    assert paper_confirm.confirm(code) is None, "too old, even before the worker comes by"
    type(bundle).objects.filter(pk=bundle.pk).update(made_at=clock.now() - timedelta(days=31))
    assert paper_confirm.forget_unconfirmed() == 2, "the form that nobody confirmed, and the one never entered"
    assert not PendingJoin.objects.exists()
    assert form(bundle, 1).state == PaperForm.State.LAPSED and not form(bundle, 1).scan_name
    assert form(bundle, 3).state == PaperForm.State.WAITING and not form(bundle, 3).scan_name
    assert form(bundle, 2).scan_name and form(bundle, 2).resident == joined, "a proof stays"
    assert [path.name for path in Path(settings.PAPER_DIR).iterdir()] == [form(bundle, 2).scan_name]
    assert paper_confirm.forget_unconfirmed() == 0


def test_a_second_address_never_confirmed_is_forgotten_and_the_member_stays(cast, bundle):
    paper.enter(form(bundle), entry("meg@home.example", "07700 900123"), by=cast.author)
    person = paper_confirm.confirm(code_to("meg@home.example"))
    older(timedelta(days=31))
    paper_confirm.forget_unconfirmed()
    assert not PendingJoin.objects.exists() and form(bundle).scan_name and form(bundle).resident == person
    assert Resident.objects.get().left_at is None


def test_files_that_no_form_names_are_swept_after_a_day(cast, bundle, settings):
    folder = Path(settings.PAPER_DIR)
    old, fresh = folder / "left-over.png", folder / "arriving.png"
    for path in (old, fresh):
        path.write_bytes(png())
    ago = time.time() - 2 * 24 * 3600
    os.utime(old, (ago, ago))
    for one in bundle.forms.all():
        os.utime(folder / one.scan_name, (ago, ago))
    assert paper_confirm.forget_unconfirmed() == 1
    assert not old.exists() and fresh.exists()
    assert all((folder / one.scan_name).exists() for one in bundle.forms.all())


@pytest.mark.django_db(transaction=True)
def test_erasing_somebody_deletes_their_scan(cast, bundle, settings):
    paper.enter(form(bundle), entry("meg@home.example", "07700 900123"), by=cast.author)
    person = paper_confirm.confirm(code_to("meg@home.example"))
    name = form(bundle).scan_name
    assert paper_confirm.forget_forms(person, by=cast.administrator) == 1
    assert not (Path(settings.PAPER_DIR) / name).exists()
    assert form(bundle).resident is None and not PendingJoin.objects.exists()


def test_the_worker_forgets_by_its_timetable():
    assert any(entry.work is paper_confirm.forget_unconfirmed for entry in TIMETABLE)
