"""Every screen is asked the same: it works, the team may, a stranger may not, and looking changes nothing."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from bell.alerts import actions as alert_actions
from bell.alerts import dispatch
from bell.alerts.models import Alert, CountAsked, State
from bell.audit.models import Entry
from bell.conversations import actions as conversation_actions
from bell.conversations.actions import Words
from bell.conversations.models import Conversation, Turn
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.models import Officer
from bell.staff import urls


def patterns(found: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, str]]:
    """(name, pattern) of every route of the desk, those of included lists too."""
    for one in found:
        if isinstance(one, URLResolver):
            yield from patterns(one.url_patterns, before + str(one.pattern))
        else:
            yield str(one.name), before + str(one.pattern)


EVERY = dict(patterns(urls.urlpatterns))
# What is included from elsewhere (paper) has tests of its own; nobody gets into it without signing in either.
ROUTES = {pattern.name: pattern for pattern in urls.urlpatterns if isinstance(pattern, URLPattern)}
# What is about one alert or one conversation: a stranger must not learn that it exists.
OF_AN_ALERT = [name for name, pattern in ROUTES.items() if "reference" in str(pattern.pattern)]
OF_A_TALK = [name for name, pattern in ROUTES.items() if "key:key" in str(pattern.pattern)]


@pytest.fixture
def alert(cast) -> Alert:
    return cast.draft()


@pytest.fixture
def talk(cast) -> Conversation:
    words = Words("A white van.", "email", reply_channel="email", reply_address="jo@home.example", verified=True)
    return conversation_actions.hear(words, team=cast.team, alert=cast.draft(), resident=cast.resident()).conversation


def address(name: str, alert: Alert, talk: Conversation) -> str:
    """The address of any route of the desk."""
    wanted = set(re.findall(r"<(?:\w+:)?(\w+)>", EVERY[name]))
    known = {"reference": alert.reference, "key": talk.key, "name": "inbox", "verb": "undo"}
    return reverse(name, kwargs={key: known.get(key, 1) for key in wanted})


def test_the_lists_of_routes_are_not_empty():
    assert len(ROUTES) > 20 and len(OF_AN_ALERT) >= 9 and len(OF_A_TALK) >= 5
    assert get_resolver().resolve("/desk/").func is not None


# One town for all routes where nothing may change: to build it takes much longer than to ask.


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_gets_in_without_signing_in(method, alert, talk):
    before = Entry.objects.count()
    for name in EVERY:
        response = getattr(Client(), method)(address(name, alert, talk))
        assert response.status_code == 302 and response.url.startswith("/accounts/login/"), name
        assert Entry.objects.count() == before, name


def test_a_fragment_sends_the_page_to_the_sign_in(alert, talk):
    for name in EVERY:
        response = Client().get(address(name, alert, talk), headers={"HX-Request": "true"})
        assert response.headers["HX-Redirect"] == "/accounts/login/" and b"<form" not in response.content, name


@pytest.mark.parametrize("who", ["stranger", "outsider"])
def test_to_strangers_it_does_not_exist(who, alert, talk, at_desk):
    client, before = at_desk(who), Entry.objects.count()
    for name in OF_AN_ALERT + OF_A_TALK:
        path = address(name, alert, talk)
        responses = [client.get(path), client.post(path)]
        # Where a page takes only one method, the other says so to everyone, whether the thing exists or not.
        assert 404 in {one.status_code for one in responses} <= {404, 405}, name
        assert not any(alert.title.encode() in one.content for one in responses), name
        assert Entry.objects.count() == before, name


def test_a_disabled_officer_is_out_at_once(cast, at_desk):
    client = at_desk("author")
    assert client.get("/desk/").status_code == 200
    Officer.objects.filter(pk=cast.author.pk).update(is_active=False)
    assert client.get("/desk/").status_code == 302


@pytest.mark.parametrize("name", [name for name in ROUTES if name != "staff-approve"])
def test_looking_changes_nothing_but_the_record_of_the_look(name, alert, talk, at_desk):
    client = at_desk("author")
    was = (list(Alert.objects.values()), list(Conversation.objects.values()), Turn.objects.count())
    verbs = list(Entry.objects.order_by("pk").values_list("verb", flat=True))
    response = client.get(address(name, alert, talk))
    assert response.status_code in (200, 204, 403, 404, 405)  # what only some may see or do
    assert was == (list(Alert.objects.values()), list(Conversation.objects.values()), Turn.objects.count())
    after = list(Entry.objects.order_by("pk").values_list("verb", flat=True))[len(verbs) :]
    assert after == (["conversation read"] if name in ("staff-talk", "staff-talk-live") else [])
    assert CountAsked.objects.count() == 0 and Delivery.objects.filter(mailing__authority_kind="answer").count() == 0


@pytest.mark.parametrize("who", ["author", "approver", "media"])
def test_the_team_and_the_media_team_see_the_alert(who, alert, at_desk):
    page = at_desk(who).get(f"/desk/alerts/{alert.reference}/")
    assert page.status_code == 200 and alert.title in page.content.decode()
    assert alert.title in at_desk(who).get("/desk/alerts/").content.decode()


def test_pages_of_the_desk_are_kept_in_no_cache(alert, at_desk):
    for path in ("/desk/", f"/desk/alerts/{alert.reference}/", "/desk/inbox/"):
        assert "no-store" in at_desk("author").get(path).headers["Cache-Control"]


def test_duty_is_switched_by_oneself(cast, at_desk):
    client = at_desk("author")
    client.post("/desk/duty/", {"on": "yes"})
    cast.author.refresh_from_db()
    assert cast.author.on_duty
    client.post("/desk/duty/", {"on": "no"})
    cast.author.refresh_from_db()
    assert not cast.author.on_duty


def test_practice_is_said_on_every_page(cast, at_desk):
    assert b"never leaves this building" not in at_desk("author").get("/desk/").content
    Officer.objects.filter(pk=cast.author.pk).update(practice=True)
    assert b"never leaves this building" in at_desk("author").get("/desk/inbox/").content


def test_the_desk_shows_work_approvals_and_sending(cast, at_desk):
    waiting = cast.draft(title="One that waits")
    alert_actions.submit(waiting, by=cast.author)
    going, _ = cast.approved(title="One that goes")
    cast.draft(title="One being written")
    desk = at_desk("approver").get("/desk/").content.decode()
    for title in ("One that waits", "One that goes", "One being written"):
        assert title in desk
    assert f"/desk/alerts/{waiting.reference}/approve/" in desk
    assert f"/desk/alerts/{waiting.reference}/approve/" not in at_desk("author").get("/desk/").content.decode()
    Alert.objects.filter(pk=going.pk).update(hold_until=clock.now())
    dispatch.run_due()


def test_a_live_part_answers_only_when_it_changed(cast, at_desk):
    client = at_desk("approver")
    first = client.get("/desk/live/approvals/").content.decode()
    ask = re.search(r'hx-get="([^"]+)"', first).group(1).replace("&amp;", "&")
    assert client.get(ask).status_code == 204
    alert_actions.submit(cast.draft(title="Fresh"), by=cast.author)
    changed = client.get(ask)
    assert changed.status_code == 200 and "Fresh" in changed.content.decode()
    assert client.get("/desk/live/nonsense/").status_code == 404


def test_the_navigation_announces_news_but_not_the_passing_of_time(cast, at_desk):
    client = at_desk("author")
    first = client.get("/desk/live/nav/?here=/desk/").content.decode()
    ask = re.search(r'hx-get="([^"]+)"', first).group(1).replace("&amp;", "&")
    assert client.get(ask).status_code == 204
    words = Words("Here.", "email", reply_channel="email", reply_address="jo@home.example")
    conversation_actions.hear(words, team=cast.team, alert=cast.draft(), resident=cast.resident())
    assert "data-announce" in client.get(ask).content.decode()


def test_search_by_words_reference_and_state(cast, at_desk):
    one, two = cast.draft(title="Bikes taken"), cast.draft(title="Scam calls")
    client = at_desk("author")
    assert "Scam calls" not in client.get("/desk/alerts/?q=bikes").content.decode()
    assert "Scam calls" in client.get(f"/desk/alerts/?q={two.reference.lower()}").content.decode()
    alert_actions.withdraw(one, by=cast.author)
    found = client.get("/desk/alerts/?state=withdrawn").content.decode()
    assert "Bikes taken" in found and "Scam calls" not in found


@pytest.mark.parametrize("query", ["q=%00", "state=nonsense", "page=x", "page=-1", "q=" + "a" * 5000, "q=%25%27%22"])
def test_hostile_searches_are_answered(query, alert, at_desk):
    assert at_desk("author").get(f"/desk/alerts/?{query}").status_code == 200


@pytest.mark.parametrize("path", [
    "/desk/alerts/%00/", "/desk/alerts/TP-1%00/", "/desk/alerts/tp-aaaaa/", "/desk/inbox/0/", "/desk/inbox/-1/",
    "/desk/inbox/9999999999999999999/", "/desk/inbox/99999999999999999999999/", "/desk/alerts/TP-ZZZZZ/",
    "/desk/alerts/../../etc/",
])  # fmt: skip
def test_wrong_addresses_are_not_found(path, cast, at_desk):
    assert at_desk("author").get(path).status_code == 404


def test_sign_in_and_out_are_all_there_is(client, cast):
    assert client.get("/accounts/login/").status_code == 200
    for gone in ("signup", "password/reset", "email", "password/change"):
        assert client.get(f"/accounts/{gone}/").status_code == 404
    page = client.post("/accounts/login/", {"login": cast.author.email, "password": "wrong"})
    assert page.status_code == 200 and "There is a problem" in page.content.decode()
    signed = client.post("/accounts/login/", {"login": cast.author.email, "password": "a long enough password"})
    assert signed.url == "/desk/"
    assert client.get("/accounts/logout/").status_code == 200
    assert client.get("/desk/").status_code == 200, "GET signs nobody out"
    client.post("/accounts/logout/")
    assert client.get("/desk/").status_code == 302


def test_states_are_all_coloured_and_said(cast, at_desk):
    alert = cast.draft()
    client = at_desk("author")
    for state in State:
        Alert.objects.filter(pk=alert.pk).update(
            state=state, hold_until=clock.now(), sent_at=clock.now(), outcome_note="So it ended."
        )
        Alert.objects.filter(pk=alert.pk).update(finished_at=clock.now())
        page = client.get(f"/desk/alerts/{alert.reference}/")
        assert page.status_code == 200 and str(state.label) in page.content.decode()
