"""Buttons pressed out of turn: an undo of what is not held, an approval that comes second."""

import pytest

from bell.alerts import actions
from bell.alerts.models import Alert, Approval, State
from bell.alerts.rules import NotAllowed


def test_an_undo_never_approves_what_waits_for_approval(cast):
    alert = cast.draft()
    actions.submit(alert, by=cast.author)
    with pytest.raises(NotAllowed):
        actions.undo(alert, by=cast.author)
    assert Alert.objects.get().state == State.SUBMITTED


def test_a_second_approval_does_not_begin_the_hold_again(cast):
    alert, version = cast.approved()
    with pytest.raises(NotAllowed):
        actions.approve(version, by=cast.second_approver, digest=version.digest)
    fresh = Alert.objects.get()
    assert (fresh.state, fresh.hold_until) == (State.HELD, alert.hold_until)
    assert Approval.objects.count() == 1
