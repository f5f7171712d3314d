"""Everything by which a person is known: the row, the addresses, their keyed hashes; and which rows are theirs."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from bell.audit.models import Entry
from bell.conversations.models import Conversation, Turn
from bell.delivery import forget
from bell.delivery.models import Delivery, Inbound, Mailing
from bell.evidence.models import Exhibit, Upload
from bell.lib import keys
from bell.residents.models import Contact, PaperForm, PendingJoin, Resident


@dataclass(frozen=True)
class Person:
    """A resident and every address that was theirs and is nobody else's now: (channel, address, key)."""

    resident: Resident
    addresses: tuple[tuple[str, str, int], ...]

    @property
    def address_keys(self) -> list[int]:
        """Keyed hashes of the addresses."""
        return [key for _, _, key in self.addresses]

    @property
    def texts(self) -> list[str]:
        """The addresses as they are written; those that were emptied are left out."""
        return [address for _, address, _ in self.addresses if address]


def of(resident: Resident) -> Person:
    """The person behind a row, with former addresses that the post room still knows."""
    found: dict[tuple[str, int], str] = {}
    sent = Delivery.objects.filter(recipient_key=resident.key, address_key__isnull=False)
    for channel, address, key in sent.values_list("channel", "address", "address_key").distinct():
        found[channel, key or 0] = found.get((channel, key or 0)) or address
    own = Contact.objects.of(resident).values_list("channel", "address", "address_key")
    found |= {(channel, key): address for channel, address, key in own}
    # An address that moved on to another member is theirs now.
    others = Contact.objects.exclude(resident=resident).filter(address_key__in=[key for _, key in found])
    taken = set(others.values_list("channel", "address_key"))
    kept = {where: address for where, address in found.items() if where not in taken}
    return Person(resident, tuple((channel, address, key) for (channel, key), address in sorted(kept.items())))


def at(channel: str, address: str) -> Resident | None:
    """Whose address it is, or was: a member's contact first, else whom we wrote to there."""
    key = keys.address_key(channel, address)
    contact = Contact.objects.filter(channel=channel, address_key=key).select_related("resident").first()
    if contact is not None:
        return contact.resident
    wrote = Delivery.objects.filter(channel=channel, address_key=key).values("recipient_key")
    return Resident.objects.filter(key__in=wrote).order_by("-pk").first()


def deliveries(person: Person) -> QuerySet[Delivery]:
    """Every message to the person, by their key or to an address of theirs.

    An officer may live here too, and the notices to them at the same address are not theirs as a resident.
    """
    others = Resident.objects.exclude(pk=person.resident.pk).values("key")
    by_address = Q(address_key__in=person.address_keys) & ~Q(recipient_key__in=others)
    by_address &= ~Q(mailing__authority_kind="notice")
    return Delivery.objects.filter(Q(recipient_key=person.resident.key) | by_address)


def mailings(person: Person) -> QuerySet[Mailing]:
    """Texts that were written to this person alone."""
    return forget.personal_mailings(deliveries(person))


def conversations(person: Person) -> QuerySet[Conversation]:
    """Conversations with the person: as a resident, or by an address of theirs before we knew whose it was."""
    meant = Q(resident=person.resident)
    for address in person.texts:
        meant |= Q(resident=None, reply_address__iexact=address)
    return Conversation.objects.filter(meant)


def turns(person: Person) -> QuerySet[Turn]:
    """What was said in those, internal notes among it."""
    return Turn.objects.filter(conversation__in=conversations(person))


def inbound(person: Person) -> QuerySet[Inbound]:
    """What came in from them or about them: threaded turns, their addresses in it, answers to what we sent them.

    What other people said that merely names them is not theirs: those are other people's words.
    """
    found = set(turns(person).exclude(inbound=None).values_list("inbound", flat=True))
    ids = list(deliveries(person).values_list("pk", flat=True))
    for first in range(0, len(ids), 400):
        found |= set(forget.inbound_of_deliveries(ids[first : first + 400]).values_list("pk", flat=True))
    if person.texts:
        named = forget.inbound_naming(person.texts).exclude(pk__in=found)
        others = set(forget.words_of_others(named, person.texts))
        found |= set(named.values_list("pk", flat=True)) - others
    return Inbound.objects.filter(pk__in=found)


def uploads(person: Person) -> QuerySet[Upload]:
    """Files they sent: by the link of a message, or with an address of theirs."""
    meant = Q(resident=person.resident) | Q(resident=None, delivery__in=deliveries(person))
    for address in person.texts:
        meant |= Q(resident=None, said_contact__iexact=address)
    return Upload.objects.filter(meant)


def exhibits(person: Person) -> QuerySet[Exhibit]:
    """Files of theirs that were sealed."""
    return Exhibit.objects.filter(upload__in=uploads(person))


def pending(person: Person) -> QuerySet[PendingJoin]:
    """Paper forms and doorstep sign-ups of theirs that wait for a confirmation."""
    keys_ = person.address_keys
    return PendingJoin.objects.filter(Q(resident=person.resident) | Q(email_key__in=keys_) | Q(mobile_key__in=keys_))


def papers(person: Person) -> QuerySet[PaperForm]:
    """Forms they signed."""
    return PaperForm.objects.filter(Q(resident=person.resident) | Q(pk__in=pending(person).values("form")))


def entries(person: Person) -> QuerySet[Entry]:
    """What the record says of the person, of what is theirs, and of what they did themselves."""
    own = str(person.resident.key)
    meant = Q(target_type="resident", target_key=own) | Q(by_type="resident", by_key=own)
    for find in (conversations, uploads, exhibits, pending, papers):
        rows = find(person)
        found = [str(key) for key in rows.values_list("key", flat=True)]
        meant |= Q(target_type=rows.model.__name__.lower(), target_key__in=found)
    return Entry.objects.filter(meant).order_by("id")
