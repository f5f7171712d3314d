"""Quiet hours: what is not urgent waits until they end, on London's clocks; what is urgent does not, as is noted."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.alerts import actions as alert_actions
from bell.alerts import audience, dispatch
from bell.audit.models import Entry
from bell.delivery.models import Delivery, State
from bell.lib import clock
from bell.residents import actions
from bell.residents.models import Resident
from tests.alerts.test_life import release

HALF_HOURS = list(range(0, 1440, 30))
NIGHT = (21 * 60, 8 * 60)
SIESTA = (13 * 60, 15 * 60)


def london(day, hour, minute=0, month=11):
    return datetime(2026, month, day, hour, minute, tzinfo=clock.LONDON)


@pytest.mark.parametrize(
    ("at", "hours", "ends"),
    [
        (london(20, 22), NIGHT, london(21, 8)),
        (london(20, 2), NIGHT, london(20, 8)),
        (london(20, 21), NIGHT, london(21, 8)),
        (london(20, 8), NIGHT, None),
        (london(20, 12), NIGHT, None),
        (london(20, 13, 30), SIESTA, london(20, 15)),
        (london(20, 15), SIESTA, None),
        # Half past one comes twice, or not at all.
        (london(25, 0, 30, month=10), (22 * 60, 90), datetime(2026, 10, 25, 0, 30, tzinfo=clock.UTC)),
        (london(25, 1, 10, month=10).replace(fold=1), (22 * 60, 90), datetime(2026, 10, 25, 1, 30, tzinfo=clock.UTC)),
        (datetime(2027, 3, 28, 0, 30, tzinfo=clock.UTC), (22 * 60, 90), datetime(2027, 3, 28, 1, 30, tzinfo=clock.UTC)),
        # The clocks go back on 25 October 2026 and forward on 28 March 2027.
        (london(24, 23, month=10), NIGHT, london(25, 8, month=10)),
        (datetime(2027, 3, 27, 23, tzinfo=clock.LONDON), NIGHT, datetime(2027, 3, 28, 8, tzinfo=clock.LONDON)),
    ],
)
def test_when_quiet_hours_end(at, hours, ends):
    assert clock.quiet_end(at, *hours) == ends


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)), st.sampled_from(HALF_HOURS), st.sampled_from(HALF_HOURS)
)
def test_the_end_is_ahead_within_a_day(at, begins, ends):
    at = at.replace(tzinfo=clock.UTC)
    over = clock.quiet_end(at, begins, ends) if begins != ends else None
    if over is not None:
        assert at < over <= at + timedelta(hours=25)


@pytest.mark.django_db
@pytest.mark.parametrize("hour", [0, 3, 8, 12, 13, 14, 21, 23])
def test_the_query_and_the_clock_agree(cast, monkeypatch, hour):
    """Everybody with other quiet hours, asked at this hour: the database says what the clock says."""
    now = london(20, hour, 30).astimezone(clock.UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    some = [None, NIGHT, SIESTA, (0, 30), (23 * 60 + 30, 0), (12 * 60, 11 * 60 + 30), (hour * 60 + 30, hour * 60)]
    people = {}
    for hours in some:
        person = cast.resident()
        actions.set_quiet(person, hours=hours, by=person)
        people[person.key] = hours
    found = audience.columns(audience.people(rule(cast)), urgent=False)
    due = {row["recipient_key"]: row["due_at"] for row in found}
    assert set(due) == set(people)
    for key, hours in people.items():
        assert due[key] == ((clock.quiet_end(now, *hours) if hours else None) or now), hours
    assert {row["due_at"] for row in audience.columns(audience.people(rule(cast)))} == {now}


def rule(cast):
    return audience.Rule(cast.force.pk, "crime", ("email",), areas=(cast.west.pk,))


def sent(cast, urgent=False):
    """An alert that was dispatched."""
    alert, _ = cast.approved(alert_actions.edit(cast.draft(), by=cast.author, urgent=urgent))
    release(alert)
    while dispatch.run_due():
        pass
    return {row.recipient_key: row for row in Delivery.objects.filter(mailing__reference=alert.reference)}


def asleep(cast) -> Resident:
    """Somebody whose quiet hours hold now."""
    person = cast.resident()
    here = clock.local(clock.now())
    begins = here.hour * 60
    actions.set_quiet(person, hours=(begins, (begins + 120) % 1440), by=person)
    return person


@pytest.mark.django_db
def test_routine_waits_for_the_one_and_reaches_the_other_at_once(cast):
    quiet, awake = asleep(cast), cast.resident()
    rows = sent(cast)
    assert rows[awake.key].due_at <= clock.now() < rows[quiet.key].due_at
    assert rows[quiet.key].state == State.QUEUED and rows[quiet.key].batch.due_at == rows[quiet.key].due_at
    assert not Entry.objects.filter(verb="quiet hours broken").exists()


@pytest.mark.django_db
def test_urgent_reaches_both_and_the_record_says_how_many_were_woken(cast):
    quiet = asleep(cast)
    cast.resident()
    rows = sent(cast, urgent=True)
    assert rows[quiet.key].due_at <= clock.now()
    assert Entry.objects.get(verb="quiet hours broken").facts["people"] == 1


@pytest.mark.django_db
def test_rows_carry_the_hours_of_routine_alone_and_take_those_chosen_later(cast):
    person = asleep(cast)
    hours = (person.quiet_from, person.quiet_until)
    assert [(row.quiet_from, row.quiet_until) for row in sent(cast, urgent=True).values()] == [(None, None)]
    routine = sent(cast)[person.key]
    assert (routine.quiet_from, routine.quiet_until) == hours
    actions.set_quiet(person, hours=NIGHT, by=person)
    assert set(Delivery.objects.values_list("quiet_from", "quiet_until")) == {(None, None), NIGHT}
    actions.set_quiet(person, hours=None, by=person)
    assert set(Delivery.objects.values_list("quiet_from", "quiet_until")) == {(None, None)}


@pytest.mark.django_db
def test_urgent_that_was_delayed_into_somebodys_night_is_noted_when_it_is_sent(cast, monkeypatch):
    noon = london(20, 12).astimezone(clock.UTC)
    monkeypatch.setattr(clock, "now", lambda: noon)
    sleeper, nobody = cast.resident(), cast.resident()
    actions.set_quiet(sleeper, hours=NIGHT, by=sleeper)
    sent(cast, urgent=True)
    assert not Entry.objects.filter(verb="quiet hours broken").exists()
    monkeypatch.setattr(clock, "now", lambda: noon + timedelta(hours=11))
    Delivery.objects.update(state=State.SENT, batch=None, state_at=clock.now())
    assert dispatch.run_due()
    facts = Entry.objects.get(verb="quiet hours broken").facts
    assert facts["people"] == 1 and facts["delayed"]
    assert nobody.quiet_hours is None


@pytest.mark.django_db
def test_who_leaves_in_their_quiet_hours_gets_nothing_afterwards(cast):
    quiet = asleep(cast)
    rows = sent(cast)
    actions.leave(quiet, by=quiet, how="web")
    assert Delivery.objects.get(pk=rows[quiet.key].pk).state == State.SUPPRESSED


@pytest.mark.django_db
@pytest.mark.parametrize("hours", [(60, 60), (0, 1440), (15, 45), (-30, 0)])
def test_impossible_hours_are_refused(cast, hours):
    person = cast.resident()
    with pytest.raises(ValueError):
        actions.set_quiet(person, hours=hours, by=person)
