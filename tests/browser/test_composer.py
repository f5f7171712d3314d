"""The composer in a real browser: it saves by itself, and loses nothing to a colleague or to the clock."""

import re

import pytest
from playwright.sync_api import expect

from bell.alerts import actions as alert_actions
from bell.alerts import dispatch
from bell.alerts.models import Alert
from bell.lib import clock
from bell.organisations.kinds import Kind
from tests.browser.test_staff import cast, look, sign_in  # noqa: F401
from tests.cast import PASSWORD
from tests.lib.pictures import photo
from tests.staff.test_importing import KML

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SAVED = re.compile(r"Saved at \d")


def test_what_is_typed_is_saved_and_a_colleague_noticed(page, cast, watch):  # noqa: F811
    watch.allow("409 (Conflict)")
    alert = cast.draft()
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    page.get_by_label("Title").fill("Bikes taken from Market Street")
    expect(page.locator("#saved")).to_have_text(SAVED)
    alert.refresh_from_db()
    assert alert.title == "Bikes taken from Market Street"

    alert_actions.edit(alert, by=cast.approver, title="Theirs", body="Another body")
    page.get_by_label("Title").fill("Mine")
    expect(page.locator("#conflict")).to_be_focused()
    expect(page.locator("#conflict")).to_contain_text("Ben Approver saved this alert")
    look(page, "compose-conflict")
    alert.refresh_from_db()
    assert alert.title == "Theirs"
    page.get_by_role("button", name="Save draft").last.click()
    expect(page.locator("#conflict")).to_contain_text("Mine")
    page.get_by_role("button", name="Keep mine").click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    expect(page.locator("#conflict")).to_have_count(0)
    alert.refresh_from_db()
    assert alert.title == "Mine"


def test_a_button_waits_for_what_is_not_saved_yet(page, cast):  # noqa: F811
    alert = cast.draft()
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    page.get_by_label("Title").fill("Typed and saved at once")
    page.get_by_role("button", name="Save draft").last.click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    assert Alert.objects.get().title == "Typed and saved at once"


def test_words_outlive_the_session(page, cast, watch):  # noqa: F811
    watch.allow("403")
    alert = cast.draft()
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    page.context.clear_cookies(name="bell-session")
    page.get_by_label("Title").fill("Typed after the session ended")
    expect(page.locator("#unsaved")).to_contain_text("You are signed out")
    # A button does not carry the words away either.
    page.get_by_role("button", name="Save draft").last.click()
    expect(page.get_by_label("Title")).to_have_value("Typed after the session ended")
    look(page, "compose-signed-out", whole=False)
    other = page.context.new_page()
    other.goto("/accounts/login/?next=/desk/")
    other.get_by_label("Email").fill(cast.author.email)
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    other.wait_for_url(re.compile("/desk/$"))
    other.close()
    page.get_by_label("Title").press("End")
    page.get_by_label("Title").press_sequentially("!")
    expect(page.locator("#saved")).to_have_text(SAVED)
    expect(page.locator("#unsaved")).to_be_hidden()
    alert.refresh_from_db()
    assert alert.title == "Typed after the session ended!"
    page.get_by_role("button", name="Save draft").last.click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()


def test_another_language_is_added_previewed_and_read(page, cast):  # noqa: F811
    alert = cast.draft()
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    page.get_by_label("Text message", exact=True).check()
    for language, title, body in (
        ("Urdu", "شیڈ میں چوری", "کیا آپ نے کل رات سفید وین دیکھی؟"),
        ("Polish", "Włamania do szop", "Czy ktoś widział **białą furgonetkę**?"),
    ):
        page.get_by_label("Add a language").select_option(label=language)
        page.get_by_role("button", name="Add it").click()
        page.get_by_label(f"Title in {language}").fill(title)
        page.get_by_label(f"Message in {language}", exact=True).fill(body)
        expect(page.get_by_role("region", name=f"In {language}").first).to_contain_text(title)
    expect(page.get_by_role("region", name="In Urdu").first).to_contain_text("UCS-2")
    expect(page.locator("#saved")).to_have_text(SAVED)
    look(page, "compose-languages")
    page.get_by_role("button", name="Submit for approval").click()
    page.wait_for_url(re.compile(f"/{alert.reference}/$"))
    sign_in(page, cast.approver, f"/desk/alerts/{alert.reference}/approve/")
    expect(page.get_by_text("Włamania do szop").first).to_be_visible()
    look(page, "approve-languages")
    page.get_by_label("Reason").fill("Translated by the county's own translators.")
    page.get_by_role("button", name="Approve and send").click()
    page.wait_for_url(re.compile(f"/{alert.reference}/$"))
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    page.goto(f"/a/{alert.reference}/")
    look(page, "public-languages")
    page.get_by_role("link", name="اردو").click()
    expect(page.get_by_role("heading", name="شیڈ میں چوری")).to_be_visible()
    look(page, "public-urdu")


def test_a_picture_is_added_and_seen_by_who_approves_and_by_everybody(page, cast, tmp_path):  # noqa: F811
    alert = cast.draft(kind=Kind.MISSING, title="Missing: a man in a teal coat", fields={"description": "Teal coat"})
    file = tmp_path / "photo.jpg"
    file.write_bytes(photo(900, 1200))
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    page.get_by_label("Message", exact=True).fill("Have you seen him near the market?")
    page.get_by_role("button", name="Add a picture").click()
    page.wait_for_url(re.compile("/picture/$"))
    page.get_by_role("button", name="Keep this picture").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    look(page, "picture-problems")
    page.get_by_label("Picture", exact=True).set_input_files(file)
    page.get_by_label("What does it show?").fill("A man of about sixty in a teal coat")
    page.get_by_role("button", name="Keep this picture").click()
    page.wait_for_url(re.compile("/edit/$"))
    expect(page.get_by_label("Message", exact=True)).to_have_value("Have you seen him near the market?")
    expect(page.locator("#preview img")).to_be_visible()
    look(page, "compose-picture")
    page.get_by_role("button", name="Change the picture").click()
    look(page, "picture")
    alert.refresh_from_db()
    version = alert_actions.submit(alert, by=cast.author)
    alert_actions.approve(version, by=cast.approver, digest=version.digest, reason="Looked at.")
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    page.goto(f"/a/{alert.reference}/")
    expect(page.get_by_role("img", name="A man of about sixty in a teal coat")).to_be_visible()
    look(page, "public-picture")


def test_templates_are_kept_and_an_alert_begins_with_one(page, cast):  # noqa: F811
    sign_in(page, cast.approver, "/desk/templates/")
    page.get_by_role("button", name="New template").click()
    page.get_by_label("Name").fill("Burglary")
    page.get_by_label("Title").fill("Burglary in [street]")
    page.locator("#id_body").fill("Did you see anyone near **[street]**?")
    look(page, "template")
    page.get_by_role("button", name="Keep the template").click()
    page.wait_for_url(re.compile("/desk/templates/$"))
    look(page, "templates")
    sign_in(page, cast.author, "/desk/new/")
    page.get_by_label("Crime alert").check()
    page.get_by_role("button", name="Start writing").click()
    expect(page.get_by_label("Burglary")).to_be_visible()
    look(page, "new-template")
    page.get_by_label("Burglary").check()
    page.get_by_role("button", name="Start writing").click()
    page.wait_for_url(re.compile("/edit/$"))
    expect(page.get_by_label("Title")).to_have_value("Burglary in [street]")
    page.locator("input[name=areas]").first.check()
    page.get_by_role("button", name="Submit for approval").click()
    expect(page.get_by_text("Fill in [street], or take it out").first).to_be_visible()


def test_the_email_is_seen_as_on_a_phone_at_a_desk_and_as_plain_text(page, cast):  # noqa: F811
    alert = cast.draft(by_sms=True)
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    expect(page.locator(".staff-plain")).to_be_hidden()
    page.get_by_role("radio", name="Phone").check()
    assert page.locator("#preview .staff-mail").evaluate("one => one.clientWidth") == 320
    look(page, "compose-phone")
    page.get_by_role("radio", name="Plain text").check()
    expect(page.locator(".staff-plain")).to_contain_text("CAN YOU HELP?")
    page.get_by_label("Title").fill("Another title")
    expect(page.locator(".staff-plain")).to_contain_text("Another title")
    expect(page.locator("#preview .staff-mail")).to_be_hidden()
    look(page, "compose-plain")


def test_a_shape_is_imported(page, cast, tmp_path):  # noqa: F811
    alert = cast.draft(audience={"areas": [], "shapes": [], "groups": []})
    file = tmp_path / "mill.kml"
    file.write_text(KML)
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    page.get_by_text("Import a shape (GeoJSON or KML)").click()
    page.get_by_role("button", name="Import it").click()
    expect(page.get_by_text("Choose a file, or paste").first).to_be_visible()
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Import it").click()
    expect(page.get_by_text("“Market & mill” is added.")).to_be_visible()
    expect(page.locator("#drawn")).to_contain_text("Shape of")
    expect(page.locator("#saved")).to_have_text(SAVED)
    look(page, "compose-imported")
    alert.refresh_from_db()
    assert len(alert.audience["shapes"]) == 1
