"""A send that too many complain of is held, and a person called; what was let go on is not held for the same."""

import pytest

from bell.delivery import control, holding, limits, outbox
from bell.delivery.email import complaints
from bell.delivery.models import Alarm, Batch, Delivery, Limit, Mailing, State
from tests.delivery.conftest import emails, filled
from tests.delivery.servers import Relay

pytestmark = pytest.mark.django_db


@pytest.fixture
def running():
    """A mailing of which a thousand went out, and one is still to go."""
    mailing = filled(emails(1001))
    going = Delivery.objects.order_by("id")[:1000].values("pk")
    Delivery.objects.filter(pk__in=list(going.values_list("pk", flat=True))).update(state=State.SENT, batch=None)
    return mailing


def complain(mailing: Mailing, count: int) -> None:
    sent = Delivery.objects.filter(mailing=mailing, state=State.SENT).order_by("id")
    for number in sent.values_list("pk", flat=True)[:count]:
        assert complaints.complain(number)


def test_five_complaints_in_a_thousand_hold_the_rest(running, settings):
    complain(running, 4)
    assert holding.hold_troubled() == 0
    complain(running, 1)
    assert holding.hold_troubled() == 1
    assert Alarm.objects.get(ended_at=None).words == "Stopped: 5 of 1000 people complained"
    with Relay() as relay:
        settings.SMTP_URL = relay.url
        assert outbox.run_once("worker") == 0
        assert not relay.spool
        assert control.resume(limits.mailing(running.pk), by="ann", why="a mistake of the provider")
        assert outbox.run_once("worker") == 1  # nothing was lost
    outbox.close()


def test_what_a_person_let_go_on_is_held_again_only_for_new_complaints(running):
    complain(running, 5)
    assert holding.hold_troubled() == 1
    assert holding.hold_troubled() == 0  # it is held already
    control.resume(limits.mailing(running.pk), by="ann")
    assert holding.hold_troubled() == 0
    complain(running, 5)
    assert holding.hold_troubled() == 1


def test_bounces_that_come_back_later_count_too(running):
    some = list(Delivery.objects.filter(state=State.SENT).values_list("pk", flat=True)[:251])
    Delivery.objects.filter(pk__in=some).update(state=State.BOUNCED)
    assert holding.hold_troubled() == 1
    assert "251 of 1000 messages came back" in Limit.objects.get().why


def test_few_complaints_of_many_and_what_is_over_hold_nothing(running):
    complain(running, 5)
    Batch.objects.update(state=Batch.State.DONE)
    assert holding.hold_troubled() == 0
    assert not Alarm.objects.exists()
