"""How often emails of routine kinds come: at once, or gathered once a day or once a week (C7).

Urgent alerts, missing people, stand-downs and whatever a person asked for never wait (alerts.digests.waits).
"""

from datetime import datetime

from django.db import transaction

from bell.audit.record import record
from bell.delivery import digests as post_digests
from bell.delivery import post
from bell.delivery.models import Channel
from bell.lib import clock
from bell.residents.models import Often, Resident
from bell.residents.rules import Reach

HOUR = 17
"""Digests come at five in the afternoon on London's clocks, winter and summer."""
WEEKDAY = 4
"""Weekly ones on Fridays."""

_WHEN = f"at {clock.minute_said(HOUR * 60)}"
_DAY = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[WEEKDAY]
WORDS = {
    Often.AT_ONCE: "At once, each in an email of its own",
    Often.DAILY: f"Once a day, {_WHEN}",
    Often.WEEKLY: f"Once a week, on {_DAY} {_WHEN}",
}

STOPPED = "unsubscribed from the digest"


def next_digest(often: str, now: datetime) -> datetime:
    """When the next digest of this kind is due, before anybody's quiet hours are looked at."""
    return clock.next_at(now, HOUR, WEEKDAY if often == Often.WEEKLY else None)


def due(resident: Resident, now: datetime) -> datetime:
    """When the person's next digest comes; at once for whoever wants none, though never in their quiet hours."""
    at = next_digest(resident.digest, now) if resident.digest else now
    if resident.quiet_from is None or resident.quiet_until is None:
        return at
    return clock.quiet_end(at, resident.quiet_from, resident.quiet_until) or at


@transaction.atomic
def choose(resident: Resident, often: str, *, by: object) -> None:
    """Say how often; what waits already comes when the new choice says. Ends an earlier "no digests"."""
    resident.digest = Often(often)
    resident.save(update_fields=["digest"])
    for contact in resident.contacts.filter(channel=Channel.EMAIL):
        post.lift(address_key=contact.address_key, channel=Channel.EMAIL, stream=post_digests.STREAM)
    move(resident)
    record("digest chosen", resident, by=by, often=resident.digest or "at once")


def move(resident: Resident) -> None:
    """What waits for a person comes when their choices say now."""
    post_digests.move(recipient_key=resident.key, at=due(resident, clock.now()))


def readdress(resident: Resident, where: Reach) -> None:
    """What waits for a person's digest goes to the address that they have now."""
    post_digests.readdress(recipient_key=resident.key, address=where.address, address_key=where.key)


def is_stopped(resident: Resident) -> bool:
    """Whether the person said no to digests by a link in one: then only what is urgent comes by email."""
    email = resident.contacts.filter(channel=Channel.EMAIL).first()
    if not resident.digest or email is None:
        return False
    return bool(post.suppressed(address_key=email.address_key, channel=Channel.EMAIL, stream=post_digests.STREAM))


def said(resident: Resident) -> str:
    """A person's choice in words."""
    words = WORDS[Often(resident.digest)]
    return f"{words}. You stopped these emails: only what is urgent comes" if is_stopped(resident) else words


@transaction.atomic
def stop(resident: Resident, *, by: object) -> None:
    """No more digests; what waited for one is taken back. What is urgent still comes, and no kind is switched off."""
    for contact in resident.contacts.filter(channel=Channel.EMAIL):
        post.suppress(
            address_key=contact.address_key, channel=Channel.EMAIL, stream=post_digests.STREAM, reason=STOPPED
        )
    post_digests.drop(recipient_key=resident.key, reason=STOPPED)
    record("digests stopped", resident, by=by)
