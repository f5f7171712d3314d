"""The one reader of what came in: from raw mail and texts to conversations. Nothing human is ever dropped."""

import time
from collections import defaultdict
from collections.abc import Iterator

from django.conf import settings

from bell.conversations import actions, rules
from bell.conversations.actions import Heard, Words
from bell.conversations.models import Conversation
from bell.delivery import inbound
from bell.delivery.inbound import Mail, Text
from bell.delivery.models import Channel, Delivery, Inbound
from bell.lib import keys
from bell.organisations.models import Organisation
from bell.residents import keywords
from bell.residents import rules as resident_rules
from bell.residents.models import Resident

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


def _thread(ids: list[int]) -> None:
    """Thread these, as far as no other worker has them; what they share is asked once for all of them."""
    rows = inbound.claim(ids)
    mails = [(one, inbound.read_mail(one)) for one in rows if one.kind == Inbound.Kind.MAIL]
    texts = [(one, inbound.read_text(one)) for one in rows if one.kind != Inbound.Kind.MAIL]
    alerts: rules.Alerts = {}
    heard: list[Heard] = []
    for outcome, taken in _by_outcome([*_mails(mails, alerts), *_texts(texts, alerts)]).items():
        heard += [one for _, one in taken if one is not None]
        inbound.finish(*(row for row, _ in taken), outcome=outcome)
    order = {row.pk: place for place, row in enumerate(rows)}
    actions.hear_all(sorted(heard, key=lambda one: order[one.source.pk] if one.source else 0))


# A message, how it ends, and what is to be heard of it.
_Ended = tuple[Inbound, str, Heard | None]


def _by_outcome(ended: list[_Ended]) -> dict[str, list[tuple[Inbound, Heard | None]]]:
    """The same, together by how they end."""
    found: dict[str, list[tuple[Inbound, Heard | None]]] = defaultdict(list)
    for row, outcome, heard in ended:
        found[outcome].append((row, heard))
    return found


def _force_name() -> str:
    """The name automatic answers speak in."""
    force = Organisation.objects.filter(sort=Organisation.Sort.FORCE).first()
    return force.name if force else settings.MAIL_DOMAIN


def _mails(mails: list[tuple[Inbound, Mail]], alerts: rules.Alerts) -> Iterator[_Ended]:
    """Mails belong where the token of the address says to which they were sent; without one to the force's triage."""
    ids = [mail.delivery_id for _, mail in mails if mail.delivery_id]
    found = Delivery.objects.filter(pk__in=ids).select_related("mailing").defer("mailing__content") if ids else ()
    deliveries = {delivery.pk: delivery for delivery in found}
    people = resident_rules.residents_by_key([delivery.recipient_key for delivery in deliveries.values()])
    for one, mail in mails:
        delivery = deliveries.get(mail.delivery_id or 0)
        sender_key = keys.address_key(Channel.EMAIL, mail.sender) if mail.sender else 0
        words = Words(
            text=mail.text,
            way=Conversation.Way.EMAIL,
            subject=mail.subject,
            reply_channel=Channel.EMAIL if mail.sender else "",
            reply_address=mail.sender,
            verified=bool(delivery and delivery.address_key == sender_key),
        )
        target = rules.target_of(delivery, alerts) if delivery else rules.Target()
        yield _placed(one, words, target, people.get(delivery.recipient_key) if delivery else None)


def _texts(texts: list[tuple[Inbound, Text]], alerts: rules.Alerts) -> Iterator[_Ended]:
    """Texts belong where the number says they came from; keywords are answered at once."""
    numbers = [keys.address_key(Channel.SMS, text.sender) for _, text in texts]
    contacts = resident_rules.contacts_at(Channel.SMS, numbers)
    targets = rules.targets_of_texts(numbers, alerts)
    for (one, text), number in zip(texts, numbers, strict=True):
        is_keyword = keywords.is_one(text.text)
        if is_keyword and (handled := keywords.handle(sender=text.sender, text=text.text, name=_force_name())):
            yield one, f"keyword {handled.word}", None
            continue
        contact = contacts.get(number)
        words = Words(
            text=text.text,
            way=Conversation.Way.SMS,
            reply_channel=Channel.SMS,
            reply_address=text.sender,
            verified=contact is not None,
        )
        yield _placed(one, words, targets.get(number, rules.Target()), contact.resident if contact else None)


def _placed(one: Inbound, words: Words, target: rules.Target, resident: Resident | None) -> _Ended:
    """Words with the team that hears them; nobody to hear them is only possible where there is no force."""
    team = target.alert.team if target.alert else rules.triage_team(resident)
    if team is None:
        return one, "no team", None
    outcome = "threaded" if target.alert or target.conversation else "triage"
    return one, outcome, Heard(words, team, target.alert, resident, target.conversation, one)
