"""Two small journeys of residents: quiet hours by keyboard and without scripts; an event into one's own calendar."""

import re
from datetime import datetime

import pytest
from icalendar import Calendar
from playwright.sync_api import expect

from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.residents.models import Resident
from tests.browser.test_public import look, visitor, world  # noqa: F401  (fixtures of the residents' face)
from tests.public.conftest import KNOWN, send, the_code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AT = datetime(2027, 7, 3, 10, 0, tzinfo=clock.LONDON)


def tab_to(page, selector, *, most=40):
    """Press Tab until the focus is there, as somebody without a mouse does; and it can be seen there."""
    for _ in range(most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def sign_in(page):
    page.goto("/sign-in/")
    page.get_by_label("Your email address or mobile number").fill(KNOWN)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label(re.compile("by email")).fill(the_code(KNOWN))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/account/")


def hours(world):  # noqa: F811
    kept = Resident.objects.get(pk=world.meg.pk)
    return kept.quiet_from, kept.quiet_until


def test_quiet_hours_by_the_keyboard_alone(page, world):  # noqa: F811
    sign_in(page)
    tab_to(page, 'a[href="/account/quiet/"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/quiet/")
    expect(page.get_by_label("Quiet from")).to_be_hidden()  # nobody who wants none is asked when
    look(page, "account-quiet")
    tab_to(page, 'input[name="wanted"]')
    page.keyboard.press("ArrowUp")  # from "no" to "yes"
    expect(page.get_by_label("Yes")).to_be_checked()
    expect(page.get_by_label("Quiet from")).to_be_visible()
    tab_to(page, "#id_begins")
    page.keyboard.type("10pm")
    tab_to(page, "#id_ends")
    page.keyboard.type("10pm")
    tab_to(page, "form button[type=submit]:not([name])")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    look(page, "account-quiet-error")
    assert hours(world) == (None, None)
    tab_to(page, '.govuk-error-summary a[href="#id_ends"]')
    page.keyboard.press("Enter")
    expect(page.locator("#id_ends")).to_be_focused()
    page.keyboard.type("7:30am")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your quiet hours are saved")).to_be_visible()
    expect(page.get_by_text("From 10pm until 7:30am")).to_be_visible()
    assert hours(world) == (22 * 60, 7 * 60 + 30)


def test_quiet_hours_with_scripts_and_without(visitor, world):  # noqa: F811
    sign_in(visitor)
    visitor.goto("/account/quiet/")
    visitor.get_by_label("Yes").check()
    visitor.get_by_label("Quiet from").select_option("9pm")
    visitor.get_by_label("until", exact=True).select_option("8am")
    visitor.get_by_role("button", name="Save").click()
    expect(visitor.get_by_text("Your quiet hours are saved")).to_be_visible()
    assert hours(world) == (21 * 60, 8 * 60)
    visitor.goto("/account/quiet/")
    visitor.get_by_label("No, write at any time").check()
    visitor.get_by_role("button", name="Save").click()
    expect(visitor.get_by_text("You have no quiet hours now")).to_be_visible()
    assert hours(world) == (None, None)


def test_an_event_goes_into_ones_own_calendar(visitor, world):  # noqa: F811
    words = {"event_time": "Saturday 3 July at 10am", "event_place": "The market hall, Heanor"}
    event = send(
        world, kind=Kind.EVENT, title="Drop-in, with tea", body="Come and **meet** us.",
        fields=words | {"event_time_at": AT.isoformat()},
    )  # fmt: skip
    visitor.goto(f"/a/{event.reference}/")
    if visitor.scripts:
        look(visitor, "alert-event")
    link = visitor.get_by_role("link", name="Add it to your calendar")
    expect(link).to_be_visible()
    with visitor.expect_download() as download:
        link.press("Enter")
    file = download.value
    assert file.suggested_filename == f"{event.reference}.ics"
    with open(file.path(), "rb") as opened:
        (found,) = Calendar.from_ical(opened.read()).walk("VEVENT")
    assert found.decoded("dtstart") == AT and str(found["summary"]) == "Drop-in, with tea"
