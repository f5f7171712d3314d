"""Routes of approval: how many people, of which sort; different people, not accounts; every editor stays out."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bell.alerts import actions, approving, dispatch, routes, together
from bell.alerts.models import Alert, Approval, Ask, State
from bell.alerts.routes import Needs
from bell.alerts.rules import NotAllowed, Unfinished
from bell.audit.models import Entry
from bell.delivery.models import Delivery, Mailing
from bell.lib import clock
from bell.organisations import approvals
from bell.organisations.approvals import Terms
from bell.organisations.kinds import Kind
from bell.organisations.models import ApprovalRoute, Officer, Role


@pytest.fixture
def two(cast):
    """A rule of the force: two people for every alert."""
    return approvals.add_rule(Terms(people=2), by=cast.administrator)


def submitted(cast, **changes):
    return actions.submit(cast.draft(**changes), by=cast.author)


def yes(version, who, **more):
    return actions.approve(version, by=who, digest=version.digest, **({"reason": "Looked at."} | more))


def send_now(alert):
    Alert.objects.filter(pk=alert.pk).update(state=State.HELD, hold_until=clock.now())
    dispatch.run_due()
    return Alert.objects.get(pk=alert.pk).state


def told():
    return list(
        Delivery.objects.filter(mailing__authority_kind="notice").order_by("pk").values_list("address", flat=True)
    )


def test_two_people_approve_and_only_then_it_is_held(cast, two):
    version = submitted(cast)
    assert yes(version, cast.approver).state == State.SUBMITTED
    assert approving.said(version) == "1 of 2 given: Ben Approver. One more needed, from Heanor SNT or Media Team."
    assert not approving.is_approved(version)
    assert yes(version, cast.second_approver).state == State.HELD
    assert approving.is_approved(version) and version.approvals.count() == 2


def test_one_person_never_gives_both(cast, two):
    version = submitted(cast)
    for _ in range(2):
        assert yes(version, cast.approver).state == State.SUBMITTED
    assert version.approvals.count() == 1
    with pytest.raises(NotAllowed, match="approval first"):
        actions.send(version.alert, by=cast.author)
    assert send_now(version.alert) == State.DRAFT, "the worker asks for both, whatever the row says"


def test_the_second_is_told_after_the_first(cast, two):
    version = submitted(cast)
    before = len(told())
    yes(version, cast.approver)
    assert told()[before:] == [cast.second_approver.email]


def test_whoever_approved_first_may_still_turn_it_back(cast, two):
    version = submitted(cast)
    yes(version, cast.approver)
    assert actions.turn_back(version, by=cast.approver, reason="I overlooked the name.").state == State.RETURNED
    assert version.approvals.get().decision == Approval.Decision.RETURN


def test_the_last_of_two_is_for_the_whole_force_where_the_rule_says_so(cast):
    approvals.add_rule(Terms(people=2, senior=True), by=cast.administrator)
    version = submitted(cast)
    yes(version, cast.approver)
    assert approving.said(version) == "1 of 2 given: Ben Approver. One more needed, from Media Team."
    with pytest.raises(NotAllowed, match="whole force must decide"):
        yes(version, cast.second_approver)
    assert approving.approvers(version) == [cast.media]
    assert yes(version, cast.media).state == State.HELD


def test_once_a_senior_has_approved_any_other_may_be_the_second(cast):
    approvals.add_rule(Terms(people=2, senior=True), by=cast.administrator)
    version = submitted(cast)
    yes(version, cast.media)
    assert yes(version, cast.second_approver).state == State.HELD


@pytest.mark.parametrize(
    ("terms", "changes", "people"),
    [
        (Terms(people=2, kind=Kind.CRIME), {}, 2),
        (Terms(people=2, kind=Kind.SCAM), {}, 1),
        (Terms(people=2, from_people=3), {}, 2),
        (Terms(people=2, from_people=4), {}, 1),
        (Terms(people=3, from_level=2), {"body": "It happened at 14 Sowbury Park Road."}, 3),
        (Terms(people=3, from_level=2), {}, 1),
    ],
)
def test_a_rule_is_for_its_kind_size_and_findings(cast, terms, changes, people):
    for _ in range(3):
        cast.resident()
    approvals.add_rule(terms, by=cast.administrator)
    assert routes.needs(submitted(cast, **changes)).people == people


def test_a_rule_is_for_its_team(cast):
    approvals.add_rule(Terms(people=2, team=cast.other_team), by=cast.administrator)
    assert routes.needs(submitted(cast)).people == 1
    approvals.add_rule(Terms(people=2, team=cast.team), by=cast.administrator)
    assert routes.needs(submitted(cast)).people == 2


def test_another_organisations_rules_are_not_ours(cast):
    ApprovalRoute.objects.create(organisation=cast.partner, people=3)
    assert routes.needs(submitted(cast)).people == 1


def test_without_rules_of_its_own_very_many_people_need_two(cast, monkeypatch):
    cast.resident()
    monkeypatch.setattr(routes, "MANY", 1)
    assert routes.needs(submitted(cast)) == Needs(2, True, False, ("it goes to 1 people or more",))
    approvals.add_rule(Terms(reason=True), by=cast.administrator)
    assert routes.needs(submitted(cast)).people == 1, "rules of its own take the place of the standard one"


def test_a_reason_is_asked_for_where_the_rule_says_so(cast):
    approvals.add_rule(Terms(reason=True), by=cast.administrator)
    version = submitted(cast)
    with pytest.raises(Unfinished, match="your reason is kept"):
        yes(version, cast.approver, reason=" ")
    assert yes(version, cast.approver).state == State.HELD


def test_what_was_submitted_keeps_its_route_whatever_becomes_of_the_rules(cast, two):
    version = submitted(cast)
    approvals.remove_rule(two, by=cast.administrator)
    assert yes(version, cast.approver).state == State.SUBMITTED, "no looser"
    other = submitted(cast)
    approvals.add_rule(Terms(people=3), by=cast.administrator)
    assert yes(other, cast.approver).state == State.HELD, "and no stricter"
    assert Entry.objects.filter(verb="alert submitted").first().facts["approvals"] == 2


def test_the_route_is_no_part_of_the_hash(cast, two):
    version = submitted(cast)
    assert "route" not in version.frozen and version.route["people"] == 2


def test_findings_hold_even_without_a_kept_route(cast):
    version = submitted(cast, body="It happened at 14 Sowbury Park Road.")
    version.route = {}
    version.save()
    assert routes.needs(version).reason


needs = st.builds(Needs, st.integers(1, 3), st.booleans(), st.booleans())


@given(needs, needs, needs)
@settings(max_examples=100)
def test_rules_together_are_never_looser_than_any_and_their_order_is_nothing(one, two, three):
    both = one.and_(two).and_(three)
    for each in (one, two, three):
        assert both.people >= each.people and both.senior >= each.senior and both.reason >= each.reason
    assert both == three.and_(one).and_(two)


def test_too_few_people_are_said_at_submitting(cast):
    approvals.add_rule(Terms(people=3), by=cast.administrator)
    cast.media.is_active = False
    cast.media.save()
    with pytest.raises(Unfinished) as caught:
        submitted(cast)
    words = caught.value.problems["approval"]
    assert words.startswith("Three people must approve every alert. Only Ben Approver and Cas Second may")
    assert not Alert.objects.get().versions.exists(), "nothing waits for ever"


def test_with_nobody_at_all_an_administrator_is_to_be_asked(cast):
    Officer.objects.filter(pk__in=[cast.approver.pk, cast.second_approver.pk, cast.media.pk]).update(is_active=False)
    with pytest.raises(Unfinished, match="Nobody may approve this for Heanor SNT"):
        submitted(cast)


def test_a_second_account_of_the_only_other_approver_does_not_make_two(cast):
    approvals.add_rule(Terms(people=2), by=cast.administrator)
    Officer.objects.filter(pk__in=[cast.approver.pk, cast.second_approver.pk]).update(person="4711")
    cast.media.is_active = False
    cast.media.save()
    with pytest.raises(Unfinished, match="Only Ben Approver may"):
        submitted(cast)


# One person, several accounts.


SAME = [
    {"person": "4711"},
    {"mobile": "07700 900123"},
]


@pytest.mark.parametrize("what", SAME)
def test_nobody_approves_their_own_words_by_another_account(cast, what):
    Officer.objects.filter(pk=cast.author.pk).update(
        **(what | ({"mobile": "+447700900123"} if "mobile" in what else {}))
    )
    Officer.objects.filter(pk=cast.approver.pk).update(**what)
    cast.approver.refresh_from_db()
    version = submitted(cast)
    with pytest.raises(NotAllowed, match="by another account"):
        yes(version, cast.approver)
    with pytest.raises(NotAllowed, match="by another account"):
        actions.turn_back(version, by=cast.approver, reason="Mine.")
    assert cast.approver not in approving.approvers(version)
    assert yes(version, cast.second_approver).state == State.HELD


def test_a_label_of_the_same_mailbox_is_the_same_person(cast):
    double = cast.officer("Ana Again", cast.team, Role.APPROVER)
    Officer.objects.filter(pk=double.pk).update(email="Ana.Author+scheme@police.example")
    double.refresh_from_db()
    with pytest.raises(NotAllowed, match="by another account"):
        yes(submitted(cast), double)


def test_two_accounts_of_one_person_are_one_of_two(cast, two):
    double = cast.officer("Ben Again", cast.team, Role.APPROVER)
    approvals.name_person(cast.approver, number="PC 4711", by=cast.administrator)
    double = approvals.name_person(double, number="pc-4711", by=cast.administrator)
    version = submitted(cast)
    yes(version, Officer.objects.get(pk=cast.approver.pk))
    with pytest.raises(NotAllowed, match="by another account"):
        yes(version, double)
    Approval.objects.create(version=version, officer=double, decision="approve", digest=version.digest, at=clock.now())
    assert not approving.is_approved(version), "nor when the row is forged"
    assert yes(version, cast.second_approver).state == State.HELD


def test_a_link_made_after_the_approval_counts_at_sending(cast):
    cast.resident()
    alert, _ = cast.approved()
    approvals.name_person(cast.author, number="4711", by=cast.administrator)
    approvals.name_person(cast.approver, number="4711", by=cast.administrator)
    assert send_now(alert) == State.DRAFT
    assert not Mailing.objects.filter(authority_kind="approval").exists()


def test_a_partners_approver_who_wrote_it_in_the_force_does_not_agree_to_carry_it(cast):
    Officer.objects.filter(pk__in=[cast.author.pk, cast.outsider.pk]).update(person="4711")
    cast.outsider.refresh_from_db()
    alert, version = cast.approved(carriers=[cast.partner.pk])
    carrier = version.carriers.get()
    with pytest.raises(NotAllowed, match="a colleague must decide"):
        together.decide(carrier, by=cast.outsider, digest=version.digest, agree=True)
    together.decide(carrier, by=cast.outsider, digest=version.digest, agree=False, reason="No.")
    send_now(alert)
    with pytest.raises(NotAllowed, match="a colleague must decide"):
        together.pass_on(Alert.objects.get(pk=alert.pk), by=cast.outsider)


def test_who_wrote_it_for_a_partner_does_not_approve_it_for_the_force(cast):
    draft = cast.draft(team=cast.outsider.grants.first().team, by=cast.outsider)
    ask = together.ask(draft, to=cast.force, by=cast.outsider)
    made = actions.take_on(ask, team=cast.team, by=cast.author)
    Officer.objects.filter(pk__in=[cast.outsider.pk, cast.approver.pk]).update(person="4711")
    version = actions.submit(made, by=cast.author)
    with pytest.raises(NotAllowed, match="by another account"):
        yes(version, Officer.objects.get(pk=cast.approver.pk))
    assert Ask.objects.get().made == made
    assert yes(version, cast.second_approver).state == State.HELD


# Everybody whose words it may hold.


def test_who_edited_before_stays_out_though_another_edited_last(cast):
    alert = cast.draft()
    actions.edit(alert, by=cast.approver, title="By the sergeant")
    actions.edit(alert, by=cast.author, title="By the author again")
    version = actions.submit(alert, by=cast.author)
    with pytest.raises(NotAllowed, match="wrote, edited or submitted"):
        yes(version, cast.approver)
    assert yes(version, cast.second_approver).state == State.HELD


def test_who_edited_an_earlier_version_stays_out_after_a_return(cast):
    alert = actions.edit(cast.draft(), by=cast.approver, title="By the sergeant")
    actions.turn_back(actions.submit(alert, by=cast.author), by=cast.second_approver, reason="Shorter.")
    actions.edit(alert, by=cast.author, title="Shorter")
    version = actions.submit(alert, by=cast.author)
    with pytest.raises(NotAllowed, match="wrote, edited or submitted"):
        yes(version, cast.approver)


# How long.


def age(version, hours):
    type(version).objects.filter(pk=version.pk).update(at=clock.now() - timedelta(hours=hours))
    version.refresh_from_db()


def test_what_waited_too_long_is_approved_by_nobody(cast):
    version = submitted(cast)
    age(version, 24)
    with pytest.raises(NotAllowed, match="waited too long"):
        yes(version, cast.approver)


def test_an_approval_counts_for_a_week(cast):
    cast.resident()
    alert, version = cast.approved()
    actions.undo(alert, by=cast.author)
    version.approvals.update(at=clock.now() - timedelta(days=6, hours=23))
    assert approving.is_approved(version)
    version.approvals.update(at=clock.now() - timedelta(days=7))
    assert not approving.is_approved(version)
    with pytest.raises(NotAllowed, match="approval first"):
        actions.send(alert, by=cast.author)
    assert send_now(alert) == State.DRAFT


def test_of_a_scheduled_alert_it_counts_a_week_past_its_time(cast):
    alert, version = cast.approved(send_at=clock.now() + timedelta(days=30))
    assert alert.state == State.SCHEDULED
    version.approvals.update(at=clock.now() - timedelta(days=20))
    assert approving.is_approved(version)
