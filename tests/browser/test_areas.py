"""An import of areas in a real browser: from the file to the map and back, and without scripts."""

import re

import pytest
from playwright.sync_api import expect

from bell.residents import area_work
from bell.residents.area_models import AreaImport
from tests.browser.conftest import until
from tests.browser.test_staff import cast, look, sign_in  # noqa: F401  (the cast where the live server sees it)
from tests.residents.test_areas import MOVED, raw

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def upload(page):
    page.goto("/desk/areas/")
    page.get_by_label("File of boundaries").set_input_files(
        {"name": "wards-2026.geojson", "mimeType": "application/geo+json", "buffer": raw(*MOVED)}
    )
    page.get_by_role("button", name="Upload").click()
    page.get_by_label("What kind of areas are these?").fill("ward")
    page.get_by_label("Yes, all of them").check()


def work():
    while area_work.run_due():
        pass


def test_an_administrator_imports_and_puts_back(page, cast):  # noqa: F811
    sign_in(page, cast.administrator)
    page.goto("/desk/areas/")
    look(page, "areas-empty")
    upload(page)
    look(page, "areas-columns")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_text("Reading the file")).to_be_visible()
    look(page, "areas-work")
    work()
    expect(page.get_by_role("heading", name="Before and after")).to_be_visible()  # the page came anew by itself
    until(page, "document.querySelectorAll('#changes path.app-shape--after').length >= 3")
    expect(page.locator("#changes path.app-shape--before").first).to_be_attached()
    expect(page.get_by_text("Was called East Ward")).to_be_visible()
    page.set_viewport_size({"width": 1440, "height": 900})
    look(page, "areas-checked")
    page.get_by_role("button", name="Apply").click()
    look(page, "areas-apply")
    page.get_by_label("Type the word ward").fill("ward")
    page.get_by_role("button", name="Apply").click()
    work()
    expect(page.get_by_role("button", name="Put it back")).to_be_visible()
    page.goto("/desk/areas/")
    look(page, "areas-list")
    page.get_by_role("link", name=re.compile("wards-2026")).click()
    page.get_by_role("button", name="Put it back").click()
    look(page, "areas-put-back")
    page.get_by_label("Type the word ward").fill("ward")
    page.get_by_role("button", name="Put it back").click()
    work()
    expect(page.get_by_text("Put back", exact=True).first).to_be_visible()
    assert AreaImport.objects.get().state == "put back"


def test_without_scripts_the_changes_are_drawn_by_the_server(browser, live_server, cast):  # noqa: F811
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, viewport={"width": 1440, "height": 900}
    )
    page = context.new_page()
    sign_in(page, cast.administrator)
    upload(page)
    page.get_by_role("button", name="Show what would change").click()
    work()
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_role("img", name=re.compile("before and after"))).to_be_visible()
    expect(page.locator("#changes path.app-shape--after").nth(2)).to_be_attached()
    page.screenshot(path="var/shots/staff-areas-plain-1440.png", full_page=True)
    context.close()
