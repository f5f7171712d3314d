"""Answers per 100 asked, by group and hour; the ledger."""

from datetime import UTC, datetime

import pytest

from bell.alerts import actions
from bell.alerts.models import Alert
from bell.conversations import actions as conversations
from bell.conversations.actions import Words
from bell.conversations.models import Choice
from bell.delivery.models import Delivery
from bell.insight import answers
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer
from tests.public.conftest import send

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(cast, monkeypatch):
    """An appeal to 12 people, of whom 6 walk dogs; 8 answered, 5 of them dog walkers. Thresholds as small as they."""
    monkeypatch.setattr(answers, "ASKED_LEAST", 6)
    cast.people = [cast.resident(groups=(cast.dog_walkers,) if number < 6 else ()) for number in range(12)]
    alert = send(cast, title="Did you see a van?")
    for person in cast.people[:5] + cast.people[6:8]:
        conversations.tap(alert, resident=person, choice=Choice.NOTHING)
    words = Words("A van.", "email", reply_channel="email", reply_address="jo@home.example", verified=True)
    for person in (cast.people[0], cast.people[8]):  # one who also tapped, one who only wrote
        conversations.hear(words, team=cast.team, alert=alert, resident=person)
    Alert.objects.filter(pk=alert.pk).update(sent_at=clock.now().replace(minute=0))
    cast.alert = Alert.objects.get(pk=alert.pk)
    return cast


def test_people_count_once_an_appeal(asked):
    found = answers.appeals(asked.author)
    assert found.asked == {asked.alert.reference: 12} and len(found.answered) == 8


def test_by_group(asked):
    rates = {one.name: one for one in answers.by_group(answers.appeals(asked.author))}
    assert rates["Dog walkers"].asked == 5 and rates["Dog walkers"].per_100 == round(500 / 6, 1)
    assert rates["CCTV owners"] == answers.Rate("CCTV owners", None, None)


def test_by_hour_of_londons_clocks(asked):
    Alert.objects.filter(pk=asked.alert.pk).update(sent_at=datetime(2026, 7, 1, 16, 5, tzinfo=UTC))
    rates = [one for one in answers.by_hour(answers.appeals(asked.author)) if one.asked]
    assert [(one.name, one.per_100) for one in rates] == [("5pm to 6pm", 66.7)]


@pytest.mark.parametrize("asked_, answered, per_100", [(99, 50, None), (100, 4, None), (100, 5, 5.0), (300, 20, 6.7)])
def test_few_say_nothing(asked_, answered, per_100):
    assert answers.rate("x", asked_, answered).per_100 == per_100


def test_every_hour_has_a_name():
    names = [one.name for one in answers.by_hour(answers.Appeals([], {}, set()))]
    assert names[0] == "midnight to 1am" and names[11] == "11am to midday" and names[12] == "midday to 1pm"
    assert names[23] == "11pm to midnight" and len(set(names)) == 24


def test_what_failed_or_is_practice_was_not_asked(asked):
    Delivery.objects.filter(recipient_key=asked.people[0].key).update(state="bounced")
    assert answers.appeals(asked.author).asked == {asked.alert.reference: 11}
    for officer in (asked.author, asked.approver):
        Officer.objects.filter(pk=officer.pk).update(practice=True)
        officer.refresh_from_db()
    send(asked, title="Practice")
    assert len(answers.appeals(asked.author).alerts) == 1


def test_the_ledger_tells_what_came_of_it(asked):
    line = answers.ledger(answers.appeals(asked.author))[0]
    assert line.outcomes == [] and line.asked == 12 and line.answered == 8 and line.useful == 0
    draft = actions.follow_up(asked.alert, relation="outcome", by=asked.author)
    actions.edit(draft, by=asked.author, title="A man was charged", body="Thanks to **three** of you.")
    talk = asked.alert.conversations.first()
    conversations.claim(talk, by=asked.author)
    conversations.close(talk, by=asked.author, useful=True)
    assert answers.ledger(answers.appeals(asked.author))[0].outcomes == [], "a draft is no outcome"
    send(asked, alert=Alert.objects.get(pk=draft.pk))
    line = answers.ledger(answers.appeals(asked.author))[0]
    assert [(one.title, note) for one, note in line.outcomes] == [("A man was charged", "Thanks to three of you.")]
    assert line.useful == 1


def test_each_officer_has_the_appeals_of_their_teams(asked):
    assert answers.appeals(asked.media).alerts == [asked.alert]
    assert answers.appeals(asked.stranger).alerts == [] == answers.appeals(asked.outsider).alerts


def test_advice_asks_nothing(cast):
    send(cast, kind=Kind.PREVENTION)
    assert answers.appeals(cast.author).alerts == []
