"""What waited too long goes back: a submission that nobody decided on, an approval that nobody used (decision 17)."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from bell.alerts import approving, rules
from bell.alerts.models import Alert, State, Version
from bell.audit.record import record
from bell.lib import clock
from bell.organisations import notices


def lapse_due() -> int:
    """Give back every submission and approval whose time is over; how many. Safe to run in two workers at once."""
    return sum(_lapse(number) for number in _candidates())


def _candidates() -> list[int]:
    """Alerts that may be due; whether one is, is asked again under its lock."""
    now = clock.now()
    late = Q(alert__urgent=False, at__lte=now - timedelta(hours=settings.APPROVAL_HOURS))
    late |= Q(alert__urgent=True, at__lte=now - timedelta(hours=settings.APPROVAL_HOURS_URGENT))
    old = now - timedelta(days=settings.APPROVAL_DAYS)
    unused = Q(approvals__at__lte=old) & (Q(alert__send_at=None) | Q(alert__send_at__lte=old))
    waiting = Version.objects.filter(late, alert__state=State.SUBMITTED)
    approved = Version.objects.filter(unused, alert__state=State.APPROVED)
    return sorted({*waiting.values_list("alert", flat=True), *approved.values_list("alert", flat=True)})


@transaction.atomic
def _lapse(number: int) -> int:
    """Give one alert back if its time is over; 1 when it was."""
    alert = Alert.objects.select_for_update(of=("self",)).select_related("team", "author").get(pk=number)
    version = alert.versions.select_related("by").last()
    if version is None:
        return 0
    version.alert = alert
    if alert.state == State.SUBMITTED and clock.now() >= approving.waits_until(version):
        _give_back(
            alert, version, State.RETURNED, "Nobody decided on your alert in time. Look at it and submit it again."
        )
        return 1
    if alert.state == State.APPROVED and not approving.is_approved(version):
        _give_back(alert, version, State.DRAFT, "The approval of your alert counts no more. Submit it again.")
        return 1
    return 0


def _give_back(alert: Alert, version: Version, to: State, words: str) -> None:
    rules.check_move(alert, to)
    alert.state = to
    alert.save(update_fields=["state"])
    record("approval expired", alert, by=None, version=version.number)
    for colleague in {alert.author, version.by}:
        key = f"{alert.reference} v{version.number} expired"
        notices.notify(colleague, words, key=key, practice=alert.practice)
