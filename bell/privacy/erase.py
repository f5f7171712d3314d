"""Erasure: everything of a person goes or is detached; what must be kept is restricted, with a reason and a day."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet

from bell.audit.record import record
from bell.conversations import receive
from bell.conversations.models import Answer, Conversation, Turn, Vote
from bell.delivery import forget
from bell.delivery.models import Inbound
from bell.evidence import intake
from bell.evidence.models import Upload
from bell.lib import clock
from bell.organisations.models import Officer
from bell.privacy import person as persons
from bell.privacy import rules, sessions
from bell.privacy.models import Restriction
from bell.privacy.person import Person
from bell.privacy.rules import Held, NotAllowed
from bell.residents import paper
from bell.residents.models import Code, Confirmation, PaperForm, PendingJoin, Resident


@dataclass(frozen=True)
class Erased:
    """What an erasure did: what is held, and how many messages and conversations went."""

    held: tuple[Held, ...]
    messages: int
    conversations: int


def preview(resident: Resident) -> list[Held]:
    """What would be kept, and why. Changes nothing."""
    return rules.held(persons.of(resident))


def erase(resident: Resident, *, by: object, why: str) -> Erased:
    """Forget a person. One transaction; what came in and waits is threaded first, so that it is found."""
    receive.run()
    with transaction.atomic():
        # Locked, so that nothing new is tied to the person meanwhile.
        locked = Resident.objects.select_for_update().get(pk=resident.pk)
        return _erase(persons.of(locked), by=by, why=why)


def _erase(person: Person, *, by: object, why: str) -> Erased:
    held = rules.held(person)
    talks = list(persons.conversations(person).values_list("pk", "key"))
    keep = {int(one.target_key) for one in held if one.target_type == "conversation"}
    for one in held:
        _restrict(one, person)
    messages = forget.forget(
        deliveries=persons.deliveries(person),
        addresses=[(channel, key) for channel, _, key in person.addresses],
        inbound=_inbound(person),
    )
    going = [number for number, key in talks if key not in keep]
    staying = [number for number, key in talks if key in keep]
    Conversation.objects.filter(pk__in=going).delete()
    Conversation.objects.filter(pk__in=staying).update(resident=None)
    for counted in (Answer, Vote):
        counted.objects.filter(resident=person.resident).update(resident=None)
    _forget_files(person)
    _forget_paper(person)
    Code.objects.filter(address_key__in=person.address_keys).delete()
    signed_in = sessions.end(person)
    record(
        "erased", person.resident, by=by, why=why,
        held=len(held), messages=messages, conversations=len(going), sessions=signed_in,
        consents=person.resident.consents.count(),
    )  # fmt: skip
    # With the row go, by Django's own cascade, its contacts, places, groups, choices and consents.
    person.resident.delete()
    return Erased(tuple(held), messages, len(going))


def _forget_files(person: Person) -> None:
    """Detach what they sent. A file that never arrived whole, or is damaged, goes; one that did keeps what was said."""
    files = list(persons.uploads(person).all())
    whole = [Upload.State.RECEIVED, Upload.State.SEALED]
    for one in files:
        intake.drop(one)
    everyone = Upload.objects.filter(pk__in=[one.pk for one in files])
    going = everyone.exclude(state__in=whole).exclude(key__in=rules.held_uploads())
    intake.drop_damaged(list(going.values_list("pk", flat=True)))
    intake.forget_words(going)
    everyone.update(resident=None, delivery=None)


def _forget_paper(person: Person) -> None:
    """Forms lose their scan and their person; sign-ups that wait are deleted."""
    forms = persons.papers(person)
    scans = [name for name in forms.values_list("scan_name", flat=True) if name]
    ids = list(forms.values_list("pk", flat=True))
    waiting = persons.pending(person)
    asked = Q(address_key__in=person.address_keys) | Q(pending__in=waiting)
    Confirmation.objects.filter(asked).delete()
    PendingJoin.objects.filter(pk__in=list(waiting.values_list("pk", flat=True))).delete()
    PaperForm.objects.filter(pk__in=ids).update(resident=None, scan_name="", scan_type="", scan_bytes=0, scan_sha256="")
    transaction.on_commit(lambda: _remove(scans))


def _remove(scans: list[str]) -> None:
    """Scans go from the disk once the erasure is sure."""
    for name in scans:
        paper.scan_path(name).unlink(missing_ok=True)


def _restrict(one: Held, person: Person) -> None:
    """Declare what is kept. A hold that stands already stays as it was decided."""
    Restriction.objects.get_or_create(
        target_type=one.target_type,
        target_key=one.target_key,
        released_at=None,
        defaults={
            "person_key": person.resident.key, "reason": one.reason, "review_on": one.review_on, "at": clock.now()
        },
    )  # fmt: skip


def _inbound(person: Person) -> list[int]:
    """Raw bytes that go. A message of somebody else that still waits to be read, or is held, stays."""
    done = Q(state__in=[Inbound.State.DONE, Inbound.State.UNREADABLE])
    theirs = Q(pk__in=[])
    for address in person.texts:
        theirs |= Q(envelope_from__iexact=address)
    others = Turn.objects.filter(conversation__in=_held_of_others(person), inbound__isnull=False).values("inbound")
    found = persons.inbound(person).filter(done | theirs).exclude(pk__in=others)
    return list(found.values_list("pk", flat=True))


def _held_of_others(person: Person) -> QuerySet[Conversation]:
    """Conversations of other people under a standing hold."""
    standing = Restriction.objects.standing().filter(target_type="conversation")
    keys = [int(key) for key in standing.values_list("target_key", flat=True)]
    return Conversation.objects.filter(key__in=keys).exclude(pk__in=persons.conversations(person).values("pk"))


@transaction.atomic
def release(restriction: Restriction, *, by: Officer) -> None:
    """Stop keeping something. What belongs to a person who was erased goes now; else it is as before the hold."""
    rules.check_protects(by)
    fresh = Restriction.objects.select_for_update().get(pk=restriction.pk)
    if fresh.released_at is not None:
        return
    if fresh.target_type != "conversation":
        raise NotAllowed("A sealed original is disposed of by the evidence room. Until then it stays held here.")
    fresh.released_at = clock.now()
    fresh.save(update_fields=["released_at"])
    record("restriction released", fresh, by=by)
    if fresh.person_key and not Resident.objects.filter(key=fresh.person_key).exists():
        talks = Conversation.objects.filter(key=int(fresh.target_key), resident=None)
        forget_conversations(list(talks.values_list("pk", flat=True)))


@transaction.atomic
def forget_conversations(ids: list[int]) -> int:
    """Delete conversations with their turns; what we wrote in them and the raw bytes of what came in go too."""
    turns = Turn.objects.filter(conversation__in=ids)
    forget.empty_raw(list(turns.filter(inbound__isnull=False).values_list("inbound_id", flat=True)))
    answered = turns.filter(delivery__isnull=False)
    forget.empty_contents(list(answered.values_list("delivery__mailing_id", flat=True)))
    forget.empty_addresses(list(answered.values_list("delivery_id", flat=True)))
    Conversation.objects.filter(pk__in=ids).delete()
    return len(ids)
