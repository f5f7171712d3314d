"""What a person may know and undo, in a real browser: who looked, a copy, erasure; the protection officer's pages."""

import re

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from bell.conversations.models import Conversation
from bell.organisations.models import Agreement
from bell.residents.models import Resident
from tests.browser.conftest import axe, reflows, shoot, signed_out
from tests.browser.test_staff import sign_in
from tests.cast import Cast
from tests.public.conftest import KNOWN, answer_link, send, the_code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db, watch):
    """The cast, an alert that went out, and Meg who gets it."""
    watch.allow("/assets/fonts/")
    cache.clear()
    cast = Cast()
    cast.meg = cast.resident(email=KNOWN, mobile="07700 900123", groups=(cast.cctv,))
    cast.alert = send(cast, title="Did your camera see a white van?")
    return cast


@pytest.fixture(params=["scripts", "no scripts"])
def visitor(request, browser, watch, live_server):
    """A page of a fresh visitor, once with JavaScript and once without."""
    context = browser.new_context(
        base_url=live_server.url, locale="en-GB", timezone_id="Europe/London",
        viewport={"width": 375, "height": 812}, java_script_enabled=request.param == "scripts",
    )  # fmt: skip
    context.set_default_timeout(10_000)
    context.on("request", watch.request)
    context.on("console", watch.console)
    yield context.new_page()
    context.close()


def look(page, name):
    """Pictures, 320 px, and axe at both widths."""
    page.wait_for_load_state("networkidle")
    shoot(page, f"privacy-{name}")
    reflows(page)
    for width in (375, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        axe(page)


def to_account(page):
    signed_out(page)
    page.goto("/sign-in/")
    page.get_by_label("Your email address or mobile number").fill(KNOWN)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label(re.compile("by email")).fill(the_code(KNOWN))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile("/account/$"))


def meg_answers_and_an_officer_reads(page, world):
    page.goto(answer_link(world.alert, world.meg))
    page.get_by_label(re.compile("officer")).fill("A white van at 2:40, going up Ilkeston Road")
    page.get_by_role("button", name=re.compile("^Send")).click()
    sign_in(page, world.author, "/desk/inbox/")
    page.goto(f"/desk/inbox/{Conversation.objects.get().key}/")
    page.get_by_text("going up Ilkeston Road").first.wait_for()


def test_a_resident_reads_who_looked_and_then_erases_everything(visitor, world):
    meg_answers_and_an_officer_reads(visitor, world)
    to_account(visitor)
    visitor.get_by_role("link", name="Who looked at what you wrote, and why").click()
    expect(visitor.get_by_text("Opened your conversation").first).to_be_visible()
    expect(visitor.get_by_text("Heanor SNT, Testshire Police").first).to_be_visible()
    expect(visitor.get_by_text("Purpose: answering a reply").first).to_be_visible()
    assert "Ana Author" not in visitor.content()
    visitor.goto("/account/data/")
    with visitor.expect_download() as copied:
        visitor.get_by_role("button", name="Download my data").click()
    assert copied.value.suggested_filename == "my-data.zip"
    visitor.goto("/account/")
    visitor.get_by_role("link", name="Erase everything").click()
    expect(visitor.get_by_text("The police are still working on it.")).to_be_visible()
    visitor.get_by_role("button", name="Erase everything").click()
    expect(visitor.get_by_role("heading", name="Your data is erased")).to_be_visible()
    expect(visitor.get_by_text("The police are still working on it.")).to_be_visible()
    assert not Resident.objects.filter(pk=world.meg.pk).exists()
    visitor.goto("/account/")
    expect(visitor.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_pages_of_ones_own_data_are_clean(page, world, watch):
    page.goto("/account/")
    to_account(page)
    for name in ("looks", "sent", "agreed", "data", "erase"):
        page.goto(f"/account/{name}/")
        look(page, f"empty-{name}" if name == "looks" else name)
    meg_answers_and_an_officer_reads(page, world)
    signed_out(page)
    watch.allow("429")
    to_account_by_text(page)
    page.goto("/account/looks/")
    look(page, "looks")
    page.goto("/account/erase/")
    look(page, "erase-held")
    page.get_by_role("button", name="Erase everything").click()
    look(page, "erased")
    page.goto("/privacy/")
    look(page, "promise")


def to_account_by_text(page):
    """By the other address: the first had its code within the minute."""
    page.goto("/sign-in/")
    page.get_by_label("Your email address or mobile number").fill("07700 900123")
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label(re.compile("by text")).fill(the_code("+447700900123"))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile("/account/$"))


def test_a_fresh_code_is_asked_for(page, world, monkeypatch):
    to_account(page)
    monkeypatch.setattr("bell.public.session.FRESH_SECONDS", 0)
    page.goto("/account/email/")
    expect(page.get_by_role("heading", name="Is it still you?")).to_be_visible()
    look(page, "prove-change")
    page.goto("/account/data/")
    look(page, "prove")
    page.get_by_label("07700 900123").check()
    page.get_by_role("button", name="Send me a code").click()
    look(page, "prove-code")
    monkeypatch.setattr("bell.public.session.FRESH_SECONDS", 900)
    page.get_by_label(re.compile("by text")).fill(the_code("+447700900123"))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Download everything we hold on you")).to_be_visible()


def test_the_protection_officer_looks_up_withholds_and_holds(page, world):
    meg_answers_and_an_officer_reads(page, world)
    sign_in(page, world.dpo, "/desk/privacy/")
    page.get_by_role("button", name="Look up").click()
    look(page, "dpo-errors")
    page.get_by_label("Email address or mobile number").fill(KNOWN)
    page.get_by_label("Why do you look this person up?").fill("She asked by letter")
    page.get_by_role("button", name="Look up").click()
    look(page, "dpo-person")
    page.get_by_role("link", name=re.compile("^Withhold")).last.click()
    look(page, "dpo-withhold")
    page.get_by_label("Why may the person not see this yet?").fill("An inquiry would be tipped off")
    for part, value in (("Day", "1"), ("Month", "3"), ("Year", "2027")):
        page.get_by_label(part, exact=True).fill(value)
    page.get_by_role("button", name="Withhold").click()
    page.get_by_role("link", name=re.compile("^Hold")).click()
    look(page, "dpo-hold")
    page.get_by_label("Why must this be kept?").fill("A court asked for it")
    for part, value in (("Day", "1"), ("Month", "4"), ("Year", "2027")):
        page.get_by_label(part, exact=True).fill(value)
    page.get_by_role("button", name="Hold").click()
    look(page, "dpo-person-withheld")
    page.get_by_role("button", name="Erase", exact=True).click()
    look(page, "dpo-erase")
    page.goto("/desk/privacy/")
    look(page, "dpo")
    page.get_by_role("link", name=re.compile("^Conversation read")).click()
    look(page, "dpo-withheld")
    page.goto("/desk/privacy/")
    page.get_by_role("link", name=re.compile("^Conversation [0-9]")).click()
    look(page, "dpo-restriction")


def test_agreements_and_retention_are_clean(page, world):
    sign_in(page, world.administrator, "/desk/agreements/")
    look(page, "agreements")
    page.get_by_role("link", name=re.compile("^End early")).click()
    look(page, "agreement-end")
    Agreement.objects.all().delete()
    page.goto("/desk/agreements/")
    page.get_by_role("button", name="Keep it").click()
    look(page, "agreements-errors")
    page.goto("/desk/privacy/retention/")
    look(page, "retention")
