"""What an approver is told of the changes since the last version: all of it, known keys and new ones."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.alerts import actions, rules
from bell.staff import compared

CIRCLE = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-1.375, 53.02]}}


def drawn(metres):
    return {**CIRCLE, "properties": {"radius_m": metres}}


def told(cast, before, after):
    alert = cast.draft(**before)
    version = actions.submit(alert, by=cast.author)
    actions.turn_back(version, by=cast.approver, reason="Again.")
    actions.edit(alert, by=cast.author, **after)
    return {one.name: one for one in compared.since_last(actions.submit(alert, by=cast.author))}


def test_each_part_of_an_alert_that_changes_is_told_in_words(cast):
    for number in range(3):
        cast.resident(mobile=f"07700 90000{number}")
    before = {"audience": {"areas": [cast.west.pk], "shapes": [drawn(300)], "groups": []}}
    after = {
        "title": "Shed burglaries in Ray Street",
        "body": "Two sheds were broken into **last week**. Did you see a white van?",
        "sms_text": "Sheds broken into.",
        "by_sms": True,
        "urgent": True,
        "audience": {"areas": [cast.east.pk], "shapes": [drawn(500)], "groups": [cast.dog_walkers.pk]},
        "carriers": [cast.partner.pk],
        "send_at": datetime(2036, 7, 1, 9, tzinfo=UTC),
    }
    found = told(cast, before, after)
    assert set(found) == {
        "title", "message", "text message", "by text message", "urgency", "areas", "shapes on the map", "groups",
        "organisations that carry it", "time of sending",
    }  # fmt: skip
    assert (found["areas"].was, found["areas"].now) == ("West Ward", "East Ward")
    assert (found["groups"].was, found["groups"].now) == ("none", "Dog walkers")
    assert found["shapes on the map"].was.startswith("Circle of 300 metres")
    assert found["shapes on the map"].now.startswith("Circle of 500 metres")
    assert found["organisations that carry it"].now == "Test Council"
    assert (found["urgency"].was, found["urgency"].now) == ("no", "yes")
    assert "10am" in found["time of sending"].now and "2036" in found["time of sending"].now
    words = {piece.sort: piece.words for piece in found["message"].pieces if piece.sort != "same"}
    assert words == {"out": "night**.", "in": "week**."}


def test_the_facts_of_a_kind_are_told_by_their_own_names(cast):
    fields = {"from_time": "1am", "to_time": "3am", "look_for": "A van"}
    found = told(cast, {"kind": "footage", "fields": fields}, {"fields": fields | {"to_time": "4am"}})
    assert {name: (one.was, one.now) for name, one in found.items()} == {"footage until": ("3am", "4am")}


def test_the_first_version_changed_nothing(cast):
    assert compared.since_last(actions.submit(cast.draft(), by=cast.author)) == []


def test_a_key_that_nobody_taught_this_page_is_shown_by_its_name(cast):
    now = rules.snapshot(cast.draft())
    later = now | {
        "languages": {"pl": {"title": "Szopy"}},
        "picture": {"sha256": "ab"},
        "parts": [1, {"a": 2}],
        "on": True,
    }
    found = {one.name: one.now for one in compared.changes(now, later)}
    assert found == {
        "other languages, pl, title": "Szopy",
        "picture, sha256": "ab",
        "parts": '[1, {"a": 2}]',
        "on": "yes",
    }
    back = {one.name: (one.was, one.now) for one in compared.changes(later, now)}
    assert back["other languages, pl, title"] == ("Szopy", "none")


leaf = st.one_of(
    st.none(), st.booleans(), st.integers(-99, 99), st.text(max_size=12), st.lists(st.integers(0, 9), max_size=3)
)
frozen = st.dictionaries(
    st.sampled_from(["title", "body", "urgent", "languages", "new_thing", "fields", "send_at"]),
    st.one_of(leaf, st.dictionaries(st.text("ab", min_size=1, max_size=2), leaf, max_size=3)),
)


def empty_to_nothing(value):
    if isinstance(value, dict):
        return {key: kept for key, one in value.items() if (kept := empty_to_nothing(one)) not in (None, "", [], {})}
    return value


@given(frozen, frozen)
def test_whatever_differs_is_told_and_nothing_else(before, now):
    found = list(compared.changes(before, now))
    assert bool(found) == (empty_to_nothing(before) != empty_to_nothing(now))
    for one in found:
        if one.pieces:
            assert "".join(piece.words for piece in one.pieces if piece.sort != "out") == (
                one.now if one.now != "none" else ""
            )


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", '"><img src=x>', "a & b"])
def test_hostile_words_stay_words(cast, at_desk, title):
    alert = cast.draft()
    actions.turn_back(actions.submit(alert, by=cast.author), by=cast.approver, reason=title)
    actions.edit(alert, by=cast.author, title=title)
    actions.submit(alert, by=cast.author)
    page = at_desk("approver").get(f"/desk/alerts/{alert.reference}/approve/").content.decode()
    assert title not in page.partition("Since the last version")[2] and "Changed: title." in page
