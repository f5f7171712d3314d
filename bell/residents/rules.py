"""Questions about residents, codes and what a person may choose: nothing here writes."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings

from bell.delivery import post
from bell.delivery.models import Channel
from bell.lib import clock, emails, keys, phones
from bell.organisations import kinds
from bell.organisations.models import Officer, Organisation, Role
from bell.residents.models import Code, Contact, Following, Group, Resident

CODE_LIFE = timedelta(minutes=30)
CODE_TRIES = 5
# At most (count, within) codes to one address (promises.md, People): few to one nobody confirmed yet.
LIMITS_UNKNOWN = ((1, timedelta(hours=1)), (3, timedelta(days=1)))
LIMITS_KNOWN = ((1, timedelta(minutes=1)), (5, timedelta(hours=1)))

CONSENT_WORDING = (  # the installation's own name, as people know it
    f"{settings.SITE_NAME} may send me messages about the places, groups and kinds of message I chose, "
    "by the channels I chose. I can change this or leave at any time, and my details are not given to anyone else."
)


class Reach(NamedTuple):
    """One way to reach a person: channel, normalised address and its keyed hash."""

    channel: str
    address: str
    key: int


class AddressError(ValueError):
    """The address cannot be used; the message says why in plain words."""


def reach(channel: str, text: str) -> Reach:
    """Normalise what a person typed into an address of a channel; raises AddressError with words for them."""
    try:
        address = emails.email(text) if channel == Channel.EMAIL else phones.mobile(text)
    except (emails.EmailError, phones.PhoneError) as error:
        raise AddressError(str(error)) from error
    return Reach(channel, address, keys.address_key(channel, address))


def contact_at(where: Reach) -> Contact | None:
    """The confirmed contact at an address, if someone joined with it."""
    return Contact.objects.filter(channel=where.channel, address_key=where.key).first()


def contacts_at(channel: str, address_keys: Sequence[int]) -> dict[int, Contact]:
    """The same for many addresses of a channel at once, by their keys."""
    found = Contact.objects.filter(channel=channel, address_key__in=address_keys).select_related("resident")
    return {contact.address_key: contact for contact in found}


def may_send_code(where: Reach) -> bool:
    """Whether another code may go to this address now. The caller says the same to the person either way."""
    limits = LIMITS_KNOWN if contact_at(where) else LIMITS_UNKNOWN
    now = clock.now()
    sent = Code.objects.filter(channel=where.channel, address_key=where.key)
    return all(sent.filter(made_at__gt=now - within).count() < most for most, within in limits)


def keeps_scheme(officer: Officer) -> bool:
    """Whether the officer coordinates a watch scheme: an approver of its team, who decides on requests to join it."""
    own = officer.grants.filter(role=Role.APPROVER).values("team")
    return officer.is_active and Group.objects.filter(scheme_team__in=own).exists()


def stream(organisation_id: int, kind: str) -> str:
    """The post room's opaque name of one organisation's messages of one kind; at most 16 characters.

    Beside a high number a long kind is cut short: two letters are enough to tell the kinds apart.
    """
    return f"{organisation_id}.{kind}"[:16]


def of_stream(name: str) -> tuple[str, str]:
    """(number of the organisation, kind) of a stream's name; the kind is "" where it is none of ours."""
    number, _, part = name.partition(".")
    return number, next((kind for kind in kinds.FACTS if part and kind.startswith(part)), "")


def refused(resident: Resident) -> dict[str, list[Organisation]]:
    """{kind: organisations}: what stands among the person's choices by email, and their address refuses all the same.

    A complaint, a provider's word or the link in a mail refuses by address, and leaves the choices as they are.
    """
    email = resident.contacts.filter(channel=Channel.EMAIL).first()
    no = post.refusals(address_key=email.address_key, channel=Channel.EMAIL) if email else {}
    if not no:
        return {}
    heard = _heard(resident)
    found = {kind: [one for one in heard if stream(one.pk, kind) in no] for kind in kinds.of_bits(resident.email_kinds)}
    return {kind: organisations for kind, organisations in found.items() if organisations}


def silenced(resident: Resident) -> list[str]:
    """Kinds by email of which nothing comes, though they stand among the choices: every organisation is refused."""
    found = refused(resident)
    number = len(_heard(resident)) if found else 0
    return [kind for kind, organisations in found.items() if len(organisations) == number]


def still_writing(resident: Resident, name: str) -> list[Organisation]:
    """Organisations whose messages of the same kind go on by email when the stream of this name stops (decision 7)."""
    number, kind = of_stream(name)
    if not kind or not resident.email_kinds & kinds.FACTS[kind].bit:
        return []
    no = {number, *(str(one.pk) for one in refused(resident).get(kind, []))}
    return [one for one in _heard(resident) if str(one.pk) not in no]


def is_refused(resident: Resident, name: str) -> bool:
    """Whether the person's email address refuses the stream of this name."""
    email = resident.contacts.filter(channel=Channel.EMAIL).first()
    return email is not None and name in post.refusals(address_key=email.address_key, channel=Channel.EMAIL)


def _heard(resident: Resident) -> list[Organisation]:
    """Organisations that may write to the person today."""
    following = Following.objects.of(resident).values("organisation")
    return list(Organisation.objects.public().filter(pk__in=following).order_by("sort", "name"))


def is_active(resident: Resident) -> bool:
    """Whether the person is a member today (pausing is no leaving)."""
    return resident.left_at is None


def member_by_key(key: int) -> Resident | None:
    """The member with this random key, or nobody."""
    return Resident.objects.filter(key=key, left_at=None).first()


def residents_by_key(numbers: Sequence[int]) -> dict[int, Resident]:
    """The people with these random keys, by key: members, and some who left."""
    return {resident.key: resident for resident in Resident.objects.filter(key__in=numbers)}


def resident_by_key(key: int) -> Resident | None:
    """The person with this random key, a member or one who left, or nobody."""
    return Resident.objects.filter(key=key).first()
