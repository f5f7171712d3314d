"""Area pages, feeds, frames, previews and search, asked as a thief would: nothing that is not public, ever."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.core.cache import cache

from bell.alerts import actions
from bell.alerts.models import Alert, State
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer
from bell.places.models import Area
from tests.public.conftest import send
from tests.sharing.test_atom import NS, check

pytestmark = pytest.mark.django_db
SECRET = "Operation Nightjar"
WEST = "/area/ward/W1/"
EVERYWHERE = (
    "/", "/alerts/", "/alerts/?q=Nightjar", "/alerts/?q=operation", "/area/", WEST, "/area/district/D1/",
    "/area/force/F1/", "/feed.atom", f"{WEST}feed.atom", "/area/force/F1/feed.atom", "/embed/ward/W1/",
    "/embed/force/F1/",
)  # fmt: skip
CIRCLE = {
    "type": "Feature",
    "properties": {"radius_m": 300},
    "geometry": {"type": "Point", "coordinates": [-1.375, 53.02]},
}


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


def stand_down(cast, alert: Alert) -> Alert:
    """The search is called off, by the verbs that officers use."""
    draft = actions.follow_up(alert, relation="stand-down", by=cast.author)
    actions.edit(draft, by=cast.author, title=f"{SECRET} found", body=f"{SECRET} is well.", fields={"description": "-"})
    return send(cast, alert=Alert.objects.get(pk=draft.pk))


def missing(cast) -> Alert:
    return send(
        cast, kind=Kind.MISSING, title=f"Missing: {SECRET}", body=f"{SECRET} left home.",
        fields={"description": f"{SECRET}, tall"},
    )  # fmt: skip


def private(cast, state: str) -> Alert:
    """An alert that nobody outside may see."""
    if state == "practice":
        Officer.objects.filter(pk=cast.author.pk).update(practice=True)
        cast.author.refresh_from_db()
        alert = cast.draft(title=SECRET, body=SECRET)
        assert alert.practice
        Alert.objects.filter(pk=alert.pk).update(state=State.SENT, sent_at=clock.now())
        return alert
    alert = cast.draft(title=SECRET, body=SECRET)
    Alert.objects.filter(pk=alert.pk).update(state=state, hold_until=clock.now(), sent_at=clock.now())
    return alert


@pytest.mark.parametrize("state", [
    "draft", "submitted", "returned", "rejected", "approved", "held", "withdrawn", "practice",
])  # fmt: skip
def test_nothing_that_is_not_public_is_anywhere(cast, client, state):
    send(cast, title="An open one")
    alert = private(cast, state)
    for path in EVERYWHERE:
        page = client.get(path)
        assert page.status_code == 200, path
        words = page.content.decode().replace("value=", "").lower()
        assert alert.reference.lower() not in words, path
        assert SECRET.lower() not in words, path
    for path in (f"/a/{alert.reference}/", f"/a/{alert.reference}/card.png"):
        assert client.get(path).status_code == 404


def test_a_found_person_is_gone_at_once_from_all_of_it(cast, client):
    alert = missing(cast)
    before = {path: client.get(path).content.decode() for path in EVERYWHERE if "q=" not in path}
    assert all(SECRET in words or path == "/area/" for path, words in before.items())
    card = client.get(f"/a/{alert.reference}/card.png")
    assert card.headers["Cache-Control"] == "no-cache"
    etag = client.get("/feed.atom").headers["ETag"]
    over = stand_down(cast, alert)
    for path in (*EVERYWHERE, f"/a/{alert.reference}/", f"/a/{over.reference}/"):
        page = client.get(path)
        assert page.status_code == 200
        if "q=" in path:
            assert alert.reference not in page.content.decode() and over.reference not in page.content.decode()
        else:
            assert SECRET not in page.content.decode(), path
        assert "max-age" not in page.headers.get("Cache-Control", "") or path == "/area/"
    changed = client.get(f"/a/{alert.reference}/card.png")
    assert changed.status_code == 200 and changed.content != card.content
    again = client.get("/feed.atom", headers={"If-None-Match": etag})
    assert again.status_code == 200, "a reader that held the name is given the entry anew"


def test_a_stand_down_of_an_update_ends_the_whole_search(cast, client):
    first = missing(cast)
    draft = actions.follow_up(first, relation="update", by=cast.author)
    actions.edit(
        draft, by=cast.author, title=f"{SECRET}: seen in Ripley", body="Look there.", fields={"description": "x"}
    )
    update = send(cast, alert=Alert.objects.get(pk=draft.pk))
    stand_down(cast, update)
    for path in ("/feed.atom", "/alerts/", WEST, f"/a/{first.reference}/", f"/a/{update.reference}/"):
        assert SECRET not in client.get(path).content.decode(), path


def test_an_area_shows_what_was_sent_to_it_to_its_parts_and_to_what_holds_it(cast, client):
    to_west = send(cast, title="To the west")
    drawn = send(cast, title="Drawn in the west", audience={"areas": [], "shapes": [CIRCLE], "groups": []})
    for path, expected in {
        WEST: {to_west, drawn}, "/area/ward/W2/": set(), "/area/district/D1/": {to_west, drawn},
        "/area/force/F1/": {to_west, drawn}, "/area/ward/W3/": set(),
    }.items():  # fmt: skip
        page = client.get(path).content.decode()
        assert {one for one in (to_west, drawn) if one.title in page} == expected, path


def test_an_alert_to_all_reaches_the_page_of_each_part(cast, client):
    alert = send(cast, title="To everyone")
    Alert.objects.filter(pk=alert.pk).update(audience={"areas": [cast.territory.pk], "shapes": [], "groups": []})
    assert "To everyone" in client.get("/area/ward/W3/").content.decode()
    assert "To everyone" in client.get("/area/ward/W3/feed.atom").content.decode()


@pytest.mark.parametrize("path", ["/feed.atom", f"{WEST}feed.atom", "/area/ward/W3/feed.atom"])
def test_feeds_are_valid_also_empty(cast, client, path):
    if "W3" not in path:
        send(cast, title="A <b>bold</b> & strange title", body="Call [us](tel:101).\n\n- one\n- two")
    response = client.get(path)
    assert response.headers["Content-Type"].startswith("application/atom+xml")
    root = check(response.content)
    assert root.find("a:link[@rel='self']", NS).get("href") == f"http://localhost:8000{path}"
    assert len(root.findall("a:entry", NS)) == (0 if "W3" in path else 1)
    assert "bell-session" not in response.cookies and not response.cookies


def test_an_entry_keeps_its_id_and_says_when_it_changed(cast, client):
    alert = missing(cast)
    Alert.objects.filter(pk=alert.pk).update(sent_at=clock.now() - timedelta(hours=2), finished_at=None)
    first = check(client.get("/feed.atom").content).find("a:entry", NS)
    stand_down(cast, Alert.objects.get(pk=alert.pk))
    after = [one for one in check(client.get("/feed.atom").content).findall("a:entry", NS)
             if one.find("a:id", NS).text == first.find("a:id", NS).text]  # fmt: skip
    assert len(after) == 1
    assert after[0].find("a:published", NS).text == first.find("a:published", NS).text
    assert after[0].find("a:updated", NS).text > first.find("a:updated", NS).text
    assert after[0].find("a:title", NS).text == "This search has ended"


def test_a_reader_that_has_it_is_told_so(cast, client):
    send(cast)
    first = client.get("/feed.atom")
    same = client.get("/feed.atom", headers={"If-None-Match": first.headers["ETag"]})
    assert same.status_code == 304 and not same.content
    since = client.get("/feed.atom", headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert since.status_code == 304
    send(cast, title="Another")
    assert client.get("/feed.atom", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_pages_name_their_feed(cast, client):
    for path, feed in {"/alerts/": "/feed.atom", WEST: f"{WEST}feed.atom"}.items():
        assert 'type="application/atom+xml" title="A' in client.get(path).content.decode()
        assert f'href="{feed}"' in client.get(path).content.decode()


def test_the_framed_page_may_be_framed_and_no_other(cast, client):
    alert = send(cast)
    page = client.get("/embed/ward/W1/")
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors *" in policy and "script-src 'none'" in policy and "form-action 'none'" in policy
    assert "X-Frame-Options" not in page.headers
    assert not page.cookies and "Cookie" not in page.headers.get("Vary", "")
    assert "<script" not in page.content.decode() and "<form" not in page.content.decode()
    for path in ("/", "/alerts/", WEST, f"/a/{alert.reference}/", "/join/", "/sign-in/"):
        other = client.get(path)
        assert "frame-ancestors *" not in other.headers["Content-Security-Policy"]
        assert other.headers["X-Frame-Options"] in ("SAMEORIGIN", "DENY")


def test_the_area_page_gives_the_lines_to_copy(cast, client):
    page = client.get(WEST).content.decode()
    assert "&lt;iframe src=&quot;http://localhost:8000/embed/ward/W1/" in page or (
        '&lt;iframe src="http://localhost:8000/embed/ward/W1/"' in page
    )


@pytest.mark.parametrize("path", [
    "/area/ward/%00/", "/area/%00/W1/", "/area/ward/none/", "/area/none/W1/", "/area/ward/" + "x" * 300 + "/",
    "/embed/ward/none/", "/area/ward/none/feed.atom", "/area/ward/W1'--/", "/embed/ward/%E2%80%AEW1/",
])  # fmt: skip
def test_wrong_addresses_are_not_found(cast, client, path):
    assert client.get(path).status_code == 404


def test_an_area_with_a_strange_code_has_its_pages(cast, client):
    Area.objects.filter(pk=cast.west.pk).update(code="W 1/a?ü")
    page = client.get("/area/district/D1/").content.decode()
    assert "/area/ward/W%201/a%3F%C3%BC/" in page
    for path in (
        "/area/ward/W%201/a%3F%C3%BC/",
        "/area/ward/W%201/a%3F%C3%BC/feed.atom",
        "/embed/ward/W%201/a%3F%C3%BC/",
    ):
        assert client.get(path).status_code == 200


def test_search_finds_words_of_titles_and_bodies(cast, client):
    send(cast, title="Sheds in Heanor", body="A white van.")
    send(cast, title="Bicycles", body="A red van in Ripley.")
    page = client.get("/alerts/?q=van").content.decode()
    assert "Sheds in Heanor" in page and "Bicycles" in page and "2 alerts with" in page
    page = client.get("/alerts/?q=van+heanor").content.decode()
    assert "Sheds in Heanor" in page and "Bicycles" not in page
    assert "No alert has" in client.get("/alerts/?q=tractor").content.decode()


@pytest.mark.parametrize("query", ["%00", "%25", "_", "'%22--", "a+" * 500, "%F0%9F%98%80", "+", "x" * 5000])
def test_hostile_searches_are_answered(cast, client, query):
    send(cast)
    page = client.get(f"/alerts/?q={query}")
    assert page.status_code == 200


def test_a_wild_card_is_a_plain_sign(cast, client):
    send(cast, title="Sheds", body="Nothing here.")
    for query in ("%25", "_"):
        assert "No alert has" in client.get(f"/alerts/?q={query}").content.decode()


def test_networks_are_told_what_the_page_is(cast, client):
    alert = send(cast, title='Sheds & "bikes"')
    page = client.get(f"/a/{alert.reference}/").content.decode()
    assert '<meta property="og:title" content="Sheds &amp; &quot;bikes&quot;">' in page
    assert f'<meta property="og:image" content="http://localhost:8000/a/{alert.reference}/card.png">' in page
    assert '<meta name="twitter:card" content="summary_large_image">' in page
    card = client.get(f"/a/{alert.reference}/card.png")
    assert card.status_code == 200 and card.headers["Content-Type"] == "image/png"
    assert card.headers["Cache-Control"] == "public, max-age=60" and card.content.startswith(b"\x89PNG")
    assert not card.cookies


def test_the_preview_of_an_ended_search_names_nobody(cast, client):
    alert = missing(cast)
    stand_down(cast, alert)
    page = client.get(f"/a/{alert.reference}/").content.decode()
    assert '<meta property="og:title" content="This search has ended">' in page and "this search has ended" in page


def test_the_feed_can_be_read_by_any_parser_whatever_an_officer_typed(cast, client):
    send(cast, title="]]> & <x>", body="\x01 <script>x</script>")
    root = ElementTree.fromstring(client.get("/feed.atom").content)
    assert "<script>" not in root.find("a:entry/a:content", NS).text
