"""A send that goes wrong holds itself: too many complaints or failures among those it reached, and a person is called.

`learning` sees what one sender is refused on the spot; this looks at the tables, where complaints, bounces that come
back by mail and what all other workers were told stand too.
"""

from django.db.models import QuerySet

from bell.delivery import learning, limits
from bell.delivery.email import complaints
from bell.delivery.models import Alarm, Batch, Channel, Mailing

LEAST_COMPLAINTS = 5
COMPLAINT_SHARE = 0.003
"""Mailbox providers ask bulk senders to stay below 0.3 % (Google's and Yahoo's rules of February 2024)."""


def hold_troubled() -> int:
    """Hold each running mailing whose complaints or failures passed their threshold; how many.

    Where a person let it go on, only what came after that counts.
    """
    held = 0
    for mailing in _running():
        way = limits.mailing(mailing.pk)
        if not limits.usable(way):
            continue
        seen = Alarm.objects.filter(name=way, ended_at__isnull=False).order_by("-ended_at").first()
        found = complaints.trouble(mailing, seen.ended_at if seen and seen.ended_at else mailing.created_at)
        if words := _too_much(found):
            limits.trip(way, words, seconds=None)
            held += 1
    return held


def _running() -> QuerySet[Mailing]:
    """Mailings that still have email to go out, codes and single answers not among them."""
    going = Batch.objects.filter(state__in=(Batch.State.READY, Batch.State.LEASED), channel=Channel.EMAIL)
    return Mailing.objects.filter(
        pk__in=going.values("mailing"), authority_kind__in=("approval", "digest"), stopped_at=None
    )


def _too_much(found: complaints.Trouble) -> str:
    """Words for a person when it is, else ""."""
    if found.complaints >= LEAST_COMPLAINTS and found.complaints > COMPLAINT_SHARE * found.sent:
        return f"{found.complaints} of {found.sent} people complained"
    if found.sent >= learning.LEAST_TRIED and found.failures > learning.FAILURE_SHARE * found.sent:
        return f"{found.failures} of {found.sent} messages came back or were refused for good"
    return ""
