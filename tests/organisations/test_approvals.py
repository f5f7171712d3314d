"""What administrators say about approval: rules, whose account it is, who practises."""

import pytest

from bell.audit.models import Entry
from bell.organisations import approvals, rules
from bell.organisations.actions import NotAllowed
from bell.organisations.approvals import NotARule, Terms
from bell.organisations.models import ApprovalRoute, Officer, Role, Team


def test_rules_are_kept_once_and_taken_away_once_with_an_entry_each(cast):
    for _ in range(2):
        rule = approvals.add_rule(Terms(people=2, kind="scam"), by=cast.administrator)
    assert ApprovalRoute.objects.get() == rule
    for _ in range(2):
        approvals.remove_rule(rule, by=cast.administrator)
    verbs = list(Entry.objects.filter(verb__startswith="approval rule").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["approval rule added", "approval rule removed"]


@pytest.mark.parametrize(
    ("terms", "field"),
    [({"people": 0}, "people"), ({"people": 4}, "people"), ({}, "people"), ({"kind": "gossip", "people": 2}, "kind")],
)
def test_what_is_no_rule_is_said_in_words(cast, terms, field):
    with pytest.raises(NotARule) as caught:
        approvals.add_rule(Terms(**terms), by=cast.administrator)
    assert set(caught.value.problems) == {field} and not ApprovalRoute.objects.exists()


def test_a_rule_is_of_ones_own_teams(cast):
    foreign = Team.objects.get(slug="desk")
    with pytest.raises(NotARule):
        approvals.add_rule(Terms(people=2, team=foreign), by=cast.administrator)


def test_only_administrators_and_only_of_their_own(cast):
    rule = approvals.add_rule(Terms(people=2), by=cast.administrator)
    keeper = cast.officer("Kit Keeper", Team.objects.get(slug="desk"), Role.ADMINISTRATOR)
    for who in (cast.author, cast.approver, cast.media, cast.outsider):
        with pytest.raises(NotAllowed):
            approvals.add_rule(Terms(people=3), by=who)
        with pytest.raises(NotAllowed):
            approvals.remove_rule(rule, by=who)
        with pytest.raises(NotAllowed):
            approvals.set_practice(cast.team, on=True, by=who)
        with pytest.raises(NotAllowed):
            approvals.set_practice(cast.author, on=True, by=who)
        with pytest.raises(NotAllowed):
            approvals.name_person(cast.author, number="1", by=who)
    approvals.remove_rule(rule, by=keeper)
    assert ApprovalRoute.objects.filter(pk=rule.pk).exists(), "another organisation's rule does not exist for them"
    with pytest.raises(NotAllowed):
        approvals.set_practice(cast.team, on=True, by=keeper)
    with pytest.raises(NotAllowed):
        approvals.set_practice(cast.author, on=True, by=keeper)
    with pytest.raises(NotAllowed):
        approvals.name_person(cast.author, number="1", by=keeper)


def test_the_force_names_the_person_of_a_partners_account(cast):
    approvals.name_person(cast.outsider, number=" pc 47-11 ", by=cast.administrator)
    assert Officer.objects.get(pk=cast.outsider.pk).person == "PC4711"


def test_nobody_says_it_of_their_own_accounts(cast):
    second = cast.officer("Ada Again", cast.team, Role.APPROVER)
    with pytest.raises(NotAllowed, match="another administrator"):
        approvals.name_person(cast.administrator, number="1", by=cast.administrator)
    other = cast.officer("Una Admin", cast.team, Role.ADMINISTRATOR)
    for one in (second, cast.administrator):
        approvals.name_person(one, number="88", by=other)
    mine = Officer.objects.get(pk=cast.administrator.pk)
    with pytest.raises(NotAllowed, match="another administrator"):
        approvals.name_person(second, number="", by=mine)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"person": "A1"}, {"person": "A1"}, True),
        ({"person": ""}, {"person": ""}, False),
        ({"mobile": "07700 900123"}, {"mobile": "+44 7700 900123"}, True),
        ({"mobile": "07700 900123"}, {"mobile": "07700 900124"}, False),
        ({"mobile": ""}, {"mobile": ""}, False),
        ({"email": "kim@x.example"}, {"email": "Kim+watch@X.example"}, True),
        ({"email": "kim@x.example"}, {"email": "kim@y.example"}, False),
        ({"email": "kim@x.example"}, {"email": "kimb@x.example"}, False),
    ],
)
def test_who_is_the_same_person(one, other, same):
    first, second = (
        Officer(pk=1, **({"email": "a@a.example"} | one)),
        Officer(pk=2, **({"email": "b@b.example"} | other)),
    )
    assert rules.is_same_person(first, second) is same and rules.is_same_person(second, first) is same
    assert rules.is_same_person(first, first)


def test_who_practises(cast):
    assert not rules.practises(cast.author, cast.team)
    approvals.set_practice(cast.author, on=True, by=cast.administrator)
    assert rules.practises(Officer.objects.get(pk=cast.author.pk), cast.team)
    team = approvals.set_practice(cast.team, on=True, by=cast.administrator)
    assert rules.practises(cast.media, team) and not rules.practises(cast.media)
    assert rules.practises(cast.approver), "all teams they are in practise"
    assert rules.practises(cast.approver, cast.other_team)
    cast.officer("Two Teams", cast.team, Role.APPROVER)
    approvals.set_practice(team, on=False, by=cast.administrator)
    verbs = set(Entry.objects.filter(verb__contains="practice").values_list("verb", flat=True))
    assert verbs == {"practice on", "team practice on", "team practice off"}
