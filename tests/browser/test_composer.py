"""The composer in a real browser: it saves by itself, and loses nothing to a colleague or to the clock."""

import re

import pytest
from playwright.sync_api import expect

from bell.alerts import actions as alert_actions
from bell.alerts.models import Alert
from tests.browser.test_staff import cast, look, sign_in  # noqa: F401
from tests.cast import PASSWORD

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
