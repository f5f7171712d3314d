"""The room by itself in a real browser: every component, clean by axe, without a foreign request."""

import pytest

from tests.browser.conftest import axe, reflows, shoot

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
    page.goto("/ui/")
    families = page.evaluate(
        "[...new Set([...document.querySelectorAll('*')].map(e => getComputedStyle(e).fontFamily))]"
    )
    assert not [family for family in families if "GDS" in family]
