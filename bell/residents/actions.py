"""What is done to residents: joining, choosing, leaving. Each verb writes its own audit entry."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction

from bell.audit.record import record
from bell.delivery import post, quiet
from bell.delivery.digests import STREAM as DIGEST
from bell.delivery.models import Channel
from bell.lib import cells, clock
from bell.organisations import kinds, languages
from bell.organisations.models import Organisation
from bell.residents import areas, digests, rules, telling
from bell.residents.models import Consent, Contact, Following, Group, GroupMember, PaperForm, Place, Resident
from bell.residents.rules import Reach

MOST_PLACES = 5
stream = rules.stream  # rooms above ask for it here, beside the verbs


class AddressTaken(ValueError):
    """Another member uses this address: they should sign in with it instead."""


class TooManyPlaces(ValueError):
    """A person may name five places."""


@dataclass(frozen=True)
class Spot:
    """A place as a person gave it: WGS84 longitude and latitude, a label and, where known, the postcode."""

    lon: float
    lat: float
    label: str = "Home"
    postcode: str = ""


@dataclass(frozen=True)
class Choices:
    """What a person chose: kinds by channel, groups, and organisations that may write.

    `again`: kinds by email that were shown as off, since the address refuses them, and that the person ticked.
    """

    email_kinds: list[str] = field(default_factory=list)
    sms_kinds: list[str] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    organisations: list[int] = field(default_factory=list)
    again: list[str] = field(default_factory=list)


@transaction.atomic
def join(
    *,
    contacts: Iterable[Reach],
    places: Iterable[Spot],
    choices: Choices,
    how: str,
    name: str = "",
    source: str = "",
    wording: str = "",
    proof: PaperForm | None = None,
) -> Resident:
    """Make a member of a person whose addresses are confirmed. Raises AddressTaken, and then changes nothing.

    `wording` is what the person agreed to where that was not today's wording; `proof` the form that they signed.
    """
    resident = Resident.objects.create(name=name[:120], source=source[:40])
    for where in contacts:
        _attach(resident, where)
    for spot in places:
        add_place(resident, spot, by=resident)
    _choose(resident, choices, by=resident, new=True)
    Consent.objects.create(
        resident=resident,
        what="messages",
        given=True,
        wording=wording or rules.CONSENT_WORDING,
        how=how,
        at=clock.now(),
        proof=proof,
    )
    record("joined", resident, by=resident, how=how)
    return resident


def _attach(resident: Resident, where: Reach) -> Contact:
    """Tie a confirmed address to a person."""
    # Joining again is a fresh choice: what the address refused before no longer holds.
    post.lift(address_key=where.key, channel=where.channel)
    try:
        with transaction.atomic():
            return Contact.objects.create(
                resident=resident,
                channel=where.channel,
                address=where.address,
                address_key=where.key,
                verified_at=clock.now(),
            )
    except IntegrityError as error:
        raise AddressTaken("Another member already uses this address. Sign in with it instead.") from error


@transaction.atomic
def add_contact(resident: Resident, where: Reach, *, by: object) -> Contact:
    """Add or replace the person's address of a channel, once they proved it by code; their other ones are told.

    What they said no to at the address before, stream by stream, holds at the new one; an older no, from a time when
    the new one was theirs before, does not outlive what they chose since.
    """
    before = list(resident.contacts.order_by("pk"))
    replaced = resident.contacts.filter(channel=where.channel).exclude(address_key=where.key)
    refused: dict[str, str] = {}
    for old in replaced:
        refused |= post.refusals(address_key=old.address_key, channel=where.channel)
    replaced.delete()
    existing = resident.contacts.filter(channel=where.channel).first()
    contact = existing or _attach(resident, where)
    if existing is None:
        _forget_older(resident, where)
    for name, why in refused.items():
        post.suppress(address_key=where.key, channel=where.channel, stream=name, reason=why)
    if where.channel == Channel.EMAIL:
        digests.readdress(resident, where)
    entry = record("contact confirmed", resident, by=by, channel=where.channel)
    if existing is None:
        what = "changed" if any(one.channel == where.channel for one in before) else "added"
        telling.changed(resident, before, where.channel, what, entry=entry)
    return contact


def _forget_older(resident: Resident, where: Reach) -> None:
    """Lift what an address refuses, stream by stream, against what its person has chosen by now."""
    chosen = _streams(resident)[Channel(where.channel)]
    if where.channel == Channel.EMAIL and resident.digest:
        chosen.add(DIGEST)
    if chosen:
        post.lift(address_key=where.key, channel=where.channel, stream=chosen)


@transaction.atomic
def remove_contact(resident: Resident, channel: str, *, by: object) -> None:
    """Forget one address, and tell it and the other; the last one cannot go (leaving is another verb)."""
    if resident.contacts.exclude(channel=channel).exists():
        before = list(resident.contacts.order_by("pk"))
        for contact in resident.contacts.filter(channel=channel):
            post.withdraw(address_key=contact.address_key, channel=channel)
            contact.delete()
        entry = record("contact removed", resident, by=by, channel=channel)
        if any(one.channel == channel for one in before):
            telling.changed(resident, before, channel, "removed", entry=entry)


@transaction.atomic
def add_place(resident: Resident, spot: Spot, *, by: object) -> Place:
    """Add a place and find the areas it lies in."""
    if resident.places.count() >= MOST_PLACES:
        raise TooManyPlaces(f"You can have up to {MOST_PLACES} places. Remove one first.")
    place = Place.objects.create(
        resident=resident,
        label=(spot.label.strip() or "Home")[:40],
        postcode=spot.postcode,
        lon=spot.lon,
        lat=spot.lat,
        cell=cells.encode_one(spot.lon, spot.lat),
    )
    areas.refresh([place])
    record("place added", resident, by=by)
    return place


@transaction.atomic
def remove_place(resident: Resident, place: Place, *, by: object) -> None:
    """Forget a place."""
    if place.resident_id == resident.pk:
        place.delete()
        record("place removed", resident, by=by)


@transaction.atomic
def set_choices(resident: Resident, choices: Choices, *, by: object, how: str = "web") -> None:
    """Replace what a person chose. What they switched on again is no longer suppressed; what is off is withdrawn.

    What was on before and stays on is no new choice: a complaint about it still holds.
    """
    # As kept now: a link in a mail may have switched something off since the person was read.
    resident.refresh_from_db(fields=["email_kinds", "sms_kinds"])
    before = (resident.email_kinds, resident.sms_kinds)
    _choose(resident, choices, by=by)
    if choices.again or before != (resident.email_kinds, resident.sms_kinds):
        Consent.objects.create(
            resident=resident,
            what="kinds",
            given=bool(resident.email_kinds or resident.sms_kinds),
            wording=rules.CONSENT_WORDING,
            how=how,
            at=clock.now(),
        )


def _choose(resident: Resident, choices: Choices, *, by: object, new: bool = False) -> None:
    """Keep the choices; `new`: of a person who joins in this transaction, and to whom therefore all of it is new."""
    before = _streams(resident) if not new else {}
    resident.email_kinds = kinds.bits(choices.email_kinds)
    resident.sms_kinds = kinds.bits(choices.sms_kinds)
    resident.save(update_fields=["email_kinds", "sms_kinds"])
    _set_groups(resident, choices.groups)
    heard = set(Organisation.objects.public().filter(id__in=choices.organisations).values_list("id", flat=True))
    # A choice of an organisation that is not offered today (its agreement lapsed) stays as it was.
    offered = Organisation.objects.public().values("id")
    Following.objects.of(resident).filter(organisation__in=offered).exclude(organisation__in=heard).delete()
    Following.objects.bulk_create(
        [Following(resident=resident, organisation_id=number) for number in heard], ignore_conflicts=True
    )
    again = {stream(number, kind) for number in heard for kind in choices.again}
    _follow_up(resident, before, again, new=new)
    record("choices set", resident, by=by, email_kinds=resident.email_kinds, sms_kinds=resident.sms_kinds)


def _set_groups(resident: Resident, chosen: Iterable[int]) -> None:
    """Join the chosen groups and leave all others; a group by approval is asked first, and then stays asked."""
    wanted = list(Group.objects.public().filter(id__in=chosen))
    GroupMember.objects.of(resident).exclude(group__in=wanted).delete()
    states = GroupMember.State
    GroupMember.objects.bulk_create(
        [
            GroupMember(resident=resident, group=group, state=states.ASKED if group.by_approval else states.MEMBER)
            for group in wanted
        ],
        ignore_conflicts=True,
    )


def _streams(resident: Resident) -> dict[Channel, set[str]]:
    """{channel: streams} of all that a person chose, as it is kept now."""
    heard = list(Following.objects.of(resident).values_list("organisation", flat=True))
    by_channel = ((Channel.EMAIL, resident.email_kinds), (Channel.SMS, resident.sms_kinds))
    return {
        channel: {stream(number, kind) for number in heard for kind in kinds.of_bits(chosen)}
        for channel, chosen in by_channel
    }


def _follow_up(resident: Resident, before: dict[Channel, set[str]], again: set[str], *, new: bool) -> None:
    """Carry a person's choices to the post room: lift what is newly on, withdraw what is off.

    All streams of a channel at once: one by one, joining asked the database a hundred times and more.
    """
    organisations = list(Organisation.objects.public().values_list("id", flat=True))
    by_channel = {contact.channel: contact.address_key for contact in resident.contacts.all()}
    for channel, on in _streams(resident).items():
        off = {stream(number, kind) for number in organisations for kind in kinds.FACTS} - on
        fresh = on - before.get(channel, set())
        if channel == Channel.EMAIL:
            fresh |= on & again
        if fresh and channel in by_channel:
            post.lift(address_key=by_channel[channel], channel=channel, stream=fresh)
        if off and not new:  # nothing can wait yet for a person whose key was made just now
            post.withdraw(recipient_key=resident.key, channel=channel, stream=off)


@transaction.atomic
def pause(resident: Resident, *, until: datetime | None, by: object) -> None:
    """Send nothing until a day (None: go on again); what already waits is withdrawn."""
    resident.paused_until = until
    resident.save(update_fields=["paused_until"])
    if until is not None:
        post.withdraw(recipient_key=resident.key)
    record("paused" if until else "resumed", resident, by=by)


@transaction.atomic
def set_quiet(resident: Resident, *, hours: tuple[int, int] | None, by: object) -> None:
    """Quiet hours, in which only what is urgent comes: minutes after midnight in London from and until; None: none.

    ValueError for hours that are none, or no half hours.
    """
    if hours is not None and (hours[0] == hours[1] or any(not 0 <= one < 1440 or one % 30 for one in hours)):
        raise ValueError("Quiet hours begin and end at different half hours of the day")
    resident.quiet_from, resident.quiet_until = hours or (None, None)
    resident.save(update_fields=["quiet_from", "quiet_until"])
    quiet.choose(recipient_key=resident.key, hours=hours)
    digests.move(resident)
    record("quiet hours set" if hours else "quiet hours ended", resident, by=by)


@transaction.atomic
def set_language(resident: Resident, *, language: str, by: object) -> None:
    """The language in which a person wants alerts, where there is one; "": English. ValueError for none we offer."""
    if language and not languages.is_offered(language):
        raise ValueError("This language is not on the list")
    resident.language = language
    resident.save(update_fields=["language"])
    record("language chosen", resident, by=by, language=language or "en")


@transaction.atomic
def unsubscribe(*, recipient_key: int, stream: str, by: str) -> bool:
    """Stop one organisation's messages of one kind by email (RFC 8058), or digests. False when nobody is known here.

    The kind stays chosen while another organisation goes on writing it: the address alone then refuses this one's.
    """
    resident = rules.resident_by_key(recipient_key)
    if stream == DIGEST and resident is not None:
        digests.stop(resident, by=by)
        return True
    post.withdraw(recipient_key=recipient_key, channel=Channel.EMAIL, stream=stream)
    if resident is None:
        return False
    emails = list(resident.contacts.filter(channel=Channel.EMAIL))
    for contact in emails:
        post.suppress(address_key=contact.address_key, channel=Channel.EMAIL, stream=stream, reason="unsubscribed")
    _, kind = rules.of_stream(stream)
    others = bool(emails) and rules.still_writing(resident, stream)  # without an address nothing keeps the no but this
    if kind and not others and resident.email_kinds & kinds.FACTS[kind].bit:
        resident.email_kinds &= ~kinds.FACTS[kind].bit
        resident.save(update_fields=["email_kinds"])
        Consent.objects.create(
            resident=resident, what=f"email {kind}", given=False, wording="Unsubscribe", how="email", at=clock.now()
        )
    record("unsubscribed", resident, by=by, stream=stream)
    return True


@transaction.atomic
def leave(resident: Resident, *, by: object, how: str) -> None:
    """Stop everything at once. Places, groups and choices are deleted; the addresses are kept only to stay silent."""
    for contact in resident.contacts.all():
        post.suppress(address_key=contact.address_key, channel=contact.channel, reason="left")
    post.withdraw(recipient_key=resident.key)
    resident.places.all().delete()
    resident.memberships.all().delete()
    resident.following.all().delete()
    resident.contacts.all().delete()
    resident.email_kinds = resident.sms_kinds = 0
    resident.left_at, resident.name = clock.now(), ""
    resident.save(update_fields=["email_kinds", "sms_kinds", "left_at", "name"])
    Consent.objects.create(resident=resident, what="messages", given=False, wording="Leave", how=how, at=clock.now())
    record("left", resident, by=by, how=how)
