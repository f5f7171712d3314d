"""Beside social media, and insight, in a real browser: clean pages, copying, a frame on another site."""

import http.server
import threading
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from bell.alerts import actions as alert_actions
from bell.alerts.models import Alert
from bell.conversations import actions as conversation_actions
from bell.conversations.models import Choice
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.places.models import Households
from bell.residents.models import Resident
from tests.browser.conftest import axe, reflows, shoot, until
from tests.browser.test_staff import sign_in
from tests.cast import FAR, IN_EAST, IN_WEST, Cast
from tests.public.conftest import send

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CIRCLE = {
    "type": "Feature",
    "properties": {"radius_m": 900},
    "geometry": {"type": "Point", "coordinates": [-1.335, 53.02]},
}


@pytest.fixture
def world(transactional_db):
    """The cast with members, households, two appeals with answers, one outcome."""
    cast = Cast()
    people = [cast.resident(IN_WEST, groups=(cast.dog_walkers,) if number % 2 else ()) for number in range(34)]
    people += [cast.resident(IN_EAST) for _ in range(21)] + [cast.resident(FAR) for _ in range(13)]
    for number, person in enumerate(people):
        Resident.objects.filter(pk=person.pk).update(
            joined_at=clock.now() - timedelta(days=number * 5), source="web" if number % 3 else ""
        )
    for area, homes in ((cast.west, 900), (cast.east, 1400), (cast.far, 400)):
        Households.objects.create(area=area, households=homes, as_of="2021-03-21")
    cast.footage = send(
        cast, kind=Kind.FOOTAGE, title="Did your camera see a white van?",
        body="Three sheds were broken into off Ilkeston Road last night.\n\n- a white Transit van\n"
        "- two men, one in a red coat\n\nPlease look at your camera between these times.",
        fields={"from_time": "1:30am last night", "to_time": "3:30am last night", "look_for": "A white van"},
        audience={"areas": [cast.west.pk], "shapes": [CIRCLE], "groups": []},
    )  # fmt: skip
    for person in people[:9]:
        conversation_actions.tap(cast.footage, resident=person, choice=Choice.NOTHING)
    draft = alert_actions.follow_up(cast.footage, relation="outcome", by=cast.author)
    alert_actions.edit(draft, by=cast.author, title="A man was charged", body="Thanks to what three of you sent us.")
    send(cast, alert=Alert.objects.get(pk=draft.pk))
    send(cast, title="Tools taken from vans in Heanor", body="Take tools indoors. Did you see anyone trying doors?")
    return cast


def look(page, name):
    """Pictures, 320 px, and axe at both widths."""
    page.wait_for_load_state("networkidle")
    shoot(page, f"sharing-{name}")
    reflows(page)
    for width in (375, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        axe(page)


def test_the_public_pages_are_clean(page, world):
    for name, path in {
        "areas": "/area/", "area": "/area/ward/W1/", "area-empty": "/area/ward/W3/", "search": "/alerts/?q=van",
        "search-nothing": "/alerts/?q=tractor", "embed": "/embed/ward/W1/", "embed-empty": "/embed/ward/W3/",
    }.items():  # fmt: skip
        page.goto(path)
        look(page, name)


def test_the_pages_of_the_desk_are_clean(page, world, monkeypatch):
    monkeypatch.setattr("bell.insight.answers.ASKED_LEAST", 20)
    sign_in(page, world.author)
    page.goto(f"/desk/alerts/{world.footage.reference}/share/")
    look(page, "kit")
    page.goto("/desk/insight/")
    page.wait_for_selector("[class*=app-shape--share-]")
    look(page, "reach")
    for name in ("response", "ledger"):
        page.goto(f"/desk/insight/{name}/")
        look(page, name)
    draft = world.draft(title="Not yet approved")
    page.goto(f"/desk/alerts/{draft.reference}/share/")
    look(page, "kit-none")


def test_posts_are_copied_by_a_button(page, world):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page, world.author)
    page.goto(f"/desk/alerts/{world.footage.reference}/share/")
    button = page.get_by_role("button", name="Copy the text for Mastodon")
    button.focus()
    page.keyboard.press("Enter")
    until(page, "document.getElementById('announcer').textContent === 'Copied'")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.get_by_label("Text for Mastodon").input_value()
    assert world.footage.reference in copied and len(copied) <= 500
    until(page, "document.querySelector('[data-copy=post-mastodon]').firstChild.data === 'Copy'")


def test_without_scripts_the_posts_can_be_selected(browser, world, live_server):
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, world.author)
    page.goto(f"/desk/alerts/{world.footage.reference}/share/")
    assert world.footage.reference in page.get_by_label("Text for X", exact=True).input_value()
    assert page.get_by_role("button", name="Copy").count() == 0
    page.goto("/desk/insight/")
    assert page.get_by_role("cell", name="35", exact=True).count() >= 1 and page.locator("svg.staff-chart").count() == 1
    context.close()


@pytest.fixture
def elsewhere(live_server):
    """Another site, on a port of its own, that frames what it is told to."""

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = (
                "<!doctype html><title>Parish</title><h1>Parish council</h1>"
                f'<iframe src="{live_server.url}{self.path}" title="Alerts" width="400" height="480"></iframe>'
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_another_site_may_frame_the_small_page_and_no_other(browser, world, live_server, elsewhere):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{elsewhere}/embed/ward/W1/")
    frame = page.frame_locator("iframe")
    link = frame.get_by_role("link", name="Did your camera see a white van?")
    expect(link).to_be_visible()
    assert context.cookies() == [], "a frame on another site sets no cookie"
    shoot(page, "sharing-framed")
    with context.expect_page() as opened:
        link.click()
    # The link says the site's own address, which here is not the test's port: the tab opens, and that is what we ask.
    assert f"/a/{world.footage.reference}/" in (link.get_attribute("href") or "")
    opened.value.close()
    for path in ("/alerts/", "/join/", f"/a/{world.footage.reference}/", "/area/ward/W1/"):
        page.goto(f"{elsewhere}{path}")
        page.wait_for_load_state("networkidle")
        assert not any(path in one.url for one in page.frames[1:]), f"{path} was shown in a frame of another site"
    context.close()
