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
