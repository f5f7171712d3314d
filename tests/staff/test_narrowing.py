"""Leave out, or must also be: the composer's plain form, what others see of it, and what hostile hands send."""

import json

import pytest

from bell.alerts import actions, together
from bell.alerts.models import Alert
from tests.cast import IN_EAST, IN_WEST
from tests.staff.test_composing import circle, drawn, path, sent, shape


@pytest.fixture
def desk(cast, at_desk):
    return at_desk("author")


@pytest.fixture
def alert(cast) -> Alert:
    return cast.draft()


def test_the_simple_case_stays_simple(cast, desk, alert):
    page = desk.get(path(alert)).content.decode()
    assert '<details class="govuk-details staff-narrow" id="narrow">' in page
    desk.post(path(alert), sent(cast))
    alert.refresh_from_db()
    assert set(alert.audience) == {"areas", "shapes", "groups"}


def test_everything_that_narrows_is_kept_and_shown_to_whoever_approves(cast, desk, alert, at_desk):
    given = sent(
        cast,
        areas=[str(cast.west.pk), str(cast.east.pk)],
        not_areas=[str(cast.east.pk)],
        not_shapes=drawn(circle(150)),
        not_groups=[str(cast.cctv.pk)],
        also_areas=[str(cast.far.pk)],
        also_shapes=drawn(shape(-1.3, 53, -1.29, 53.01)),
        also_groups=[str(cast.dog_walkers.pk)],
    )
    assert desk.post(path(alert), given).status_code == 302
    alert.refresh_from_db()
    assert alert.audience["not_areas"] == [cast.east.pk] and alert.audience["also_areas"] == [cast.far.pk]
    assert alert.audience["not_groups"] == [cast.cctv.pk] and alert.audience["also_groups"] == [cast.dog_walkers.pk]
    page = desk.get(path(alert)).content.decode()
    assert 'id="narrow" open' in page and "Drawn, and left out" in page and "Drawn, and must hold a place too" in page
    version = actions.submit(alert, by=cast.author)
    assert version.frozen["audience"] == alert.audience
    page = at_desk("approver").get(f"/desk/alerts/{alert.reference}/approve/").content.decode()
    assert "Left out: East Ward, Circle of 150 metres in West Ward, People in CCTV owners" in page
    assert "Who are also in Dog walkers" in page and "Who also have a place in Far Ward or Shape of" in page
    assert '"tone": "out"' in page and '"tone": "also"' in page


def test_a_drawn_shape_is_moved_by_buttons(cast, desk, alert):
    given = sent(cast, shapes=drawn(circle(300), circle(150, *IN_EAST)))
    page = desk.post(path(alert), given | {"do": "move:in:not:1"}).content.decode()
    assert "Drawn, and left out" in page and 'value="move:not:in:0"' in page and 'value="remove:not:0"' in page
    assert "Circle of 150 metres in East Ward" in page.split("Drawn, and left out")[1].split("</ul>")[0]
    page = desk.post(path(alert), sent(cast, not_shapes=drawn(circle(150)), do="move:not:also:0")).content.decode()
    assert "Drawn, and must hold a place too" in page and "Drawn, and left out" not in page
    page = desk.post(path(alert), sent(cast, also_shapes=drawn(circle(150)), do="remove:also:0")).content.decode()
    assert "Circle of 150" not in page
    alert.refresh_from_db()
    assert alert.title == "Shed burglaries in Heanor"  # nothing was saved


@pytest.mark.parametrize(
    "do", ["move:in:not:9", "move:in:in:0", "move:x:not:0", "move:in:not:²", "remove:also:", "move"]
)
def test_buttons_that_are_none_change_nothing(cast, desk, alert, do):
    response = desk.post(path(alert), sent(cast, shapes=drawn(circle(300)), do=do))
    assert response.status_code == 200 and "Circle of 300 metres" in response.content.decode()


def test_a_group_that_is_left_out_cannot_be_asked_for(cast, desk, alert):
    dogs = [str(cast.dog_walkers.pk)]
    page = desk.post(path(alert), sent(cast, groups=dogs, not_groups=dogs)).content.decode()
    assert "A group that you leave out is chosen too" in page and 'id="narrow" open' in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("not_areas", "9999999", "is not there any more"),
        ("also_areas", "x", "is not there any more"),
        ("not_groups", "0", "is closed"),
        ("not_shapes", "{}", "not what the map draws"),
        ("also_shapes", json.dumps({"type": "FeatureCollection", "features": [None]}), "not what the map draws"),
    ],
)
def test_hostile_values_get_words(cast, desk, alert, field, value, words):
    response = desk.post(path(alert), sent(cast, **{field: value}))
    assert response.status_code == 200 and words in response.content.decode()
    counted = desk.post(path(alert, "count"), sent(cast, **{field: value})).content.decode()
    assert words in counted


def test_another_teams_ground_may_be_left_out_but_not_by_name(cast, desk, alert):
    page = desk.post(path(alert), sent(cast, not_areas=[str(cast.far.pk)])).content.decode()
    assert "is not there any more" in page
    assert desk.post(path(alert), sent(cast, also_areas=[str(cast.far.pk)])).status_code == 302


def test_the_count_says_that_a_second_place_is_looked_at_later(cast, desk, alert, everyone_counts_once):
    for _ in range(10):
        cast.resident(IN_WEST)
    page = desk.post(path(alert, "count"), sent(cast, also_areas=[str(cast.east.pk)])).content.decode()
    assert "At most about 10 people" in page and "when you submit" in page


def test_a_draft_taken_on_from_a_partner_brings_no_groups(cast):
    theirs = cast.draft(
        by=cast.outsider, team=cast.outsider.grants.first().team,
        audience={"areas": [cast.west.pk], "not_areas": [cast.east.pk], "not_groups": [cast.cctv.pk], "groups": []},
    )  # fmt: skip
    ask = together.ask(theirs, to=cast.force, by=cast.outsider)
    made = actions.take_on(ask, team=cast.team, by=cast.author)
    assert made.audience == {"areas": [cast.west.pk], "shapes": [], "groups": [], "not_areas": [cast.east.pk]}


def test_a_colleague_who_saved_meanwhile_is_shown_with_what_they_left_out(cast, desk, alert):
    theirs = {"areas": [cast.west.pk], "shapes": [], "groups": [], "not_groups": [cast.cctv.pk]}
    actions.edit(alert, by=cast.approver, audience=theirs)
    page = desk.post(path(alert), sent(cast)).content.decode()
    assert "not People in CCTV owners" in page


def test_people_over_the_border_are_counted(cast, desk, alert, at_desk, everyone_counts_once):
    cast.team.margin_m = 500
    cast.team.save()
    for _ in range(10):
        cast.resident((-1.297, 53.02))
        cast.resident(IN_WEST)
    wide = drawn(shape(-1.40, 53.0, -1.2945, 53.04))
    page = desk.post(path(alert, "count"), sent(cast, areas=[], shapes=wide)).content.decode()
    assert "About 20 people" in page and "About 10 of them" in page and "outside your patch" in page
    desk.post(path(alert), sent(cast, areas=[], shapes=wide))
    alert.refresh_from_db()
    actions.submit(alert, by=cast.author)
    page = at_desk("approver").get(f"/desk/alerts/{alert.reference}/approve/").content.decode()
    assert "Outside your patch" in page


def test_whoever_has_a_place_there_and_one_at_home_is_not_over_the_border(cast, desk, alert, everyone_counts_once):
    for _ in range(10):
        cast.resident(IN_WEST)
    page = desk.post(path(alert, "count"), sent(cast)).content.decode()
    assert "outside your patch" not in page
