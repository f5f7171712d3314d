"""Results of a survey: small numbers hidden, the rest rounded, shares from what is shown."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bell.conversations import votes
from bell.conversations.models import Vote
from bell.insight import surveys
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.privacy import retention
from tests.public.conftest import send

CHOICES = ["Speeding", "Parking", "Litter"]


def ask(cast, most="1"):
    cast.resident()
    return send(cast, kind=Kind.SURVEY, title="What?", fields={"choices": "\n".join(CHOICES), "most": most})


def cast_votes(survey, *lines):
    Vote.objects.bulk_create(Vote(alert=survey, chosen=chosen, at=clock.now()) for chosen in lines)


def test_numbers_are_rounded_and_small_ones_hidden(cast):
    survey = ask(cast)
    cast_votes(survey, *["Speeding"] * 23, *["Parking"] * 4)
    result = surveys.of(survey)
    assert result.people == 25 and result.open and not result.several
    assert [row.words for row in result.rows] == ["about 25 (100%)", "fewer than 5", "fewer than 5"]


def test_of_fewer_than_five_no_row_has_a_number(cast):
    survey = ask(cast)
    cast_votes(survey, *["Speeding"] * 4)
    result = surveys.of(survey)
    assert result.people is None and all(row.people is None and row.per_cent is None for row in result.rows)


def test_one_person_may_count_in_several_rows(cast):
    survey = ask(cast, "2")
    cast_votes(survey, *["Speeding\nLitter"] * 10, *["Litter"] * 10)
    assert votes.counts(survey) == (20, [("Speeding", 10), ("Parking", 0), ("Litter", 20)])
    assert surveys.of(survey).several and surveys.of(survey).rows[2].words == "about 20 (100%)"


@given(number=st.integers(0, 400), whole=st.integers(0, 400))
def test_no_share_tells_more_than_its_number(number, whole):
    row = surveys._row("x", min(number, whole), surveys.hiding.shown(whole))
    assert (row.people is None) == (row.per_cent is None)
    assert row.people is None or (row.people % 5 == 0 and row.people >= 5 and 0 <= row.per_cent <= 100)


def test_what_is_practice_stopped_or_open_has_no_public_result(cast):
    survey = ask(cast)
    cast_votes(survey, *["Speeding"] * 40)
    assert surveys.public(survey) is None
    survey.state = "stopped"
    assert surveys.public(survey) is None
    survey.state = "closed"
    assert surveys.public(survey).people == 40
    survey.practice = True
    assert surveys.public(survey) is None


def test_who_chose_what_is_forgotten_after_the_end_and_the_number_stays(cast, monkeypatch):
    survey, person = ask(cast), cast.resident()
    votes.vote(survey, resident=person, chosen=[1])
    rule = next(one for one in retention.RULES if one.name == "survey choices")
    later = clock.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert retention.due(rule) == 0, "it is open: they may change their mind"
    survey.state = "closed"
    survey.save()
    assert retention.due(rule) == 1 and retention.step(rule) == 1 and retention.due(rule) == 0
    assert Vote.objects.get().resident is None and votes.counts(survey) == (
        1, [("Speeding", 0), ("Parking", 1), ("Litter", 0)],
    )  # fmt: skip
