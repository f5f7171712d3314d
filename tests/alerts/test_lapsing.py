"""What waited too long for approval, or for being sent, goes back to its author, who is told."""

from datetime import timedelta

import pytest

from bell.alerts import actions, approving, lapsing
from bell.alerts.models import Alert, State
from bell.audit.models import Entry
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.worker.timetable import TIMETABLE


def submitted(cast, hours, **changes):
    alert = cast.draft(**changes)
    version = actions.submit(alert, by=cast.second_approver)
    type(version).objects.filter(pk=version.pk).update(at=clock.now() - timedelta(hours=hours))
    return alert


def state(alert):
    return Alert.objects.get(pk=alert.pk).state


def told(words):
    found = Delivery.objects.filter(mailing__authority_kind="notice", mailing__content__subject__startswith=words)
    return set(found.values_list("address", flat=True))


MISSING = {"kind": Kind.MISSING, "fields": {"description": "Red coat"}}


@pytest.mark.parametrize(
    ("hours", "changes", "after"),
    [
        (23.9, {}, State.SUBMITTED),
        (24, {}, State.RETURNED),
        (1.9, MISSING, State.SUBMITTED),
        (2, MISSING, State.RETURNED),
        (2.5, {}, State.SUBMITTED),
    ],
)
def test_a_submission_waits_a_day_and_an_urgent_one_two_hours(cast, hours, changes, after):
    alert = submitted(cast, hours, **changes)
    assert lapsing.lapse_due() == (after == State.RETURNED)
    assert state(alert) == after


def test_author_and_submitter_are_told_once_and_may_submit_again(cast):
    alert = submitted(cast, 25)
    assert [lapsing.lapse_due(), lapsing.lapse_due()] == [1, 0]
    assert told("Nobody decided on your alert") == {cast.author.email, cast.second_approver.email}
    assert Entry.objects.get(verb="approval expired").facts == {"version": 1}
    version = actions.submit(alert, by=cast.author)
    assert actions.approve(version, by=cast.approver, digest=version.digest).state == State.HELD


def test_the_first_of_two_approvals_does_not_prolong_it(cast, settings):
    alert = submitted(cast, 23)
    version = alert.versions.get()
    version.route = {**version.route, "people": 2}
    version.save()
    actions.approve(version, by=cast.approver, digest=version.digest)
    assert lapsing.lapse_due() == 0
    type(version).objects.update(at=clock.now() - timedelta(hours=25))
    assert lapsing.lapse_due() == 1 and state(alert) == State.RETURNED


def test_an_approval_that_nobody_used_counts_no_more_after_a_week(cast):
    alert, version = cast.approved()
    actions.undo(alert, by=cast.author)
    version.approvals.update(at=clock.now() - timedelta(days=6, hours=23))
    assert lapsing.lapse_due() == 0
    version.approvals.update(at=clock.now() - timedelta(days=7, minutes=1))
    assert lapsing.lapse_due() == 1 and state(alert) == State.DRAFT
    assert told("The approval of your alert counts no more") == {cast.author.email}


def test_a_scheduled_alert_is_left_alone(cast):
    alert, version = cast.approved(send_at=clock.now() + timedelta(days=20))
    version.approvals.update(at=clock.now() - timedelta(days=10))
    assert lapsing.lapse_due() == 0 and state(alert) == State.SCHEDULED
    actions.undo(alert, by=cast.author)
    assert lapsing.lapse_due() == 0, "nor when it is held back: its time is yet to come"


def test_the_pages_say_until_when(cast):
    version = actions.submit(cast.draft(), by=cast.author)
    assert approving.runs_out(version) == version.at + timedelta(hours=24)
    alert = actions.approve(version, by=cast.approver, digest=version.digest)
    actions.undo(alert, by=cast.author)
    version.alert.refresh_from_db()
    assert approving.runs_out(version) == version.approvals.get().at + timedelta(days=7)
    version.alert.state = State.SENT
    assert approving.runs_out(version) is None


def test_the_worker_looks_every_half_minute():
    assert any(entry.work == lapsing.lapse_due and entry.every <= 30 for entry in TIMETABLE)
