"""The desk's pages of paper and door: they work, the team may, a stranger may not, a look changes nothing."""

import io
import re

import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from bell.audit.models import Entry as Record
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.models import Organisation
from bell.residents import paper, paper_confirm, paper_rules
from bell.residents.models import Bundle, PaperForm, PendingJoin, PrintRun, Resident, SourceCode
from tests.public.conftest import send
from tests.residents.paper_people import entry, file, png


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.PAPER_DIR = tmp_path / "paper"


@pytest.fixture
def bundle(cast) -> Bundle:
    made = paper.open_bundle(cast.team, received_on=clock.now().date(), size=3, by=cast.author)
    paper.keep_scans(made, [file(png())] * 3, by=cast.author)
    return made


def enter_url(bundle, number=1) -> str:
    return reverse("staff-enter", args=[bundle.key, number])


# Crime, appeals for information and footage, missing people: never advice, events, scams or outcomes.
ASKING = 1 + 2 + 4 + 32
GOOD = {"postcode": "de757ab", "email": "meg@home.example", "signed": "on"}


def code_in_newest() -> str:
    """The code of a confirmation, from the words that a person reads."""
    return re.search(r"/confirm/([A-Z0-9-]+)/", Delivery.objects.latest("pk").mailing.content["text"]).group(1)


def text(response) -> str:
    return " ".join(response.content.decode().split())


def pdf_words(response) -> str:
    assert response["Content-Type"] == "application/pdf"
    return " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(response.content)).pages)


def test_print_a_run_and_download_it(cast, at_desk):
    desk = at_desk("author")
    page = desk.post(reverse("staff-paper"), {"team": cast.team.pk, "count": "2"}, follow=True)
    run = PrintRun.objects.get()
    link = reverse("staff-forms", args=[run.key])
    assert link in text(page) and run.forms.count() == 2
    words = pdf_words(desk.get(link))
    assert all(f"{serial[:4]}-{serial[4:]}" in words for serial in paper.serials_of(run))


@pytest.mark.parametrize("count", ["", "0", "101", "ten", "-1", "9" * 400])
def test_a_run_of_another_size_is_refused_in_words(cast, at_desk, count):
    page = at_desk("author").post(reverse("staff-paper"), {"team": cast.team.pk, "count": count})
    assert "There is a problem" in text(page) and not PrintRun.objects.exists()


def test_another_teams_name_in_the_form_is_refused(cast, at_desk):
    at_desk("author").post(reverse("staff-paper"), {"team": cast.other_team.pk, "count": "1"})
    assert not PrintRun.objects.exists()


def test_a_bundle_from_upload_to_the_last_form(cast, at_desk):
    desk = at_desk("author")
    today = clock.local(clock.now()).date().isoformat()
    opened = desk.post(reverse("staff-bundle-new"), {"team": cast.team.pk, "received_on": today, "size": "2"})
    bundle = Bundle.objects.get()
    assert opened["Location"] == reverse("staff-bundle", args=[bundle.key])
    files = [SimpleUploadedFile(f"{number}.png", png(40 + number), "text/html") for number in range(2)]
    desk.post(reverse("staff-scans", args=[bundle.key]), {"scans": files})
    assert [form.scan_type for form in bundle.forms.all()] == ["image/png"] * 2, "typed by content, not by name"
    saved = desk.post(enter_url(bundle), GOOD)
    assert saved["Location"] == enter_url(bundle, 2)
    page = desk.get(saved["Location"])
    assert "Form 1: saved. A confirmation is on its way by email." in text(page) and "1 of 2 done" in text(page)
    last = desk.post(enter_url(bundle, 2), {**GOOD, "email": "", "mobile": "07700 900123", "serial": ""})
    assert last["Location"] == reverse("staff-bundle", args=[bundle.key])
    assert "2 of 2 forms done" in text(desk.get(last["Location"]))
    assert not Resident.objects.exists() and Delivery.objects.count() == 2


def test_errors_by_field_lose_nothing(cast, at_desk, bundle):
    typed = {
        "name": "Meg <b>Marsh</b>", "postcode": "ZZ1 1ZZ", "email": "meg@", "mobile": "12", "serial": "AAAA-AAAA",
        "postal": "1 High Street", "kinds": ["crime", "scam"], "groups": [str(cast.cctv.pk)], "by": ["sms"],
    }  # fmt: skip
    page = at_desk("author").post(enter_url(bundle), typed)
    said = text(page)
    assert "We do not know the postcode ZZ1 1ZZ" in said and "Only a signed form is consent" in said
    assert "Meg &lt;b&gt;Marsh&lt;/b&gt;" in said and 'value="meg@"' in said and 'value="1 High Street"' in said
    assert page.context["form"].errors.keys() >= {"postcode", "email", "mobile", "signed"}
    assert set(page.context["form"]["kinds"].value()) == {"crime", "scam"}
    assert not PendingJoin.objects.exists()


def test_problems_that_the_verb_finds_stand_by_their_field(cast, at_desk, bundle):
    desk = at_desk("author")
    desk.post(enter_url(bundle), GOOD)
    page = desk.post(enter_url(bundle, 2), {**GOOD, "serial": "BCDF-GHJK", "name": "Kept"})
    assert "serial" in page.context["form"].errors and "Kept" in text(page)
    page = desk.post(enter_url(bundle, 2), GOOD)
    assert "Form 1 of this bundle has the same email address" in text(page)
    assert "email" in page.context["form"].errors


@pytest.mark.parametrize(
    ("given", "email_kinds", "sms_kinds"),
    [
        ({"email": "a@home.example"}, ASKING, 0),
        ({"mobile": "07700 900123"}, 0, ASKING),
        ({"email": "a@home.example", "mobile": "07700 900123"}, ASKING, ASKING),
        ({"email": "a@home.example", "mobile": "07700 900123", "kinds": ["scam"]}, 64, 64),
        ({"email": "a@home.example", "mobile": "07700 900123", "kinds": ["scam"], "by": ["email"]}, 64, 0),
    ],
)
def test_what_is_ticked_is_what_is_kept(cast, at_desk, bundle, given, email_kinds, sms_kinds):
    at_desk("author").post(enter_url(bundle), {"postcode": "DE75 7AB", "signed": "on", **given})
    pending = PendingJoin.objects.get()
    assert (pending.email_kinds, pending.sms_kinds) == (email_kinds, sms_kinds)
    assert pending.organisations == [cast.force.pk], "nothing ticked: the organisation whose form it is"
    assert bool(pending.mobile) == (sms_kinds > 0), "an address that is not to be written to is not kept"


def test_an_address_that_joined_already(cast, at_desk, bundle):
    member = cast.resident(email="meg@home.example")
    page = at_desk("author").post(enter_url(bundle), GOOD, follow=True)
    assert "Form 1: already joined: nothing was changed" in text(page)
    assert not PendingJoin.objects.exists() and not Delivery.objects.exists()
    assert Record.objects.filter(verb="address compared", target_key=str(member.key)).count() == 1


def test_skip_and_take_back(cast, at_desk, bundle):
    desk = at_desk("author")
    assert desk.post(reverse("staff-skip", args=[bundle.key, 1]))["Location"] == enter_url(bundle, 2)
    assert desk.post(reverse("staff-reopen", args=[bundle.key, 1]))["Location"] == enter_url(bundle, 1)
    assert bundle.forms.get(number=1).state == PaperForm.State.WAITING


def test_a_done_form_is_not_shown_again(cast, at_desk, bundle):
    desk = at_desk("author")
    desk.post(enter_url(bundle), {**GOOD, "name": "Canary"})
    assert desk.get(enter_url(bundle))["Location"] == reverse("staff-bundle", args=[bundle.key])
    page = desk.get(reverse("staff-bundle", args=[bundle.key]))
    assert "Canary" not in text(page) and "meg@home.example" not in text(page)


def test_the_scan_is_shown_to_the_team_and_each_look_is_recorded(cast, at_desk, bundle):
    url = reverse("staff-scan", args=[bundle.key, 1])
    response = at_desk("author").get(url)
    assert response.content == png() and response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff" and "no-store" in response["Cache-Control"]
    assert response["Content-Security-Policy"].startswith("default-src 'none'")
    assert Record.objects.filter(verb="paper form read").count() == 1
    assert at_desk("stranger").get(url).status_code == 404
    assert Record.objects.filter(verb="paper form read").count() == 1


def test_bad_uploads_are_said_in_words(cast, at_desk):
    desk = at_desk("author")
    bundle = paper.open_bundle(cast.team, received_on=clock.now().date(), size=1, by=cast.author)
    url = reverse("staff-scans", args=[bundle.key])

    def evil() -> SimpleUploadedFile:
        return SimpleUploadedFile("<script>.png", b"<html><script>alert(1)</script>", "image/png")

    page = desk.post(url, {"scans": [evil()]})
    assert page.status_code == 400 and "The file is no JPEG, PNG or PDF" in text(page)
    assert "<script>.png" not in page.content.decode()
    assert desk.post(url, {}).status_code == 400
    one = desk.post(reverse("staff-scan", args=[bundle.key, 1]), {"scan": evil()}, follow=True)
    assert "The file is no JPEG, PNG or PDF" in text(one)
    assert desk.get(reverse("staff-scan", args=[bundle.key, 1])).status_code == 404


def test_a_letter_is_printed_from_the_bundle(cast, at_desk, bundle):
    desk = at_desk("author")
    desk.post(enter_url(bundle), {"postcode": "DE75 7AB", "postal": "12 High Street, Heanor", "signed": "on"})
    page = desk.get(reverse("staff-bundle", args=[bundle.key]))
    link = reverse("staff-letter", args=[bundle.key, 1])
    assert link in text(page) and desk.get(link).status_code == 405
    words = " ".join(pdf_words(desk.post(link)).split())
    assert "12 High Street Heanor DE75 7AB" in words
    assert desk.post(reverse("staff-letter", args=[bundle.key, 2])).status_code == 403


def test_sending_again_keeps_to_the_limits(cast, at_desk, bundle):
    desk = at_desk("author")
    desk.post(enter_url(bundle), GOOD)
    page = desk.post(reverse("staff-again", args=[bundle.key, 1]), follow=True)
    assert "nothing was sent" in text(page) and Delivery.objects.count() == 1


def test_joining_at_the_door(cast, at_desk):
    desk = at_desk("author")
    given = {"team": cast.team.pk, "postcode": "DE75 7AB", "mobile": "07700 900123", "agreed": "on"}
    page = desk.post(reverse("staff-door"), {**given, "agreed": ""})
    assert "tick this when they say yes" in text(page) and not PendingJoin.objects.exists()
    page = desk.post(reverse("staff-door"), {**given, "mobile": ""})
    assert "Enter a mobile number or an email address" in text(page)
    page = desk.post(reverse("staff-door"), given, follow=True)
    assert "A confirmation is on its way by text message" in text(page)
    pending = PendingJoin.objects.get()
    assert pending.how == "door" and not Resident.objects.exists()
    assert (pending.email_kinds, pending.sms_kinds) == (0, ASKING) and pending.organisations == [cast.force.pk]
    desk.post(reverse("staff-door"), {**given, "mobile": "07700 900124", "kinds": ["event"]})
    assert PendingJoin.objects.latest("pk").sms_kinds == 16, "what they said is what is kept"


def test_no_tick_is_no_yes_to_another_force(cast, at_desk, bundle):
    """Two forces on one system: an empty list means the one whose form it is, not every force."""
    other = Organisation.objects.create(sort="force", name="Otherfolk Police", slug="other")
    at_desk("author").post(enter_url(bundle), GOOD)
    assert PendingJoin.objects.get().organisations == [cast.force.pk]
    at_desk("author").post(enter_url(bundle, 2), {**GOOD, "email": "b@home.example", "organisations": [other.pk]})
    assert PendingJoin.objects.latest("pk").organisations == [other.pk]


def test_form_page_and_ledger_say_the_same_of_what_is_not_ticked(cast, at_desk, bundle):
    desk = at_desk("author")
    said = paper_rules.wording(cast.force)
    assert "If I choose no kind of message, I get only those that ask for my help" in said
    assert "If I choose no organisation, only Testshire Police may write to me" in said
    run = paper.print_forms(cast.team, count=1, by=cast.author)
    form = desk.get(reverse("staff-forms", args=[run.key]))
    printed = " ".join(pdf_words(form).split())
    assert said in printed and "Tick none for crime alerts, appeals and missing people only" in printed
    assert len(pypdf.PdfReader(io.BytesIO(form.content)).pages) == 1
    assert said in text(desk.get(reverse("staff-door")))
    page = text(desk.get(enter_url(bundle)))
    assert "None ticked: only what asks for help" in page and "all of them" not in page
    desk.post(enter_url(bundle), {**GOOD, "serial": paper.serials_of(run)[0]})
    person = paper_confirm.confirm(code_in_newest())
    consent = person.consents.get()
    assert consent.wording == said and consent.proof_id
    assert person.email_kinds == ASKING
    assert [one.organisation for one in person.following.all()] == [cast.force]


def test_posters_count_their_sign_ups(cast, at_desk):
    desk = at_desk("author")
    desk.post(reverse("staff-sources"), {"team": cast.team.pk, "label": "Heanor library", "mine": "on"})
    source = SourceCode.objects.get()
    assert source.officer == cast.author
    Resident.objects.filter(pk=cast.resident().pk).update(source=source.code)
    page = desk.get(reverse("staff-sources"))
    assert page.context["rows"] == [(source, None)] and "fewer than 5" in text(page)
    assert source.code in pdf_words(desk.get(reverse("staff-poster", args=[source.code])))
    assert at_desk("stranger").get(reverse("staff-poster", args=[source.code])).status_code == 404


def test_an_alert_on_paper_from_its_page(cast, at_desk):
    desk = at_desk("author")
    alert = send(cast)
    page = text(desk.get(reverse("staff-alert", args=[alert.reference])))
    for name in ("staff-alert-poster", "staff-alert-slips"):
        link = reverse(name, args=[alert.reference])
        assert link in page
        assert "Shed burglaries in Heanor" in pdf_words(desk.get(link))
        assert at_desk("stranger").get(link).status_code == 404
    draft = cast.draft()
    assert reverse("staff-alert-poster", args=[draft.reference]) not in text(
        desk.get(reverse("staff-alert", args=[draft.reference]))
    )
    assert desk.get(reverse("staff-alert-poster", args=[draft.reference])).status_code == 403


def _every(bundle, run, source) -> list[tuple[str, str]]:
    key = bundle.key
    gets = ["staff-paper", "staff-sources", "staff-door", "staff-bundle-new"]
    found = [("get", reverse(name)) for name in gets]
    found += [("get", reverse("staff-forms", args=[run.key])), ("get", reverse("staff-poster", args=[source.code]))]
    found += [("get", reverse("staff-bundle", args=[key])), ("post", reverse("staff-scans", args=[key]))]
    found += [("get", reverse(name, args=[key, 1])) for name in ("staff-enter", "staff-scan")]
    posts = ("staff-enter", "staff-skip", "staff-reopen", "staff-again", "staff-letter", "staff-scan")
    return found + [("post", reverse(name, args=[key, 1])) for name in posts]


@pytest.mark.parametrize("who", ["stranger", "outsider"])
def test_for_a_stranger_nothing_of_it_exists(cast, at_desk, bundle, who):
    run = paper.print_forms(cast.team, count=1, by=cast.author)
    desk = at_desk(who)
    for method, url in _every(bundle, run, run.source)[4:]:
        assert getattr(desk, method)(url).status_code == 404, url
    assert PaperForm.objects.filter(state=PaperForm.State.WAITING).count() == 3
    assert "Heanor SNT" not in text(desk.get(reverse("staff-paper")))


def test_nobody_gets_in_without_signing_in(cast, client, bundle):
    run = paper.print_forms(cast.team, count=1, by=cast.author)
    for method, url in _every(bundle, run, run.source):
        response = getattr(client, method)(url)
        assert response.status_code == 302 and "/accounts/login/" in response["Location"], url


def test_looking_changes_nothing_but_the_record(cast, at_desk, bundle):
    run = paper.print_forms(cast.team, count=1, by=cast.author)
    desk = at_desk("author")

    def state():
        return (list(PaperForm.objects.values()), list(PendingJoin.objects.values()), SourceCode.objects.count())

    before = state()
    for method, url in _every(bundle, run, run.source):
        if method == "get":
            assert desk.get(url).status_code == 200, url
            assert desk.head(url).status_code == 200
    assert state() == before and not Delivery.objects.exists()


@pytest.mark.parametrize("path", ["0/", "99999999999999999999/", "9223372036854775808/", "1/1/scan/"])
def test_keys_of_nothing(cast, at_desk, path):
    assert at_desk("author").get(f"/desk/paper/bundles/{path}").status_code == 404
    assert at_desk("author").get(f"/desk/paper/forms/{path}").status_code == 404


def test_a_person_who_works_nowhere_is_told(cast, at_desk):
    nobody = cast.officer("Nia Nowhere", cast.team)
    for name in ("staff-paper", "staff-sources", "staff-door", "staff-bundle-new"):
        assert at_desk(nobody).get(reverse(name)).status_code == 200
    paper_entry = entry("a@home.example")
    assert paper_entry.reaches
    posted = at_desk(nobody).post(reverse("staff-door"), {"team": cast.team.pk, "postcode": "DE75 7AB", "agreed": "on"})
    assert posted.status_code == 200 and not PendingJoin.objects.exists()
