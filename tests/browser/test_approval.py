"""Approval in a real browser: rules, practice and persons on one page; two approve, the second on a phone at night."""

import pytest
from playwright.sync_api import expect

from bell.alerts import actions
from bell.alerts.models import Alert, State
from bell.organisations import approvals
from bell.organisations.approvals import Terms
from bell.organisations.models import ApprovalRoute, Team
from tests.browser.test_staff import cast as _cast
from tests.browser.test_staff import look, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
cast = _cast
THUMB = 44


def test_an_administrator_makes_rules_and_starts_practice(page, cast):
    sign_in(page, cast.administrator, "/desk/approval/")
    look(page, "approval-empty")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    look(page, "approval-problems")
    page.get_by_label("Kind of alert").select_option("missing")
    page.get_by_label("From how many people").fill("500")
    page.get_by_label("One of them approves for the whole force").check()
    page.get_by_role("button", name="Add the rule").click()
    expect(page.get_by_text("Missing person, to 500 people or more", exact=True)).to_be_visible()
    for account in (cast.author, cast.outsider):
        page.get_by_label("Work email of the account").fill(account.email)
        page.get_by_label("Collar or staff number").fill("PC 4711")
        page.get_by_role("button", name="Keep it").click()
        expect(page.get_by_text(f"Kept for {account}.")).to_be_visible()
    page.get_by_role("button", name="Start practice of Heanor SNT").click()
    expect(page.get_by_role("button", name="End practice of Heanor SNT")).to_be_visible()
    look(page, "approval")
    page.get_by_role("button", name="Remove the rule").click()
    expect(page.get_by_text("Until you make rules of your own")).to_be_visible()
    assert not ApprovalRoute.objects.exists() and Team.objects.get(slug="heanor").practice
    sign_in(page, cast.author)
    expect(page.get_by_text("what you write here never leaves this building")).to_be_visible()
    look(page, "approval-practice-desk")


def test_two_approve_the_second_on_a_phone_at_night(page, cast):
    approvals.add_rule(Terms(people=2, senior=True), by=cast.administrator)
    alert = cast.draft()
    actions.turn_back(actions.submit(alert, by=cast.author), by=cast.media, reason="Say which week, and name the road.")
    body = "Two sheds were broken into **last week** on Ray Street. Did you see a white van?"
    areas = {"areas": [cast.east.pk, cast.west.pk], "shapes": [], "groups": []}
    actions.edit(alert, by=cast.author, body=body, by_sms=True, sms_text="Sheds broken into.", audience=areas)
    actions.submit(alert, by=cast.author)
    path = f"/desk/alerts/{alert.reference}/approve/"
    sign_in(page, cast.approver, path)
    expect(page.get_by_text("0 of 2 given. Two needed")).to_be_visible()
    look(page, "approve-two")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_text("One more needed, from Media Team").first).to_be_visible()
    page.go_back()
    expect(page.get_by_text("You have approved this.")).to_be_visible()
    look(page, "approve-two-mine")
    page.set_viewport_size({"width": 375, "height": 667})
    page.emulate_media(color_scheme="dark")
    sign_in(page, cast.media, path)
    for name in ("Approve and send", "Return"):
        button = page.locator(".staff-foot").get_by_role("button", name=name, exact=True)
        expect(button).to_be_in_viewport(ratio=1)
        box = button.bounding_box()
        assert box["height"] >= THUMB and box["y"] > 667 * 0.55, "where a thumb reaches"
    page.locator(".staff-foot").get_by_role("button", name="Return").click()
    expect(page.get_by_label("Reason, if you do not approve")).to_be_in_viewport(ratio=1)
    page.screenshot(path="var/shots/staff-approve-phone-return.png")
    page.get_by_role("button", name="Approve and send").dblclick()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert Alert.objects.get(pk=alert.pk).state == State.HELD
    assert alert.versions.last().approvals.count() == 2
