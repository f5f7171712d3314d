"""The one reader of what came in: from raw mail and texts to conversations. Nothing human is ever dropped."""

import logging

from django.conf import settings
from django.db import transaction

from bell.conversations import actions, rules
from bell.conversations.actions import Words
from bell.conversations.models import Conversation
from bell.delivery import inbound
from bell.delivery.models import Channel, Delivery, Inbound
from bell.lib import keys
from bell.organisations.models import Organisation
from bell.residents import keywords
from bell.residents import rules as resident_rules
from bell.residents.models import Resident
from bell.residents.rules import Reach

log = logging.getLogger(__name__)


def run(limit: int = 200) -> int:
    """Settle what is new in the post room, then thread each human message; one transaction a message."""
    inbound.settle(limit)
    done = 0
    for one in inbound.waiting(limit):
        try:
            with transaction.atomic():
                if not inbound.claim(one):
                    continue
                inbound.finish(one, outcome=_mail(one) if one.kind == "mail" else _text(one))
        except Exception:
            # One message that cannot be threaded must not stop the others: it stays, is counted and shown.
            log.exception("inbound %s could not be threaded", one.pk)
            inbound.failed(one)
        done += 1
    return done


def _resident_of(delivery: Delivery) -> Resident | None:
    """The resident behind a delivery's opaque key."""
    return resident_rules.resident_by_key(delivery.recipient_key)


def _force_name() -> str:
    """The name automatic answers speak in."""
    force = Organisation.objects.filter(sort=Organisation.Sort.FORCE).first()
    return force.name if force else settings.MAIL_DOMAIN


def _mail(one: Inbound) -> str:
    """Thread a mail by the token of the address it was sent to; without one it goes to the force's triage."""
    mail = inbound.read_mail(one)
    delivery = (
        Delivery.objects.filter(pk=mail.delivery_id).select_related("mailing").first() if mail.delivery_id else None
    )
    target = rules.target_of(delivery) if delivery else rules.Target()
    resident = _resident_of(delivery) if delivery else None
    team = target.alert.team if target.alert else rules.triage_team(resident)
    if team is None:
        return "no team"
    sender_key = keys.address_key(Channel.EMAIL, mail.sender) if mail.sender else 0
    actions.hear(
        Words(
            text=mail.text,
            way=Conversation.Way.EMAIL,
            subject=mail.subject,
            reply_channel=Channel.EMAIL if mail.sender else "",
            reply_address=mail.sender,
            verified=bool(delivery and delivery.address_key == sender_key),
        ),
        team=team,
        alert=target.alert,
        resident=resident,
        conversation=target.conversation,
        source=one,
    )
    return "threaded" if target.alert or target.conversation else "triage"


def _text(one: Inbound) -> str:
    """Thread a text by the number it came from; keywords are answered at once."""
    text = inbound.read_text(one)
    if handled := keywords.handle(sender=text.sender, text=text.text, name=_force_name()):
        return f"keyword {handled.word}"
    where = Reach(Channel.SMS, text.sender, keys.address_key(Channel.SMS, text.sender))
    contact = resident_rules.contact_at(where)
    resident = contact.resident if contact else None
    target = rules.target_of_text(where.key)
    alert = target.alert if target else None
    team = alert.team if alert else rules.triage_team(resident)
    if team is None:
        return "no team"
    actions.hear(
        Words(
            text=text.text,
            way=Conversation.Way.SMS,
            reply_channel=Channel.SMS,
            reply_address=text.sender,
            verified=contact is not None,
        ),
        team=team,
        alert=alert,
        resident=resident,
        conversation=target.conversation if target else None,
        source=one,
    )
    return "threaded" if target else "triage"
