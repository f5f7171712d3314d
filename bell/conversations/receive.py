"""The one reader of what came in: from raw mail and texts to conversations. Nothing human is ever dropped."""

import logging
import time
from collections import defaultdict
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from bell.conversations import actions, rules
from bell.conversations.actions import Words
from bell.conversations.models import Conversation
from bell.delivery import inbound
from bell.delivery.inbound import Mail
from bell.delivery.models import Channel, Delivery, Inbound
from bell.lib import keys
from bell.organisations.models import Organisation
from bell.residents import keywords
from bell.residents import rules as resident_rules
from bell.residents.models import Resident
from bell.residents.rules import Reach

log = logging.getLogger(__name__)

# How long one round may go on, in seconds: then whatever else the worker does has its turn.
ROUND = 1.0


def run(limit: int = 200) -> int:
    """Settle what is new in the post room, then thread each human message, for a second or so; how many."""
    until = time.monotonic() + ROUND
    done = 0
    while True:
        settled = inbound.settle(limit)
        waiting = inbound.waiting(limit)
        for some in inbound.together([one.pk for one in waiting]):
            inbound.each(some, _thread)
        done += len(waiting)
        if max(settled, len(waiting)) < limit or time.monotonic() >= until:
            return done


@dataclass
class _Group:
    """What is known about some messages that share a transaction, asked once for all of them."""

    mails: dict[int, Mail]
    deliveries: dict[int, Delivery]
    residents: dict[int, Resident]
    alerts: rules.Alerts = field(default_factory=dict)
    told: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, rows: list[Inbound]) -> "_Group":
        """Read every mail, then find what their tokens name."""
        mails = {one.pk: inbound.read_mail(one) for one in rows if one.kind == Inbound.Kind.MAIL}
        ids = [mail.delivery_id for mail in mails.values() if mail.delivery_id]
        deliveries = {row.pk: row for row in Delivery.objects.filter(pk__in=ids).select_related("mailing")}
        people = resident_rules.residents_by_key([row.recipient_key for row in deliveries.values()])
        return cls(mails, deliveries, people)


def _thread(ids: list[int]) -> list[int]:
    """Thread these, each in a savepoint; which failed. They stay, are counted and shown."""
    bad = []
    outcomes: dict[str, list[Inbound]] = defaultdict(list)
    rows = inbound.claim(ids)
    group = _Group.of(rows)
    for one in rows:
        try:
            with transaction.atomic():
                outcome = _mail(one, group) if one.kind == Inbound.Kind.MAIL else _text(one, group)
            outcomes[outcome].append(one)
        except Exception:
            log.exception("inbound %s could not be threaded", one.pk)
            group.told.clear()  # a notice may have gone back with it
            bad.append(one.pk)
    for outcome, threaded in outcomes.items():
        inbound.finish(*threaded, outcome=outcome)
    return bad


def _force_name() -> str:
    """The name automatic answers speak in."""
    force = Organisation.objects.filter(sort=Organisation.Sort.FORCE).first()
    return force.name if force else settings.MAIL_DOMAIN


def _mail(one: Inbound, group: _Group) -> str:
    """Thread a mail by the token of the address it was sent to; without one it goes to the force's triage."""
    mail = group.mails[one.pk]
    delivery = group.deliveries.get(mail.delivery_id or 0)
    target = rules.target_of(delivery, group.alerts) if delivery else rules.Target()
    resident = group.residents.get(delivery.recipient_key) if delivery else None
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
        told=group.told,
    )
    return "threaded" if target.alert or target.conversation else "triage"


def _text(one: Inbound, group: _Group) -> str:
    """Thread a text by the number it came from; keywords are answered at once."""
    text = inbound.read_text(one)
    is_keyword = keywords.is_one(text.text)
    if is_keyword and (handled := keywords.handle(sender=text.sender, text=text.text, name=_force_name())):
        return f"keyword {handled.word}"
    where = Reach(Channel.SMS, text.sender, keys.address_key(Channel.SMS, text.sender))
    contact = resident_rules.contact_at(where)
    resident = contact.resident if contact else None
    target = rules.target_of_text(where.key, group.alerts)
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
        told=group.told,
    )
    return "threaded" if target else "triage"
