"""Leaving out and keeping an audience in a real browser, by keys and buttons alone."""

import pytest
from playwright.sync_api import expect

from bell.alerts.models import SavedAudience
from tests.browser.test_staff import cast, look, sign_in  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_circle_is_left_out_and_the_audience_kept(page, cast, watch):  # noqa: F811
    alert = cast.draft()
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    page.get_by_label("Circle round a postcode").fill("DE75 7AB")
    page.get_by_label("How far around").fill("250")
    page.get_by_role("button", name="Add this circle").click()
    expect(page.locator("#drawn")).to_contain_text("Circle of 250 metres")
    page.locator("#narrow > summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Leave out Circle of 250 metres in West Ward").press("Enter")
    expect(page.get_by_role("heading", name="Drawn, and left out")).to_be_visible()
    expect(page.locator("#map path.app-shape--out")).to_have_count(1)
    expect(page.locator("#drawn li")).to_have_count(0)
    page.get_by_role("group", name="Leave out people in these groups").get_by_label("CCTV owners").check()
    look(page, "compose-leave-out")

    page.get_by_text("Saved audiences", exact=True).click()
    page.get_by_label("Keep this audience as").fill("West without the market")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("is kept for Heanor SNT")).to_be_visible()
    assert SavedAudience.objects.get().audience["not_groups"] == [cast.cctv.pk]
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Submitted.")).to_be_visible()
    expect(page.get_by_text("Left out: Circle of 250 metres in West Ward, People in CCTV owners")).to_be_visible()
    look(page, "alert-left-out")
    page.goto("/desk/audiences/")
    page.get_by_text("Rename or delete").click()
    look(page, "saved-audiences")
