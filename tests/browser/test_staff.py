"""The desk in a real browser: write, draw, submit, approve, send; answer; by keyboard alone; clean by axe."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from bell.alerts import actions as alert_actions
from bell.alerts import dispatch
from bell.alerts.models import Alert, State
from bell.conversations import actions as conversation_actions
from bell.conversations.actions import Words
from bell.conversations.models import Conversation
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.kinds import Kind
from tests.browser.conftest import SHOTS, axe, came, reflows, shoot, signed_out, until
from tests.cast import PASSWORD, Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cast(transactional_db):
    """The cast, where the live server sees them."""
    made = Cast()
    for number in range(12):
        made.resident((-1.375 + number * 0.001, 53.02), mobile="" if number % 2 else None)
    return made


def sign_in(page, officer, to="/desk/"):
    signed_out(page)
    page.goto(f"/accounts/login/?next={to}")
    page.get_by_label("Email").fill(officer.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(re.escape(to) + "$"))


def look(page, name, *, whole=True):
    """Clean at both widths, no sideways scroll at 320 px, and a picture."""
    page.wait_for_load_state("load")
    reflows(page)
    for width in (375, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        axe(page)
    shoot(page, f"staff-{name}", whole=whole)
    page.emulate_media(color_scheme="dark")
    axe(page)
    shoot(page, f"staff-{name}-night", whole=whole)
    page.emulate_media(color_scheme="light")


def on_map(page, dx, dy):
    """A point of the map, from its middle, in pixels of the page."""
    box = page.locator(".app-map__canvas").bounding_box()
    return box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2 + dy


def test_write_draw_submit_approve_send(page, cast):
    sign_in(page, cast.author)
    look(page, "desk-empty")
    page.get_by_role("link", name="New alert").first.click()
    look(page, "new")
    page.get_by_label("Appeal for information").check()
    page.get_by_role("button", name="Start writing").click()
    page.wait_for_url(re.compile("/edit/$"))
    page.get_by_role("button", name="Submit for approval").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    look(page, "compose-problems")
    page.get_by_label("Title").fill("Shed burglaries near Ilkeston Road")
    page.get_by_label("Message", exact=True).fill(
        "Three sheds were broken into **last night** — did you see a white van?"
    )
    page.get_by_label("Text message", exact=True).check()
    page.get_by_label("Words of the text message").fill("Sheds broken into “last night” on Ilkeston Road. White van?")
    expect(page.locator("#preview")).to_contain_text("Three sheds were broken into last night")
    expect(page.locator("#preview .app-phone")).to_contain_text('Sheds broken into "last night"')
    expect(page.locator("#segments")).to_contain_text("Sent as plain signs")

    until(page, "Boolean(document.getElementById('map').bellMap)")
    # The map shows the patch only once its ground has come: before that a click is kilometres away.
    expect(page.locator("#map .leaflet-overlay-pane path").first).to_be_attached()
    page.get_by_role("button", name=re.compile("Polygon")).click()
    # Corners are clicked where they are seen: none of them may lie under the bar at the foot of the page.
    page.locator("#map").evaluate("map => map.scrollIntoView({block: 'center'})")
    for dx, dy in ((-150, -80), (-20, -80), (-20, 60), (-150, 60), (-150, -80)):
        page.mouse.click(*on_map(page, dx, dy))
        page.wait_for_timeout(60)
    expect(page.locator("#drawn")).to_contain_text("Shape of")
    page.get_by_label("Circle round a postcode").fill("de757ab")
    page.get_by_label("How far around").fill("400")
    page.get_by_role("button", name="Add this circle").click()
    expect(page.locator("#drawn")).to_contain_text("Circle of 400 metres in West Ward")
    expect(page.locator("#count")).to_contain_text(re.compile("people: .* by email, .* also by text"))
    look(page, "compose")

    page.get_by_role("button", name="Submit for approval").click()
    page.wait_for_url(re.compile(r"/desk/alerts/[A-Z0-9-]+/$"))
    expect(page.get_by_text("Submitted. Asked to approve")).to_be_visible()
    look(page, "alert-submitted")
    alert = Alert.objects.get()

    sign_in(page, cast.approver)
    page.get_by_role("link", name=re.compile("Shed burglaries")).first.click()
    page.wait_for_url(re.compile("/approve/$"))
    expect(page.locator("#map .leaflet-overlay-pane path").first).to_be_attached()
    look(page, "approve")
    page.get_by_role("button", name="Approve and send").click()
    page.wait_for_url(re.compile(r"/desk/alerts/[A-Z0-9-]+/$"))
    expect(page.locator("#do-undo")).to_contain_text(re.compile(r"\d+ s"))
    look(page, "alert-held")
    page.locator("#do-undo").click()
    expect(page.get_by_text("Undone. Nothing has left.")).to_be_visible()
    look(page, "alert-undone")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#do-undo")).to_be_visible()

    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    dispatch.run_due()
    expect(page.locator("#do-stop")).to_be_visible(timeout=5000)
    look(page, "alert-sending")
    page.goto("/desk/")
    look(page, "desk-sending")
    assert Delivery.objects.filter(mailing__authority_kind="approval").count() > 5


def replied(cast):
    """An alert that went out, and a resident's answer to it."""
    resident = cast.resident()
    alert, _ = cast.approved(by_sms=True)
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    dispatch.run_due()
    alert.refresh_from_db()
    words = Words(
        text="I saw a white van at about 2:40am, going up Ilkeston Road.\n\nIt had no lights on.",
        way="email", reply_channel="email", reply_address="jo@home.example", verified=True, subject="Re: Sheds",
    )  # fmt: skip
    return alert, conversation_actions.hear(words, team=cast.team, alert=alert, resident=resident)


def test_a_reply_arrives_without_reload_and_is_answered(page, cast):
    sign_in(page, cast.author)
    alert, turn = replied(cast)
    expect(page.locator("#desk-inbox")).to_contain_text("Shed burglaries in Heanor", timeout=5000)
    expect(page.locator(".app-nav")).to_contain_text("1", timeout=5000)
    expect(page.locator("#announcer")).to_contain_text("Something new came in")
    look(page, "desk")
    page.goto("/desk/inbox/")
    look(page, "inbox")
    page.locator(f"#talk-{turn.conversation.key}").click()
    look(page, "talk")
    conversation_actions.hear(
        Words(text="Another thing: it had a ladder on the roof.", way="email", verified=False),
        team=cast.team, alert=alert, resident=turn.conversation.resident,
    )  # fmt: skip
    expect(page.locator("#turns")).to_contain_text("a ladder on the roof", timeout=5000)
    page.get_by_label("Your answer").fill("Thank you. Did you see which way it turned?")
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator("#turns")).to_contain_text("Did you see which way it turned?")
    page.get_by_label("Your answer").fill("Ask the garage for footage.")
    page.get_by_role("button", name="Keep as note").click()
    expect(page.locator("#turns")).to_contain_text("Note by")
    look(page, "talk-answered")
    assert Delivery.objects.filter(mailing__authority_kind="answer").count() == 1
    conversation_actions.tap(alert, resident=turn.conversation.resident, choice="saw")
    page.goto(f"/desk/alerts/{alert.reference}/")
    expect(page.locator("#alert-live")).to_contain_text("I saw something")
    look(page, "alert-answers")
    page.goto(f"/desk/log/?alert={alert.reference}")
    look(page, "log")
    page.goto("/desk/alerts/")
    look(page, "alerts")


def test_an_approver_sees_a_submission_within_five_seconds(page, cast):
    sign_in(page, cast.approver)
    alert = cast.draft(kind=Kind.MISSING, fields={"description": "A boy of nine, red coat"})
    alert_actions.submit(alert, by=cast.author)
    expect(page.locator("#desk-approvals")).to_contain_text("Shed burglaries in Heanor", timeout=5000)
    expect(page.locator("#announcer")).to_contain_text("Something new came in")


def test_the_map_by_keyboard_alone(page, cast):
    alert = cast.draft(audience={}, kind=Kind.CRIME)
    sign_in(page, cast.author, to=f"/desk/alerts/{alert.reference}/edit/")
    until(page, "Boolean(document.getElementById('map').bellMap)")
    page.locator(".app-map__canvas").focus()
    page.keyboard.press("Enter")
    for keys in (("ArrowRight",), ("ArrowDown",)):
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_timeout(400)
        page.keyboard.press("Enter")
    page.keyboard.press("f")
    until(page, "document.getElementById('id_shapes').value.includes('Polygon')")
    expect(page.locator("#drawn")).to_contain_text("Shape of")
    page.get_by_role("button", name=re.compile("^Remove Shape")).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#drawn")).not_to_contain_text("Shape of")
    page.get_by_label("Circle round a postcode").focus()
    page.keyboard.type("DE75 7AB")
    page.keyboard.press("Enter")
    expect(page.locator("#drawn")).to_contain_text("Circle of 500 metres")
    page.get_by_role("checkbox", name="West Ward").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("#count")).to_contain_text("people")
    page.get_by_role("button", name="Save draft").last.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    alert.refresh_from_db()
    assert alert.audience["areas"] == [cast.west.pk] and len(alert.audience["shapes"]) == 1


def test_without_scripts_the_composer_is_a_plain_form(browser, watch, live_server, cast):
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, viewport={"width": 1440, "height": 900}
    )
    context.on("request", watch.request)
    page = context.new_page()
    sign_in(page, cast.author, to="/desk/new/")
    page.get_by_label("Crime alert").check()
    page.get_by_role("button", name="Start writing").click()
    page.get_by_label("Title").fill("Bikes taken")
    page.get_by_label("Message", exact=True).fill("Two bikes were taken from Market Street.")
    came(page)  # without scripts a button in the middle sends only as much of the form as has come
    page.get_by_label("Circle round a postcode").fill("DE75 7AB")
    page.get_by_role("button", name="Add this circle").click()
    expect(page.locator("#drawn")).to_contain_text("Circle of 500 metres in West Ward")
    expect(page.get_by_label("Title")).to_have_value("Bikes taken")
    page.get_by_role("button", name="Count people").click()
    expect(page.locator("#count")).to_contain_text("people")
    page.get_by_role("button", name="Submit for approval").click()
    expect(page.get_by_text("Submitted. Asked to approve")).to_be_visible()
    context.close()
    assert Alert.objects.get().state == State.SUBMITTED


def test_two_editors_lose_nothing(page, cast, watch):
    watch.allow("409")
    alert = cast.draft()
    sign_in(page, cast.author, to=f"/desk/alerts/{alert.reference}/edit/")
    alert_actions.edit(alert, by=cast.approver, title="A colleague's title")
    page.get_by_label("Title").fill("My own title")
    page.get_by_role("button", name="Save draft").last.click()
    expect(page.get_by_text("saved this alert while you had it open").first).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("My own title")
    expect(page.locator(".staff-theirs")).to_contain_text("A colleague's title")
    look(page, "compose-changed")
    page.get_by_role("button", name="Keep mine").click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()


def test_returned_practice_and_refused(page, cast):
    for officer in (cast.author, cast.approver):
        officer.practice = True
        officer.save()
    alert = cast.draft()
    version = alert_actions.submit(alert, by=cast.author)
    alert_actions.turn_back(version, by=cast.approver, reason="Say which street, please.")
    sign_in(page, cast.author, to=f"/desk/alerts/{alert.reference}/")
    look(page, "alert-returned")
    alert_actions.submit(alert_actions.edit(alert, by=cast.author, title="Shed burglaries, Ray Street"), by=cast.author)
    page.goto(f"/desk/alerts/{alert.reference}/approve/")
    expect(page.get_by_text("You wrote, edited or submitted this alert")).to_be_visible()
    look(page, "approve-barred")
    signed_out(page)
    page.goto("/accounts/login/")
    look(page, "login")


def test_the_clock_of_someone_who_waits_too_long(page, cast):
    _, turn = replied(cast)
    Conversation.objects.filter(pk=turn.conversation_id).update(waiting_since=clock.now() - timedelta(hours=80))
    sign_in(page, cast.author)
    expect(page.locator("#desk-inbox")).to_contain_text("overdue")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_on_a_phone_every_way_about_is_one_or_two_taps_from_the_thumb(browser, watch, live_server, cast, scripts):
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=scripts, viewport={"width": 375, "height": 812}
    )
    context.on("request", watch.request)
    page = context.new_page()
    sign_in(page, cast.administrator)
    nav = page.get_by_role("navigation", name="Main")
    more = nav.get_by_role("button", name="More")
    last = nav.get_by_role("link", name="Agreements")
    expect(nav.get_by_role("link", name="Inbox")).to_be_visible()
    expect(last).to_be_hidden()
    for one in (nav.get_by_role("link", name="Desk"), more):
        box = one.bounding_box()
        assert box["y"] > 812 * 2 / 3 and box["x"] >= 0 and box["x"] + box["width"] <= 375 and box["height"] >= 44
    more.click()
    box = last.bounding_box()
    assert box["y"] > 812 / 2 and box["x"] + box["width"] <= 375 and box["height"] >= 44
    if scripts:
        axe(page)
        page.screenshot(path=SHOTS / "staff-menu-375.png")
        page.keyboard.press("Escape")
        expect(last).to_be_hidden()
        more.click()
    last.click()
    page.wait_for_url(re.compile("/desk/agreements/$"))
    expect(nav.get_by_role("button", name="More")).to_be_visible()
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(nav.get_by_role("link", name="Agreements")).to_be_visible()
    expect(nav.get_by_role("button", name="More")).to_be_hidden()
    context.close()
