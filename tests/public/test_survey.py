"""Choosing in a survey from the link in a message: once, changeable, never by looking, never shown by person."""

from datetime import timedelta

import pytest
from django.test import Client

from bell.alerts import actions as alert_actions
from bell.alerts import closing
from bell.alerts.models import Alert
from bell.audit.models import Entry
from bell.conversations import receive, votes
from bell.conversations.models import Conversation, Turn, Vote
from bell.delivery import inbound
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.privacy import access, erase
from bell.public import answer
from tests.privacy.conftest import delivery_of, mail, reply_to
from tests.public.conftest import answer_link, plain, send

CHOICES = ["Speeding", "Parking by the school", "Dogs off the lead", "Litter"]


def ask(cast, most="2", **changes):
    fields = {"choices": "\n".join(CHOICES), "most": most} | changes.pop("fields", {})
    return send(cast, kind=Kind.SURVEY, title="What matters most to you?", fields=fields, **changes)


@pytest.fixture
def survey(cast, meg):
    return ask(cast)


@pytest.fixture
def link(survey, meg):
    return answer_link(survey, meg)


def words(response):
    return response.content.decode()


def test_the_page_asks_and_says_who_sees_it(client, link):
    page = words(client.get(link))
    assert all(choice in page for choice in CHOICES) and "Choose up to two" in page and 'type="checkbox"' in page
    assert "not shown who chose what" in page and "no number under five" in page and "the last one counts" in page
    assert "meg@home" not in page and "I saw something" not in page


def test_one_of_them_is_a_radio_button(client, cast, meg):
    link = answer_link(ask(cast, "1"), meg)
    page = words(client.get(link))
    assert 'type="radio"' in page and "Choose one" in page
    assert client.post(link, {"choices": "3"}).status_code == 302 and Vote.objects.get().chosen == "Litter"


def test_sending_keeps_the_choices_and_says_thank_you(client, survey, link, meg):
    found = client.post(link, {"choices": ["2", "0"]})
    assert found.status_code == 302 and found["Location"] == f"{link}thanks/?said=choices"
    page = words(client.get(found["Location"]))
    assert "Your choice is counted" in page and "Speeding" not in page
    vote = Vote.objects.get()
    assert (vote.alert, vote.resident, vote.chosen) == (survey, meg, "Speeding\nDogs off the lead")
    assert not Conversation.objects.exists(), "a choice alone is no reply"


def test_it_is_changed_by_sending_again_and_never_shown(client, link):
    client.post(link, {"choices": ["0"]})
    before = plain(client.get(link).content)
    client.post(link, {"choices": ["1", "3"]})
    assert Vote.objects.get().chosen == "Parking by the school\nLitter"
    assert plain(client.get(link).content) == before and "checked" not in before


def test_both_messages_of_one_person_are_one_answer(client, cast, meg):
    survey = ask(cast, by_sms=True)
    client.post(answer_link(survey, meg, "sms"), {"choices": ["0"]})
    client.post(answer_link(survey, meg, "email"), {"choices": ["1"]})
    assert Vote.objects.get().chosen == "Parking by the school"


def test_looking_chooses_nothing(client, link):
    for path in (link, f"{link}?choices=1", f"{link}thanks/?said=choices&choices=1"):
        client.get(path)
        client.head(path)
    assert not Vote.objects.exists()


@pytest.mark.parametrize(
    "choices", [["0", "1", "2"], ["9"], ["-1"], ["x"], ["0\x00"], ["1e3"], ["٣"], [""], [], ["0", "nonsense"]]
)
def test_what_is_no_choice_is_refused_in_words(client, link, choices):
    page = client.post(link, {"choices": choices})
    assert page.status_code == 200 and "There is a problem" in words(page)
    assert not Vote.objects.exists() and not Turn.objects.exists()


def test_too_many_is_said_and_what_was_typed_stays(client, link):
    page = words(client.post(link, {"choices": ["0", "1", "2"], "text": "And the bins"}))
    assert "Choose up to two, not more" in page and "And the bins" in page and page.count("checked") == 3
    assert not Turn.objects.exists()


def test_words_go_to_the_team_as_a_reply_without_the_choice(client, link, survey, meg):
    client.post(link, {"choices": ["0"], "text": "By the chapel, at school time"})
    turn = Turn.objects.get()
    assert turn.text == "By the chapel, at school time" and turn.conversation.alert == survey
    assert turn.conversation.reply_address == "meg@home.example" and Vote.objects.get().resident == meg
    assert client.post(link, {"text": "Words alone"})["Location"].endswith("?said=words")
    assert Vote.objects.count() == 1


def test_a_reply_by_mail_lands_with_the_officer_and_a_number_by_text_is_a_reply(cast, meg):
    survey = ask(cast, by_sms=True)
    mail(reply_to(delivery_of(survey, meg)), "None of these: the bus", sender="meg@home.example")
    raw = b'{"id": "1", "from": "+447700900123", "to": "x", "text": "2"}'
    inbound.store("simulator", "1", "sms", raw)
    receive.run()
    assert {turn.text.strip() for turn in Turn.objects.filter(conversation__alert=survey)} == {
        "None of these: the bus", "2",
    }  # fmt: skip
    assert not Vote.objects.exists()


def test_after_its_end_the_page_says_so_and_keeps_no_choice(client, cast, meg, monkeypatch):
    at = clock.now() + timedelta(hours=3)
    survey = ask(cast, fields={"closes": "today", "closes_at": at.isoformat()})
    link = answer_link(survey, meg)
    assert "open until" in words(client.get(link))
    client.post(link, {"choices": ["0"]})
    monkeypatch.setattr(clock, "now", lambda: at)
    for page in (client.get(link), client.post(link, {"choices": ["1"]})):
        assert "This survey is closed" in words(page) and 'type="checkbox"' not in words(page)
    with pytest.raises(votes.NotKept):
        votes.vote(survey, resident=meg, chosen=[1])
    assert Vote.objects.get().chosen == "Speeding"
    assert client.post(link, {"text": "Too late, but hear this"}).status_code == 302


def test_closed_or_stopped_by_a_person_it_takes_no_more(client, cast, survey, link, meg):
    closing.close(survey, by=cast.author)
    assert "This survey is closed" in words(client.get(link))
    Alert.objects.filter(pk=survey.pk).update(state="stopped")
    assert "We stopped this survey" in words(client.get(link))
    client.post(link, {"choices": ["1"], "text": "x"})
    assert not Vote.objects.exists()


def test_an_update_leads_to_the_same_survey(client, cast, survey, meg):
    update = alert_actions.follow_up(survey, relation="update", by=cast.author)
    alert_actions.edit(update, by=cast.author, body="Two days are left.", title="Two days left")
    sent = send(cast, alert=Alert.objects.get(pk=update.pk))
    client.post(answer_link(sent, meg), {"choices": ["0"]})
    assert Vote.objects.get().alert == survey


def test_nobody_known_is_not_counted_and_told_why(client, cast, survey, link, meg):
    erase.erase(meg, by=meg, why="asked")
    page = words(client.post(link, {"choices": ["0"]}))
    assert "we cannot make sure that you choose only once" in page and not Vote.objects.exists()


def test_the_record_says_that_somebody_answered_and_never_what(client, link, survey):
    client.post(link, {"choices": ["0"]})
    entry = Entry.objects.get(verb="survey answered")
    assert entry.target_key and "Speeding" not in str(entry.facts) and "choice" not in str(entry.facts)


def test_it_is_in_the_copy_of_ones_data_and_goes_with_an_erasure_but_the_number(client, link, meg, survey):
    client.post(link, {"choices": ["0"]})
    held = {section["title"]: section["rows"] for section in access.everything(meg)["held"]}
    assert held["What you chose in surveys"][0]["chosen"] == "Speeding"
    erase.erase(meg, by=meg, why="asked")
    assert Vote.objects.get().resident is None and votes.counts(survey)[0] == 1


def test_no_cookie_no_csrf_a_secret_link_and_a_limit(link):
    strict = Client(enforce_csrf_checks=True)
    assert not strict.get(link).cookies
    found = strict.post(link, {"choices": ["0"]}, headers={"origin": "null"})
    assert found.status_code == 302 and not found.cookies
    assert strict.get(link)["Referrer-Policy"] == "no-referrer" and "no-store" in strict.get(link)["Cache-Control"]
    for _ in range(answer.MOST_AN_HOUR):
        last = strict.post(link, {"choices": ["1"]})
    assert last.status_code == 429 and "answered many times" in words(last)


def test_each_choice_says_what_it_means_in_the_readers_language(client, cast, meg):
    meg.language = "ur"
    meg.save()
    said = {
        "title": "کیا اہم ہے؟",
        "body": "چنیں۔",
        "sms_text": "",
        "fields": {"choices": "تیز رفتاری\nپارکنگ\nکتے\nکوڑا"},
    }
    survey = ask(cast, languages={"ur": said})
    assert '<span lang="ur" dir="rtl">تیز رفتاری</span>' in words(client.get(answer_link(survey, meg)))


def crowd(cast, survey, sizes):
    """So many people chose each of the first choices; made at once, since many are needed."""
    Vote.objects.bulk_create(
        Vote(alert=survey, chosen=CHOICES[place], at=clock.now())
        for place, size in enumerate(sizes)
        for _ in range(size)
    )


def test_the_public_page_has_the_choices_and_results_only_at_the_end(client, cast, survey):
    crowd(cast, survey, (21, 12, 3))
    path = f"/a/{survey.reference}/"
    page = words(client.get(path))
    assert "• Speeding" in page and "Were you asked?" in page and "What people chose" not in page
    closing.close(survey, by=cast.author)
    page = words(client.get(path))
    assert "What people chose" in page and "about 20 (57%)" in page and page.count("fewer than 5") == 2
    assert "About 35 people answered" in page and "Were you asked?" not in page


def test_of_fewer_than_twenty_nothing_is_public(client, cast, survey):
    crowd(cast, survey, (19,))
    closing.close(survey, by=cast.author)
    assert "What people chose" not in words(client.get(f"/a/{survey.reference}/"))
