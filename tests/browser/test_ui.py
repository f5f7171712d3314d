"""The room by itself in a real browser: every component, clean by axe, without a foreign request."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import axe, reflows, shoot, until

pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.ui.urls")]


@pytest.mark.parametrize(
    ("path", "name"),
    [("/ui/", "style"), ("/ui/?postcode=", "style-errors"), ("/ui/desk/", "style-desk"), ("/ui/map/", "style-map")],
)
def test_the_style_pages_are_clean_and_reflow(page, path, name):
    page.goto(path)
    page.wait_for_load_state("networkidle")
    shoot(page, name)
    reflows(page)
    for width in (375, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        axe(page)


def test_no_text_is_set_in_the_typeface_that_is_not_ours(page):
    page.goto("/ui/?postcode=")
    families = page.evaluate(
        "[...new Set([...document.querySelectorAll('*')].map(e => getComputedStyle(e).fontFamily))]"
    )
    assert not [family for family in families if "GDS" in family]


def test_a_field_that_matters_for_some_answers_only_is_shown_for_those(page):
    page.goto("/ui/desk/")
    when = page.locator("#later #id_starts")
    expect(when).to_be_hidden()
    page.locator("#later #id_way_1").check()
    expect(when).to_be_visible()
    page.locator("#later #id_way_0").check()
    expect(when).to_be_hidden()


def test_without_scripts_every_field_is_there(browser, live_server):
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    page = context.new_page()
    page.goto("/ui/desk/")
    expect(page.locator("#later #id_starts")).to_be_visible()
    context.close()


def test_a_fragment_is_announced_and_its_components_start(page):
    logged = []
    page.on("console", lambda message: logged.append(message.text))
    page.goto("/ui/desk/")
    page.get_by_role("button", name="Load the fragment").click()
    until(page, "document.getElementById('announcer').textContent === '2 new answers'")
    page.locator("#fragment textarea").fill("x" * 50)
    until(page, "document.querySelector('#fragment').innerText.includes('150 characters remaining')")
    assert not [line for line in logged if "InitError" in line]


@pytest.mark.parametrize(("path", "status"), [("/missing/", 404), ("/forbidden/", 403), ("/bad/", 400)])
def test_error_pages_are_clean(page, watch, path, status):
    watch.allow(str(status))
    page.goto(path)
    axe(page)
    reflows(page)


def test_the_first_tab_skips_to_the_page(page):
    page.goto("/ui/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
