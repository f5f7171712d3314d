"""What is done to officers and teams. Each verb checks the rules and writes its audit entry in one transaction."""

from django.db import transaction

from bell.audit.record import record
from bell.organisations import rules
from bell.organisations.models import Officer


class NotAllowed(Exception):
    """The person may not do this; the message says why in plain words."""


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
