"""The inbox: whose is what, opening is recorded, answers go back by the way they came, notes stay, closing says why."""

from datetime import timedelta

import pytest

from bell.audit.models import Entry
from bell.conversations import actions as conversation_actions
from bell.conversations.actions import Words
from bell.conversations.models import Conversation, Turn
from bell.delivery.models import Delivery
from bell.lib import clock

SAID = "A white van at 2:40am, going up Ilkeston Road."


@pytest.fixture
def talk(cast) -> Conversation:
    return hear(cast).conversation


def hear(cast, text=SAID, **changes):
    words = {"way": "email", "reply_channel": "email", "reply_address": "jo@home.example", "verified": True} | changes
    return conversation_actions.hear(
        Words(text, **words), team=cast.team, alert=cast.draft(title="Sheds"), resident=cast.resident()
    )


def path(talk, page=""):
    return f"/desk/inbox/{talk.key}/{page}"


def looks() -> list[str]:
    return list(Entry.objects.filter(verb="conversation read").order_by("id").values_list("why", flat=True))


def test_lists_show_who_waits_but_never_what_was_said(cast, talk, at_desk):
    Conversation.objects.filter(pk=talk.pk).update(who="Jo Neighbour")
    client = at_desk("author")
    for page in ("/desk/", "/desk/inbox/", "/desk/inbox/?tab=team", "/desk/alerts/", "/desk/live/inbox/"):
        words = client.get(page).content.decode()
        assert "white van" not in words and "Jo Neighbour" not in words and "jo@home" not in words
    assert "Sheds" in client.get("/desk/inbox/").content.decode()
    assert looks() == []


def test_opening_is_a_look_with_its_purpose(cast, talk, at_desk):
    page = at_desk("author").get(path(talk)).content.decode()
    assert "white van" in page and "from the address we wrote to" in page and "jo@home" not in page
    assert looks() == ["answering a reply"]
    assert Entry.objects.filter(verb="conversation read", by_type="officer", by_key=str(cast.author.key)).count() == 1
    conversation_actions.close(talk, by=cast.author, useful=True)
    at_desk("author").get(path(talk))
    assert looks()[-1] == "looking back at a closed conversation"


def test_asking_for_news_is_no_look_until_there_is_some(cast, talk, at_desk):
    client = at_desk("author")
    newest = talk.turns.last().pk
    for _ in range(3):
        assert client.get(path(talk, "live/"), {"news": newest, "have": "x"}).status_code == 204
    assert looks() == []
    words = Words("And a ladder.", "email", verified=False)
    conversation_actions.hear(words, team=cast.team, conversation=talk)
    page = client.get(path(talk, "live/"), {"news": newest, "have": "x"}).content.decode()
    assert "And a ladder." in page and "data-announce" in page and len(looks()) == 1


@pytest.mark.parametrize(("changes", "words"), [
    ({"verified": True}, "from the address we wrote to"), ({"verified": False}, "the sender is not proven"),
    ({"way": "web"}, "through the link of their own message"), ({"way": "sms", "verified": False}, "not proven"),
])  # fmt: skip
def test_how_sure_the_sender_is_stands_at_every_turn(cast, at_desk, changes, words):
    assert words in at_desk("author").get(path(hear(cast, **changes).conversation)).content.decode()


def test_tabs(cast, talk, at_desk):
    client = at_desk("approver")
    shown = f"talk-{talk.key}"
    assert shown not in client.get("/desk/inbox/?tab=mine").content.decode()
    assert shown in client.get("/desk/inbox/?tab=team").content.decode()
    Conversation.objects.update(officer=None)
    assert shown in client.get("/desk/inbox/?tab=unassigned").content.decode()
    client.post(path(talk, "claim/"))
    assert shown in client.get("/desk/inbox/").content.decode()
    client.post(path(talk, "close/"), {"useful": "no"})
    talk.refresh_from_db()
    assert (talk.state, talk.useful, talk.officer) == ("closed", False, cast.approver)
    assert shown in client.get("/desk/inbox/?tab=closed").content.decode()
    assert client.get("/desk/inbox/?tab=%00&page=%00").status_code == 200


@pytest.mark.parametrize(("channel", "address"), [("email", "jo@home.example"), ("sms", "+447700900123")])
def test_an_answer_goes_back_by_the_way_they_used(cast, at_desk, channel, address):
    talk = hear(cast, way=channel, reply_channel=channel, reply_address=address).conversation
    page = at_desk("author").get(path(talk)).content.decode()
    assert ("by text message" if channel == "sms" else "by email") in page
    at_desk("author").post(path(talk, "say/"), {"do": "answer", "text": "Thank you. Which way?"})
    sent = Delivery.objects.get(mailing__authority_kind="answer")
    assert (sent.channel, sent.address) == (channel, address)
    talk.refresh_from_db()
    assert talk.waiting_since is None and talk.state == "pending"


def test_a_note_is_never_sent(cast, talk, at_desk):
    at_desk("approver").post(path(talk, "say/"), {"do": "note", "text": "Ask the garage."})
    assert talk.turns.last().direction == Turn.Direction.NOTE
    assert not Delivery.objects.filter(mailing__authority_kind="answer").exists()
    talk.refresh_from_db()
    assert talk.waiting_since is not None


def test_without_a_way_back_only_a_note_can_be_kept(cast, at_desk):
    talk = hear(cast, way="web", reply_channel="", reply_address="").conversation
    client = at_desk("author")
    page = client.get(path(talk)).content.decode()
    assert "They left no way to answer" in page and "Send answer" not in page
    refused = client.post(path(talk, "say/"), {"do": "answer", "text": "Hello"})
    assert refused.status_code == 403 and "left no way to answer" in refused.content.decode()


@pytest.mark.parametrize("text", ["", "   \n ", "a\0b", "x" * 20_001])
def test_words_that_cannot_be_sent_are_refused_and_nothing_goes(cast, talk, at_desk, text):
    for do in ("answer", "note"):
        response = at_desk("author").post(path(talk, "say/"), {"do": do, "text": text})
        assert response.status_code == 200 and b"There is a problem" in response.content
    assert talk.turns.count() == 1


def test_their_words_never_become_markup(cast, at_desk):
    talk = hear(cast, text="<script>alert(1)</script>\n\n<b>bold</b>", subject="<i>x</i>").conversation
    page = at_desk("author").get(path(talk)).content.decode()
    assert "<script>alert" not in page and "<b>bold" not in page and "<i>x" not in page


@pytest.mark.parametrize(("hours", "words", "tone"), [
    (1, "waited 1 hour", ""), (47, "waited 47 hours", ""), (60, "waited 2 days, 12 hours left", "--soon"),
    (80, "waited 3 days, overdue", "--late"),
])  # fmt: skip
def test_the_clock_of_72_hours(cast, talk, at_desk, hours, words, tone):
    since = clock.now() - timedelta(hours=hours, minutes=-0.5 if hours == 60 else 1)
    Conversation.objects.update(waiting_since=since)
    page = at_desk("author").get("/desk/").content.decode()
    assert words in page and f"app-clock{' app-clock' + tone if tone else ''}" in page


def test_logging_what_came_by_phone(cast, at_desk):
    alert, _ = cast.approved()
    alert.state = "sent"
    type(alert).objects.filter(pk=alert.pk).update(state="sent", sent_at=clock.now())
    client = at_desk("author")
    assert "selected" in client.get(f"/desk/log/?alert={alert.reference}").content.decode()
    response = client.post("/desk/log/", {
        "way": "phone", "alert": alert.pk, "team": cast.team.pk, "who": "A neighbour",
        "text": "Saw a van.", "useful": "yes",
    }, follow=True)  # fmt: skip
    talk = Conversation.objects.get()
    page = response.content.decode()
    assert "A neighbour" in page and "logged by Ana Author" in page
    assert (talk.alert, talk.way, talk.useful, talk.officer) == (alert, "phone", True, cast.author)


@pytest.mark.parametrize("given", [
    {}, {"way": "email"}, {"way": "phone", "text": ""}, {"way": "phone", "text": "x", "alert": "999999"},
    {"way": "phone", "text": "x", "team": "x"}, {"way": "phone", "text": "\0"},
    {"way": "phone", "text": "x", "who": "y" * 121},
    {"way": "phone", "text": "x", "alert": "9" * 40},
])  # fmt: skip
def test_a_log_that_makes_no_sense_is_refused_in_words(cast, at_desk, given):
    response = at_desk("author").post("/desk/log/", {"team": cast.team.pk} | given)
    assert response.status_code == 200 and b"There is a problem" in response.content
    assert not Conversation.objects.exists()


def test_nobody_logs_for_another_team(cast, at_desk):
    response = at_desk("stranger").post("/desk/log/", {"way": "phone", "text": "x", "team": cast.team.pk})
    assert response.status_code == 200 and not Conversation.objects.exists()
