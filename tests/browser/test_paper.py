"""Paper and door in a real browser: a bundle of three forms by keyboard alone, a phone at the door, confirming."""

import re

import pytest
from playwright.sync_api import expect

from bell.lib import clock
from bell.residents import paper, paper_print
from bell.residents.models import Bundle, PaperForm, PendingJoin, Resident
from tests.browser.conftest import axe, reflows, shoot, signed_out, until
from tests.browser.test_staff import sign_in
from tests.cast import Cast
from tests.residents.paper_people import file, png
from tests.residents.test_paper_confirm import code_to

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path, live_server):
    settings.PAPER_DIR = tmp_path / "paper"
    settings.SITE_URL = "https://alert.example"


@pytest.fixture
def cast(transactional_db):
    """The cast, where the live server sees them."""
    return Cast()


def look(page, name):
    """Clean at both widths, no sideways scroll at 320 px, and a picture."""
    page.wait_for_load_state("load")
    reflows(page)
    for width in (375, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        axe(page)
    shoot(page, f"paper-{name}")


def tab_to(page, selector, *, most=60):
    """Press Tab until an element has the focus."""
    for _ in range(most):
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {selector}")


def press(page, selector):
    """Go to a link or button by Tab, and press Enter."""
    tab_to(page, selector)
    page.keyboard.press("Enter")


def test_a_bundle_of_three_forms_by_keyboard_alone(page, cast, tmp_path):
    cast.resident(email="known@home.example")
    run = paper.print_forms(cast.team, count=3, by=cast.author)
    serials = paper.serials_of(run)
    sign_in(page, cast.author)
    look(page, "desk")
    press(page, "a[href='/desk/paper/']")
    expect(page.get_by_role("heading", name="Paper and door")).to_be_visible()
    look(page, "home")
    press(page, "a[href='/desk/paper/bundles/new/']")
    look(page, "new")
    tab_to(page, "#id_size")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(page.get_by_text("0 of 3 forms done").first).to_be_visible()
    files = []
    for number in range(3):
        scan = tmp_path / f"{number}.png"
        scan.write_bytes(png(620, 877))
        files.append(scan)
    # A file chooser is the system's own window: the field is reached by Tab, the window is not ours to drive.
    tab_to(page, "#scans")
    page.set_input_files("#scans", files)
    press(page, "form[action$='/scans/'] button")
    expect(page.get_by_text("3 scans kept.")).to_be_visible()
    look(page, "bundle")
    press(page, "a.govuk-button[href$='/1/']")

    # The first: wrong at first, nothing is lost; then Enter from a field in the middle saves.
    expect(page.get_by_role("heading", name="Form 1 of 3")).to_be_visible()
    until(page, "document.querySelector('.staff-entry__paper').naturalWidth === 620")
    assert page.evaluate("document.activeElement.id") == "id_serial", "the first field has the focus"
    page.keyboard.type(serials[0].lower())
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # signed
    page.keyboard.press("Tab")
    page.keyboard.type("Meg Marsh")
    page.keyboard.press("Tab")
    page.keyboard.type("DE99 9ZZ")
    page.keyboard.press("Tab")
    page.keyboard.type("meg@home.example")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    assert page.input_value("#id_name") == "Meg Marsh" and page.input_value("#id_email") == "meg@home.example"
    assert page.is_checked("#id_signed")
    look(page, "enter-problem")
    press(page, ".govuk-error-summary a[href='#id_postcode']")
    until(page, "document.activeElement.id === 'id_postcode'")
    page.keyboard.press("Control+A")
    page.keyboard.type("DE75 7AB")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Form 1: saved. A confirmation is on its way by email.")).to_be_visible()

    # The second: a member's address.
    expect(page.get_by_role("heading", name="Form 2 of 3")).to_be_visible()
    expect(page.get_by_text("1 of 3 done").first).to_be_visible()
    look(page, "enter")
    page.keyboard.press("Shift+Tab")
    tab_to(page, "#id_signed")
    page.keyboard.press("Space")
    tab_to(page, "#id_postcode")
    page.keyboard.type("DE75 7CD")
    tab_to(page, "#id_email")
    page.keyboard.type("known@home.example")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Form 2: already joined: nothing was changed")).to_be_visible()

    # The third cannot be read: skip.
    expect(page.get_by_role("heading", name="Form 3 of 3")).to_be_visible()
    press(page, "form[action$='/skip/'] button")
    expect(page.get_by_text("3 of 3 forms done").first).to_be_visible()
    look(page, "bundle-done")
    states = list(Bundle.objects.get().forms.values_list("state", flat=True))
    assert states == [PaperForm.State.ENTERED, PaperForm.State.KNOWN, PaperForm.State.SKIPPED]
    assert Resident.objects.count() == 1, "only the member of before"


def test_entering_works_without_scripts(browser, live_server, cast, page):
    bundle = paper.open_bundle(cast.team, received_on=clock.now().date(), size=1, by=cast.author)
    body = png(100, 140)
    paper.keep_scans(bundle, [file(body)], by=cast.author)
    sign_in(page, cast.author)
    plain = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    plain.add_cookies(page.context.cookies())
    bare = plain.new_page()
    bare.goto(f"/desk/paper/bundles/{bundle.key}/1/")
    bare.get_by_label("The form is signed").check()
    bare.get_by_label("Postcode").fill("DE75 7AB")
    bare.get_by_label("Mobile number").fill("07700 900123")
    bare.get_by_label("Mobile number").press("Enter")
    expect(bare.get_by_text("1 of 1 form done").first).to_be_visible()
    assert PendingJoin.objects.get().mobile == "+447700900123"
    plain.close()


def test_a_pdf_scan_stands_beside_the_fields(page, cast, watch):
    watch.allow("chrome-extension://")  # the browser's own viewer of PDFs
    watch.allow("chrome://")
    bundle = paper.open_bundle(cast.team, received_on=clock.now().date(), size=1, by=cast.author)
    sign_in(page, cast.author)
    page.goto(f"/desk/paper/bundles/{bundle.key}/1/")
    expect(page.get_by_text("This form has no scan yet.")).to_be_visible()
    look(page, "enter-no-scan")
    page.set_input_files("#scan", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": _pdf(cast)})
    page.get_by_role("button", name="Keep the scan").click()
    frame = page.locator("iframe.staff-entry__paper")
    expect(frame).to_have_attribute("title", "Scan of form 1")
    page.wait_for_timeout(500)
    shoot(page, "paper-enter-pdf")


def _pdf(cast) -> bytes:
    return paper_print.forms(paper.print_forms(cast.team, count=1, by=cast.author))


def test_at_the_door_on_a_phone_and_confirmed(page, cast):
    sign_in(page, cast.author)
    page.set_viewport_size({"width": 375, "height": 812})
    page.goto("/desk/paper/door/")
    look(page, "door")
    page.set_viewport_size({"width": 375, "height": 812})
    small = [
        box
        for box in (one.bounding_box() for one in page.locator("form .govuk-input:visible, form .govuk-button").all())
        if box and box["height"] < 44
    ]
    assert not small, "targets for a thumb in the rain"
    page.get_by_label("Postcode").fill("DE75 7AB")
    page.get_by_label("Mobile number").fill("07700 900123")
    page.get_by_label("They said yes to this").check()
    page.get_by_role("button", name="Save and send the confirmation").click()
    expect(page.get_by_text("A confirmation is on its way by text message.")).to_be_visible()

    signed_out(page)
    page.goto(f"/confirm/{code_to('+447700900123')}/")
    look(page, "confirm")
    page.get_by_role("button", name="Yes, that was me").click()
    expect(page.get_by_role("heading", name="Thank you, that is confirmed")).to_be_visible()
    look(page, "confirmed")
    assert Resident.objects.get().consents.get().how == "door"
    page.goto("/confirm/")
    page.get_by_label("Your code").fill("BCDF")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    look(page, "confirm-code")


def test_posters(page, cast):
    sign_in(page, cast.author)
    page.goto("/desk/paper/posters/")
    page.get_by_label(re.compile("Where will it hang")).fill("Heanor library")
    page.get_by_role("button", name="Make the poster").click()
    expect(page.get_by_text("The poster “Heanor library” is ready to print.")).to_be_visible()
    look(page, "posters")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("PDF")).click()
    assert download.value.suggested_filename.startswith("poster-")
