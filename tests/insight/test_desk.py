"""Insight at the desk: pages, map and sheets; to strangers it does not exist."""

import csv
import io

import pytest

from bell.alerts.models import Alert
from bell.staff import charts
from tests.cast import FAR, IN_WEST
from tests.insight.test_members import town as town
from tests.public.conftest import send

pytestmark = pytest.mark.django_db
PAGES = ("/desk/insight/", "/desk/insight/response/", "/desk/insight/ledger/")
SHEETS = ("/desk/insight/members.csv", "/desk/insight/response.csv", "/desk/insight/ledger.csv")


def sheet(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("path", [*PAGES, "/desk/insight/map.json", *SHEETS])
def test_for_partners_and_those_without_a_patch_it_does_not_exist(cast, at_desk, path):
    assert at_desk("outsider").get(path).status_code == 404
    for who in ("author", "media", "administrator", "stranger"):
        assert at_desk(who).get(path).status_code == 200
    assert at_desk("author").post(path).status_code == 405


def test_officers_see_their_own_areas_only(town, at_desk):
    page = at_desk("author").get("/desk/insight/").content.decode()
    assert "West Ward" in page and "Far Ward" not in page and "Heanor SNT" in page
    drawn = at_desk("author").get("/desk/insight/map.json").content.decode()
    assert "West Ward" in drawn and "Far Ward" not in drawn
    names = {row[0] for row in sheet(at_desk("author").get("/desk/insight/members.csv"))}
    assert names == {"Area", "West Ward", "East Ward"}
    assert at_desk("author").get("/desk/insight/?kind=force").status_code == 404
    assert "Far Ward" in at_desk("media").get("/desk/insight/?kind=ward").content.decode()
    assert "Far Ward" in at_desk("administrator").get("/desk/insight/?kind=ward").content.decode()


def test_hidden_numbers_are_in_no_page_map_or_sheet(cast, at_desk):
    for _ in range(3):
        cast.resident(IN_WEST)
    for _ in range(4):
        cast.resident(FAR)
    client = at_desk("media")
    for kind in ("ward", "district", "force"):
        rows = sheet(client.get(f"/desk/insight/members.csv?kind={kind}"))[1:]
        assert all(
            row[3] in ("not shown", "5") and row[5:] in (["not shown"] * 3, ["not shown", "5", "5"]) for row in rows
        )
        names = client.get(f"/desk/insight/map.json?kind={kind}").json()
        assert all("not shown" in one["properties"]["name"] for one in names["features"])


def test_a_formula_in_a_title_stays_words(cast, at_desk):
    alert = send(cast, title="Shed")
    Alert.objects.filter(pk=alert.pk).update(title='=HYPERLINK("https://evil.example")')
    row = sheet(at_desk("author").get("/desk/insight/ledger.csv"))[1]
    assert row[1].startswith("'=HYPERLINK")
    assert "attachment" in at_desk("author").get("/desk/insight/ledger.csv").headers["Content-Disposition"]


@pytest.mark.parametrize("query", ["kind=%00", "kind=none", "kind=" + "x" * 500])
def test_wrong_questions_are_not_found(cast, at_desk, query):
    assert at_desk("media").get(f"/desk/insight/?{query}").status_code == 404
    assert at_desk("media").get(f"/desk/insight/members.csv?{query}").status_code == 404


def test_the_desk_leads_there_only_those_who_may(cast, at_desk):
    assert "/desk/insight/" in at_desk("author").get("/desk/").content.decode()
    assert "/desk/insight/" not in at_desk("outsider").get("/desk/").content.decode()


def test_charts_have_round_lines_and_room():
    assert [charts.ceiling(most) for most in (0, 1, 3, 7, 18, 99, 101, 4800)] == [2, 2, 4, 10, 20, 100, 200, 10000]
    chart = charts.columns([("Jan", None), ("Feb", 50), ("Mar", 100)])
    assert [bar.height for bar in chart.bars] == [0, 86.0, 172.0] and chart.lines[-1][1] == "100"
    lying = charts.rows([("Dog walkers", 12.5), ("A very long name of a group indeed", None)])
    assert lying.bars[0].value == "12.5" and lying.bars[1].value == "too few" and len(lying.bars[1].name) == 24
    assert charts.rows([]).bars == [] and charts.columns([]).bars == []
