"""Why me: for each message to a person, which of their places and choices it was meant for."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from bell.alerts import audience
from bell.alerts.models import Carrier, Version
from bell.delivery.models import Channel, Delivery, Mailing, State
from bell.organisations.kinds import Kind
from bell.places import find
from bell.places.models import Area
from bell.privacy import person as persons
from bell.privacy.person import Person
from bell.residents.models import Group, GroupMember, Place, PlaceArea

_ASKED = {
    "code": "You asked for a code.",
    "receipt": "You wrote to us, and this is the automatic answer.",
    "answer": "An officer answered what you wrote.",
    "notice": "It was about your account: an address was added, changed or removed, or takes no mail any more.",
    "digest": "You chose to get messages that are not urgent in one email.",
}


@dataclass(frozen=True)
class Sent:
    """One message: when, how, what became of it, and why it came to this person."""

    at: datetime
    channel: str
    state: str
    title: str
    reference: str
    why: tuple[str, ...]


def newest(person: Person) -> QuerySet[Delivery]:
    """Messages to the person, newest first; a row that was kept back because somebody shares the address counts too."""
    return persons.deliveries(person).select_related("mailing").order_by("-id")


def explain(person: Person, found: list[Delivery]) -> list[Sent]:
    """Those messages in words."""
    mailings = {one.mailing_id for one in found}
    versions = _versions(mailings)
    reasons: dict[int, tuple[str, ...]] = {}
    sent = []
    for one in found:
        version, sender = versions.get(one.mailing_id, (None, ""))
        if version is None:
            why: tuple[str, ...] = (_ASKED.get(one.mailing.authority_kind, "It was meant for you alone."),)
        else:
            why = (*reasons.setdefault(version.pk, _reasons(person, version)), _channel(one, version, sender))
        sent.append(
            Sent(
                at=one.state_at,
                channel=str(Channel(one.channel).label),
                state="sent" if one.state == State.SENT else str(State(one.state).label),
                title=version.frozen["title"] if version else _alone(one.mailing),
                reference=version.frozen["reference"] if version else "",
                why=why,
            )
        )
    return sent


def _alone(mailing: Mailing) -> str:
    """The subject of what one person got. Never a code: whoever finds a browser signed in could read a fresh one."""
    if mailing.authority_kind == "code":
        return "A code"
    return str(mailing.content.get("subject") or mailing.content.get("sms", ""))


def _versions(mailings: set[int]) -> dict[int | None, tuple[Version, str]]:
    """By mailing: what was sent, and the organisation that carried it."""
    own = Version.objects.filter(mailing__in=mailings).select_related("alert__organisation")
    found = {one.mailing_id: (one, one.alert.organisation.name) for one in own}
    carried = Carrier.objects.filter(mailing__in=mailings).select_related("version__alert", "organisation")
    return found | {one.mailing_id: (one.version, one.organisation.name) for one in carried}


def _channel(delivery: Delivery, version: Version, sender: str) -> str:
    """The kind and channel that the person chose."""
    kind = str(Kind(version.frozen["kind"]).label).lower()
    by = "email" if delivery.channel == Channel.EMAIL else "text"
    return f"You chose “{kind}” by {by} from {sender}."


def _reasons(person: Person, version: Version) -> tuple[str, ...]:
    """Places and groups that the version's audience meant. Places are compared as they are today."""
    if version.frozen.get("follows") and (not version.frozen["audience"] or _had_the_first(person, version)):
        return ("You were sent the message that this one follows.",)
    rule = audience.Rule.of(version.frozen)
    meant = list(audience.meant_places(rule, version=version).filter(resident=person.resident))
    words = [_place(place, rule) for place in meant]
    if not meant:
        words.append("A place you had then lay in the area. You have moved or removed it since.")
    if rule.also_areas or rule.also_shapes:
        words.append("You had a place in another area that it asked for too.")
    if asked := {*rule.groups, *rule.also_groups}:
        mine = GroupMember.objects.of(person.resident).members().values("group")
        names = Group.objects.filter(pk__in=asked).filter(pk__in=mine).values_list("name", flat=True)
        words += [f"You are in the group {name}." for name in names] or ["You were in one of its groups then."]
    return tuple(words)


def _had_the_first(person: Person, version: Version) -> bool:
    """Whether the person was sent what this version follows."""
    first = Version.objects.filter(alert=version.frozen["follows"]).exclude(mailing=None)
    sent = [mailing for one in first for mailing in one.mailings()]
    return persons.deliveries(person).filter(mailing__in=sent).exists()


def _place(place: Place, rule: audience.Rule) -> str:
    """One place, and the named area that it lies in where one was chosen."""
    label = f"{place.label} ({place.postcode})" if place.postcode else place.label
    lies = set(PlaceArea.objects.filter(place=place).values_list("area_id", flat=True))
    for area in Area.objects.filter(pk__in=rule.areas):
        if lies & find.under([area.pk]):
            return f"Your place {label} lies in {area.name}."
    return f"Your place {label} lies in the area that the officer drew."
