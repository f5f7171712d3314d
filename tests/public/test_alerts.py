"""The front page, the list and each alert's page: what everybody may see, and what nobody may."""

import pytest
from django.test import Client

from bell.alerts import actions as alert_actions
from bell.alerts.models import Alert, State
from bell.organisations.kinds import Kind
from bell.places.models import Area
from bell.residents.models import Group
from tests.public.conftest import send

CIRCLE = {
    "type": "Feature",
    "properties": {"radius_m": 500},
    "geometry": {"type": "Point", "coordinates": [-1.325, 53.02]},
}
POLYGON = {
    "type": "Feature",
    "properties": {},
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[-1.34, 53.01], [-1.31, 53.01], [-1.31, 53.03], [-1.34, 53.03], [-1.34, 53.01]]],
    },
}


@pytest.fixture
def alert(cast):
    return send(cast)


def page(client, alert, status=200):
    found = client.get(f"/a/{alert.reference}/")
    assert found.status_code == status
    return found.content.decode()


def test_an_empty_service_has_a_front_page_all_the_same(client, db):
    for path in ("/", "/alerts/", "/contact/", "/privacy/", "/accessibility/", "/join/", "/sign-in/"):
        assert client.get(path).status_code == 200
    assert client.get("/map/base.json").json() == {"type": "FeatureCollection", "features": []}


def test_the_front_page_says_what_it_is_and_shows_the_latest(client, cast, alert):
    words = client.get("/").content.decode()
    assert "Short messages from Testshire Police" in words
    assert alert.title in words and f"/a/{alert.reference}/" in words and "Heanor SNT" in words
    assert 'href="/join/"' in words


def test_alerts_near_a_postcode(client, cast, alert):
    assert alert.title in client.get("/?postcode=de757ab").content.decode()
    words = client.get("/?postcode=S40+1AA").content.decode()
    assert alert.title not in words and "No alert has been sent to this place" in words


@pytest.mark.parametrize("typed", ["", "DE75", "ZZ99+9ZZ", "%00", "x" * 3000, "%F0%9F%92%A5", "%E2%80%AEDE75"])
def test_a_bad_postcode_is_told_in_words(client, cast, typed):
    words = client.get(f"/?postcode={typed}").content.decode()
    assert "There is a problem" in words and "<title>Error: " in words


def test_the_alert_page_tells_everything_public(client, alert):
    words = page(client, alert)
    assert alert.title in words and "<strong>last night</strong>" in words
    assert "today at" in words or "yesterday at" in words
    assert "Heanor SNT" in words and alert.reference in words
    assert 'href="tel:999"' in words and 'href="tel:101"' in words and 'href="tel:0800555111"' in words
    assert "https://social.example/@testshire" in words
    assert "Are you one of those we asked?" in words
    assert "To people with a place in West Ward." in words
    assert "Ana Author" not in words  # officers' names are not on public pages


def test_a_reference_in_small_letters_leads_to_the_page(client, alert):
    found = client.get(f"/a/{alert.reference.lower()}/")
    assert found.status_code == 302 and found["Location"] == f"/a/{alert.reference}/"
    assert client.get(f"/a/{alert.reference.lower()}/map.json").status_code == 200


@pytest.mark.parametrize("state", [state for state in State if state not in ("sending", "sent", "stopped", "closed")])
def test_what_is_not_out_is_not_found(client, alert, state):
    changes = {"hold_until": alert.created_at} if state == State.HELD else {}
    Alert.objects.filter(pk=alert.pk).update(state=state, **changes)
    page(client, alert, 404)
    assert client.get(f"/a/{alert.reference}/map.json").status_code == 404
    assert alert.title not in client.get("/").content.decode()
    assert alert.title not in client.get("/alerts/").content.decode()
    assert alert.title not in client.get("/?postcode=DE75+7AB").content.decode()


def test_practice_is_not_found(client, alert):
    Alert.objects.filter(pk=alert.pk).update(practice=True)
    page(client, alert, 404)
    assert alert.title not in client.get("/?postcode=DE75+7AB").content.decode()


@pytest.mark.parametrize("reference", ["x", "%00", "é", "TP-ZZZZZ", "a" * 5000, "..%2f..", "ı" * 8, "TP-\u202e", "%0a"])
def test_references_that_are_none(client, cast, reference):
    assert client.get(f"/a/{reference}/").status_code == 404
    assert client.get(f"/a/{reference}/map.json").status_code == 404


def test_a_stopped_and_a_closed_alert_say_so(client, cast, alert):
    Alert.objects.filter(pk=alert.pk).update(state=State.STOPPED)
    assert "We stopped sending this alert" in page(client, alert)
    Alert.objects.filter(pk=alert.pk).update(state=State.CLOSED, outcome_note="Found.")
    words = page(client, alert)
    assert "This alert is closed" in words and "Are you one of those we asked?" not in words


def test_shapes_and_groups_in_words_and_on_the_map(client, cast):
    chosen = {"areas": [cast.west.pk], "shapes": [CIRCLE, POLYGON], "groups": [cast.cctv.pk, cast.dog_walkers.pk]}
    alert = send(cast, audience=chosen)
    words = page(client, alert)
    assert "West Ward, 500 metres around a point in East Ward and an area drawn on the map in East Ward" in words
    assert "CCTV owners or Dog walkers" in words
    drawn = client.get(f"/a/{alert.reference}/map.json").json()["features"]
    assert [one["properties"]["name"] for one in drawn] == ["West Ward", "", ""]
    assert [one["geometry"]["type"] for one in drawn] == ["Polygon", "Point", "Polygon"]
    assert drawn[1]["properties"]["radius_m"] == 500


def test_an_area_or_group_that_is_gone_breaks_nothing(client, cast):
    alert = send(cast, audience={"areas": [cast.west.pk], "shapes": [], "groups": [cast.cctv.pk]})
    Group.objects.all().delete()
    Area.objects.filter(pk=cast.west.pk).delete()
    assert page(client, alert)


def test_the_base_map_is_our_own_areas(client, cast):
    found = client.get("/map/base.json")
    assert {one["properties"]["name"] for one in found.json()["features"]} == {"West Ward", "East Ward", "Far Ward"}
    assert found["Cache-Control"] == "public, max-age=86400"
    cast.far.name = "Renamed Ward"
    cast.far.save()
    Area.objects.filter(pk=cast.far.pk).update(updated_at=cast.far.updated_at.replace(year=2090))
    assert "Renamed Ward" in client.get("/map/base.json").content.decode()


def follow(cast, alert, relation, **words):
    draft = alert_actions.follow_up(alert, relation=relation, by=cast.author)
    alert_actions.edit(draft, by=cast.author, **words)
    return send(cast, alert=Alert.objects.get(pk=draft.pk))


def test_what_happened_next_is_told_in_order(client, cast, alert):
    cast.resident()
    update = follow(cast, alert, "update", title="The van was found", body="Empty, in Ripley.")
    outcome = follow(cast, alert, "outcome", title="A man was charged", body="Thank you all.")
    words = page(client, alert)
    assert words.index("The van was found") < words.index("A man was charged")
    assert "Empty, in Ripley." in words
    assert "This follows an earlier alert" in page(client, update) and alert.title in page(client, outcome)
    assert "West Ward" in page(client, update)  # where the first was sent
    assert "The van was found" not in client.get("/alerts/").content.decode()  # follow-ups stand with theirs


def test_name_and_description_of_a_found_person_are_gone_everywhere_at_once(client, cast):
    cast.resident()
    first = send(cast, kind=Kind.MISSING, title="Missing: Robin Example", fields={"description": "a blue coat"})
    assert "Robin Example" in page(client, first) and "a blue coat" in page(client, first)
    assert client.get(f"/a/{first.reference}/")["Cache-Control"] == "no-cache"
    news = follow(cast, first, "update", title="Robin Example seen", body="Robin was near the mill.")
    assert "Robin" in page(client, first) and "Robin" in page(client, news)
    down = follow(cast, first, "stand-down", title="Robin Example found", body="Robin is safe.")
    for path in ("/", "/alerts/", "/?postcode=DE75+7AB"):
        words = client.get(path).content.decode()
        assert "Robin" not in words and "This search has ended" in words
    for one in (first, news, down):
        words = page(client, one)
        assert "Robin" not in words and "blue coat" not in words and "This search has ended" in words
        assert client.get(f"/a/{one.reference}/map.json").json()["features"] == []


def test_the_alert_page_may_be_cached_and_is_the_same_for_everybody(member, cast, alert):
    found = member.get(f"/a/{alert.reference}/")
    assert found["Cache-Control"] == "public, max-age=1"
    assert "Cookie" not in found.get("Vary", "") and not found.cookies
    assert found.content == Client().get(f"/a/{alert.reference}/").content


@pytest.mark.parametrize(
    "path", ["/", "/alerts/", "/privacy/", "/accessibility/", "/contact/", "/robots.txt", "/map/base.json"]
)
def test_reading_sets_no_cookie(client, cast, alert, path):
    assert not client.get(path).cookies


def test_hostile_words_of_an_alert_stay_words(client, cast):
    alert = send(cast, title="<script>alert(1)</script>", body="<img src=x onerror=alert(1)> [x](javascript:alert(1))")
    words = page(client, alert) + client.get("/").content.decode()
    assert "<script>alert" not in words and "<img" not in words and 'href="javascript' not in words


def test_many_alerts_have_pages(client, cast, monkeypatch):
    monkeypatch.setattr("bell.public.alerts.A_PAGE", 1)
    first, second = send(cast, title="The first one"), send(cast, title="The second one")
    words = client.get("/alerts/").content.decode()
    assert second.title in words and first.title not in words and "page=2" in words
    assert first.title in client.get("/alerts/?page=2").content.decode()
    for odd in ("0", "-1", "x", "9" * 30, "%00"):
        assert client.get(f"/alerts/?page={odd}").status_code == 200
