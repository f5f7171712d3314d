"""An email address that takes no mail any more, repaired by a text: the person is asked once for a new one."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from bell.audit.record import record
from bell.delivery import blocking, post
from bell.delivery.models import Channel, Lane, Mailing, Suppression
from bell.lib import clock, links
from bell.residents.models import Contact

# By day on London's clocks: nobody is woken because a mailbox is full of nothing.
_FROM_HOUR, _TO_HOUR = 9, 20
_LATELY = timedelta(days=14)
_AT_ONCE = 100
_KEY = "dead-email-"


def ask_for_another() -> int:
    """Text everyone whose email address lately turned out dead and who has a mobile that takes texts; how many."""
    now = clock.now()
    if not _FROM_HOUR <= clock.local(now).hour < _TO_HOUR:
        return 0
    return sum(_ask(contact_id, dead_id) for contact_id, dead_id in _dead(now))


def _dead(now: datetime) -> list[tuple[int, int]]:
    """(id of the email's contact, id of its suppression), those who were asked already left out."""
    dead = Suppression.objects.filter(
        channel=Channel.EMAIL, stream="", reason__in=blocking.DEAD, since__gte=now - _LATELY
    )
    by_key = dict(dead.values_list("address_key", "pk"))
    mobiles = Contact.objects.filter(resident=OuterRef("resident"), channel=Channel.SMS)
    contacts = Contact.objects.filter(Exists(mobiles), channel=Channel.EMAIL, address_key__in=list(by_key))
    awake = Q(resident__paused_until=None) | Q(resident__paused_until__lte=now)
    found = contacts.filter(awake, resident__left_at=None).order_by("pk").values_list("pk", "address_key")
    pairs = {_key(contact_id, by_key[key]): (contact_id, by_key[key]) for contact_id, key in found}
    asked = Mailing.objects.filter(authority_kind="notice", authority_key__in=list(pairs))
    for key in asked.values_list("authority_key", flat=True):
        del pairs[key]
    return list(pairs.values())[:_AT_ONCE]


@transaction.atomic
def _ask(contact_id: int, dead_id: int) -> bool:
    """One text, at most once for one death of one address; False when it may not go."""
    # The lock lets one of two workers ask; the other then sees that it was done.
    contact = Contact.objects.select_for_update(of=("self",)).filter(pk=contact_id).select_related("resident").first()
    key = _key(contact_id, dead_id)
    if contact is None or Mailing.objects.filter(authority_kind="notice", authority_key=key).exists():
        return False
    mobile = contact.resident.contacts.filter(channel=Channel.SMS).first()
    # A STOP lets notices through that people ask for by being officers; nobody asked for this one.
    if mobile is None or post.suppressed(address_key=mobile.address_key, channel=Channel.SMS):
        return False
    post.post(
        _content(),
        authority=post.Authority("notice", key),
        stream="notice",
        lane=Lane.ROUTINE,
        to=post.Address(contact.resident.key, Channel.SMS, mobile.address),
        hours=contact.resident.quiet_hours,
    )
    record("asked for another email address", contact.resident, by=None, channel=Channel.SMS)
    return True


def _content() -> post.Content:
    """The words. The address itself stays out of them: phones are read by others too."""
    sms = (
        f"{settings.SITE_NAME}: our emails to you come back. To go on getting them, sign in and give us "
        f"another address: {links.absolute(links.account())}"
    )
    return post.Content(
        sender_name="", subject="", text="", sms=sms, auto_submitted=True, replies=False, unsubscribe=False
    )


def _key(contact_id: int, dead_id: int) -> str:
    return f"{_KEY}{contact_id}-{dead_id}"
