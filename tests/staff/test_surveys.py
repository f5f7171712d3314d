"""Surveys and partner notices at the desk: writing them, counts without people, who may begin which."""

from datetime import timedelta

import pytest

from bell.alerts import actions, together
from bell.alerts.models import Alert
from bell.conversations import votes
from bell.conversations.models import Vote
from bell.lib import clock
from bell.organisations.kinds import Kind
from tests.public.conftest import send

CHOICES = "Speeding\nParking by the school\nLitter"


def ask(cast, **changes):
    cast.resident()
    return send(cast, kind=Kind.SURVEY, title="What matters?", fields={"choices": CHOICES, "most": "2"}, **changes)


def test_an_officer_writes_a_survey(cast, at_desk):
    client = at_desk("author")
    page = client.get("/desk/new/").content.decode()
    assert "Survey of priorities" in page and "Partner notice" not in page
    found = client.post("/desk/new/", {"kind": "survey", "team": cast.team.pk})
    path = found["Location"]
    page = client.get(path).content.decode()
    assert "Choices" in page and "How many may one person choose?" in page and "Closes at" in page
    assert 'name="urgent"' not in page and 'name="expires_at"' not in page
    sent = {
        "title": "What matters most to you?", "body": "Help us choose.", "channels": ["email"], "areas": [cast.west.pk],
        "choices": "- Speeding\r\n\r\n Parking \r\n• Litter", "most": "2", "closes": "", "do": "save", "seen": "0",
        "whole": "1",
    }  # fmt: skip
    later = clock.local(clock.now() + timedelta(days=3))
    assert client.post(path, sent | {"closes": f"{later:%Y-%m-%dT17:00}", "urgent": "on"}).status_code == 302
    alert = Alert.objects.get()
    assert alert.fields["choices"] == "Speeding\nParking\nLitter" and alert.fields["most"] == "2"
    assert alert.fields["closes_at"].startswith(f"{later:%Y-%m-%d}T") and not alert.urgent
    assert alert.by_email and not alert.by_sms


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("closes", "2020-01-01T10:00", "This time has passed"),
        ("closes", "2027-03-28T01:30", "The clocks change"),
        ("closes", "soon", "Enter a date and a time"),
        ("most", "9", "Choose one, two or three"),
        ("choices", "x" * 1001, "1,000 characters"),
        ("choices", "One only", "2 to 8 choices"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(cast, at_desk, field, value, words):
    alert = cast.draft(kind=Kind.SURVEY, fields={"choices": CHOICES, "most": "1"})
    sent = {
        "title": "T",
        "body": "B",
        "channels": ["email"],
        "areas": [cast.west.pk],
        "seen": "0",
        "do": "submit",
        "whole": "1",
    }
    page = at_desk("author").post(
        f"/desk/alerts/{alert.reference}/edit/", sent | {"choices": CHOICES, "most": "1", field: value}
    )
    assert page.status_code == 200 and words in page.content.decode() and f'id="id_{field}' in page.content.decode()


def test_the_alert_page_counts_and_tells_nobody_apart(cast, at_desk):
    survey = ask(cast)
    meg = cast.resident(email="meg@home.example")
    client, path = at_desk("author"), f"/desk/alerts/{survey.reference}/"
    votes.vote(survey, resident=meg, chosen=[0])
    page = client.get(path).content.decode()
    assert "Fewer than 5 people have answered" in page and "I saw something" not in page
    Vote.objects.bulk_create(Vote(alert=survey, chosen="Speeding", at=clock.now()) for _ in range(11))
    for shown in (client.get(path), client.get(f"{path}live/")):
        page = shown.content.decode()
        assert "About 10 people answered" in page and "about 10 (100%)" in page and page.count("fewer than 5") == 2
        assert "meg@home.example" not in page and str(meg.key) not in page
    assert client.get(path).content.decode().count("No page shows who chose what") == 1


def test_a_follow_up_of_a_survey_asks_for_no_choices(cast, at_desk):
    survey = ask(cast)
    found = at_desk("author").post(f"/desk/alerts/{survey.reference}/follow/", {"relation": "update"})
    page = at_desk("author").get(found["Location"]).content.decode()
    assert 'name="choices"' not in page and 'name="expires_at"' in page


def test_the_force_is_refused_a_partner_notice_in_plain_words(cast, at_desk):
    page = at_desk("author").post("/desk/new/", {"kind": "partner", "team": cast.team.pk})
    assert page.status_code == 200 and "a partner’s own message" in page.content.decode()
    assert not Alert.objects.exists()


def test_a_partner_writes_a_notice(cast, at_desk):
    client, desk = at_desk("outsider"), cast.outsider.grants.first().team
    assert "Partner notice" in client.get("/desk/new/").content.decode()
    path = client.post("/desk/new/", {"kind": "partner", "team": desk.pk})["Location"]
    sent = {
        "title": "Road closed", "body": "Heanor Road is closed.", "channels": ["email"], "areas": [cast.west.pk],
        "dates": "Monday", "find_out": "https://evil.example.com/", "seen": "0", "do": "submit", "whole": "1",
    }  # fmt: skip
    page = client.post(path, sent).content.decode()
    assert "not on the list of ours" in page and "Give a page at a domain of ours" in page
    client.post(path, sent | {"find_out": "0300 123 2040", "seen": str(Alert.objects.get().edit), "do": "save"})
    assert Alert.objects.get().fields == {"dates": "Monday", "find_out": "0300 123 2040"}


def test_the_force_takes_on_a_notice_that_a_partner_asks_for(cast, at_desk):
    desk = cast.outsider.grants.first().team
    own = cast.draft(by=cast.outsider, team=desk, kind=Kind.PARTNER, fields={"find_out": "Call 101"})
    asked = together.ask(own, to=cast.force, by=cast.outsider)
    made = actions.take_on(asked, team=cast.team, by=cast.author)
    page = at_desk("author").get(f"/desk/alerts/{made.reference}/edit/").content.decode()
    assert "Partner notice" in page and 'name="find_out"' in page and "Sent on behalf of Test Council" in page


def test_templates_are_offered_for_the_kinds_that_one_may_begin(cast, at_desk):
    for who, offered in (("approver", False), ("outsider", True)):
        page = at_desk(who).get("/desk/templates/new/").content.decode()
        assert ('value="partner"' in page) == offered and 'value="survey"' in page and 'value="outcome"' not in page
