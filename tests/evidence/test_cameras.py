"""The register of cameras, and what an officer learns of it: about how many, never which."""

import json
from datetime import timedelta

import pytest
from django.db.models import Value
from django.test import Client

from bell.alerts import cameras as near
from bell.alerts import find, squares
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.residents import actions, cameras
from bell.residents.models import Camera
from bell.staff import nearby
from tests.cast import IN_EAST, IN_WEST
from tests.public.conftest import signed_in

LON, LAT = IN_WEST


def circle(metres=200, lon=LON):
    return {
        "type": "Feature",
        "properties": {"radius_m": metres},
        "geometry": {"type": "Point", "coordinates": [lon, LAT]},
    }


def drawn(cast, *shapes, **more):
    rule = {"areas": [], "shapes": list(shapes), "groups": []}
    return cast.draft(**{"kind": Kind.FOOTAGE, "audience": rule, **more})


def owner(cast, at=IN_WEST, days=14, direction=90):
    person = cast.resident(at)
    cameras.add_camera(person, person.places.get(), direction=direction, days_kept=days, by=person)
    return person


def test_the_register_of_a_member(cast):
    cast.resident(email="meg@home.example")
    member = signed_in(Client())
    assert "Register your cameras" in member.get("/account/").content.decode()
    place = str(Camera._meta.get_field("place").related_model.objects.get().pk)
    for wrong, words in (
        ({"days_kept": "14"}, "Choose one of your places"),
        ({"place": place}, "Enter how many days it keeps"),
        ({"place": place, "days_kept": "0"}, "1 day or more"),
        ({"place": place, "days_kept": "many"}, "Enter a number of days"),
        ({"place": "999999", "days_kept": "14"}, "valid choice"),
        ({"place": place, "days_kept": "14", "direction": "91"}, "valid choice"),
    ):
        assert words in member.post("/account/cameras/add/", wrong).content.decode(), wrong
    said = {"place": place, "direction": "45", "days_kept": "14", "note": "<b>doorbell</b>"}
    assert member.post("/account/cameras/add/", said).status_code == 302
    page = member.get("/account/cameras/").content.decode()
    assert "North-east, keeps 14 days" in page and "<b>doorbell" not in page
    number = Camera.objects.get().pk
    assert member.get(f"/account/cameras/{number}/remove/").status_code == 200 and Camera.objects.exists()
    member.post(f"/account/cameras/{number}/remove/")
    assert not Camera.objects.exists()


def test_nobody_touches_anothers_camera(cast):
    theirs = owner(cast)
    mine = cast.resident(email="meg@home.example")
    member = signed_in(Client())
    number = Camera.objects.get().pk
    assert member.post(f"/account/cameras/{number}/remove/").status_code == 404
    with pytest.raises(cameras.CameraRefused):
        cameras.add_camera(mine, theirs.places.get(), direction=0, days_kept=1, by=mine)
    cameras.remove_camera(mine, Camera.objects.get(), by=mine)
    assert Camera.objects.get().resident == theirs


def test_a_camera_goes_with_its_place_and_its_person(cast):
    person = owner(cast)
    actions.remove_place(person, person.places.get(), by=person)
    assert not Camera.objects.exists()
    other = owner(cast)
    actions.leave(other, by=other, how="web")
    assert not Camera.objects.exists()


@pytest.fixture
def each_counts_once(monkeypatch):
    monkeypatch.setattr(squares, "camera_weight", lambda key: Value(1))


@pytest.mark.parametrize(("there", "shown"), [(0, None), (1, None), (4, None), (5, 5), (7, 5), (8, 10)])
def test_numbers_are_rounded_and_small_ones_hidden(cast, there, shown, each_counts_once):
    for number in range(there):
        owner(cast, days=30 - number)
    assert near.near(find.rule(drawn(cast, circle()))) == near.Near(shown, None)


def test_within_150_metres_and_no_further(cast, each_counts_once):
    # 0.001 degrees of longitude are some 67 metres here; the circle has 100, the margin 150, the snap at most 50.
    for _ in range(5):
        owner(cast, at=(LON + 0.0005, LAT))
        owner(cast, at=(LON + 0.0100, LAT))
    assert near.near(find.rule(drawn(cast, circle(100)))).cameras == 5
    assert near.near(find.rule(drawn(cast, circle(1500)))).cameras == 10
    assert near.near(find.rule(drawn(cast, circle(100, lon=IN_EAST[0])))).cameras is None


def test_only_for_what_is_drawn_and_asks_for_help(cast):
    owner(cast)
    assert near.near(find.rule(cast.draft(kind=Kind.FOOTAGE))) is None
    assert nearby.said(drawn(cast, circle(), kind=Kind.PREVENTION)) == ""
    assert "Fewer than 5 places with registered cameras, perhaps none" in nearby.said(drawn(cast, circle()))


def test_the_composer_says_it(cast, each_counts_once):
    for number in range(20):
        owner(cast, days=5 + number)
    alert = drawn(cast)
    client = Client()
    client.force_login(cast.author, backend="allauth.account.auth_backends.AuthenticationBackend")
    shapes = json.dumps({"type": "FeatureCollection", "features": [circle()]})
    data = {"title": "x", "body": "y", "channels": ["email"], "shapes": shapes, "seen": "0"}
    words = client.post(f"/desk/alerts/{alert.reference}/count/", data).content.decode()
    day = clock.local(clock.now()).date() + timedelta(days=9)
    assert "About 20 places with registered cameras" in words and f"{day:%A} {day.day} {day:%B}" in words
