"""Two administrators in two browsers: an officer is added, a role is proposed, confirmed, and taken away."""

import pytest
from playwright.sync_api import expect

from bell.organisations import rules
from bell.organisations.models import Officer, Role
from tests.browser.conftest import axe, reflows, shoot
from tests.cast import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _often(settings):
    settings.ACCOUNT_RATE_LIMITS = False


def clean(page, name):
    axe(page)
    reflows(page)
    shoot(page, name)


def sign_in(page, email, password=PASSWORD):
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page):
    page.get_by_role("button", name="Sign out").click()


def test_from_an_officer_to_a_role_and_back(page, cast):
    second = cast.officer("Bo Second-Admin", cast.team, Role.ADMINISTRATOR)
    sign_in(page, cast.administrator.email)
    page.get_by_role("link", name="People").click()
    expect(page.get_by_role("heading", name="People", exact=True)).to_be_visible()
    clean(page, "people-list")
    page.get_by_role("button", name="Add an officer").click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    clean(page, "people-new-wrong")
    page.get_by_label("Name").fill("Nia New")
    page.get_by_label("Work email").fill("nia@police.example")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Tell Nia New this password")).to_be_visible()
    clean(page, "people-told")
    password = page.locator("#password").inner_text()
    page.get_by_role("button", name="I have told them").click()
    page.get_by_label("Team", exact=True).select_option("Heanor SNT")
    page.get_by_label("Role", exact=True).select_option("Approver")
    page.locator("form", has=page.get_by_role("button", name="Propose this role")).get_by_label("Why?").fill("A course")
    page.get_by_role("button", name="Propose this role").click()
    expect(page.get_by_text("waits for a second administrator")).to_be_visible()
    clean(page, "people-officer")
    sign_out(page)
    sign_in(page, second.email)
    page.goto("/desk/people/")
    with page.expect_navigation():
        page.get_by_role("link", name="Approver for Nia New").click()
    clean(page, "people-proposal")
    page.get_by_role("button", name="Confirm this role").click()
    expect(page.get_by_text("Nia New has the role from now on.")).to_be_visible()
    nia = Officer.objects.get(email="nia@police.example")
    assert rules.may_approve(nia, cast.team)
    page.goto("/desk/teams/new/")
    page.get_by_label("Name").fill("Ripley SNT")
    page.get_by_text("2 within Amber Test").click()
    page.get_by_label("West Ward").check()
    clean(page, "people-team")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Ripley SNT is made.")).to_be_visible()
    page.get_by_role("link", name="Nia New").first.click()
    page.get_by_role("button", name="Take away Approver in Heanor SNT").click()
    expect(page.get_by_text("Taken away, from now on.")).to_be_visible()
    assert not rules.may_approve(nia, cast.team)
    sign_out(page)
    sign_in(page, nia.email, password)
    expect(page.get_by_role("heading", name="Choose your own password")).to_be_visible()
    clean(page, "people-own-password")


def test_opened_again_without_roles_until_another_confirms(page, cast):
    second = cast.officer("Bo Second-Admin", cast.team, Role.ADMINISTRATOR)
    sign_in(page, cast.administrator.email)
    page.wait_for_url("**/desk/")
    page.goto(f"/desk/people/{cast.approver.key}/")
    page.locator("form", has=page.get_by_role("button", name="Open again")).get_by_label("Why?").fill("Saw his card")
    clean(page, "people-open-again")
    page.get_by_role("button", name="Open again").click()
    expect(page.get_by_text("Until another administrator confirms")).to_be_visible()
    clean(page, "people-opened-again")
    page.get_by_role("button", name="I have told them").click()
    expect(page.get_by_text("waits for a second administrator").first).to_be_visible()
    assert not rules.may_approve(cast.approver, cast.team)
    sign_out(page)
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
    sign_in(page, second.email)
    page.wait_for_url("**/desk/")
    page.goto("/desk/people/")
    page.get_by_role("link", name=f"Approver for {cast.approver}").first.click()
    expect(page.get_by_text("make sure yourself that the account is theirs")).to_be_visible()
    clean(page, "people-proposal-after-opening")
    page.get_by_role("button", name="Confirm this role").click()
    expect(page.get_by_text("has the role from now on.")).to_be_visible()
    assert rules.may_approve(cast.approver, cast.team)
