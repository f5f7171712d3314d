"""Practice and the real thing never mix: what was drafted in one mode is refused in the other, in words (B9)."""

from bell.alerts.models import Alert
from bell.alerts.rules import NotAllowed
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer

IN_PRACTICE = "You are in practice mode, and this is a real alert. A colleague who is not practising must do this."
IS_PRACTICE = "This is a practice alert, and you are not in practice mode. A colleague who is practising must do this."


def refusal(officer: Officer, alert: Alert) -> str:
    """Why an officer may not act on an alert of the other mode, or nothing.

    A partner's officer acts for a team of their own, so only the alert's own organisation lends them its team's mode.
    """
    own = officer.organisation_id == alert.organisation_id
    practises = organisation_rules.practises(officer, alert.team if own else None)
    if practises == alert.practice:
        return ""
    return IN_PRACTICE if practises else IS_PRACTICE


def check(officer: Officer, alert: Alert) -> None:
    """Raise NotAllowed for an alert of the other mode."""
    if words := refusal(officer, alert):
        raise NotAllowed(words)
