"""The health page in a real browser, as an administrator sees it."""

import pytest

from tests.browser.conftest import axe, reflows, shoot
from tests.cast import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_health_page_is_clean(page, cast):
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(cast.administrator.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/desk/")
    page.goto("/desk/health/")
    axe(page)
    reflows(page)
    shoot(page, "staff-health")


@pytest.mark.parametrize("width", [375, 768, 1440])
def test_the_words_of_the_chart_are_of_a_size_to_read(page, cast, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/accounts/login/?next=/desk/health/")
    page.get_by_label("Email").fill(cast.administrator.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/desk/health/")
    heights = page.locator(".staff-pulse text").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().height)"
    )
    assert heights and all(10 <= height <= 24 for height in heights), heights
