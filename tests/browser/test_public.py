"""The face of residents in a real browser: every page, and the journeys with scripts and without."""

import re

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from bell.alerts import actions as alert_actions
from bell.alerts.models import Alert
from bell.conversations.models import Answer, Turn
from bell.organisations.kinds import Kind, of_bits
from bell.organisations.models import Organisation
from bell.residents.models import Group, Resident
from tests.browser.conftest import axe, reflows, shoot
from tests.cast import Cast
from tests.public.conftest import KNOWN, NEW, answer_link, send, stop_link, the_code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CIRCLE = {
    "type": "Feature",
    "properties": {"radius_m": 900},
    "geometry": {"type": "Point", "coordinates": [-1.335, 53.02]},
}


@pytest.fixture
def world(transactional_db, watch):
    """The cast, with a few alerts out, and Meg who gets them."""
    # Playwright may ask for a box before all style sheets are in; then the package's own typeface is asked for in vain.
    # A person never sees that: browsers draw nothing until the sheets of the head have come.
    watch.allow("/assets/fonts/")
    cache.clear()
    cast = Cast()
    Organisation.objects.filter(pk=cast.force.pk).update(strapline="Your neighbourhood officers and the Media Team")
    Organisation.objects.filter(pk=cast.partner.pk).update(strapline="Bins, roads, flooding and events")
    Group.objects.filter(pk=cast.cctv.pk).update(help="Cameras or a video doorbell at home or work")
    Group.objects.filter(pk=cast.dog_walkers.pk).update(help="Out early and late, and you notice things")
    cast.meg = cast.resident(email=KNOWN, mobile="07700 900123")
    cast.missing = send(
        cast, kind=Kind.MISSING, title="Have you seen Arthur, 78?", by_sms=True,
        body="Arthur left home in Heanor at **about 7 this morning** and may be confused. Look in sheds and gardens.",
        fields={"description": "Slim, white hair, grey anorak, walks with a stick"},
    )  # fmt: skip
    cast.footage = send(
        cast, kind=Kind.FOOTAGE, title="Did your camera see a white van?",
        body="Three sheds were broken into off Ilkeston Road last night.\n\n- a white Transit van\n"
        "- two men, one in a red coat\n\nPlease look at your camera between these times.",
        fields={"from_time": "1:30am last night", "to_time": "3:30am last night", "look_for": "A white van"},
        audience={"areas": [cast.west.pk], "shapes": [CIRCLE], "groups": []},
    )  # fmt: skip
    cast.scam = send(
        cast, kind=Kind.SCAM, title="Callers who say they are from the bank",
        body="They ask you to move money to a safe account. No bank does that. Hang up and call 159.",
    )  # fmt: skip
    draft = alert_actions.follow_up(cast.footage, relation="update", by=cast.author)
    alert_actions.edit(draft, by=cast.author, title="The van was found", body="Thank you: it was in Ripley, empty.")
    send(cast, alert=Alert.objects.get(pk=draft.pk))
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
    opened = context.new_page()
    opened.scripts = request.param == "scripts"
    yield opened
    context.close()


def look(page, name):
    """Pictures, 320 px, and axe at both widths."""
    page.wait_for_load_state("networkidle")
    shoot(page, f"public-{name}")
    reflows(page)
    for width in (375, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        axe(page)


OPEN = {
    "home": "/",
    "near": "/?postcode=DE75+7AB",
    "near-nothing": "/?postcode=S40+1AA",
    "near-error": "/?postcode=DE75",
    "alerts": "/alerts/",
    "genuine": "/genuine/",
    "genuine-no": "/genuine/?code=TP-22222",
    "privacy": "/privacy/",
    "accessibility": "/accessibility/",
    "contact": "/contact/",
    "join": "/join/",
    "left": "/left/",
}


def test_the_public_pages_are_clean(page, world, watch):
    watch.allow("404")
    for name, path in OPEN.items():
        page.goto(path)
        look(page, name)
    page.goto(f"/a/{world.footage.reference}/")
    page.wait_for_selector(".app-shape--audience")
    look(page, "alert")
    for name, path in {
        "alert-missing": f"/a/{world.missing.reference}/",
        "answer": answer_link(world.footage, world.meg),
        "thanks-saw": f"{answer_link(world.footage, world.meg)}thanks/?said=saw",
        "thanks-footage": f"{answer_link(world.footage, world.meg)}thanks/?said=footage",
        "thanks-nothing": f"{answer_link(world.footage, world.meg)}thanks/?said=nothing",
        "unsubscribe": stop_link(world.meg, world.force),
        "unsubscribe-all": f"{stop_link(world.meg, world.force)}leave/",
        "gone": "/r/nonsense/",
    }.items():
        page.goto(path)
        look(page, name)


def test_the_pages_of_joining_are_clean(page, world):
    page.goto("/join/place/")
    look(page, "join-1-place")
    page.get_by_role("button", name="Continue").click()
    look(page, "join-1-place-error")
    page.goto("/join/place/map/")
    page.wait_for_selector(".app-shape--base")
    look(page, "join-1-map")
    page.goto("/join/place/")
    page.get_by_label("Postcode").fill("DE75 7AB")
    page.get_by_role("button", name="Continue").click()
    look(page, "join-2-contact")
    page.get_by_label("Email address").fill(NEW)
    page.get_by_label("Mobile number").fill("07700 900456")
    page.get_by_role("button", name="Send me the code").click()
    look(page, "join-3-code")
    page.get_by_label(re.compile("by email")).fill(the_code(NEW))
    page.get_by_label(re.compile("by text")).fill("12")
    page.get_by_role("button", name="Continue", exact=True).click()
    look(page, "join-3-code-error")
    page.get_by_label(re.compile("by text")).fill(the_code("+447700900456"))
    page.get_by_label(re.compile("by email")).fill(the_code(NEW))
    page.get_by_role("button", name="Continue", exact=True).click()
    look(page, "join-4-kinds")
    page.get_by_role("button", name="Continue").click()
    look(page, "join-5-groups")
    page.get_by_role("button", name="Continue").click()
    look(page, "join-6-finish")
    page.get_by_role("button", name="Agree and join").click()
    look(page, "join-7-done")


def test_the_pages_of_the_account_are_clean(page, world):
    page.goto("/account/")
    look(page, "sign-in")
    page.get_by_label("Your email address or mobile number").fill(KNOWN)
    page.get_by_role("button", name="Send me a code").click()
    look(page, "sign-in-code")
    page.get_by_label(re.compile("by email")).fill(the_code(KNOWN))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_selector(".app-marker--pin")
    look(page, "account")
    for name in ("places", "places/add", "places/add/map", "choices", "email", "pause", "leave"):
        page.goto(f"/account/{name}/")
        look(page, f"account-{name.replace('/', '-')}")
    page.goto(f"/account/places/{world.meg.places.get().pk}/remove/")
    look(page, "account-place-remove")
    page.goto("/account/pause/")
    page.get_by_role("button", name="Pause").click()
    look(page, "account-pause-error")
    page.goto("/account/email/")
    page.get_by_label("Email address").fill("fresh@home.example")
    page.get_by_role("button", name="Send me a code").click()
    look(page, "account-email-code")


def test_joining(visitor, world):
    visitor.goto("/")
    visitor.get_by_role("link", name="Join", exact=True).first.click()
    visitor.get_by_role("button", name="Start").click()
    visitor.get_by_label("Postcode").fill("de757ab")
    visitor.get_by_role("button", name="Continue").click()
    visitor.get_by_label("Email address").fill(NEW)
    visitor.get_by_role("button", name="Send me the code").click()
    visitor.get_by_label(re.compile("by email")).fill(the_code(NEW))
    visitor.get_by_role("button", name="Continue").click()
    visitor.get_by_label("Event", exact=True).uncheck()
    visitor.get_by_role("button", name="Continue").click()
    visitor.get_by_label("CCTV owners").check()
    visitor.get_by_role("button", name="Continue").click()
    visitor.get_by_role("button", name="Agree and join").click()
    expect(visitor.get_by_role("heading", name="You have joined")).to_be_visible()
    person = Resident.objects.get(contacts__address=NEW)
    assert Kind.EVENT not in of_bits(person.email_kinds) and person.memberships.get().group == world.cctv
    visitor.goto("/account/")
    with visitor.expect_navigation():
        visitor.get_by_role("button", name="Sign out").click()
    visitor.goto("/account/")
    expect(visitor.get_by_role("heading", name="Sign in")).to_be_visible()


def test_stopping_by_the_button(visitor, world):
    visitor.goto(stop_link(world.meg, world.force))
    visitor.wait_for_timeout(500)  # nothing presses itself
    assert Kind.CRIME in of_bits(Resident.objects.get(pk=world.meg.pk).email_kinds)
    visitor.get_by_role("button", name="Stop these emails").click()
    expect(visitor.get_by_role("heading", name="Stopped")).to_be_visible()
    assert Kind.CRIME not in of_bits(Resident.objects.get(pk=world.meg.pk).email_kinds)
    visitor.get_by_role("link", name="Leave altogether").click()
    visitor.get_by_role("button", name="Leave and stop everything").click()
    expect(visitor.get_by_role("heading", name="You have left")).to_be_visible()
    assert Resident.objects.get(pk=world.meg.pk).left_at


def test_answering_by_tap_and_in_words(visitor, world):
    visitor.goto(answer_link(world.footage, world.meg))
    visitor.get_by_role("button", name="I saw something").click()
    expect(visitor.get_by_role("heading", name="Thank you")).to_be_visible()
    assert Answer.objects.get().choice == "saw"
    visitor.get_by_label("Tell the officer more").fill("A white van at 3am, going up the road")
    with visitor.expect_navigation():  # the page before says thank you too
        visitor.get_by_role("button", name="Send to the officer").click()
    expect(visitor.get_by_role("heading", name="Thank you")).to_be_visible()
    assert Turn.objects.last().text == "A white van at 3am, going up the road"
    visitor.reload()  # sends nothing twice
    assert Turn.objects.count() == 2
    visitor.go_back()
    assert "A white van" not in (visitor.text_content("main") or "")


def test_changing_an_account(visitor, world):
    visitor.goto("/sign-in/")
    visitor.get_by_label("Your email address or mobile number").fill("07700 900123")
    visitor.get_by_role("button", name="Send me a code").click()
    visitor.get_by_label(re.compile("by text")).fill(the_code("+447700900123"))
    visitor.get_by_role("button", name="Continue").click()
    visitor.get_by_role("link", name="Change what you get").click()
    visitor.get_by_label("Dog walkers").check()
    visitor.get_by_role("button", name="Save").click()
    expect(visitor.get_by_text("Your choices are saved")).to_be_visible()
    assert world.meg.memberships.get().group == world.dog_walkers


def test_a_pin_by_the_button_alone(page, world):
    page.goto("/join/place/map/")
    page.wait_for_selector(".app-shape--base")
    page.get_by_role("button", name="Put the pin at the cross").press("Enter")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="How should we reach you?")).to_be_visible()
