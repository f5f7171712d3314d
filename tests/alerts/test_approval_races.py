"""Two at the same second, and an edit by whatever path: what goes out was approved as it stands, once (I4, I5)."""

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bell.alerts import actions, approving, dispatch, rules, together
from bell.alerts.models import Alert, Approval, Carrier, State, Version
from bell.alerts.rules import NotAllowed, Unfinished
from bell.audit.models import Entry
from bell.delivery.models import Mailing
from bell.lib import clock
from bell.organisations import approvals
from bell.organisations.approvals import Terms
from bell.organisations.models import Officer
from tests.cast import Cast

TIMES = 4


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do all of them in threads of their own, from one starting line; what each gave back, or its exception."""
    line, given = threading.Barrier(len(acts)), [None] * len(acts)

    def one(number: int, act: Callable[[], Any]) -> None:
        try:
            line.wait(20)
            given[number] = act()
        except Exception as error:
            given[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return given


@pytest.fixture
def town(transactional_db: None) -> Cast:
    """The cast, where other threads see it."""
    cast = Cast()
    cast.resident()
    return cast


def submitted(cast: Cast) -> Version:
    return actions.submit(cast.draft(), by=cast.author)


def approve(version: Version, officer: Officer) -> Callable[[], Alert]:
    fresh = Version.objects.select_related("alert__team").get(pk=version.pk)
    return lambda: actions.approve(fresh, by=officer, digest=version.digest)


def entries(alert: Alert, verb: str) -> int:
    return Entry.objects.filter(verb=verb, target_type="alert", target_key=str(alert.pk)).count()


def test_two_approvers_at_the_same_second_begin_one_hold(town: Cast) -> None:
    for _ in range(TIMES):
        version = submitted(town)
        given = at_once(approve(version, town.approver), approve(version, town.second_approver))
        assert sorted(type(one).__name__ for one in given) == ["Alert", "NotAllowed"], given
        assert version.approvals.count() == 1 and entries(version.alert, "alert held") == 1


def test_a_double_tap_is_one_approval(town: Cast) -> None:
    version = submitted(town)
    path = f"/desk/alerts/{version.alert.reference}/approve/"
    clients = [Client() for _ in range(3)]
    for client in clients:
        client.force_login(town.approver, backend="allauth.account.auth_backends.AuthenticationBackend")
    data = {"do": "approve", "number": version.number, "digest": version.digest, "reason": ""}
    given = at_once(*(lambda client=client: client.post(path, data).status_code for client in clients))
    assert given == [302, 302, 302]
    assert version.approvals.count() == 1 and entries(version.alert, "alert held") == 1


def test_both_of_two_at_the_same_second_complete_it_once(town: Cast) -> None:
    approvals.add_rule(Terms(people=2), by=town.administrator)
    for _ in range(TIMES):
        version = submitted(town)
        at_once(approve(version, town.approver), approve(version, town.second_approver))
        assert version.approvals.count() == 2 and entries(version.alert, "alert held") == 1
        assert Alert.objects.get(pk=version.alert_id).state == State.HELD


def test_the_last_approval_and_a_return_at_the_same_second_are_one_of_the_two(town: Cast) -> None:
    for _ in range(TIMES):
        version = submitted(town)
        fresh = Version.objects.select_related("alert__team").get(pk=version.pk)
        at_once(
            approve(version, town.approver),
            lambda fresh=fresh: actions.turn_back(fresh, by=town.second_approver, reason="No."),
        )
        state = Alert.objects.get(pk=version.alert_id).state
        decision = version.approvals.get().decision
        assert (state, decision) in {(State.HELD, "approve"), (State.RETURNED, "return")}


def test_an_approval_and_an_edit_at_the_same_second_never_send_unapproved_words(town: Cast) -> None:
    for _ in range(TIMES):
        version = submitted(town)
        alert = Alert.objects.get(pk=version.alert_id)

        def change(alert: Alert = alert) -> Alert:
            return actions.edit(actions.take_back(alert, by=town.author), by=town.author, body="Send money")

        at_once(approve(version, town.approver), change)
        Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
        dispatch.run_due()
        after = Alert.objects.get(pk=alert.pk)
        assert after.body != "Send money" or after.state == State.DRAFT
        gone = Mailing.objects.filter(reference=alert.reference)
        assert not any("Send money" in str(mailing.content) for mailing in gone)


def test_undo_and_the_worker_at_the_same_second_are_one_of_the_two(town: Cast) -> None:
    for _ in range(TIMES):
        alert, _ = town.approved()
        Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
        at_once(lambda alert=alert: actions.undo(alert, by=town.author), lambda alert=alert: dispatch.begin(alert))
        state = Alert.objects.get(pk=alert.pk).state
        sent = Mailing.objects.filter(reference=alert.reference).count()
        assert (state, sent) in {(State.APPROVED, 0), (State.SENDING, 1)}


# Whatever is changed, by whatever path, the approval is gone.


def back_from(cast: Cast, where: str) -> Alert:
    """An alert that was approved, or half of it, and may be edited again by one of the ways there are."""
    later = {"send_at": clock.now() + timedelta(days=2)} if where == "scheduled" else {}
    if where == "half":
        approvals.add_rule(Terms(people=2), by=cast.administrator)
        version = actions.submit(cast.draft(), by=cast.author)
        actions.approve(version, by=cast.approver, digest=version.digest)
        return actions.take_back(version.alert, by=cast.author)
    if where == "returned":
        version = actions.submit(cast.draft(), by=cast.author)
        return actions.turn_back(version, by=cast.second_approver, reason="No.")
    alert, _ = cast.approved(**later)
    if where == "undone":
        actions.undo(alert, by=cast.author)
    if where == "refused":
        Alert.objects.filter(pk=alert.pk).update(title="Changed past all rules", hold_until=clock.now())
        dispatch.run_due()
        return Alert.objects.get(pk=alert.pk)
    return actions.take_back(alert, by=cast.author)


WAYS = ["held", "undone", "scheduled", "half", "returned", "refused"]


@pytest.mark.parametrize("where", WAYS)
@pytest.mark.parametrize("edited", [True, False])
def test_no_way_back_to_draft_keeps_an_approval(cast: Cast, where: str, edited: bool) -> None:
    cast.resident()
    alert = back_from(cast, where)
    if edited:
        alert = actions.edit(alert, by=cast.author, body="Other words")
    with pytest.raises(NotAllowed):
        actions.send(alert, by=cast.author)
    version = actions.submit(alert, by=cast.author)
    assert not approving.is_approved(version)
    with pytest.raises(NotAllowed, match="approval first"):
        actions.send(alert, by=cast.author)
    Alert.objects.filter(pk=alert.pk).update(state=State.HELD, hold_until=clock.now())
    dispatch.run_due()
    assert not Mailing.objects.filter(authority_kind="approval").exists()


@pytest.mark.parametrize("name", actions._EDITED)
def test_nothing_that_can_be_edited_is_edited_under_an_approval(cast: Cast, name: str) -> None:
    alert, _ = cast.approved()
    for state in (State.SUBMITTED, State.APPROVED, State.HELD, State.SCHEDULED, State.SENDING):
        Alert.objects.filter(pk=alert.pk).update(state=state)
        with pytest.raises(NotAllowed):
            actions.edit(alert, by=cast.author, **{name: None})


def test_a_partner_is_asked_again_after_an_edit(cast: Cast) -> None:
    alert, version = cast.approved(carriers=[cast.partner.pk])
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    actions.take_back(alert, by=cast.author)
    actions.edit(alert, by=cast.author, body="Other words")
    newer = actions.submit(alert, by=cast.author)
    assert newer.carriers.get().decision == Carrier.Decision.ASKED
    with pytest.raises(NotAllowed, match="has changed"):
        together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=False)


# Any acts in any order.

ACTS = ["edit", "edit by approver", "submit", "approve", "approve too", "return", "undo", "take back", "send", "work"]


def do(cast: Cast, act: str, alert: Alert) -> None:
    """One act; what the rules refuse is refused."""
    version = alert.versions.last()
    verbs: dict[str, Callable[[], Any]] = {
        "edit": lambda: actions.edit(alert, by=cast.author, body=f"Words {alert.edit}"),
        "edit by approver": lambda: actions.edit(alert, by=cast.approver, title=f"Title {alert.edit}"),
        "submit": lambda: actions.submit(alert, by=cast.author),
        "approve": lambda: version and actions.approve(version, by=cast.approver, digest=version.digest),
        "approve too": lambda: version and actions.approve(version, by=cast.second_approver, digest=version.digest),
        "return": lambda: version and actions.turn_back(version, by=cast.media, reason="No."),
        "undo": lambda: actions.undo(alert, by=cast.author),
        "take back": lambda: actions.take_back(alert, by=cast.author),
        "send": lambda: actions.send(alert, by=cast.author),
        "work": lambda: (Alert.objects.update(hold_until=clock.now()), dispatch.run_due()),
    }
    with contextlib.suppress(NotAllowed, Unfinished):
        verbs[act]()


def others_who_approved(version: Version) -> int:
    """How many people approved a version who never touched its alert: from the rows and the record alone."""
    alert = version.alert
    touched = Entry.objects.filter(target_type="alert", target_key=str(alert.pk))
    writers = set(
        touched.filter(verb__in=["alert drafted", "alert edited", "alert submitted"]).values_list("by_key", flat=True)
    )
    given = version.approvals.filter(decision=Approval.Decision.APPROVE, digest=version.digest).select_related(
        "officer"
    )
    return len({one.officer_id for one in given if str(one.officer.key) not in writers})


@given(st.lists(st.sampled_from(ACTS), min_size=4, max_size=16), st.integers(1, 2))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_whatever_is_done_in_whatever_order_only_what_is_approved_as_it_stands_goes(
    cast: Cast, acts: list[str], people: int
) -> None:
    with transaction.atomic():
        if people > 1:
            approvals.add_rule(Terms(people=people), by=cast.administrator)
        alert = cast.draft()
        for act in ["submit", "approve", *acts]:
            do(cast, act, Alert.objects.get(pk=alert.pk))
            after = Alert.objects.get(pk=alert.pk)
            version = after.versions.last()
            if after.state in (State.SENDING, State.SENT):
                assert version is not None and version.digest == rules.digest(rules.snapshot(after))
                assert others_who_approved(version) >= people
            else:
                assert not Mailing.objects.filter(authority_kind="approval").exists()
        transaction.set_rollback(True)
