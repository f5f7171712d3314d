"""Answers from the web page behind a message's link: no login, and the link lets one add, never read."""

from django.db import transaction

from bell.alerts.models import Alert
from bell.conversations import actions, rules
from bell.conversations.actions import Words
from bell.conversations.models import Choice, Conversation
from bell.delivery.models import Delivery
from bell.lib import tokens
from bell.residents import rules as resident_rules
from bell.residents.models import Resident


class UnknownLink(LookupError):
    """The link is not one of ours, or what it led to is gone."""


def open_link(token: str) -> tuple[Alert, Delivery]:
    """The alert and delivery behind an answer link; raises UnknownLink."""
    number = tokens.read_int("answer", token)
    delivery = Delivery.objects.filter(pk=number).select_related("mailing").first() if number else None
    alert = rules.alert_of(delivery) if delivery else None
    if delivery is None or alert is None:
        raise UnknownLink("This link does not work any more.")
    return alert, delivery


@transaction.atomic
def answer(token: str, *, choice: str = "", text: str = "") -> Alert:
    """Keep a tap, words, or both. Raises UnknownLink, or actions.Empty when there is neither."""
    alert, delivery = open_link(token)
    resident = resident_rules.resident_by_key(delivery.recipient_key)
    if choice not in {*Choice.values, ""} or not (choice or text.strip()):
        raise actions.Empty("Choose an answer, or write to the officer.")
    fresh = actions.tap(alert, resident=resident, choice=choice) if choice else False
    # Whoever saw something or has footage is someone to write back to, even when they only tapped: once.
    words = text.strip() or (Choice(choice).label if fresh and choice in (Choice.SAW, Choice.FOOTAGE) else "")
    if words:
        write(words, alert, delivery, resident)
    return alert


def write(words: str, alert: Alert, delivery: Delivery, resident: Resident | None) -> None:
    """Keep words that were typed on the page of a link, as a reply to its alert."""
    actions.hear(
        Words(
            text=words,
            way=Conversation.Way.WEB,
            # The answer goes back to the address that the message went to: the link proves no other.
            reply_channel=delivery.channel if delivery.address else "",
            reply_address=delivery.address,
        ),
        team=alert.team,
        alert=alert,
        resident=resident,
    )
