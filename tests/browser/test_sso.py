"""Single sign-on in a real browser: linked from a session, then a way in, and a word on signing out there too."""

import json
import re

import oidc_provider_mock
import pytest
from playwright.sync_api import expect

from bell.lib import oidc
from bell.organisations.models import SignOnLink
from tests.browser.conftest import axe, reflows, shoot
from tests.browser.test_second_factor import password, with_a_key

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def clean(page, name):
    axe(page)
    reflows(page)
    shoot(page, name)


@pytest.fixture
def server(settings, live_server, watch, page):
    """An identity provider that this site knows and the browser may visit."""
    settings.SECOND_FACTOR, settings.ACCOUNT_RATE_LIMITS = True, False
    settings.SITE_URL = live_server.url
    oidc.forget()
    with oidc_provider_mock.run_server_in_thread() as running:
        issuer = f"http://localhost:{running.server_port}"
        given = {"name": "ours", "label": "Force account", "issuer": issuer, "client_id": "bell", "client_secret": "s"}
        settings.OIDC_PROVIDERS = json.dumps([given])
        watch.allow(issuer)
        watch.allow("pico.min.css")  # the mock's own page asks for it, and gets an empty one: nothing leaves
        page.context.route("**/pico.min.css", lambda route: route.fulfill(body="", content_type="text/css"))
        yield issuer
    oidc.forget()


def at_the_provider(page):
    page.get_by_role("textbox").first.fill("ana")
    page.get_by_role("button", name="Authorize").click()


def test_linked_once_and_then_a_way_in(page, cast, server):
    with_a_key(page)
    password(page, cast.author)
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_label("Sign in with it alone").check()
    page.wait_for_load_state("load")  # the scripts of the key have run
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    page.goto("/accounts/2fa/")
    clean(page, "sso-ways")
    with page.expect_navigation():
        page.get_by_role("button", name="Link it").click()
    clean(page, "sso-link")
    page.get_by_role("button", name="Go there").click()
    at_the_provider(page)
    expect(page.get_by_text("You can sign in that way from now on.")).to_be_visible()
    assert SignOnLink.objects.get().officer == cast.author
    with page.expect_navigation():
        page.get_by_role("button", name="Sign out").click()
    page.goto("/accounts/login/")
    clean(page, "sso-sign-in")
    page.get_by_role("button", name="Force account").click()
    at_the_provider(page)
    expect(page).to_have_url(re.compile("/accounts/2fa/authenticate/"))
    page.goto("/accounts/signed-out/ours/")
    clean(page, "sso-signed-out")
