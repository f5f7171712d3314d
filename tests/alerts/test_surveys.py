"""Surveys and partner notices as alerts: what each must have, when a survey is over, who begins a notice."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.alerts import actions, ballots, closing, content, digests, expiry, rules, starters, together
from bell.alerts.models import Alert, State
from bell.alerts.rules import NotAllowed, Unfinished
from bell.delivery import slots
from bell.lib import clock
from bell.organisations.kinds import ALL_BITS, ASKING, Kind
from bell.organisations.models import Role
from tests.public.conftest import send

CHOICES = "Speeding\nParking by the school\nDogs off the lead"
FIELDS = {"choices": CHOICES, "most": "2"}
PARTNER = {"dates": "Monday to Friday", "find_out": "Call 0300 123 2040"}


def survey(cast, **changes):
    return cast.draft(**{"kind": Kind.SURVEY, "title": "What matters most?", "fields": FIELDS} | changes)


def in_(**time):
    return {"closes": "then", "closes_at": (clock.now() + timedelta(**time)).isoformat()}


def test_it_goes_by_email_is_routine_and_may_wait_for_a_digest(cast):
    for alert in (survey(cast), cast.draft(kind=Kind.PARTNER, fields=PARTNER)):
        assert (alert.by_email, alert.by_sms, alert.urgent) == (True, False, False)
        assert not rules.problems(alert) and digests.waits(rules.snapshot(alert))
        alert.urgent = True
        assert "never urgent" in rules.problems(alert)["urgent"]


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        ({"choices": "Only one"}, "choices", "2 to 8"),
        ({"choices": "\n".join("abcdefghi")}, "choices", "There are 9"),
        ({"choices": "Speeding\nSPEEDING"}, "choices", "the same"),
        ({"choices": f"Speeding\n{'x' * 61}"}, "choices", "60 characters"),
        ({"choices": "Speeding\n[street]"}, "choices", "Fill in [street]"),
        ({"choices": "Speeding\nParking", "most": "2"}, "most", "fewer than"),
        ({"choices": ""}, "choices", "one choice on each line"),
    ],
)
def test_what_is_wrong_with_a_survey_is_said_in_words(cast, fields, name, words):
    assert words in rules.problems(survey(cast, fields=FIELDS | fields))[name]


def test_a_survey_does_not_close_before_it_goes(cast):
    assert "before it is sent" in rules.problems(survey(cast, fields=FIELDS | in_(hours=-1)))["closes"]
    later = survey(cast, fields=FIELDS | in_(hours=2), send_at=clock.now() + timedelta(hours=3))
    assert "before it is sent" in rules.problems(later)["closes"]
    assert not rules.problems(survey(cast, fields=FIELDS | in_(hours=4), send_at=clock.now() + timedelta(hours=3)))


@given(lines=st.lists(st.text(max_size=70), max_size=10))
def test_choices_are_read_the_same_again_whatever_was_typed(lines):
    once = ballots.choices({"choices": "\n".join(lines)})
    assert ballots.choices({"choices": "\n".join(once)}) == once
    assert all(line == line.strip() and line and len(line.splitlines()) == 1 for line in once)


def test_it_is_over_when_it_closes_and_waits_in_no_digest_beyond_that(cast):
    alert = survey(cast, fields=FIELDS | in_(days=2))
    at = ballots.closes(alert.kind, alert.fields)
    assert expiry.of(alert) == expiry.read(rules.snapshot(alert)) == expiry.useful_until(rules.snapshot(alert)) == at
    alert.expires_at = clock.now() + timedelta(days=1)
    assert expiry.of(alert) == ballots.until(alert) == alert.expires_at


def test_the_message_shows_the_choices_and_promises_no_number_by_text(cast):
    frozen = rules.snapshot(survey(cast, by_sms=True, fields=FIELDS | {"closes": "Friday 5pm", "closes_at": ""}))
    made = content.build(frozen)
    assert "Choices:\n• Speeding\n• Parking by the school" in made.text and "Open until: Friday 5pm" in made.text
    assert "You may choose: up to two" in made.text and "not shown who chose what" in made.text
    assert "• Speeding<br>" in made.html and "Choose your answer" in made.html
    for words in (made.text, made.html, made.sms):
        assert slots.ANSWER in words
    assert "Choose here:" in made.sms and "Reply" not in made.sms and "1." not in made.text


def test_choices_are_translated_line_by_line_or_not_at_all(cast):
    said = {"title": "Co najważniejsze?", "body": "Wybierz.", "sms_text": "", "fields": {"choices": "Prędkość\nPsy"}}
    alert = survey(cast, languages={"pl": said})
    assert "as many choices" in rules.problems(alert)["lang_pl_choices"]
    alert.languages["pl"]["fields"]["choices"] = "Prędkość\nParkowanie\nPsy"
    assert "lang_pl_choices" not in rules.problems(alert) and ballots.spoken(alert, "pl")[2] == "Psy"
    assert "• Prędkość" in content.build(rules.snapshot(alert)).languages["pl"]["text"]
    alert.languages["pl"]["fields"] = {}
    assert "lang_pl_choices" not in rules.problems(alert) and ballots.spoken(alert, "pl") == []
    assert "• Speeding" in content.build(rules.snapshot(alert)).languages["pl"]["text"]


def test_what_follows_has_no_choices_of_its_own_and_invites_while_the_first_is_open(cast):
    cast.resident()
    first = send(cast, kind=Kind.SURVEY, title="What matters most?", fields=FIELDS)
    update = actions.follow_up(first, relation="update", by=cast.author)
    assert update.fields == {} and "choices" not in rules.problems(update) and ballots.of(update) == first
    assert content.parts(rules.snapshot(update)).votes and content.parts(rules.snapshot(update)).facts == []
    closing.close(first, by=cast.author)
    assert not ballots.is_open(Alert.objects.get(pk=first.pk)) and not content.parts(rules.snapshot(update)).votes


def test_it_is_closed_without_words_and_asks_for_no_outcome(cast):
    assert Kind.SURVEY not in ASKING
    closed = closing.close(send(cast, kind=Kind.SURVEY, title="What?", fields=FIELDS), by=cast.author)
    assert closed.state == State.CLOSED


def test_the_force_begins_no_partner_notice_and_sends_one_when_a_partner_asks(cast):
    with pytest.raises(NotAllowed, match="a partner’s own message"):
        actions.draft(team=cast.team, kind=Kind.PARTNER, by=cast.author)
    desk = cast.outsider.grants.first().team
    own = cast.draft(by=cast.outsider, team=desk, kind=Kind.PARTNER, fields=PARTNER)
    assert own.organisation == cast.partner and not rules.problems(own)
    asked = together.ask(own, to=cast.force, by=cast.outsider)
    made = actions.take_on(asked, team=cast.team, by=cast.author)
    assert (made.kind, made.on_behalf_of, made.fields) == (Kind.PARTNER, cast.partner, PARTNER)
    cast.resident()
    sent = send(cast, alert=actions.edit(made, by=cast.author, audience={"areas": [cast.west.pk]}))
    after = actions.follow_up(sent, relation="update", by=cast.author)
    assert (
        after.on_behalf_of == cast.partner and "on behalf of Test Council" in content.build(rules.snapshot(after)).text
    )


def test_templates_of_a_notice_are_a_partners(cast):
    given = {"name": "Road works", "title": "Closed", "body": "[road] is closed.", "kind": Kind.PARTNER}
    with pytest.raises(Unfinished) as caught:
        starters.keep(by=cast.approver, team=cast.team, **given)
    assert "own message" in caught.value.problems["kind"]
    desk = cast.outsider.grants.first().team
    assert starters.begin(starters.keep(by=cast.outsider, team=desk, **given), team=desk, by=cast.outsider).kind


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("Call 101", ""),
        ("Ring 01629 533190, Monday to Friday", ""),
        ("https://www.derbyshire.gov.uk/roads", ""),
        ("www.derbyshire.gov.uk/roads or 0300 123 2040", ""),
        ("Ask us", "phone number"),
        ("In 2026", "phone number"),
        ("https://evil.example.com/x", "not on the list"),
        ("bit.ly/abc or 101", "short link"),
    ],
)
def test_where_to_find_out_more_is_a_number_or_a_page_we_know(cast, words, problem):
    found = rules.problems(cast.draft(kind=Kind.PARTNER, fields={"find_out": words}))
    assert problem in found.get("find_out", "") and bool(problem) == ("find_out" in found)


def test_dates_may_be_left_out_and_are_then_not_shown(cast):
    shown = content.parts(rules.snapshot(cast.draft(kind=Kind.PARTNER, fields={"find_out": "Call 101"}))).facts
    assert shown == [("Find out more", "Call 101")]


def test_who_had_everything_before_gets_neither_until_they_choose(cast):
    """Decision 24: eight ticks of eight were no yes to the ninth."""
    eight = cast.resident(kinds=[kind for kind in Kind if kind not in (Kind.SURVEY, Kind.PARTNER)])
    assert eight.email_kinds == 255 and ALL_BITS == 1023
    chose = cast.resident()
    for alert in (
        send(cast, kind=Kind.SURVEY, title="What matters?", fields=FIELDS),
        send(cast, kind=Kind.PARTNER, title="Road closed", fields=PARTNER),
    ):
        assert alert.versions.get().people == 1
    assert chose.email_kinds & 256 and chose.email_kinds & 512


def test_a_partner_reaches_who_follows_it_and_chose_its_notices(cast):
    follower = cast.resident(organisations=(cast.partner,))
    cast.resident()
    desk = cast.outsider.grants.first().team
    colleague = cast.officer("Pia Partner", desk, Role.APPROVER)
    draft = cast.draft(by=cast.outsider, team=desk, kind=Kind.PARTNER, fields=PARTNER)
    version = actions.submit(draft, by=cast.outsider)
    assert version.people == 1 and follower.pk
    actions.approve(version, by=colleague, digest=version.digest, reason="Ours.")
