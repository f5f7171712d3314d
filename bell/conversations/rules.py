"""Who may read and answer, and where what comes back belongs. Nothing here writes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q

from bell.alerts.models import Alert, Version
from bell.conversations.models import Conversation
from bell.delivery.models import Channel, Delivery
from bell.delivery.models import State as Delivered
from bell.lib import clock
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer, Organisation, Team
from bell.places import find
from bell.residents.models import Resident

TEXT_WINDOW = timedelta(days=7)
CLOCK = timedelta(hours=72)
_WENT_OUT = (Delivered.SENT, Delivered.DELIVERED, Delivered.UNCERTAIN)


class NotAllowed(Exception):
    """The person may not do this; the message says why in plain words."""


@dataclass(frozen=True)
class Target:
    """Where words belong: an alert, or a conversation of a team without one."""

    alert: Alert | None = None
    conversation: Conversation | None = None


def may_answer(officer: Officer, conversation: Conversation) -> bool:
    """Anyone with a role in the conversation's team."""
    return bool(organisation_rules.roles(officer, conversation.team))


def practice_refusal(officer: Officer, conversation: Conversation) -> str:
    """Why an answer may not go out in the officer's mode, or nothing: who practises answers no real person (B9)."""
    practises = organisation_rules.practises(officer, conversation.team)
    if practises == is_practice(conversation):
        return ""
    if practises:
        return "You are in practice mode, and this is a real person. A colleague who is not practising must answer."
    return "This is about a practice alert, and you are not in practice mode."


def is_practice(conversation: Conversation) -> bool:
    """Whether a conversation is about a practice alert."""
    return conversation.alert is not None and conversation.alert.practice


# The alert of each mailing asked for so far, for whoever asks for many in one transaction.
Alerts = dict[int, Alert | None]


def alert_of(delivery: Delivery, known: Alerts | None = None) -> Alert | None:
    """The alert that a delivery carried, if it carried one."""
    if known is None or delivery.mailing_id not in known:
        of_it = Q(mailing=delivery.mailing_id) | Q(carriers__mailing=delivery.mailing_id)
        version = Version.objects.filter(of_it).select_related("alert__team", "alert__author").first()
        known = {} if known is None else known
        known[delivery.mailing_id] = version.alert if version else None
    return known[delivery.mailing_id]


def conversation_of(delivery: Delivery) -> Conversation | None:
    """The conversation that a delivery answered, if it was an officer's answer."""
    if delivery.mailing.authority_kind != "answer":
        return None
    return Conversation.objects.filter(turns__delivery=delivery).first()


def target_of(delivery: Delivery, known: Alerts | None = None) -> Target:
    """Where a reply to this delivery belongs."""
    conversation = conversation_of(delivery)
    if conversation is not None:
        return Target(conversation.alert, conversation)
    return Target(alert_of(delivery, known), None)


def targets_of_texts(address_keys: Sequence[int], known: Alerts) -> dict[int, Target]:
    """Where texts from these numbers belong: only where exactly one thing was texted to it in 7 days, never a guess.

    Practice reaches no real phone, so it never puts a real alert in doubt; alone, it is answered like one.
    """
    recent = Delivery.objects.filter(
        address_key__in=address_keys,
        channel=Channel.SMS,
        state__in=_WENT_OUT,
        state_at__gt=clock.now() - TEXT_WINDOW,
        mailing__authority_kind__in=["approval", "answer"],
    )
    of_number: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in recent.select_related("mailing").defer("mailing__content").order_by("-state_at"):
        if delivery.address_key is not None:
            of_number[delivery.address_key].append(delivery)
    found = {number: _only_target(newest[:50], known) for number, newest in of_number.items()}
    return {number: target for number, target in found.items() if target is not None}


def _only_target(newest: list[Delivery], known: Alerts) -> Target | None:
    """What these texts were about, if it is one thing."""
    real = [delivery for delivery in newest if not delivery.mailing.practice]
    targets: dict[tuple[int, int], Target] = {}
    for delivery in real or newest:
        found = target_of(delivery, known)
        if found.alert is not None:
            targets.setdefault((found.alert.pk, 0), found)
        elif found.conversation is not None:
            targets.setdefault((0, found.conversation.pk), found)
    return next(iter(targets.values())) if len(targets) == 1 else None


def triage_team(resident: Resident | None) -> Team | None:
    """The team that sorts what belongs to no alert: the person's local team, else the force's."""
    place = resident.places.first() if resident else None
    if place is not None:
        here = find.areas_at([place.lon], [place.lat])[0]
        for team in Team.objects.filter(whole_force=False, organisation__sort=Organisation.Sort.FORCE).order_by("pk"):
            if (organisation_rules.patch_area_ids(team) or set()) & set(here):
                return team
    return Team.objects.filter(organisation__sort=Organisation.Sort.FORCE).order_by("-whole_force", "pk").first()


def overdue(conversation: Conversation) -> bool:
    """Whether the 72-hour clock has run out."""
    return conversation.waiting_since is not None and clock.now() - conversation.waiting_since > CLOCK
