"""The map in a real browser: everything that a mouse can do, keys and buttons can do too."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import axe, until

pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.ui.urls")]


@pytest.fixture
def maps(page):
    """The style page's maps, started, with every "bell:shape" counted at the document."""
    page.goto("/ui/map/")
    until(page, "document.querySelectorAll('.app-map').length === 3")
    until(page, "[...document.querySelectorAll('.app-map')].every(map => map.bellMap)")
    page.evaluate("window.shapes = []; document.addEventListener('bell:shape', e => window.shapes.push(e.detail))")
    return page


def shapes(page):
    text = page.locator("#shape").input_value()
    return json.loads(text)["features"] if text else []


def click_map(page, selector, dx, dy):
    canvas = page.locator(f"{selector} .app-map__canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2 + dy)


def pan(page, selector, dx, dy):
    page.evaluate(
        "([s, x, y]) => document.querySelector(s).bellMap.panBy([x, y], {animate: false})", [selector, dx, dy]
    )


def put_triangle(page):
    for dx, dy in ((0, 0), (90, 0), (0, 90)):
        pan(page, "#draw", dx, dy)
        page.get_by_role("button", name="Corner at the cross").click()
    page.get_by_role("button", name="Finish area").click()


def test_an_area_is_drawn_with_buttons_alone(maps):
    put_triangle(maps)
    (area,) = shapes(maps)
    assert area["geometry"]["type"] == "Polygon"
    ring = area["geometry"]["coordinates"][0]
    assert len(ring) == 4
    assert ring[0] == ring[-1]
    assert maps.evaluate("window.shapes.length") == 1


def test_an_area_is_drawn_with_keys_alone(maps):
    maps.locator("#draw .app-map__canvas").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        maps.keyboard.press("Enter")
        maps.keyboard.press(key)
        maps.wait_for_timeout(400)
    maps.keyboard.press("f")
    (area,) = shapes(maps)
    assert len(area["geometry"]["coordinates"][0]) == 4


def test_two_corners_are_no_area(maps):
    for _ in range(2):
        maps.get_by_role("button", name="Corner at the cross").click()
    maps.get_by_role("button", name="Finish area").click()
    assert shapes(maps) == []
    until(maps, "document.getElementById('announcer').textContent.includes('three corners')")


def test_a_circle_is_a_point_with_its_radius_in_metres(maps):
    maps.locator("#draw-radius").fill("1,200")
    maps.get_by_role("button", name="Add circle at the cross").click()
    (circle,) = shapes(maps)
    assert circle["geometry"]["type"] == "Point"
    assert circle["properties"]["radius_m"] == 1200


def test_mouse_drawing_adds_to_what_is_there_and_the_eraser_takes_away(maps):
    maps.get_by_role("button", name="Add circle at the cross").click()
    maps.locator("#draw").get_by_role("button", name="Draw Polygon").click()
    for dx, dy in ((100, -120), (200, -120), (200, -40), (100, -120)):
        click_map(maps, "#draw", dx, dy)
        maps.wait_for_timeout(80)
    assert sorted(one["geometry"]["type"] for one in shapes(maps)) == ["Point", "Polygon"]
    maps.locator("#draw").get_by_role("button", name="Remove Layers").click()
    click_map(maps, "#draw", 180, -100)
    assert [one["geometry"]["type"] for one in shapes(maps)] == ["Point"]
    maps.get_by_role("button", name="Clear all").click()
    expect(maps.locator("#shape")).to_have_value("")


def test_a_corner_moves_by_the_arrow_keys_and_the_map_does_not(maps):
    put_triangle(maps)
    before = shapes(maps)[0]["geometry"]["coordinates"][0]
    centre = maps.evaluate("document.querySelector('#draw').bellMap.getCenter().lng")
    maps.locator("#draw").get_by_role("button", name="Edit Layers").click()
    maps.locator("#draw .marker-icon:not(.marker-icon-middle)").first.focus()
    maps.keyboard.press("ArrowLeft")
    after = shapes(maps)[0]["geometry"]["coordinates"][0]
    moved = [(one, other) for one, other in zip(before[:-1], after[:-1], strict=True) if one != other]
    assert len(moved) == 1
    assert moved[0][1][0] < moved[0][0][0]
    assert maps.evaluate("document.querySelector('#draw').bellMap.getCenter().lng") == centre
    label = maps.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("Corner")


def test_a_circle_goes_by_a_key_and_comes_back(maps):
    maps.get_by_role("button", name="Add circle at the cross").click()
    before = shapes(maps)
    maps.locator("#draw").get_by_role("button", name="Move corners").press("Enter")
    maps.locator("#draw .marker-icon").first.focus()
    maps.keyboard.press("Delete")
    until(maps, "document.getElementById('announcer').textContent.includes('Circle taken away')")
    assert shapes(maps) == []
    assert maps.evaluate("document.activeElement.matches('#draw .app-map__canvas')")
    maps.keyboard.press("Backspace")
    assert shapes(maps) == before


def test_what_the_form_already_holds_is_drawn_and_what_the_server_sends_replaces_it(maps):
    written = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {},
                "geometry": {
                    "type": "MultiPolygon",
                    "coordinates": [
                        [[[-1.6, 53.0], [-1.5, 53.0], [-1.5, 53.1], [-1.6, 53.0]]],
                        [[[-1.8, 53.0], [-1.7, 53.0], [-1.7, 53.1], [-1.8, 53.0]]],
                    ],
                },
            },
            {
                "type": "Feature",
                "properties": {"radius_m": 900},
                "geometry": {"type": "Point", "coordinates": [-1.4, 53.0]},
            },
        ],
    }
    maps.locator("#shape").fill(json.dumps(written))
    maps.locator("#shape").dispatch_event("bell:load")
    expect(maps.locator("#draw path.app-shape--drawn")).to_have_count(3)


def test_the_pin_is_put_by_click_by_key_and_by_its_numbers(maps):
    def numbers():
        return float(maps.locator("#lon").input_value()), float(maps.locator("#lat").input_value())

    click_map(maps, "#pin", 60, 0)
    lon, lat = numbers()
    assert lon > -1.6
    maps.locator("#pin .app-marker--pin").focus()
    maps.keyboard.press("ArrowUp")
    assert numbers()[1] > lat
    maps.locator("#lon").fill("-1.5")
    maps.locator("#lon").press("Tab")
    maps.get_by_role("button", name="Put the pin at the cross").click()
    assert numbers()[0] == pytest.approx(-1.5, abs=0.001)
    assert maps.evaluate("window.shapes.length") == 3


def test_a_name_that_is_markup_stays_text(maps):
    maps.evaluate(
        """() => {
            const script = document.getElementById('shapes');
            const data = JSON.parse(script.textContent);
            data.features[1].properties.name = '<img src=x onerror="window.struck = 1">';
            data.features[1].properties.href = '/ui/';
            script.textContent = JSON.stringify(data);
            document.body.dispatchEvent(new CustomEvent('htmx:afterSettle', {bubbles: true, detail: {}}));
        }"""
    )
    marker = maps.locator("#look .app-marker--answer")
    until(maps, "document.querySelector('#look .app-marker--answer').hasAttribute('aria-label')")
    marker.hover()
    expect(maps.locator("#look .leaflet-tooltip", has_text="onerror").first).to_be_visible()
    assert maps.locator("#look .leaflet-tooltip img").count() == 0
    assert maps.evaluate("window.struck") is None


def test_the_maps_are_clean_while_drawing_too(maps):
    put_triangle(maps)
    maps.locator("#draw").get_by_role("button", name="Edit Layers").click()
    axe(maps)
