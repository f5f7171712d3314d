"""The duty list: officers put themselves on it; an administrator may, a stranger may not."""

import pytest

from bell.audit.models import Entry
from bell.organisations import actions


def test_an_officer_goes_on_and_off_duty_and_each_change_is_recorded_once(cast):
    actions.set_duty(cast.author, on=True, by=cast.author)
    actions.set_duty(cast.author, on=True, by=cast.author)
    cast.author.refresh_from_db()
    assert cast.author.on_duty
    actions.set_duty(cast.author, on=False, by=cast.administrator)
    cast.author.refresh_from_db()
    assert not cast.author.on_duty
    changes = Entry.objects.filter(verb__startswith="duty").order_by("id")
    assert list(changes.values_list("verb", flat=True)) == ["duty on", "duty off"]


@pytest.mark.parametrize("who", ["stranger", "outsider", "approver"])
def test_nobody_else_may(cast, who):
    with pytest.raises(actions.NotAllowed):
        actions.set_duty(cast.author, on=True, by=getattr(cast, who))
    cast.author.refresh_from_db()
    assert not cast.author.on_duty
