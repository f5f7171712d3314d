"""Surveys and partner notices in a real browser: written at the desk, answered on a phone, counted."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from bell.alerts import actions, closing, dispatch
from bell.alerts.models import Alert
from bell.conversations.models import Turn, Vote
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.residents.models import Resident
from tests.browser.test_public import look as look_public
from tests.browser.test_staff import cast, look, sign_in
from tests.public.conftest import answer_link

__all__ = ["cast"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CHOICES = "Cars that go too fast\nParking outside the school\nSheds broken into\nLitter"


def go(cast, alert):
    """What was submitted is approved, and goes to everybody."""
    version = alert.versions.last()
    actions.approve(version, by=cast.approver, digest=version.digest)
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent", state_at=clock.now())
    dispatch.run_due()
    return Alert.objects.get(pk=alert.pk)


def begin(page, kind):
    """From *New alert* to the composer of a kind."""
    page.goto("/desk/new/")
    page.get_by_role("radio", name=kind).check()
    page.get_by_role("button", name="Start writing").click()
    page.wait_for_url(re.compile("/edit/$"))


def written(page):
    """An officer writes a survey, forgets something, and submits it."""
    begin(page, "Survey of priorities")
    page.get_by_label("Title").fill("What should we work on this winter?")
    page.get_by_label("Message", exact=True).fill("We choose **what to spend our time on**. Please help us choose.")
    page.get_by_label("Choices").fill("Only one choice")
    page.get_by_role("checkbox", name="West Ward").check()
    page.get_by_role("button", name="Submit for approval").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    look(page, "survey-problem")
    page.get_by_label("Choices").fill(CHOICES)
    page.get_by_role("radio", name="Up to two").check()
    closes = clock.local(clock.now() + timedelta(days=7))
    page.get_by_label("Closes at").fill(f"{closes:%Y-%m-%dT17:00}")
    expect(page.locator("#preview")).to_contain_text("Parking outside the school")
    expect(page.locator("#preview")).to_contain_text("Choose your answer")
    look(page, "survey-compose")
    page.get_by_role("button", name="Submit for approval").click()
    page.wait_for_url(re.compile(r"/alerts/[\w-]+/$"))
    return Alert.objects.get(kind="survey")


def test_a_survey_is_written_answered_on_a_phone_and_counted(page, cast, browser, live_server, watch):
    sign_in(page, cast.author)
    survey = go(cast, written(page))
    people = list(Resident.objects.order_by("pk"))
    context = browser.new_context(
        base_url=live_server.url, locale="en-GB", viewport={"width": 375, "height": 812}, java_script_enabled=False
    )
    context.on("request", watch.request)
    phone = context.new_page()
    phone.goto(answer_link(survey, people[0]))
    expect(phone.get_by_role("heading", name="What should we work on this winter?")).to_be_visible()
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_role("heading", name="There is a problem")).to_be_visible()
    for name in ("Cars that go too fast", "Litter"):
        box = phone.get_by_role("checkbox", name=name)
        box.check()
    phone.get_by_label(re.compile("Anything else")).fill("By the chapel, at school time")
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_text("Your choice is counted.")).to_be_visible()
    context.close()
    assert Vote.objects.get().chosen == "Cars that go too fast\nLitter"
    assert Turn.objects.get().text == "By the chapel, at school time"
    for number, person in enumerate(people[1:]):
        page.goto(answer_link(survey, person))
        if not number:
            look_public(page, "survey")
        page.get_by_role("checkbox", name="Cars that go too fast" if number % 2 else "Sheds broken into").check()
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("Your choice is counted.")).to_be_visible()
    look_public(page, "survey-thanks")
    page.goto(f"/desk/alerts/{survey.reference}/")
    expect(page.get_by_text("About 10 people answered")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Litter"))).to_contain_text("fewer than 5")
    look(page, "survey-counts")
    closing.close(survey, by=cast.author)
    page.goto(answer_link(survey, people[0]))
    expect(page.get_by_text("This survey is closed")).to_be_visible()
    look_public(page, "survey-closed")


def test_the_public_page_shows_what_people_chose(page, cast):
    for _ in range(14):
        cast.resident()
    fields = {"choices": CHOICES, "most": "1"}
    draft = cast.draft(kind="survey", title="What should we work on this winter?", body="Please choose.", fields=fields)
    actions.submit(draft, by=cast.author)
    survey = go(cast, draft)
    page.goto(f"/a/{survey.reference}/")
    expect(page.get_by_text("Were you asked?")).to_be_visible()
    look_public(page, "survey-open")
    chosen = ["Cars that go too fast"] * 14 + ["Litter"] * 9 + ["Sheds broken into"]
    people = Resident.objects.order_by("pk")
    Vote.objects.bulk_create(
        Vote(alert=survey, resident=person, chosen=words, at=clock.now())
        for person, words in zip(people, chosen, strict=False)
    )
    closing.close(survey, by=cast.author)
    page.goto(f"/a/{survey.reference}/")
    expect(page.get_by_role("table", name="What people chose")).to_contain_text("about 15 (60%)")
    look_public(page, "survey-result")


def test_a_partner_writes_a_notice(page, cast):
    cast.resident(organisations=(cast.partner,))
    cast.officer("Pia Partner", cast.outsider.grants.first().team, "approver")
    sign_in(page, cast.outsider)
    page.goto("/desk/new/")
    expect(page.get_by_role("radio", name="Partner notice")).to_be_visible()
    look(page, "new-partner")
    begin(page, "Partner notice")
    page.get_by_label("Title").fill("Heanor Road is closed")
    page.get_by_label("Message", exact=True).fill("We lay a new surface. Buses go round by the hospital.")
    page.get_by_label("When").fill("Monday to Friday, 8pm to 6am")
    page.get_by_label("Find out more").fill("https://roads.example.com/")
    page.get_by_role("checkbox", name="Testshire").check()
    page.get_by_role("button", name="Submit for approval").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    look(page, "notice-problem")
    page.get_by_label("Find out more").fill("Call 0300 123 2040, 8am to 6pm")
    page.get_by_role("button", name="Submit for approval").click()
    page.wait_for_url(re.compile(r"/alerts/[\w-]+/$"))
    expect(page.get_by_text("Monday to Friday, 8pm to 6am").first).to_be_visible()
    look(page, "notice")
