"""Answering from the link in a message: one adds, and never reads."""

import pytest
from django.core.cache import cache
from django.test import Client

from bell.alerts import actions as alert_actions
from bell.alerts.models import Alert
from bell.conversations import actions, web
from bell.conversations.models import Answer, Conversation, Turn
from bell.delivery.models import Delivery
from bell.organisations.kinds import FACTS, Kind
from bell.public import answer
from bell.residents import actions as resident_actions
from tests.public.conftest import answer_link, send, stop_link

FIELDS = {
    "from_time": "1am",
    "to_time": "3am",
    "look_for": "a van",
    "event_time": "noon",
    "event_place": "the hall",
    "description": "a blue coat",
    "choices": "Speeding\nParking",
    "most": "1",
    "closes": "",
    "dates": "Friday",
    "find_out": "Call 0300 123 2040",
}


@pytest.fixture
def alert(cast, meg):
    return send(cast, by_sms=True)


@pytest.fixture
def link(alert, meg):
    return answer_link(alert, meg)


def test_the_page_shows_the_alert_the_taps_and_999(client, alert, link):
    words = client.get(link).content.decode()
    assert alert.title in words and "last night" in words
    for tap in ("I saw something", "I checked, nothing there", "I have footage"):
        assert tap in words
    assert "Call 999" in words and "Crimestoppers" in words and alert.reference in words
    assert "meg@home" not in words and "07700" not in words


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("saw", "What did you see?"),
        ("nothing", "Knowing where nothing was seen"),
        ("footage", "Send footage now"),
    ],
)
def test_a_tap_is_kept_and_thanked_for(client, link, choice, words):
    found = client.post(link, {"choice": choice, "text": ""})
    assert found.status_code == 302 and found["Location"] == f"{link}thanks/?said={choice}"
    assert words in client.get(found["Location"]).content.decode()
    assert Answer.objects.get().choice == choice
    # Who says that they have footage can be written back to.
    assert Conversation.objects.filter(reply_address="meg@home.example").exists() == (choice != "nothing")


def test_words_go_to_the_officer_by_the_way_the_message_went(client, alert, meg):
    link = answer_link(alert, meg, "sms")
    client.post(link, {"text": "A white van at 3am"})
    turn = Turn.objects.get()
    assert turn.text == "A white van at 3am" and turn.way == "web"
    assert turn.conversation.alert == alert and turn.conversation.reply_channel == "sms"


def test_a_tap_and_words_in_one_go(client, link):
    client.post(link, {"choice": "saw", "text": "A red coat"})
    assert Answer.objects.get().choice == "saw" and Turn.objects.get().text == "A red coat"


def test_nothing_said_before_is_ever_shown(client, cast, alert, link):
    client.post(link, {"text": "My secret words"})
    thread = Conversation.objects.get()
    actions.answer(thread, text="The officer's secret words", by=cast.author)
    for path in (link, f"{link}thanks/?said=saw", f"{link}thanks/?said=words"):
        assert "secret words" not in client.get(path).content.decode()


def test_no_cookie_and_no_csrf_token_are_needed(alert, link):
    strict = Client(enforce_csrf_checks=True)
    assert not strict.get(link).cookies
    found = strict.post(link, {"text": "Without a cookie"}, headers={"origin": "null"})
    assert found.status_code == 302 and not found.cookies
    assert Turn.objects.count() == 1


def test_headers_keep_the_link_secret(client, link):
    for found in (client.get(link), client.post(link, {}), client.get(f"{link}thanks/"), client.get("/r/nonsense/")):
        assert found["Referrer-Policy"] == "no-referrer"
        assert "noindex" in found["X-Robots-Tag"] and "no-store" in found["Cache-Control"]


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "x" * 4001, "a\0b"])
def test_empty_long_or_broken_words_are_refused_in_words(client, link, text):
    page = client.post(link, {"text": text})
    words = page.content.decode()
    assert page.status_code == 200 and "There is a problem" in words and "<title>Error: " in words
    assert not Turn.objects.exists() and not Answer.objects.exists()


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\u202egnp.exe", "💥" * 1000, "'; drop table turn; --"])
def test_hostile_words_are_kept_as_words(client, link, text):
    assert client.post(link, {"text": text}).status_code == 302
    assert Turn.objects.get().text == text


@pytest.mark.parametrize("choice", ["pigeon", "saw\0", "SAW", "x" * 9000])
def test_an_answer_that_is_none_is_no_answer(client, link, choice):
    assert "There is a problem" in client.post(link, {"choice": choice}).content.decode()
    assert not Answer.objects.exists()


def test_twenty_an_hour_by_one_link(client, link, alert, cast):
    for number in range(answer.MOST_AN_HOUR):
        assert client.post(link, {"text": f"Words {number}"}).status_code == 302
    # The same link in capitals is the same link.
    for path in (link, f"/r/{link[3:-1].upper()}/"):
        page = client.post(path, {"text": "Once more"})
        assert page.status_code == 429 and "answered many times" in page.content.decode()
        assert "Once more" in page.content.decode()  # nothing typed is lost
    assert Turn.objects.count() == answer.MOST_AN_HOUR
    assert link[3:-1] not in str(getattr(cache, "_cache", ""))


@pytest.mark.parametrize(
    "token", ["x", "a" * 24, "%00" * 24, "é" * 24, "a" * 5000, "..", "%2e%2e%2f", "slot0answer0000000000000"]
)
def test_links_that_are_not_ours_get_a_friendly_page(client, cast, token):
    for found in (
        client.get(f"/r/{token}/"),
        client.post(f"/r/{token}/", {"text": "x"}),
        client.get(f"/r/{token}/thanks/"),
    ):
        assert found.status_code == 404
    if "/" not in token and "." not in token and "%" not in token:
        assert "Nothing was changed" in client.get(f"/r/{token}/").content.decode()


def test_a_token_of_another_purpose_opens_nothing(client, cast, meg, alert):
    assert client.get(f"/r/{stop_link(meg, cast.force)[3:]}").status_code == 404


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind != Kind.OUTCOME])
def test_taps_stand_where_they_make_sense(client, cast, meg, kind):
    fields = {name: FIELDS[name] for name in FACTS[kind].fields}
    alert = send(cast, kind=kind, fields=fields)
    words = client.get(answer_link(alert, meg)).content.decode()
    assert ("app-answer" in words) == FACTS[kind].answers
    assert "<textarea" in words


def test_a_tap_on_what_takes_none_is_no_answer(client, cast, meg):
    alert = send(cast, kind=Kind.PREVENTION)
    assert client.post(answer_link(alert, meg), {"choice": "saw"}).status_code == 200
    assert not Answer.objects.exists()


def test_the_link_still_works_for_someone_who_left(client, cast, meg, alert, link):
    resident_actions.leave(meg, by=meg, how="web")
    assert client.post(link, {"text": "I remember now"}).status_code == 302
    assert Turn.objects.get().text == "I remember now"


def test_the_name_of_a_found_person_is_gone_from_the_answer_page(client, cast, meg):
    alert = send(cast, kind=Kind.MISSING, title="Missing: Robin Example", fields={"description": "a blue coat"})
    link = answer_link(alert, meg)
    assert "Robin Example" in client.get(link).content.decode()
    down = alert_actions.follow_up(alert, relation="stand-down", by=cast.author)
    send_again(cast, down)
    words = client.get(link).content.decode()
    assert "Robin Example" not in words and "This search has ended" in words


def send_again(cast, draft):
    """A follow-up goes out."""
    alert_actions.edit(draft, by=cast.author, body="Robin Example was found safe. Thank you.")
    send(cast, alert=Alert.objects.get(pk=draft.pk))


def test_practice_says_so(client, cast, meg):
    alert = send(cast)
    Alert.objects.filter(pk=alert.pk).update(practice=True)
    words = client.get(answer_link(alert, meg)).content.decode()
    assert "This is practice" in words and f"/a/{alert.reference}/" not in words


def test_looking_opens_no_conversation(client, link):
    for _ in range(3):
        client.get(link)
        client.head(link)
    assert not Conversation.objects.exists() and not Answer.objects.exists()
    assert Delivery.objects.count() == Delivery.objects.exclude(state="queued").count() + _notices()


def _notices():
    return Delivery.objects.filter(state="queued", mailing__authority_kind="notice").count()


def test_other_methods_are_refused(client, link):
    for method in (client.put, client.delete, client.patch):
        assert method(link).status_code == 405
    assert web.open_link(link[3:-1])
