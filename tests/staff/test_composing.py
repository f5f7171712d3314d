"""Writing an alert: the composer as a plain form, its fragments, its problems, and what hostile hands send."""

import json
import re

import pytest
from shapely.geometry import box, mapping

from bell.alerts import actions as alert_actions
from bell.alerts import counting
from bell.alerts.checks import reach
from bell.alerts.models import Alert, CountAsked, State
from bell.organisations.kinds import Kind
from tests.cast import IN_WEST


def shape(*bounds: float) -> dict:
    return {"type": "Feature", "properties": {}, "geometry": mapping(box(*bounds))}


def circle(metres: object = 500, lon: object = IN_WEST[0], lat: object = IN_WEST[1]) -> dict:
    geometry = {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "properties": {"radius_m": metres}, "geometry": geometry}


def drawn(*features: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


@pytest.fixture
def desk(cast, at_desk):
    return at_desk("author")


@pytest.fixture
def alert(cast) -> Alert:
    return cast.draft()


def sent(cast, **changes: object) -> dict:
    """What the composer's form sends for a whole alert."""
    return {
        "do": "save",
        "seen": "0",
        "title": "Bikes taken",
        "body": "Two bikes were taken from **Market Street**.",
        "sms_text": "",
        "channels": ["email"],
        "areas": [str(cast.west.pk)],
        "shapes": "",
        "circle_postcode": "",
        "circle_radius": "500",
        "whole": "1",
    } | changes


def path(alert: Alert, page: str = "edit") -> str:
    return f"/desk/alerts/{alert.reference}/{page}/"


def test_problems_are_listed_in_the_order_of_the_page(cast, desk):
    appeal = cast.draft(kind=Kind.FOOTAGE, fields={})
    wrong = {"title": "x" * 500, "from_time": "no", "areas": ["0"], "circle_radius": "far", "send_at": "soon"}
    page = desk.post(path(appeal), sent(cast, do="submit", **wrong)).content.decode()
    summary = page.partition("There is a problem")[2].partition("</div>")[0]
    linked = re.findall(r'href="#([a-z0-9_]+)"', summary)
    assert {"id_title", "id_from_time", "id_circle_radius", "id_send_at"} <= set(linked)
    assert linked == sorted(linked, key=lambda one: page.index(f'id="{one}"'))


def test_a_new_alert_begins_with_its_kind(cast, desk):
    page = desk.get("/desk/new/").content.decode()
    assert "Appeal for footage" in page and "Outcome of an appeal" not in page
    response = desk.post("/desk/new/", {"kind": "crime", "team": cast.team.pk})
    alert = Alert.objects.get()
    assert response.url == path(alert)
    assert (alert.state, alert.kind, alert.author) == (
        State.DRAFT,
        "crime",
        cast.author,
    )


@pytest.mark.parametrize("given", [{}, {"kind": "outcome"}, {"kind": "nonsense"}, {"kind": "crime\0"}])
def test_a_kind_that_cannot_be_begun_is_refused_in_words(cast, desk, given):
    response = desk.post("/desk/new/", given | {"team": cast.team.pk})
    assert response.status_code == 200 and b"There is a problem" in response.content
    assert not Alert.objects.exists()


@pytest.mark.parametrize("team", ["other_team", "media_team"])
def test_nobody_begins_an_alert_for_another_team(cast, desk, team):
    response = desk.post("/desk/new/", {"kind": "crime", "team": getattr(cast, team).pk})
    assert response.status_code == 200 and not Alert.objects.exists()


def test_an_administrator_who_writes_for_no_team_is_told(at_desk):
    assert b"You write for no team yet" in at_desk("administrator").get("/desk/new/").content


def test_saving_keeps_everything(cast, desk, alert):
    given = sent(cast, channels=["email", "sms"], sms_text="Bikes gone", urgent="on", groups=[str(cast.cctv.pk)])
    response = desk.post(path(alert), given | {"shapes": drawn(shape(-1.38, 53.01, -1.37, 53.02), circle(400))})
    assert response.url == path(alert)
    alert.refresh_from_db()
    assert (alert.title, alert.sms_text, alert.urgent) == ("Bikes taken", "Bikes gone", True)
    assert alert.by_email and alert.by_sms and alert.last_editor == cast.author
    assert alert.audience["areas"] == [cast.west.pk] and alert.audience["groups"] == [cast.cctv.pk]
    assert alert.audience["shapes"][1]["properties"] == {"radius_m": 400}
    page = desk.get(path(alert)).content.decode()
    assert "Circle of 400 metres in West Ward" in page and "Bikes gone" in page


def test_problems_stand_at_their_fields_and_the_draft_is_kept(cast, desk, alert):
    given = sent(cast, do="submit", title="", areas=[], channels=[])
    page = desk.post(path(alert), given).content.decode()
    for words in ("Enter a title", "Choose email, text message or both", "Choose at least one area"):
        assert words in page
    assert 'href="#id_title"' in page and "Your draft is saved" in page
    alert.refresh_from_db()
    assert alert.state == State.DRAFT and alert.body.startswith("Two bikes")


def test_facts_of_the_kind_are_asked_for_and_said_in_words(cast, desk):
    alert = cast.draft(kind=Kind.FOOTAGE)
    page = desk.post(path(alert), sent(cast, do="submit")).content.decode()
    assert "Enter when the footage should start" in page and "Say what to look for" in page
    when = {"from_time": "2026-11-19T23:00", "to_time": "2026-11-20T05:30", "look_for": "A white van"}
    response = desk.post(path(alert), sent(cast, do="submit", seen="1", **when))
    assert response.url == f"/desk/alerts/{alert.reference}/"
    fields = alert.versions.get().frozen["fields"]
    assert fields["from_time"].startswith("Thursday 19 November") and fields["from_time"].endswith("at 11pm")
    assert "Thursday 19 November" in desk.get(f"/desk/alerts/{alert.reference}/").content.decode()


@pytest.mark.parametrize("when", [
    {"from_time": "2026-11-20T05:30", "to_time": "2026-11-19T23:00"}, {"from_time": "0001-01-01T00:00"},
    {"from_time": "yesterday"}, {"to_time": "9999-12-31T23:59"}, {"from_time": "2026-03-29T01:30"},
])  # fmt: skip
def test_impossible_times_are_refused_in_words(cast, desk, when):
    alert = cast.draft(kind=Kind.FOOTAGE)
    response = desk.post(path(alert), sent(cast, **when))
    assert response.status_code == 200 and b"There is a problem" in response.content


def test_submitting_freezes_a_version_and_says_who_was_asked(cast, desk, alert):
    response = desk.post(path(alert), sent(cast, do="submit"), follow=True)
    alert.refresh_from_db()
    assert alert.state == State.SUBMITTED and alert.versions.count() == 1
    assert "Ben Approver" in response.content.decode() and "Cas Second" in response.content.decode()


def test_when_a_colleague_saved_meanwhile_both_versions_are_kept(cast, desk, alert):
    alert_actions.edit(alert, by=cast.approver, title="Theirs", audience={"areas": [cast.east.pk]})
    response = desk.post(path(alert), sent(cast, title="Mine"))
    page = response.content.decode()
    assert response.status_code == 409
    assert 'value="Mine"' in page and "Theirs" in page and "East Ward" in page
    alert.refresh_from_db()
    assert alert.title == "Theirs"
    assert desk.post(path(alert), sent(cast, title="Mine", seen="1")).status_code == 302
    alert.refresh_from_db()
    assert alert.title == "Mine"


def test_an_alert_that_left_the_desk_cannot_be_changed(cast, desk, alert):
    alert_actions.submit(alert, by=cast.author)
    assert desk.post(path(alert), sent(cast, title="Late")).url == f"/desk/alerts/{alert.reference}/"
    assert desk.post(path(alert, "count"), sent(cast)).status_code == 403
    late = desk.post(path(alert, "preview"), sent(cast))  # the page's last request may come after its submitting
    assert late.status_code == 204 and not late.content
    alert.refresh_from_db()
    assert alert.title != "Late"


def test_a_colleague_without_a_writing_role_may_look_but_not_edit(cast, at_desk, alert):
    client = at_desk("administrator")
    assert client.get(f"/desk/alerts/{alert.reference}/").status_code == 200
    assert client.get(path(alert)).status_code == 302
    assert client.post(path(alert), sent(cast, title="X")).status_code == 302
    alert.refresh_from_db()
    assert alert.title != "X"


# Counting.


def test_the_count_says_people_channels_and_cost(cast, desk, alert, everyone_counts_once):
    for number in range(12):
        cast.resident(mobile="" if number < 7 else None)
    page = desk.post(path(alert, "count"), sent(cast, channels=["email", "sms"])).content.decode()
    assert "About 10 people: 10 by email, 5 also by text (£0.12)" in page
    assert CountAsked.objects.count() == 1


@pytest.mark.parametrize(("people", "words"), [(0, "Fewer than 5"), (1, "Fewer than 5"), (4, "Fewer than 5")])
def test_small_numbers_are_hidden(cast, desk, alert, people, words, everyone_counts_once):
    for _ in range(people):
        cast.resident()
    page = desk.post(path(alert, "count"), sent(cast)).content.decode()
    assert words in page and f"{people} people" not in page


def test_counting_is_limited_in_words(cast, desk, alert, monkeypatch):
    monkeypatch.setattr(counting, "COUNTS_A_MINUTE", 2)
    for _ in range(2):
        assert "Wait a moment" not in desk.post(path(alert, "count"), sent(cast)).content.decode()
    assert "Wait a moment" in desk.post(path(alert, "count"), sent(cast)).content.decode()


def test_an_audience_beyond_the_patch_is_not_counted(cast, desk, alert):
    beyond = desk.post(path(alert, "count"), sent(cast, areas=[], shapes=drawn(shape(-1.22, 53.0, -1.16, 53.03))))
    assert "reaches further than Heanor SNT may send" in beyond.content.decode()
    foreign = desk.post(path(alert, "count"), sent(cast, areas=[str(cast.far.pk)]))
    assert "not one this team may choose" in foreign.content.decode()
    assert not CountAsked.objects.exists()


def test_a_follow_up_counts_those_who_were_sent_the_first(cast, desk):
    earlier, _ = cast.approved()
    Alert.objects.filter(pk=earlier.pk).update(state=State.SENT)
    desk.post(f"/desk/alerts/{earlier.reference}/follow/", {"relation": "update"})
    alert = Alert.objects.get(follows=earlier)
    page = desk.get(path(alert)).content.decode()
    assert earlier.reference in page and "id_shapes" not in page and "circle_postcode" not in page
    assert desk.post(path(alert, "count"), {"channels": ["email"], "title": "More"}).status_code == 200
    assert desk.post(path(alert), sent(cast)).status_code == 302


BAD_SHAPES = {
    "not JSON": "{",
    "no collection": json.dumps(shape(-1.38, 53.01, -1.37, 53.02)),
    "NaN": '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"Polygon",'
    '"coordinates":[[[NaN,53],[-1.3,53],[-1.3,53.1],[NaN,53]]]}}]}',
    "radius NaN": '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"radius_m":NaN},"geometry":'
    '{"type":"Point","coordinates":[-1.37,53.02]}}]}',
    "deep": "[" * 5000 + "]" * 5000,
    "many": drawn(*[circle()] * 21),
    "long": " " * 400_000 + "x" * 200_000,
    "null": "null",
    "features null": '{"type":"FeatureCollection","features":null}',
    "feature null": drawn(None, 3, "x", []),
    "geometry null": drawn({"type": "Feature", "properties": {}, "geometry": None}),
    "a line": drawn({"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}),
    "crossed": drawn({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [
        [[-1.39, 53.0], [-1.36, 53.03], [-1.36, 53.0], [-1.39, 53.03], [-1.39, 53.0]]]}}),
    "no radius": drawn({"type": "Feature", "geometry": {"type": "Point", "coordinates": [-1.37, 53.02]}}),
    "words for a radius": drawn(circle("far")),
    "a tiny circle": drawn(circle(1)),
    "an enormous circle": drawn(circle(10**400)),
    "a middle off the map": drawn(circle(500, 400, 53)),
    "a middle of words": drawn(circle(500, "x", [])),
    "collection in a feature": drawn({"type": "FeatureCollection", "features": [shape(-1.38, 53.01, -1.37, 53.02)]}),
    "NUL": "\0",
}  # fmt: skip


@pytest.mark.parametrize("page", ["edit", "count", "preview", "circle"])
@pytest.mark.parametrize("bad", BAD_SHAPES)
def test_hostile_shapes_are_refused_in_words_everywhere(cast, desk, alert, bad, page):
    response = desk.post(path(alert, page), sent(cast, areas=[], shapes=BAD_SHAPES[bad]))
    assert response.status_code == 200
    alert.refresh_from_db()
    assert alert.audience["shapes"] == [] and not CountAsked.objects.exists()
    if page == "edit":
        assert b"There is a problem" in response.content


@pytest.mark.parametrize("given", [
    {"areas": ["x"]}, {"areas": ["-1"]}, {"areas": ["9" * 30]}, {"groups": ["\0"]}, {"groups": ["999999"]},
    {"channels": ["pigeon"]}, {"seen": "x"}, {"seen": "-4"}, {"seen": "9" * 40}, {"title": "a\0b"},
    {"title": "x" * 101},
    {"body": "x" * 4001}, {"body": "\0"}, {"sms_text": "y" * 1001}, {"circle_radius": "1e9"}, {"circle_radius": "-1"},
])  # fmt: skip
def test_hostile_fields_are_refused_in_words(cast, desk, alert, given):
    for page in ("edit", "count", "preview"):
        response = desk.post(path(alert, page), sent(cast, **given))
        assert response.status_code == 200
    alert.refresh_from_db()
    assert alert.edit == 0


def test_a_body_of_megabytes_is_refused_before_it_is_read(cast, desk, alert):
    assert desk.post(path(alert), sent(cast, body="x" * 3_000_000)).status_code == 400


def test_what_is_typed_never_becomes_markup(cast, desk, alert):
    given = sent(cast, title="<script>alert(1)</script>", body="<img src=x onerror=alert(1)> [x](javascript:alert(1))")
    given["sms_text"] = "</textarea><script>"
    page = desk.post(path(alert, "preview"), given | {"channels": ["email", "sms"]}).content.decode()
    assert "<script" not in page and "<img" not in page and 'href="javascript' not in page
    desk.post(path(alert), given)
    for where in (path(alert), f"/desk/alerts/{alert.reference}/", "/desk/", "/desk/alerts/"):
        assert "<script>alert" not in desk.get(where).content.decode()


# Previews and circles.


def test_the_preview_is_what_will_be_sent(cast, desk, alert):
    given = sent(cast, channels=["email", "sms"], sms_text="It costs 5€ – “really” Ŵ")
    page = desk.post(path(alert, "preview"), given).content.decode()
    assert "<strong>Market Street</strong>" in page and "Crimestoppers" in page
    assert "UCS-2" in page and "Ŵ" in page and "Sent as plain signs" in page
    assert "slot0" not in page, "the slot of the person's own link is shown in words"


def test_a_circle_by_postcode_without_scripts_loses_nothing(cast, desk, alert):
    given = sent(cast, do="circle", circle_postcode="de75 7ab", circle_radius="300", title="Still here")
    page = desk.post(path(alert), given).content.decode()
    assert "Circle of 300 metres in West Ward" in page and 'value="Still here"' in page
    again = desk.post(path(alert), sent(cast, do="remove:0", shapes=drawn(circle()))).content.decode()
    assert "Circle of" not in again
    counted = desk.post(path(alert), sent(cast, do="count", shapes=drawn(circle()))).content.decode()
    assert "Fewer than 5 people" in counted
    alert.refresh_from_db()
    assert alert.edit == 0, "only saving saves"


@pytest.mark.parametrize(("postcode", "words"), [
    ("", "Enter your postcode"), ("nonsense", "Enter a postcode"), ("DE75", "Enter the whole postcode"),
    ("ZZ1 1ZZ", "We do not know the postcode"),
])  # fmt: skip
def test_a_wrong_postcode_is_said_with_and_without_scripts(cast, desk, alert, postcode, words):
    given = sent(cast, do="circle", circle_postcode=postcode)
    assert words in desk.post(path(alert), given).content.decode()
    assert words in desk.post(path(alert, "circle"), given).json()["problem"]


def test_a_circle_by_postcode_with_scripts(cast, desk, alert):
    feature = desk.post(path(alert, "circle"), sent(cast, circle_postcode="DE75 7AB")).json()["feature"]
    assert feature["geometry"]["coordinates"] == list(IN_WEST) and feature["properties"] == {"radius_m": 500}
    assert "25 metres or more" in desk.post(path(alert, "circle"), sent(cast, circle_radius="3")).json()["problem"]


@pytest.mark.parametrize("do", ["", "remove:", "remove:x", "remove:99", "remove:²", "explode"])
def test_unknown_buttons_change_nothing(cast, desk, alert, do):
    assert desk.post(path(alert), sent(cast, do=do)).status_code == 200
    alert.refresh_from_db()
    assert alert.edit == 0


# The ground.


def test_the_map_shows_the_patch_by_name_and_its_reach(cast, desk, alert):
    features = desk.get(path(alert, "ground")).json()["features"]
    names = {one["properties"].get("name") for one in features}
    assert {"West Ward", "East Ward"} <= names and "Far Ward" not in names
    assert [one["properties"] for one in features].count({"tone": "quiet"}) == 1
    cast.team.patch.remove(cast.east)
    names = {one["properties"].get("name") for one in desk.get(path(alert, "ground")).json()["features"]}
    assert "East Ward" not in names, "a changed patch is seen at once"


def test_a_team_without_a_patch_or_with_the_whole_force_still_writes(cast, at_desk):
    cast.team.patch.clear()
    alert = cast.draft(audience={})
    page = at_desk("author").get(path(alert)).content.decode()
    assert "This team has no areas yet" in page
    wide = cast.draft(by=cast.media, team=cast.media_team)
    page = at_desk("media").get(path(wide)).content.decode()
    assert "Far Ward" in page and "Testshire" in page
    assert at_desk("media").get(path(wide, "ground")).status_code == 200


def test_the_preview_says_what_the_checks_notice_while_one_writes(cast, desk, alert):
    given = sent(cast, body="He lives at 14 Sowbury Park Road.")
    page = desk.post(path(alert, "preview"), given).content.decode()
    assert "What the checks noticed" in page and "<q>14 Sowbury Park Road</q>" in page
    assert "What the checks noticed" not in desk.post(path(alert, "preview"), sent(cast)).content.decode()


def test_everyone_is_asked_for_only_when_everyone_is_meant(cast, desk, alert, monkeypatch):
    for _ in range(20):
        cast.resident()
    assert "How many people is it meant for" not in desk.get(path(alert)).content.decode()
    monkeypatch.setattr(reach, "EVERYONE_LEAST", 10)
    page = desk.post(path(alert), sent(cast, do="submit")).content.decode()
    assert "How many people is it meant for" in page and "about 20 people" in page
    assert Alert.objects.get().state == State.DRAFT
    wrong = desk.post(path(alert), sent(cast, do="submit", seen="1", everyone="7")).content.decode()
    assert "about 20 people" in wrong and 'value="7"' in wrong
    desk.post(path(alert), sent(cast, do="submit", seen="2", everyone="20"))
    assert Alert.objects.get().state == State.SUBMITTED
