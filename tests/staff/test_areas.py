"""The pages of an import of areas: who may, what they show, what they refuse; counting nobody out."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from bell.alerts import area_use
from bell.lib import clock
from bell.places.models import Area
from bell.residents import area_work
from bell.residents.area_models import AreaImport
from bell.residents.area_models import ImportState as State
from bell.worker import timetable
from tests.cast import IN_EAST
from tests.residents.test_areas import MOVED, checked, feature, raw, work_through

pytestmark = pytest.mark.django_db
HOME = "/desk/areas/"
COLUMNS = {"kind": "ward", "name": "name", "code": "code", "parent": "", "parent_kind": "district", "whole": "whole"}


def given(content=None, name="wards.geojson"):
    return {"file": SimpleUploadedFile(name, raw(*MOVED) if content is None else content)}


def words(response):
    text = re.sub(r"<(svg|script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_from_file_to_map_to_applied_and_back(cast, at_desk):
    for _ in range(7):
        cast.resident(IN_EAST)
    desk = at_desk("administrator")
    assert "Import boundaries" in words(desk.get(HOME))
    here = desk.post(HOME, given()).url
    page = words(desk.get(here))
    assert "name (West Ward, East Ward (new))" in page and "In use: district, force, ward" in page
    assert desk.post(f"{here}check/", COLUMNS).url == here
    assert "Reading the file" in words(desk.get(here)) and desk.get(f"{here}live/").status_code == 200
    work_through()
    assert desk.get(f"{here}live/").headers["HX-Refresh"] == "true"
    page = words(desk.get(here))
    assert "People who change area: about 5." in page
    assert set(re.findall(r"about (\d+)", page)) == {"5"}, "seven people are said to be about five"
    assert "Was called East Ward" in page and "Heanor SNT : its patch moves with East Ward (new), West Ward" in page
    assert "Far SNT : its patch still holds Far Ward" in page
    assert b"<svg" in desk.get(here).content
    shown = json.loads(desk.get(f"{here}map.json").content)["features"]
    assert {one["properties"]["tone"] for one in shown} == {"moved", "came", "went", "before", "after"}
    assert json.loads(desk.get(f"{here}map.json?layer=ground").content)["features"] == []
    assert "Type the word ward to go on" in words(desk.get(f"{here}apply/"))
    assert "There is a problem" in words(desk.post(f"{here}apply/", {"typed": "yes"}))
    assert AreaImport.objects.get().state == State.CHECKED
    assert desk.post(f"{here}apply/", {"typed": "ward"}).url == here
    work_through()
    assert "Put it back" in words(desk.get(here))
    assert "(no longer in use)" not in words(desk.get(HOME))
    assert desk.post(f"{here}put-back/", {"typed": "ward"}).url == here
    work_through()
    assert "Put back" in words(desk.get(here)) and not Area.objects.filter(code="W9", retired_at=None).exists()
    assert b"".join(desk.get(f"{here}file/")) == raw(*MOVED)


@pytest.mark.parametrize("who", ["author", "approver", "dpo", "outsider", "stranger"])
def test_a_stranger_finds_nothing(cast, at_desk, who):
    run = checked(cast)
    desk = at_desk(who)
    for path in ("", f"{run.pk}/", f"{run.pk}/live/", f"{run.pk}/map.json", f"{run.pk}/file/", f"{run.pk}/apply/"):
        assert desk.get(f"{HOME}{path}").status_code == 404, path
    for path in ("", f"{run.pk}/check/", f"{run.pk}/apply/", f"{run.pk}/put-back/", f"{run.pk}/drop/"):
        assert desk.post(f"{HOME}{path}", {"typed": "ward"}).status_code == 404, path
    run.refresh_from_db()
    assert run.state == State.CHECKED
    assert HOME.encode() not in desk.get("/desk/").content


def test_an_administrator_of_a_partner_finds_nothing(cast, at_desk):
    from_partner = cast.officer("Pat Partner", cast.partner.teams.create(name="Council", slug="c"), "administrator")
    assert at_desk(from_partner).get(HOME).status_code == 404


def test_get_changes_nothing(cast, at_desk):
    run = checked(cast)
    before = AreaImport.objects.values().get()
    desk = at_desk("administrator")
    for path in ("", f"{run.pk}/", f"{run.pk}/live/", f"{run.pk}/map.json", f"{run.pk}/file/", f"{run.pk}/apply/"):
        assert desk.get(f"{HOME}{path}").status_code == 200, path
    for path in ("check", "drop"):
        assert desk.get(f"{HOME}{run.pk}/{path}/").status_code == 405
    assert AreaImport.objects.values().get() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not json", "This file cannot be read"),
        (b"", "This file is empty"),
        (b'{"type":"FeatureCollection","features":[]}', "There are no features in this file"),
        (b"<!DOCTYPE k><kml/>", "document type"),
    ],
)
def test_a_bad_file_is_refused_in_words(cast, at_desk, content, said):
    response = at_desk("administrator").post(HOME, given(content))
    assert said in words(response) and not AreaImport.objects.exists()


def test_a_file_that_is_too_large_and_none_at_all(cast, at_desk, monkeypatch):
    monkeypatch.setattr("bell.staff.forms.areas.LARGEST_FILE", 10)
    desk = at_desk("administrator")
    assert "MB or smaller" in words(desk.post(HOME, given()))
    assert "Select a file" in words(desk.post(HOME, {}))


def test_a_name_that_is_markup_stays_text(cast, at_desk):
    sly = feature("<script>alert(1)</script>", "W7", -1.3, 53.0, -1.28, 53.02)
    run = checked(cast, sly)
    page = at_desk("administrator").get(f"{HOME}{run.pk}/").content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_columns_that_cannot_be_are_said_at_their_fields(cast, at_desk):
    desk = at_desk("administrator")
    here = desk.post(HOME, given()).url
    response = desk.post(f"{here}check/", {**COLUMNS, "kind": "Ward?!", "parent": "code", "parent_kind": "ward"})
    assert "Enter the kind of area in lower case" in words(response)
    assert AreaImport.objects.get().state == State.NEW


def test_a_second_import_is_told_to_wait(cast, at_desk):
    desk = at_desk("administrator")
    one, other = desk.post(HOME, given()).url, desk.post(HOME, given(name="second.geojson")).url
    desk.post(f"{one}check/", COLUMNS)
    assert "Another import of areas is at work (wards.geojson, being read)" in words(
        desk.post(f"{other}check/", COLUMNS)
    )
    assert "now" in words(desk.post(f"{one}check/", COLUMNS, follow=True))


def test_an_alert_that_waits_is_named_by_its_reference_only(cast, at_desk):
    alert = cast.draft(title="A secret operation")
    other = cast.draft(audience={"areas": [], "shapes": [], "groups": [], "exclude": {"areas": [cast.far.pk]}})
    sent = cast.draft()
    sent.state = "sent"
    sent.save()
    run = checked(cast)
    page = words(at_desk("administrator").get(f"{HOME}{run.pk}/"))
    assert alert.reference in page and other.reference in page and sent.reference not in page
    assert "secret" not in page
    assert {use.reference for use in area_use.waiting([cast.far.pk])} == {other.reference}


def test_saved_audiences_are_counted_by_team_without_their_names(cast, at_desk):
    for number, key in enumerate(("areas", "not_areas", "also_areas")):
        rule = {"areas": [], "shapes": [], "groups": [], key: [cast.far.pk]}
        cast.team.saved_audiences.create(name=f"Secret plan {number}", audience=rule, by=cast.author, at=clock.now())
    other = {"areas": [cast.west.parent_id], "shapes": [], "groups": []}
    cast.other_team.saved_audiences.create(name="Quiet", audience=other, by=cast.author, at=clock.now())
    page = words(at_desk("administrator").get(f"{HOME}{checked(cast).pk}/"))
    assert "Saved audiences Heanor SNT, 3 of its own Far Ward (gone)" in page
    assert "Secret plan" not in page and "Far SNT, 1" not in page


def test_a_draft_keeps_its_tick_on_an_area_that_is_gone(cast, at_desk):
    alert = cast.draft(
        team=cast.other_team,
        by=cast.officer("Fay Far", cast.other_team, "author"),
        audience={"areas": [cast.far.pk], "shapes": [], "groups": []},
    )
    run = checked(cast)
    desk = at_desk("administrator")
    desk.post(f"{HOME}{run.pk}/apply/", {"typed": "ward"})
    work_through()
    page = at_desk(alert.author).get(f"/desk/alerts/{alert.reference}/edit/").content.decode()
    assert "Far Ward (no longer in use)" in page
    fresh = cast.draft(team=cast.other_team, by=alert.author, audience={"areas": [], "shapes": [], "groups": []})
    assert "no longer in use" not in at_desk(alert.author).get(f"/desk/alerts/{fresh.reference}/edit/").content.decode()


def test_a_retired_area_is_not_listed_for_residents(cast, at_desk, client):
    run = checked(cast)
    assert "Far Ward" in client.get("/area/").content.decode()
    at_desk("administrator").post(f"{HOME}{run.pk}/apply/", {"typed": "ward"})
    work_through()
    assert "Far Ward" not in client.get("/area/").content.decode()
    assert client.get("/area/ward/W3/").status_code == 200, "its page and feed stay for those who have the address"


def test_a_dropped_file_stays_in_the_list(cast, at_desk):
    run = checked(cast)
    desk = at_desk("administrator")
    assert "was dropped" in words(desk.post(f"{HOME}{run.pk}/drop/", follow=True))
    page = words(desk.get(f"{HOME}{run.pk}/"))
    assert "Dropped" in page and "Check again" not in page
    assert "This import is now: dropped" in words(desk.get(f"{HOME}{run.pk}/apply/", follow=True))


def test_the_worker_does_it(cast, at_desk):
    desk = at_desk("administrator")
    here = desk.post(HOME, given()).url
    desk.post(f"{here}check/", COLUMNS)
    [entry] = [one for one in timetable.TIMETABLE if one.name == "areas"]
    assert entry.work is area_work.run_due and entry.work() and AreaImport.objects.get().state == State.CHECKED
