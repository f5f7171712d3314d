"""A kept page: a hit draws nothing, what changes shows at once, and nobody's cookie or name is in it."""

import threading

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from bell.alerts import actions as alert_actions
from bell.alerts import find
from bell.alerts.models import Alert, State
from bell.organisations.kinds import Kind
from bell.organisations.models import Team
from bell.public import kept
from tests.public.conftest import send, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert(cast, meg):
    return send(cast, title="Sheds broken into")


def address(alert):
    return f"/a/{alert.reference}/"


def follow(cast, alert, relation, **words):
    draft = alert_actions.follow_up(alert, relation=relation, by=cast.author)
    alert_actions.edit(draft, by=cast.author, **words)
    return send(cast, alert=Alert.objects.get(pk=draft.pk))


def asked(client, path):
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)
    return response, len(queries)


@pytest.fixture
def slow_clock(monkeypatch):
    """A page is kept for an hour, so that what shows at once does not show by itself."""
    monkeypatch.setattr(kept, "SECONDS", 3600.0)


@pytest.mark.parametrize("path", ["", "map.json"])
def test_a_hit_asks_one_question_and_gives_the_same_page(client, alert, path):
    first, drawn = asked(client, address(alert) + path)
    again, hit = asked(Client(), address(alert) + path)
    assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])
    assert hit == 1 < drawn
    for name in ("Content-Type", "Cache-Control", "Content-Security-Policy", "X-Frame-Options", "Content-Length"):
        assert again.headers[name] == first.headers[name], name
    assert again.headers["X-Content-Type-Options"] == "nosniff"
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]


@pytest.mark.parametrize("relation", ["update", "stand-down", "outcome"])
def test_what_follows_shows_at_the_next_hit(client, cast, alert, slow_clock, relation):
    client.get(address(alert))
    assert asked(client, address(alert))[1] == 1
    follow(cast, alert, relation, title="News of the sheds", body="A van was found.")
    assert "News of the sheds" in client.get(address(alert)).content.decode()


def test_a_stop_shows_and_a_page_that_is_gone_is_gone_at_the_next_hit(client, cast, alert, slow_clock):
    client.get(address(alert))
    Alert.objects.filter(pk=alert.pk).update(state=State.STOPPED)
    assert "We stopped sending this alert" in client.get(address(alert)).content.decode()
    Alert.objects.filter(pk=alert.pk).update(state=State.WITHDRAWN)
    assert client.get(address(alert)).status_code == 404
    assert client.get(address(alert)).status_code == 404


def test_a_found_person_is_gone_at_the_next_hit_however_far_below_the_end_of_the_search_is(
    client, cast, meg, slow_clock
):
    first = send(cast, kind=Kind.MISSING, title="Missing: Robin Example", fields={"description": "a blue coat"})
    news = follow(cast, first, "update", title="Robin Example seen", body="Robin was near the mill.")
    more = follow(cast, news, "update", title="Robin Example seen again", body="Robin was near the church.")
    for one in (first, news, more):
        for path in ("", "map.json"):
            client.get(address(one) + path)
        page, questions = asked(client, address(one))
        assert questions == 1 and "Robin" in page.content.decode()
        assert page.headers["Cache-Control"] == "no-cache"
    over = follow(cast, more, "stand-down", title="Robin Example found", body="Robin is safe.")
    for one in (first, news, more, over):
        page = client.get(address(one))
        assert "Robin" not in page.content.decode() and "This search has ended" in page.content.decode()
        assert client.get(f"{address(one)}map.json").json()["features"] == []


def test_what_is_not_of_the_alert_is_as_old_as_the_page(client, cast, alert, monkeypatch):
    client.get(address(alert))
    Team.objects.filter(pk=alert.team_id).update(name="Another name")
    monkeypatch.setattr(kept.time, "monotonic", lambda now=kept.time.monotonic: now() + kept.SECONDS)
    assert "Another name" in client.get(address(alert)).content.decode()


def test_a_browser_that_has_the_page_is_told_so_until_it_changes(client, cast, alert):
    etag = client.get(address(alert)).headers["ETag"]
    same = client.get(address(alert), headers={"If-None-Match": etag})
    assert same.status_code == 304 and not same.content and same.headers["ETag"] == etag
    assert same.headers["Cache-Control"] == "public, max-age=1"
    follow(cast, alert, "update", title="News of the sheds", body="A van was found.")
    changed = client.get(address(alert), headers={"If-None-Match": etag})
    assert changed.status_code == 200 and changed.headers["ETag"] != etag


def test_nothing_of_who_asks_is_kept(client, cast, alert, meg):
    """A member with a note waiting draws the page: a stranger gets the same, and the note waits on."""
    member = signed_in(client)
    noted = member.post("/account/choices/", {"email_kinds": ["crime"], "organisations": [str(cast.force.pk)]})
    assert noted.status_code == 302
    drawn = member.get(address(alert))
    stranger = Client().get(address(alert))
    assert stranger.content == drawn.content
    assert not drawn.cookies and not stranger.cookies
    assert "Cookie" not in drawn.get("Vary", "") and b"csrfmiddlewaretoken" not in drawn.content
    assert b"app-note" in member.get("/account/").content or b"saved" in member.get("/account/").content


def test_what_sets_a_cookie_or_is_not_found_is_not_kept(rf, alert):
    from_within = []

    def view(request):
        from_within.append(request.path)
        response = kept.keep(HttpResponse("words"), find.Line.around(alert))
        response.set_cookie("name", "value")
        return response

    middleware = kept.Kept(view)
    for _ in range(2):
        assert middleware(rf.get("/made-up/", SERVER_NAME="localhost")).content == b"words"
    assert len(from_within) == 2


def test_a_foreign_host_gets_nothing_that_is_kept(client, alert):
    client.get(address(alert))
    assert client.get(address(alert), SERVER_NAME="elsewhere.example").status_code == 400


def test_a_form_or_a_head_goes_to_the_view(client, alert):
    client.get(address(alert))
    assert client.post(address(alert)).status_code == 405
    head = client.head(address(alert))
    assert head.status_code == 200 and not head.content


def test_only_so_many_pages_are_kept(client, cast, alert, meg, monkeypatch, slow_clock):
    monkeypatch.setattr(kept, "MOST_PAGES", 2)
    others = [send(cast, title=f"Alert {number}") for number in range(2)]
    for one in (alert, *others):
        client.get(address(one))
    assert asked(client, address(others[1]))[1] == asked(client, address(others[0]))[1] == 1
    assert asked(client, address(alert))[1] > 1


def test_many_at_once_get_their_own_page():
    """From several threads: the store is shared, and none of them trips over another."""
    failed = []

    class Stands:
        def stands(self):
            return True

    middleware = kept.Kept(lambda request: kept.keep(HttpResponse(request.path), Stands()))

    def many(first):
        for turn in range(200):
            path = f"/page/{(turn + first) % 300}/"
            if middleware(RequestFactory().get(path, SERVER_NAME="localhost")).content.decode() != path:
                failed.append(path)

    threads = [threading.Thread(target=many, args=(number * 60,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
