"""Urgent alerts break quiet hours: how many people's stands in the record (B8). What is routine never does."""

from datetime import timedelta

from bell.alerts import audience
from bell.alerts.models import Version
from bell.audit.record import record
from bell.delivery.models import Delivery, Mailing, State
from bell.lib import clock
from bell.residents.models import Resident

BROKEN = "quiet hours broken"
_LATE = timedelta(minutes=1)
_WENT_OUT = (State.SENT, State.DELIVERED, State.UNCERTAIN)


def note(version: Version, mailing: Mailing) -> None:
    """When the outbox is full: whose quiet hours hold at this moment."""
    asleep = Resident.objects.filter(audience.in_quiet(clock.now(), ""), key__in=audience.recipients(mailing)).count()
    if asleep:
        record(BROKEN, version.alert, by=None, version=version.number, people=asleep)


def note_late(version: Version) -> None:
    """When all is sent: whom it reached in their quiet hours only because it was delayed, a refusal for a while or a
    way out that was stopped; who was counted before is not counted again."""
    filled = version.filled_at
    if not version.frozen["urgent"] or filled is None or clock.now() - filled < _LATE:
        return
    rows = Delivery.objects.filter(mailing__in=[one.pk for one in version.mailings()], state__in=_WENT_OUT)
    late = rows.filter(state_at__gt=filled + _LATE)
    quiet = Resident.objects.exclude(quiet_from=None).filter(key__in=late.values("recipient_key"))
    hours = {one.key: one.quiet_hours for one in quiet.only("key", "quiet_from", "quiet_until")}
    asleep = set()
    for key, at in late.filter(recipient_key__in=quiet.values("key")).values_list("recipient_key", "state_at"):
        theirs = hours.get(key)
        if theirs and clock.quiet_end(at, *theirs) and not clock.quiet_end(filled, *theirs):
            asleep.add(key)
    woken = len(asleep)
    if woken:
        record(BROKEN, version.alert, by=None, version=version.number, people=woken, delayed=True)
