"""Words and taps come back, by each way, to the alert and the officer they belong to; nothing human is lost."""

import json
from datetime import timedelta
from email.message import EmailMessage

import pytest
from django.conf import settings

from bell.alerts import dispatch
from bell.alerts.models import Alert
from bell.audit.models import Entry
from bell.conversations import actions, find, receive, web
from bell.conversations.models import Answer, Choice, Conversation, Turn
from bell.conversations.rules import NotAllowed
from bell.delivery import inbound
from bell.delivery.models import Delivery, Inbound, Suppression
from bell.lib import clock, tokens
from tests.cast import FAR

NUMBER = "+447700900123"


@pytest.fixture
def person(cast):
    return cast.resident(email="meg@home.example", mobile=NUMBER)


def send(cast, **changes):
    """An alert that went out; its deliveries are marked as the post room would."""
    alert, _ = cast.approved(by_sms=True, **changes)
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent", state_at=clock.now())
    dispatch.run_due()
    return Alert.objects.get(pk=alert.pk)


def delivery_of(alert, person, channel="email"):
    return Delivery.objects.get(mailing__reference=alert.reference, recipient_key=person.key, channel=channel)


def mail(to, text, *, sender="meg@home.example", headers=()):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, "Re: an alert"
    message["Message-ID"] = f"<{hash((to, text, sender)) & 0xFFFFFF}@home.example>"
    for name, value in headers:
        message[name] = value
    message.set_content(text)
    raw = message.as_bytes()
    inbound.store("lmtp", f"{to}-{hash(raw)}", "mail", raw, envelope_from=sender, envelope_to=to)


def reply_address(delivery):
    return f"r-{tokens.sign_int('reply', delivery.pk)}@{settings.REPLY_DOMAIN}"


def text(words, *, sender=NUMBER, number=None):
    raw = json.dumps({"id": number or words, "from": sender, "to": settings.SMS_NUMBER, "text": words}).encode()
    inbound.store("simulator", number or words, "sms", raw)


def test_a_mail_threads_to_the_alert_and_its_officer(cast, person):
    alert = send(cast)
    mail(reply_address(delivery_of(alert, person)), "White van, 2.40, up Ilkeston Road")
    receive.run()
    conversation = Conversation.objects.get()
    assert (conversation.alert, conversation.resident, conversation.officer) == (alert, person, cast.author)
    turn = conversation.turns.get()
    assert "White van" in turn.text and turn.verified and turn.way == "email"
    notice = Delivery.objects.get(mailing__authority_kind="notice", address=cast.author.email)
    assert "van" not in str(notice.mailing.content)


def test_a_mail_from_another_address_still_threads_and_says_so(cast, person):
    alert = send(cast)
    mail(reply_address(delivery_of(alert, person)), "From my work address", sender="meg@work.example")
    receive.run()
    turn = Turn.objects.get()
    assert turn.conversation.alert == alert and not turn.verified
    assert turn.conversation.reply_address == "meg@work.example"


def test_the_same_mail_twice_is_one_reply(cast, person):
    alert = send(cast)
    for _ in range(2):
        mail(reply_address(delivery_of(alert, person)), "Once")
        receive.run()
    assert Turn.objects.count() == 1


def test_a_second_reply_joins_the_same_conversation_and_opens_it_again(cast, person):
    alert = send(cast)
    mail(reply_address(delivery_of(alert, person)), "One")
    receive.run()
    actions.close(Conversation.objects.get(), by=cast.author, useful=True)
    mail(reply_address(delivery_of(alert, person)), "Two")
    receive.run()
    conversation = Conversation.objects.get()
    assert conversation.turns.count() == 2 and conversation.state == Conversation.State.OPEN


def test_a_mail_without_a_token_goes_to_triage_never_away(cast):
    mail(f"hello@{settings.REPLY_DOMAIN}", "Is anyone there?", sender="someone@else.example")
    mail(f"r-{'a' * 24}@{settings.REPLY_DOMAIN}", "A forged token", sender="thief@else.example")
    receive.run()
    assert Turn.objects.count() == 2
    assert set(Conversation.objects.values_list("alert", "resident", "team__name")) == {(None, None, "Media Team")}


@pytest.mark.parametrize(
    "headers",
    [
        [("Auto-Submitted", "auto-replied")],
        [("X-Autoreply", "yes")],
        [("Precedence", "bulk")],
    ],
)
def test_automatic_answers_never_become_replies(cast, person, headers):
    alert = send(cast)
    mail(reply_address(delivery_of(alert, person)), "I am on holiday", headers=headers)
    receive.run()
    assert not Turn.objects.exists()
    assert Inbound.objects.get().state == "done"


def test_a_text_threads_when_one_alert_was_texted_in_a_week(cast, person):
    alert = send(cast)
    text("white van 2.40 going up Ilkeston Rd")
    receive.run()
    conversation = Conversation.objects.get()
    assert (conversation.alert, conversation.resident) == (alert, person)
    assert conversation.reply_address == NUMBER


def test_a_text_after_two_alerts_goes_to_the_local_team_never_a_guess(cast, person):
    send(cast)
    send(cast, title="Another matter")
    text("I saw it")
    receive.run()
    conversation = Conversation.objects.get()
    assert conversation.alert is None and conversation.team == cast.team and conversation.resident == person


def test_a_text_after_a_week_goes_to_the_local_team(cast, person):
    alert = send(cast)
    Delivery.objects.filter(mailing__reference=alert.reference).update(
        state_at=clock.now() - timedelta(days=7, minutes=1)
    )
    text("Too late?")
    receive.run()
    assert Conversation.objects.get().alert is None


def test_a_text_from_a_stranger_is_kept(cast):
    text("Who is this?", sender="+447700900999")
    receive.run()
    conversation = Conversation.objects.get()
    assert conversation.resident is None and conversation.reply_address == "+447700900999"


def test_a_persons_local_team_sorts_their_words(cast):
    cast.resident(FAR, mobile="+447700900555", email=None)
    text("Hello", sender="+447700900555")
    receive.run()
    assert Conversation.objects.get().team == cast.other_team


@pytest.mark.parametrize("words", ["STOP", " stop ", "Stop.", "UNSUBSCRIBE"])
def test_stop_ends_texts_and_is_no_reply(cast, person, words):
    text(words)
    receive.run()
    assert Suppression.objects.filter(channel="sms", stream="").exists()
    assert not Turn.objects.exists()
    confirmation = Delivery.objects.get(mailing__authority_kind="receipt")
    assert confirmation.state == "queued" and "mail" in confirmation.mailing.content["sms"]


def test_stop_the_car_goes_to_the_officer(cast, person):
    send(cast)
    text("Stop the car! It went past again")
    receive.run()
    assert Turn.objects.count() == 1 and not Suppression.objects.exists()


def test_start_is_only_for_members_and_undoes_stop(cast, person):
    text("STOP", number="1")
    receive.run()
    text("start", number="2")
    receive.run()
    assert not Suppression.objects.exists()
    text("START", sender="+447700900888", number="3")
    receive.run()
    assert Turn.objects.count() == 1  # a stranger's word is a person's message


def test_help_is_answered_at_once(cast, person):
    text("HELP")
    receive.run()
    assert "999" in Delivery.objects.get(mailing__authority_kind="receipt").mailing.content["sms"]
    assert not Turn.objects.exists()


def test_a_tap_and_words_on_the_web(cast, person):
    alert = send(cast)
    token = tokens.sign_int("answer", delivery_of(alert, person).pk)
    web.answer(token, choice=Choice.NOTHING)
    assert Answer.objects.get().choice == Choice.NOTHING and not Conversation.objects.exists()
    web.answer(token, choice=Choice.FOOTAGE)
    web.answer(token, choice=Choice.FOOTAGE)  # a finger that slipped
    assert Answer.objects.get().choice == Choice.FOOTAGE  # a later tap replaces an earlier one
    assert Turn.objects.get().text == "I have footage"  # someone to write back to
    web.answer(token, choice=Choice.SAW, text="A man in a red coat")
    assert Conversation.objects.count() == 1
    turn = Turn.objects.last()
    assert turn.way == "web" and not turn.verified and turn.conversation.reply_address == "meg@home.example"
    assert dict(find.taps(alert))["I saw something"] == 1


@pytest.mark.parametrize("token", ["", "x", "a" * 24, "\0" * 24, "é" * 24, "a" * 10_000])
def test_links_that_are_not_ours_open_nothing(cast, token):
    with pytest.raises(web.UnknownLink):
        web.open_link(token)


def test_the_officers_answer_goes_back_the_same_way_and_replies_come_home(cast, person):
    alert = send(cast)
    text("white van", number="1")
    receive.run()
    conversation = Conversation.objects.get()
    assert conversation.waiting_since
    turn = actions.answer(conversation, text="Thank you. Which way did it go?", by=cast.author)
    assert (turn.delivery.channel, turn.delivery.address, turn.delivery.state) == ("sms", NUMBER, "queued")
    conversation.refresh_from_db()
    assert conversation.waiting_since is None and conversation.state == Conversation.State.PENDING
    Delivery.objects.filter(pk=turn.delivery_id).update(state="sent", state_at=clock.now())
    text("North", number="2")
    receive.run()
    assert conversation.turns.count() == 3 and Conversation.objects.count() == 1
    assert alert.conversations.count() == 1


def test_a_reply_to_the_officers_mail_comes_to_the_same_conversation(cast, person):
    alert = send(cast)
    mail(reply_address(delivery_of(alert, person)), "One", sender="meg@work.example")
    receive.run()
    turn = actions.answer(Conversation.objects.get(), text="Thank you", by=cast.approver)
    assert turn.delivery.address == "meg@work.example"
    assert turn.delivery.mailing.content["in_reply_to"].endswith("@home.example>")
    mail(reply_address(turn.delivery), "And another thing", sender="meg@work.example")
    receive.run()
    assert Conversation.objects.count() == 1 and Turn.objects.count() == 3


@pytest.mark.parametrize(
    "odd", ["abc@x.example", "<abc def@x.example>", "<abc@x.example> (mailer)", "<>", f"<{'x' * 300}@x.example>"]
)
def test_a_mail_with_an_odd_message_id_is_answered_all_the_same(cast, person, odd):
    raw = f"From: meg@home.example\nTo: team@reply.example\nMessage-ID: {odd}\nSubject: x\n\nI saw a van\n".encode()
    inbound.store("lmtp", "odd", "mail", raw, envelope_from="meg@home.example", envelope_to="team@reply.example")
    receive.run()
    thread = Conversation.objects.get()
    turn = actions.answer(thread, text="Thank you", by=cast.media if thread.team == cast.media_team else cast.author)
    assert turn.delivery.state == "queued" and turn.delivery.mailing.content["in_reply_to"] == ""


def test_a_person_without_a_way_back_cannot_be_answered_but_noted(cast):
    turn = actions.log(team=cast.team, text="Rang to say the van is back", way="phone", by=cast.author, who="Mrs Smith")
    with pytest.raises(NotAllowed):
        actions.answer(turn.conversation, text="Thanks", by=cast.author)
    assert actions.note(turn.conversation, text="Called back", by=cast.author).direction == "note"


def test_only_the_team_reads_and_answers(cast, person):
    alert = send(cast)
    mail(reply_address(delivery_of(alert, person)), "Private words")
    receive.run()
    conversation = Conversation.objects.get()
    for who in (cast.stranger, cast.outsider):
        assert conversation not in Conversation.objects.visible_to(who)
        for act in (
            lambda who=who: actions.look(conversation, by=who, why="curious"),
            lambda who=who: actions.answer(conversation, text="hello", by=who),
            lambda who=who: actions.claim(conversation, by=who),
        ):
            with pytest.raises(NotAllowed):
                act()


def test_each_look_is_recorded_against_the_person(cast, person):
    alert = send(cast)
    mail(reply_address(delivery_of(alert, person)), "Words")
    receive.run()
    actions.look(Conversation.objects.get(), by=cast.author, why="answering a reply")
    entry = Entry.objects.get(verb="conversation read")
    assert (entry.target_type, entry.target_key, entry.by_key) == ("resident", str(person.key), str(cast.author.key))


def test_many_replies_in_a_minute_are_one_notice(cast, person):
    alert = send(cast)
    for number in range(5):
        mail(reply_address(delivery_of(alert, person)), f"Words {number}")
    receive.run()
    assert Turn.objects.count() == 5
    assert Delivery.objects.filter(mailing__authority_kind="notice", address=cast.author.email).count() == 1


def test_inbox_tabs(cast, person):
    alert = send(cast)
    mail(reply_address(delivery_of(alert, person)), "Words")
    mail(f"hello@{settings.REPLY_DOMAIN}", "To nobody")
    receive.run()
    assert find.tallies(cast.author) == {"mine": 1, "unassigned": 0, "team": 1}
    assert find.tallies(cast.media) == {"mine": 0, "unassigned": 1, "team": 1}
    before = find.stamp(cast.author)
    mail(reply_address(delivery_of(alert, person)), "More words")
    receive.run()
    assert find.stamp(cast.author) != before


def test_one_message_that_cannot_be_threaded_does_not_stop_the_others(cast, person, monkeypatch):
    alert = send(cast)
    mail(reply_address(delivery_of(alert, person)), "poison")
    mail(reply_address(delivery_of(alert, person)), "honest words")
    hear_all = actions.hear_all

    def trip(heard):
        if any("poison" in one.words.text for one in heard):
            raise RuntimeError("trip")
        return hear_all(heard)

    monkeypatch.setattr(actions, "hear_all", trip)
    receive.run()
    assert Turn.objects.get().text.strip() == "honest words"
    assert Inbound.objects.exclude(state="done").count() == 1
    monkeypatch.undo()
    receive.run()
    assert Turn.objects.count() == 2


def test_hostile_words_are_kept_as_words(cast, person):
    alert = send(cast)
    words = "<script>alert(1)</script> ' OR 1=1 -- \u202e {{ 7*7 }} " + "x" * 50_000
    mail(reply_address(delivery_of(alert, person)), words)
    receive.run()
    assert Turn.objects.get().text.startswith("<script>") and len(Turn.objects.get().text) <= actions.MOST_TEXT
