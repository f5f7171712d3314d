"""The main job in a real browser, with nothing in between made up: real worker, SMTP, LMTP, text gateway and callbacks.

Given a town, an officer who writes, one who approves, and a resident with a mailbox and a phone,
when an appeal is written, approved and sent, then the resident has it and answers in each of three ways,
and each answer is on the officer's page within seconds, without a reload.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from playwright.sync_api import expect

from bell.alerts.models import Alert
from bell.delivery.models import Suppression
from tests.browser.conftest import axe, reflows, shoot
from tests.worker.conftest import House

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NUMBER = "+447700900123"


@pytest.fixture
def house(live_server, tmp_path, settings):
    """Everything that `bell run` starts, on free ports, with a short hold."""
    settings.SITE_URL = live_server.url
    settings.HOLD_SECONDS_ROUTINE = 2
    # Playwright has an event loop in this thread; the servers make theirs in another.
    elsewhere = ThreadPoolExecutor(1)
    made = elsewhere.submit(House, tmp_path, live_server.url, settings.SMS_GATEWAY_SECRET).result()
    settings.SMTP_URL = f"smtp://127.0.0.1:{made.mails.port}"
    settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{made.phones.port}"
    settings.CATCHER_SMTP = f"127.0.0.1:{made.mails.port}"
    settings.CATCHER_HTTP = f"127.0.0.1:{made.phones.port}"
    made.work()
    yield made
    elsewhere.submit(made.close).result()


def sit(page, officer):
    """Sit down at an officer's desk on the stage."""
    page.goto("/demo/")
    page.get_by_label("Sit down as").select_option(label=str(officer))
    page.get_by_role("button", name="Sit here").click()
    expect(page.locator("iframe.stage__frame")).to_be_visible()


def test_the_main_job(page, browser_context, cast, house, watch):
    person = cast.resident(email="meg@home.example", mobile=NUMBER, groups=(cast.cctv,))
    sit(page, cast.author)
    page.goto("/desk/new/")
    page.get_by_label("Appeal for information").check()
    page.get_by_role("button", name="Start writing").click()
    page.get_by_label("Title").fill("Shed burglaries near Ilkeston Road")
    page.get_by_label("Message", exact=True).fill("Three sheds were broken into. Did you see a **white van**?")
    page.get_by_label("Text message", exact=True).check()
    page.get_by_label("Circle round a postcode").fill("DE75 7AB")
    page.get_by_role("button", name="Add this circle").click()
    expect(page.locator("#count")).to_contain_text(re.compile("ewer than 5"))
    page.get_by_role("button", name="Submit for approval").click()
    page.wait_for_url(re.compile(r"/desk/alerts/[A-Z0-9-]+/$"))
    alert = Alert.objects.get()

    sit(page, cast.approver)
    page.goto(f"/desk/alerts/{alert.reference}/approve/")
    page.get_by_role("button", name="Approve and send").click()
    page.wait_for_url(re.compile(r"/desk/alerts/[A-Z0-9-]+/$"))
    expect(page.get_by_text("Every message was tried")).to_be_visible(timeout=20_000)

    # The officer who wrote it leaves the inbox open; it is never reloaded.
    sit(page, cast.author)
    page.goto("/desk/inbox/")
    expect(page.get_by_text("Shed burglaries near Ilkeston Road")).to_have_count(0)
    stage = browser_context.new_page()
    stage.goto(f"/demo/?who={person.key}")
    expect(stage.locator("#phone")).to_contain_text("Shed burglaries near Ilkeston Road")
    letter = stage.frame_locator(".stage__letter")
    expect(letter.get_by_role("heading", name="Shed burglaries near Ilkeston Road")).to_be_visible()
    # Scripts are switched off in the letter, and Chromium says so when the checker tries.
    shoot(stage, "stage-arrived")
    reflows(stage)

    stage.get_by_label(re.compile("Reply by email as")).fill("White van, 2.40, up Ilkeston Road")
    stage.get_by_role("button", name="Send reply").click()
    row = page.get_by_text("Shed burglaries near Ilkeston Road")
    expect(row.first).to_be_visible(timeout=6_000)
    row.first.click()
    talk = page.locator(".app-talk")
    expect(talk).to_contain_text("White van, 2.40")

    stage.goto(f"/demo/?who={person.key}")
    stage.get_by_label(re.compile("Type a text as")).fill("It came back at 3")
    stage.locator(".stage__say button").click()
    expect(talk).to_contain_text("It came back at 3", timeout=6_000)

    link = re.search(r"https?://\S+/r/\S+", house.phones.texts().__next__()["text"])
    assert link is not None
    stage.goto(link.group(0))
    axe(stage)
    stage.get_by_label(re.compile("Write to the officer|words", re.I)).first.fill("And it had no lights on")
    stage.get_by_role("button", name=re.compile("^Send")).first.click()
    expect(talk).to_contain_text("And it had no lights on", timeout=6_000)

    page.locator("textarea").first.fill("Thank you, Meg. That helps.")
    page.get_by_role("button", name=re.compile("^Send|Answer")).first.click()
    expect(talk).to_contain_text("That helps")
    # Her last words came by the link of the text, so the answer goes to the phone.
    stage.goto(f"/demo/?who={person.key}")
    expect(stage.locator("#phone")).to_contain_text("Thank you, Meg", timeout=10_000)

    stage.get_by_label(re.compile("Type a text as")).fill("STOP")
    stage.locator(".stage__say button").click()
    expect(stage.locator("#phone")).to_contain_text("no more texts", timeout=10_000)
    assert Suppression.objects.filter(channel="sms").exists()


def test_the_stage_is_clean(page, cast, house):
    cast.resident(email="meg@home.example", mobile=NUMBER)
    page.goto("/demo/")
    axe(page)
    reflows(page)
    shoot(page, "stage-empty")
    assert settings.DEMO
