"""Maps by the keyboard alone: the composer's and the resident's. No mouse is touched, and what happens is said."""

import json
import re

import pytest
from playwright.sync_api import expect

from bell.alerts.models import Alert
from tests.browser.conftest import axe, until
from tests.browser.test_public import world  # noqa: F401
from tests.browser.test_quiet_and_calendar import tab_to
from tests.browser.test_staff import cast, sign_in  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CANVAS, CORNER = "#map .app-map__canvas", ".marker-icon:not(.marker-icon-middle)"


def shapes(page):
    text = page.locator("#id_shapes").input_value()
    return [one["geometry"] for one in json.loads(text)["features"]] if text else []


def said(page, words):
    until(page, f"document.getElementById('announcer').textContent.includes({json.dumps(words)})")


def pans(page, key):
    """Press an arrow on the map, and wait until it lies still again."""
    page.keyboard.press(key)
    page.wait_for_timeout(400)


def test_an_audience_by_the_keyboard_alone(page, cast):  # noqa: F811
    alert = cast.draft(audience={"areas": [], "shapes": [], "groups": []})
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    until(page, "document.querySelector('#map').bellMap !== undefined")
    # The tree.
    tab_to(page, 'input[name="areas"]', most=80)
    page.keyboard.press("Space")
    expect(page.locator('input[name="areas"]').first).to_be_checked()
    # Corners, pressed on the map.
    tab_to(page, CANVAS)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", "the focus can be seen"
    described = page.locator(CANVAS).get_attribute("aria-describedby")
    assert "Enter puts a corner" in (page.locator(f"#{described}").text_content() or "")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press("Enter")
        pans(page, key)
    said(page, "Corner 3 put")
    page.keyboard.press("Backspace")
    said(page, "2 corners")
    page.keyboard.press("Enter")
    pans(page, "ArrowLeft")
    page.keyboard.press("Enter")
    page.keyboard.press("f")
    said(page, "Area added. 1 shape on the map")
    [drawn] = shapes(page)
    assert len(drawn["coordinates"][0]) == 5
    # Corners moved and taken away.
    tab_to(page, '.app-map__bar button[aria-pressed="false"]')
    page.keyboard.press("Enter")
    said(page, "Corners can be moved")
    page.wait_for_timeout(600)  # the count is asked for a moment after the last change, and pale until it is there
    until(page, "!document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")
    axe(page)
    page.locator(CANVAS).focus()
    tab_to(page, CORNER)
    page.keyboard.press("ArrowRight")
    said(page, "metres east")
    [moved] = shapes(page)
    assert moved != drawn
    page.keyboard.press("Delete")
    said(page, "Corner taken away")
    assert len(shapes(page)[0]["coordinates"][0]) == 4
    assert page.evaluate(f"document.activeElement.matches('{CORNER}')"), "the focus stays among the corners"
    page.keyboard.press("Delete")
    said(page, "Area taken away")
    assert shapes(page) == [] and page.evaluate(f"document.activeElement.matches('{CANVAS}')")
    # Taken back, step by step.
    page.keyboard.press("Backspace")
    said(page, "Taken back. 1 shape on the map")
    page.keyboard.press("Backspace")
    until(
        page,
        "JSON.parse(document.getElementById('id_shapes').value).features[0].geometry.coordinates[0].length === 5",
    )
    page.keyboard.press("Backspace")
    assert shapes(page) == [drawn]
    # A circle at the cross, and one round a postcode.
    tab_to(page, "#map-radius")
    page.keyboard.press("Control+a")
    page.keyboard.type("300")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    said(page, "Circle added. 2 shapes on the map")
    tab_to(page, "#id_circle_postcode")
    page.keyboard.type("DE75 7AB")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("400")
    page.keyboard.press("Enter")
    until(page, "JSON.parse(document.getElementById('id_shapes').value).features.length === 3")
    expect(page.locator("#drawn li")).to_have_count(3)
    # One of them away again, from the list.
    tab_to(page, '[data-remove="1"]')
    page.keyboard.press("Enter")
    until(page, "JSON.parse(document.getElementById('id_shapes').value).features.length === 2")
    tab_to(page, 'button[value="save"]', most=80)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    kept = Alert.objects.get(pk=alert.pk).audience
    assert len(kept["areas"]) == 1 and [one["geometry"]["type"] for one in kept["shapes"]] == ["Polygon", "Point"]


def test_a_place_by_the_keyboard_alone(page, world):  # noqa: F811
    page.goto("/join/place/map/")
    until(page, "document.querySelector('#pin').bellMap !== undefined")
    tab_to(page, "#pin .app-map__canvas")
    described = page.locator("#pin .app-map__canvas").get_attribute("aria-describedby")
    assert "Enter puts the pin" in (page.locator(f"#{described}").text_content() or "")
    pans(page, "ArrowLeft")
    page.keyboard.press("Enter")
    said(page, "The pin is at the cross")
    before = float(page.locator("#id_lat").input_value())
    axe(page)
    tab_to(page, "#pin .app-marker--pin")
    page.keyboard.press("Shift+ArrowUp")
    said(page, "metres north")
    assert float(page.locator("#id_lat").input_value()) > before
    tab_to(page, "main form button[type=submit]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("How should we reach you|There is a problem"))).to_be_visible()


def view(page):
    """Middle and zoom of the composer's map."""
    return page.evaluate(
        "(map => [map.getCenter().lng, map.getCenter().lat, map.getZoom()])(document.getElementById('map').bellMap)"
    )


def test_the_map_stays_under_the_hand_that_is_on_it(page, cast):  # noqa: F811 (the fixture of test_staff)
    """On a slow line the ticked area comes when somebody has begun to draw: the map must not jump away from them."""
    alert = cast.draft(audience={"areas": [], "shapes": [], "groups": []})
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    until(page, "document.querySelector('#map').bellMap !== undefined")
    at_first = view(page)
    page.locator("#id_areas_0").check()
    until(page, "document.getElementById('chosen-areas').textContent.includes('East Ward')")
    until(page, "document.querySelectorAll('#map .app-shape--area').length > 0")
    led = view(page)
    assert led != at_first, "what was ticked is shown"
    waiting = []
    page.route("**/count/", lambda route: waiting.append(route))
    page.locator("#id_areas_0").uncheck()
    page.locator(CANVAS).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    said(page, "Corner 1 put")
    page.wait_for_timeout(600)  # the count is asked for a moment after the last change
    mine = view(page)
    assert mine != led and waiting
    waiting[-1].continue_()
    until(page, "!document.getElementById('chosen-areas').textContent.includes('East Ward')")
    until(page, "!document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")
    page.wait_for_timeout(200)
    assert view(page) == mine


def test_a_phone_turned_round_keeps_its_patch_in_view(page, cast):  # noqa: F811 (the fixture of test_staff)
    alert = cast.draft(audience={"areas": [], "shapes": [], "groups": []})
    page.set_viewport_size({"width": 375, "height": 812})
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    until(page, "document.querySelector('#map').bellMap !== undefined")
    narrow = view(page)[2]
    page.set_viewport_size({"width": 1440, "height": 900})
    until(page, f"document.querySelector('#map').bellMap.getZoom() > {narrow}")
    page.locator(CANVAS).focus()
    page.keyboard.press("+")
    page.wait_for_timeout(400)
    mine = view(page)
    page.get_by_label("Title").fill("Sheds")
    page.get_by_label("Message", exact=True).focus()  # the title has changed now: nothing that leads the map elsewhere
    page.set_viewport_size({"width": 375, "height": 812})
    page.wait_for_timeout(400)
    assert view(page)[2] == mine[2], "who has moved it keeps what they see"
