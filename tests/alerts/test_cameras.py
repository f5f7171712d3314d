"""Cameras near what is drawn: of use to whoever asks for footage, of none to whoever looks for one camera."""

import json
import random
import re
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest
from django.db.models import Value
from django.test import Client
from shapely.geometry import box

from bell.alerts import cameras, counting, squares
from bell.alerts.rule import Rule
from bell.lib import blocks, cells, clock
from bell.organisations.kinds import Kind
from bell.residents import cameras as register
from bell.residents.models import Camera, Resident
from bell.staff import nearby
from tests.alerts.test_counting import BOUND, feature, rekey, success
from tests.cast import EAST, FAR, IN_WEST, MIDDLE, NORTH, SOUTH, WEST, Cast
from tests.staff.test_composing import path

STREET, TOWN = 12, 60
SOON = 1
"""The target's camera keeps for a day, all others for longer: what could tell of it is as loud as it can be."""


def camera_of(person: Resident, days: int) -> None:
    register.add_camera(person, person.places.get(), direction=0, days_kept=days, by=person)


@dataclass
class Scene:
    """A street and a town, all known, everybody with a camera; the last of them is the target, who has one or not."""

    cast: Cast
    rows: list[Resident]
    spots: list[tuple[float, float]]
    days: list[int]
    has: bool = True

    def own(self, has: bool) -> None:
        """The target registers a camera, or takes it away."""
        self.has = has

    def settle(self) -> None:
        """The same in the database."""
        Camera.objects.filter(resident=self.rows[-1]).delete()
        if self.has:
            camera_of(self.rows[-1], SOON)


@pytest.fixture
def scene(cast) -> Scene:
    chance = random.Random(29)
    lon, lat = IN_WEST
    spots = [(lon + chance.uniform(-0.001, 0.001), lat + chance.uniform(-6e-4, 6e-4)) for _ in range(STREET)]
    spots += [(chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH)) for _ in range(TOWN)]
    spots.append(IN_WEST)
    rows = [cast.resident(spot) for spot in spots]
    days = [chance.choice([2, 3, 7, 10, 14, 28, 30, 31]) for _ in rows[:-1]]
    for row, kept in zip(rows, days, strict=False):
        camera_of(row, kept)
    return Scene(cast, rows, spots, [*days, SOON])


def drawings() -> list[dict]:
    """The street by itself, in ever other outlines, cut at many places, and with ever more of the town beside it."""
    lon, lat = IN_WEST
    found = [
        feature(box(lon - half, lat - half, lon + half, lat + half)) for half in (0.0004, 0.001, 0.002, 0.003, 0.005)
    ]
    for step in range(-4, 9):
        found.append(feature(box(lon - 0.004, lat - 0.003, lon + 0.0006 * step, lat + 0.003)))
        found.append(feature(box(lon - 0.004, lat - 0.003, lon + 0.004, lat + 0.0006 * step)))
    for step in range(8):
        found.append(feature(box(lon - 0.003, lat - 0.003, MIDDLE + 0.004 * (step + 1), NORTH - 0.002)))
    found.append(feature(box(WEST, SOUTH, EAST, NORTH)))
    return found


class Copy:
    """A thief's own copy: the same numbers, on what they know, without a database."""

    def __init__(self, scene: Scene, drawn: list[dict], monkeypatch: pytest.MonkeyPatch) -> None:
        self.scene, self.patch = scene, monkeypatch
        self.rules = [Rule(scene.cast.force.pk, Kind.FOOTAGE, ("email",), shapes=(one,)) for one in drawn]

    def answers(self, weights: np.ndarray) -> np.ndarray:
        """For each drawing the number, 2 where none is shown, and the days until today is recorded over, or -1."""
        many = len(self.scene.rows) - (not self.scene.has)
        codes = cells.encode(*zip(*self.scene.spots[:many], strict=True))

        def sums(around: list[cells.Range]) -> tuple[np.ndarray, np.ndarray]:
            here = cells.among(around, codes)
            return codes[here] >> blocks.SHIFT, weights[:many][here]

        with self.patch.context() as patch:
            patch.setattr(cameras, "_sums", sums)
            patch.setattr(cameras, "_days", lambda: list(zip(self.scene.days[:many], weights[:many], strict=True)))
            found = [cameras.near(rule) for rule in self.rules]
        today = clock.local(clock.now()).date()
        shown = []
        for one in found:
            shown.append(2.0 if one.cameras is None else float(one.cameras))
            shown.append(-1.0 if one.gone_on is None else float((one.gone_on - today).days))
        return np.array(shown)


def by_chance():
    chance = np.random.default_rng(31)
    return lambda: chance.binomial(2, 0.5, STREET + TOWN + 1).astype(float)


def test_a_thief_who_draws_for_ever_cannot_tell_whether_one_camera_is_registered(scene, monkeypatch):
    copy = Copy(scene, drawings(), monkeypatch)
    assert success(copy, scene.own, by_chance()) <= BOUND


def test_the_thief_is_a_good_one(scene, monkeypatch):
    """Where everyone counts once, the same drawings tell: so the bound says something."""
    copy = Copy(scene, drawings(), monkeypatch)
    assert success(copy, scene.own, lambda: np.ones(STREET + TOWN + 1)) >= 0.95


def test_the_public_door_says_what_the_thiefs_copy_says(scene, monkeypatch):
    monkeypatch.setattr(counting, "COUNTS_A_MINUTE", 10**9)
    desk, chance = Client(), random.Random(7)
    desk.force_login(scene.cast.author, backend="allauth.account.auth_backends.AuthenticationBackend")
    alert = scene.cast.draft(kind=Kind.FOOTAGE)
    drawn = drawings()[::6]
    copy = Copy(scene, drawn, monkeypatch)
    for has in (True, False):
        scene.own(has)
        scene.settle()
        rekey(scene.rows, chance)
        weights = np.array([float((row.key >> 42 & 1) + (row.key >> 43 & 1)) for row in scene.rows])
        shown = [one for shape in drawn for one in through_the_door(desk, alert, shape)]
        assert shown == list(copy.answers(weights))


def through_the_door(desk, alert, shape) -> tuple[float, float]:
    """The number on the page, or 2; and the days until its day, or -1."""
    form = {
        "title": "x", "body": "y", "channels": ["email"], "circle_radius": "500",
        "shapes": json.dumps({"type": "FeatureCollection", "features": [shape]}),
    }  # fmt: skip
    page = desk.post(path(alert, "count"), form).content.decode()
    number = re.search(r"About (\d+) places with registered cameras", page)
    assert number or "Fewer than 5 places with registered cameras, perhaps none" in page
    today = clock.local(clock.now()).date()
    days = [n for n in range(1, 40) if f"by {(d := today + timedelta(n)):%A} {d.day} {d:%B}." in page]
    return (float(number[1]) if number else 2.0), (float(days[0]) if days else -1.0)


@pytest.mark.parametrize("there", [0, 1, 4])
def test_none_and_a_few_are_said_in_the_same_words(cast, there, monkeypatch):
    monkeypatch.setattr(squares, "camera_weight", lambda key: Value(1))
    for _ in range(there):
        camera_of(cast.resident(), 3)
    for number in range(30):
        camera_of(cast.resident(FAR), 5 + number)
    alert = cast.draft(kind=Kind.FOOTAGE, audience={"areas": [], "groups": [], "shapes": drawings()[:1]})
    words = "Fewer than 5 places with registered cameras, perhaps none, lie within 150 metres of what you drew."
    assert nearby.said(alert) == words


def test_about_as_many_as_there_are_and_the_day_a_quarter_is_gone(cast, monkeypatch):
    monkeypatch.setattr(squares, "camera_weight", lambda key: Value(1))
    for number in range(24):
        camera_of(cast.resident(), number + 1)
    rule = Rule(cast.force.pk, Kind.FOOTAGE, ("email",), shapes=(drawings()[0],))
    found = cameras.near(rule)
    assert found == cameras.Near(25, clock.local(clock.now()).date() + timedelta(days=6))


def test_one_person_with_many_cameras_counts_once_at_a_place(cast, monkeypatch):
    monkeypatch.setattr(squares, "camera_weight", lambda key: Value(1))
    hoarder = cast.resident()
    for _ in range(register.MOST_CAMERAS):
        camera_of(hoarder, 3)
    rule = Rule(cast.force.pk, Kind.FOOTAGE, ("email",), shapes=(drawings()[0],))
    assert cameras.near(rule) == cameras.Near(None, None)


def test_no_later_page_says_anything_of_cameras(cast):
    for _ in range(30):
        camera_of(cast.resident(), 3)
    shape = {"areas": [], "groups": [], "shapes": drawings()[:1]}
    fields = {"from_time": "2am", "to_time": "3am", "look_for": "a van"}
    alert, _ = cast.approved(kind=Kind.FOOTAGE, audience=shape, fields=fields)
    for officer in (cast.author, cast.approver):
        desk = Client()
        desk.force_login(officer, backend="allauth.account.auth_backends.AuthenticationBackend")
        page = desk.get(f"/desk/alerts/{alert.reference}/")
        assert page.status_code == 200 and "registered camera" not in page.content.decode().lower()
