"""Alerts in a restored backup: what was about to go or going out is taken out of the machine's hands."""

from dataclasses import dataclass

from django.db import transaction

from bell.alerts import rules
from bell.alerts.models import Alert, Carrier, State
from bell.audit.record import record
from bell.delivery import restored
from bell.lib import clock

WHY = "restored from backup"


@dataclass(frozen=True)
class Held:
    """How many alerts were sending and are now stopped, how many were about to and wait for a person again."""

    stopped: int
    taken_back: int
    mailings: int
    messages: int


@transaction.atomic
def hold_back() -> Held:
    """Stop and take back every alert that would go out by itself, and hold back what the post room has."""
    stopped = sum(_to(alert, State.STOPPED) for alert in Alert.objects.filter(state=State.SENDING))
    about = Alert.objects.filter(state__in=[State.HELD, State.SCHEDULED])
    taken_back = sum(_to(alert, State.APPROVED) for alert in about)
    Carrier.objects.filter(decision=Carrier.Decision.AGREED, filled_at=None).exclude(
        version__alert__state=State.APPROVED
    ).update(filled_at=clock.now())
    post = restored.hold_back()
    held = Held(stopped, taken_back, post.mailings, post.messages)
    record(
        "restored", "installation", by=None, why=WHY,
        alerts_stopped=stopped, alerts_taken_back=taken_back, mailings=post.mailings, messages=post.messages,
    )  # fmt: skip
    return held


def _to(alert: Alert, state: State) -> int:
    rules.check_move(alert, state)
    alert.state = state
    if state == State.STOPPED:
        alert.finished_at = clock.now()
    alert.save(update_fields=["state", "finished_at"])
    record("alert held back", alert, by=None, why=WHY)
    return 1
