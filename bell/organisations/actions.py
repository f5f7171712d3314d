"""What is done to officers and teams. Each verb checks the rules and writes its audit entry in one transaction."""

from dataclasses import asdict, dataclass
from datetime import date

from django.db import transaction

from bell.audit.record import record
from bell.organisations import rules
from bell.organisations.models import Agreement, Officer, Organisation


class NotAllowed(Exception):
    """The person may not do this; the message says why in plain words."""


class NotAnAgreement(ValueError):
    """What was typed is no agreement; the message says why in plain words."""


@dataclass(frozen=True)
class Terms:
    """What an agreement says. Both days are included."""

    what: str
    purpose: str
    basis: str
    starts: date
    ends: date
    document: str


@transaction.atomic
def agree(organisation: Organisation, terms: Terms, *, by: Officer) -> Agreement:
    """Keep a data-sharing agreement with a partner."""
    _may_agree(by)
    if organisation.sort == Organisation.Sort.FORCE:
        raise NotAnAgreement("The force needs no agreement with itself.")
    if terms.ends < terms.starts:
        raise NotAnAgreement("The agreement must end on or after the day it starts.")
    agreement = Agreement.objects.create(organisation=organisation, **asdict(terms))
    record("agreement kept", agreement, by=by, organisation=organisation.pk, ends=terms.ends.isoformat())
    return agreement


@transaction.atomic
def end_agreement(agreement: Agreement, *, on: date, by: Officer) -> Agreement:
    """End an agreement earlier than it said; the day given is its last."""
    _may_agree(by)
    fresh = Agreement.objects.select_for_update().get(pk=agreement.pk)
    if not fresh.starts <= on <= fresh.ends:
        raise NotAnAgreement("Choose a day within the agreement.")
    fresh.ends = on
    fresh.save(update_fields=["ends"])
    record("agreement ended", fresh, by=by, organisation=fresh.organisation_id, ends=on.isoformat())
    return fresh


def _may_agree(officer: Officer) -> None:
    if not rules.may_agree(officer):
        raise NotAllowed("Only an administrator or data protection officer of the force keeps agreements.")


@transaction.atomic
def set_duty(officer: Officer, *, on: bool, by: Officer) -> Officer:
    """Put an officer on the duty list (asked to approve), or off it. Oneself, or an administrator of the same force."""
    colleague = officer.organisation_id == by.organisation_id and rules.may_administer(by)
    if not (by.is_active and (officer.pk == by.pk or colleague)):
        raise NotAllowed("You can only change your own duty.")
    fresh = Officer.objects.select_for_update().get(pk=officer.pk)
    if fresh.on_duty != on:
        fresh.on_duty = on
        fresh.save(update_fields=["on_duty"])
        record("duty on" if on else "duty off", fresh, by=by)
    officer.on_duty = on
    return fresh
