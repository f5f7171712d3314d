"""A partner's copies and what ends an alert, at the same second: nothing goes out after (I3, decision 28)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction

from bell.alerts import actions, dispatch, together
from bell.alerts.models import Alert, Carrier, Relation, State
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.kinds import Kind
from tests.cast import Cast

# SQLite has one writer: there nobody reads what another is about to change.
pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="two writers at once")

HELD = 2.0


@pytest.fixture
def town(transactional_db: None) -> Cast:
    """The cast, where other threads see it."""
    cast = Cast()
    cast.resident()
    return cast


def go(alert: Alert) -> None:
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass


def carried(cast: Cast) -> tuple[Alert, Carrier]:
    """A missing person everybody of ours has, which a partner has agreed to carry since; nothing of that is filled."""
    draft = cast.draft(kind=Kind.MISSING, fields={"description": "Red coat"}, carriers=[cast.partner.pk])
    alert, version = cast.approved(draft)
    go(alert)
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent")
    dispatch.run_due()
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    alert.refresh_from_db()
    assert alert.state == State.SENT
    return alert, version.carriers.select_related("version").get()


def first_then(first: Callable[[], Any], then: Callable[[], Any]) -> list[Any]:
    """Do one and keep its transaction open while the other begins in a connection of its own; what each gave back."""
    done, over, given = threading.Event(), threading.Event(), [None, None]

    def holding() -> None:
        try:
            with transaction.atomic():
                given[0] = first()
                done.set()
                over.wait(HELD)
        except Exception as error:
            given[0] = error
        finally:
            done.set()
            connections.close_all()

    def following() -> None:
        try:
            done.wait(20)
            given[1] = then()
        except Exception as error:
            given[1] = error
        finally:
            over.set()
            connections.close_all()

    threads = [threading.Thread(target=holding), threading.Thread(target=following)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return given


def theirs(alert: Alert, key: int) -> list[str]:
    rows = Delivery.objects.filter(mailing__reference=alert.reference, recipient_key=key)
    return list(rows.values_list("state", flat=True))


def test_a_stop_during_a_step_of_a_partners_copies_stops_those_too(town: Cast) -> None:
    follower = town.resident(organisations=(town.partner,))
    alert, carrier = carried(town)
    given = first_then(lambda: dispatch.carry_step(carrier), lambda: actions.stop(alert, by=town.author).state)
    assert given == [True, State.STOPPED]
    assert theirs(alert, follower.key) == ["cancelled"]


def stood_down(town: Cast, alert: Alert) -> Alert:
    """A stand-down of an alert that is approved and may go."""
    down = actions.follow_up(alert, relation=Relation.STAND_DOWN, by=town.author)
    down, _ = town.approved(actions.edit(down, by=town.author, body="Found safe."))
    Alert.objects.filter(pk=down.pk).update(hold_until=clock.now())
    return down


def test_a_step_of_a_partners_copies_during_a_stop_sends_nothing(town: Cast) -> None:
    follower = town.resident(organisations=(town.partner,))
    alert, carrier = carried(town)
    given = first_then(lambda: actions.stop(alert, by=town.author).state, lambda: dispatch.carry_step(carrier))
    assert given == [State.STOPPED, False]
    assert theirs(alert, follower.key) == []


def test_a_step_of_a_partners_copies_while_a_stand_down_begins_sends_nothing(town: Cast) -> None:
    follower = town.resident(organisations=(town.partner,))
    alert, carrier = carried(town)
    down = stood_down(town, alert)
    given = first_then(lambda: dispatch.begin(down), lambda: dispatch.carry_step(carrier))
    assert given == [True, False]
    assert theirs(alert, follower.key) == []


def test_a_stand_down_during_a_step_of_a_partners_copies_takes_those_back(town: Cast) -> None:
    follower = town.resident(organisations=(town.partner,))
    alert, carrier = carried(town)
    down = stood_down(town, alert)
    given = first_then(lambda: dispatch.carry_step(carrier), lambda: dispatch.begin(down))
    assert given == [True, True]
    assert theirs(alert, follower.key) == ["expired"]
