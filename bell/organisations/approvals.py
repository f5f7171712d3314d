"""What administrators say about approval: its rules, who practises, and which accounts are one person's."""

import re
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import transaction

from bell.audit.record import record
from bell.lib.problems import FieldProblems
from bell.organisations import rules
from bell.organisations.actions import NotAllowed
from bell.organisations.kinds import Kind
from bell.organisations.models import ApprovalRoute, Officer, Organisation, Team

MOST_PEOPLE = 3
Whom = TypeVar("Whom", Team, Officer)
_NOT_IN_A_NUMBER = re.compile(r"[^0-9A-Z]+")


class NotARule(FieldProblems):
    """What was typed cannot be kept. `problems` maps a field of the form to words."""


@dataclass(frozen=True)
class Terms:
    """A rule as it is typed: what it is for, then what it asks for."""

    team: Team | None = None
    kind: str = ""
    from_people: int = 0
    from_level: int = 0
    people: int = 1
    senior: bool = False
    reason: bool = False


@transaction.atomic
def add_rule(terms: Terms, *, by: Officer) -> ApprovalRoute:
    """Keep a rule for alerts that are submitted from now on; what was submitted before keeps what it was given."""
    _may_keep(by)
    if terms.team is not None and terms.team.organisation_id != by.organisation_id:
        raise NotARule({"team": "Choose a team of your own organisation"})
    if terms.kind and terms.kind not in Kind.values:
        raise NotARule({"kind": "Choose a kind of alert"})
    if not 1 <= terms.people <= MOST_PEOPLE:
        raise NotARule({"people": f"Choose one to {MOST_PEOPLE} people"})
    if not (terms.people > 1 or terms.senior or terms.reason):
        raise NotARule({"people": "Every alert needs one approver anyway. Ask for more people, a senior or a reason"})
    rule, made = ApprovalRoute.objects.get_or_create(organisation=by.organisation, **vars(terms))
    if made:
        record("approval rule added", rule, by=by, **_facts(rule))
    return rule


@transaction.atomic
def remove_rule(rule: ApprovalRoute, *, by: Officer) -> None:
    """Take a rule away, for alerts that are submitted from now on. Pressing twice does it once."""
    _may_keep(by)
    found = ApprovalRoute.objects.select_for_update().filter(pk=rule.pk, organisation=by.organisation_id).first()
    if found is not None:
        record("approval rule removed", found, by=by, **_facts(found))
        found.delete()


def _facts(rule: ApprovalRoute) -> dict[str, Any]:
    return {
        "organisation": rule.organisation_id, "team": rule.team_id, "kind": rule.kind, "from_people": rule.from_people,
        "from_level": rule.from_level, "people": rule.people, "senior": rule.senior, "reason": rule.reason,
    }  # fmt: skip


def _may_keep(by: Officer) -> None:
    if not rules.may_administer(by):
        raise NotAllowed("Only an administrator of your organisation says who approves.")


@transaction.atomic
def set_practice(whom: Whom, *, on: bool, by: Officer) -> Whom:
    """Put a whole team or one officer into practice mode, or end it. What was begun before stays what it is."""
    _may_keep(by)
    word = whom._meta.verbose_name
    if whom.organisation_id != by.organisation_id:
        raise NotAllowed(f"Only an administrator of the {word}'s own organisation says who practises.")
    fresh = type(whom).objects.select_for_update().get(pk=whom.pk)
    if fresh.practice != on:
        fresh.practice = on
        fresh.save(update_fields=["practice"])
        what = "team practice" if isinstance(fresh, Team) else "practice"
        record(f"{what} {'on' if on else 'off'}", fresh, by=by)
    return fresh


@transaction.atomic
def name_person(officer: Officer, *, number: str, by: Officer) -> Officer:
    """Say whose account it is by the person's collar or staff number: accounts with the same number are one person's.

    By an administrator of the organisation, or of the force for a partner's account; never by the person themselves.
    """
    _may_keep(by)
    force = by.organisation.sort == Organisation.Sort.FORCE
    if officer.organisation_id != by.organisation_id and not force:
        raise NotAllowed("Only an administrator of the officer's own organisation, or of the force, says whose it is.")
    fresh = Officer.objects.select_for_update().get(pk=officer.pk)
    if rules.is_same_person(fresh, by):
        raise NotAllowed("Nobody says this of their own accounts: ask another administrator.")
    number = _NOT_IN_A_NUMBER.sub("", number.upper())
    if len(number) > 40:
        raise NotARule({"number": "The number must be 40 characters or fewer"})
    if fresh.person != number:
        fresh.person = number
        fresh.save(update_fields=["person"])
        record("officer's person named" if number else "officer's person forgotten", fresh, by=by)
    return fresh
