"""Staff sign-in with a passkey and with an app, in a real browser with a virtual key in it."""

import pytest
from playwright.sync_api import expect

from bell.alerts import actions
from bell.organisations import signin
from tests.browser.conftest import axe, reflows, shoot
from tests.cast import PASSWORD
from tests.totp import six_digits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _asked_for(settings):
    settings.SECOND_FACTOR = True
    settings.ACCOUNT_RATE_LIMITS = False


def with_a_key(page):
    """A key in this browser that says yes by itself."""
    line = page.context.new_cdp_session(page)
    line.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    line.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def password(page, officer):
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(officer.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def clean(page, name):
    axe(page)
    reflows(page)
    shoot(page, name)


def test_a_passkey_from_setting_up_to_approving(page, cast, live_server, monkeypatch):
    """A passkey belongs to a host name: WebAuthn takes localhost, and no number."""
    assert "localhost" in live_server.url
    with_a_key(page)
    page.goto("/accounts/login/")
    clean(page, "staff-sign-in")
    password(page, cast.approver)
    page.get_by_role("heading", name="How you sign in").wait_for()
    clean(page, "staff-factor-first")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_label("Sign in with it alone").check()
    clean(page, "staff-factor-passkey")
    expect(page.locator("#key-problem")).to_be_hidden()
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    clean(page, "staff-factor-codes")
    page.goto("/desk/")
    with page.expect_navigation():
        page.get_by_role("button", name="Sign out").first.click()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use a passkey instead").click()
    page.wait_for_url("**/desk/")
    cast.resident()
    version = actions.submit(cast.draft(body="It happened at 14 Sowbury Park Road."), by=cast.author)
    monkeypatch.setattr(signin, "FRESH_SECONDS", 0)
    page.goto(f"/desk/alerts/{version.alert.reference}/approve/")
    page.get_by_role("heading", name="Confirm it is you").wait_for()
    clean(page, "staff-factor-again")
    monkeypatch.setattr(signin, "FRESH_SECONDS", 900)
    page.get_by_role("button", name="Use my passkey").click()
    page.get_by_role("heading", name="What the checks noticed").wait_for()
    clean(page, "staff-approve-findings")


def test_an_app_without_any_script(browser, live_server, cast):
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    password(page, cast.approver)
    page.get_by_role("button", name="Set up an app").click()
    secret = page.locator(".app-qr__secret").inner_text()
    page.get_by_label("Six digits").fill(six_digits(secret))
    page.get_by_role("button", name="Set it up").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    page.goto("/desk/")
    page.get_by_role("button", name="Sign out").first.click()
    password(page, cast.approver)
    page.get_by_label("Six digits").fill(six_digits(secret, later=1))
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/desk/")
    context.close()


def test_the_page_that_shows_the_picture_is_clean(page, cast):
    password(page, cast.approver)
    page.goto("/accounts/2fa/totp/activate/")
    clean(page, "staff-factor-app")
