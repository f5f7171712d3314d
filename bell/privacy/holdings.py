"""The table of what we hold on people: where it lies, how a person's rows are found, what becomes of them.

One line a model. A test walks Django's own list of models: one that points at a resident, or at something of theirs,
or has a column for an address, must stand here, so that a new room cannot be forgotten by export and erasure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q

from bell.alerts.models import ShapePlace
from bell.audit.models import Entry
from bell.conversations.models import Answer, Conversation, Turn, Vote
from bell.delivery.models import Delivery, DigestItem, Inbound, Mailing, Suppression
from bell.evidence.models import CustodyEntry, Exhibit, Piece, Upload
from bell.privacy import person as persons
from bell.privacy.models import Restriction
from bell.privacy.person import Person
from bell.residents.models import (
    Camera,
    Code,
    Confirmation,
    Consent,
    Contact,
    Following,
    GroupMember,
    PaperForm,
    PendingJoin,
    Place,
    PlaceArea,
    Resident,
)

Rows = models.QuerySet[Any]


@dataclass(frozen=True)
class Holding:
    """One kind of row: what we call it, whose it is, and what an erasure does with it."""

    model: type[models.Model]
    title: str
    rows: Callable[[Person], Rows]
    erased: str
    # Columns that are secrets of the system or say which officer it was: never in an export.
    hidden: tuple[str, ...] = ()


def _by(model: Any, path: str) -> Callable[[Person], Rows]:
    """Rows whose relation `path` leads to the resident."""
    return lambda person: model.objects.filter(**{path: person.resident})


def _suppressions(person: Person) -> Rows:
    meant = Q(pk__in=[])
    for channel, _, key in person.addresses:
        meant |= Q(channel=channel, address_key=key)
    return Suppression.objects.filter(meant)


DELETED = "deleted"
HOLDINGS: tuple[Holding, ...] = (
    Holding(Resident, "You", lambda person: Resident.objects.filter(pk=person.resident.pk), DELETED),
    Holding(Contact, "Your email address and mobile number", _by(Contact, "resident"), DELETED),
    Holding(Place, "Your places", _by(Place, "resident"), DELETED),
    Holding(Camera, "Cameras you registered", _by(Camera, "resident"), DELETED),
    Holding(PlaceArea, "Areas your places lie in", _by(PlaceArea, "place__resident"), DELETED),
    Holding(GroupMember, "Your groups", _by(GroupMember, "resident"), DELETED),
    Holding(Following, "Organisations that may write to you", _by(Following, "resident"), DELETED),
    Holding(Consent, "What you agreed to", _by(Consent, "resident"), DELETED),
    Holding(
        Code,
        "Codes you asked for",
        lambda person: Code.objects.filter(address_key__in=person.address_keys),
        DELETED,
        hidden=("digest",),
    ),
    Holding(ShapePlace, "Your places within a drawn shape", _by(ShapePlace, "place__resident"), DELETED),
    Holding(
        Delivery,
        "What we sent to you",
        persons.deliveries,
        "detached: a count stays, under a new random key, without address",
    ),
    Holding(
        DigestItem,
        "Which messages came in which digest",
        lambda person: DigestItem.objects.filter(delivery__in=persons.deliveries(person)),
        DELETED,
    ),
    Holding(Mailing, "What we wrote to you alone", persons.mailings, "emptied of its words"),
    Holding(
        Suppression,
        "Addresses we keep silent towards",
        _suppressions,
        "kept as a keyed hash, so that we stay silent",
    ),
    Holding(Inbound, "Your replies as they came in", persons.inbound, "emptied of its bytes"),
    Holding(
        Conversation,
        "Your conversations",
        persons.conversations,
        "deleted, or restricted with a reason and review date",
        hidden=("officer_id",),
    ),
    Holding(
        Turn,
        "What was said in them",
        persons.turns,
        "deleted, or restricted with its conversation",
        hidden=("officer_id",),
    ),
    Holding(Answer, "Your one-tap answers", _by(Answer, "resident"), "detached: the answer stays a number"),
    Holding(Vote, "What you chose in surveys", _by(Vote, "resident"), "detached: the choice stays a number"),
    Holding(Upload, "Files you sent", persons.uploads, "emptied; restricted with its exhibit once it is sealed"),
    Holding(
        Piece,
        "Parts in which they arrived",
        lambda person: Piece.objects.filter(upload__in=persons.uploads(person)),
        "restricted with the exhibit",
    ),
    Holding(Exhibit, "Your files as evidence", persons.exhibits, "restricted, with a reason and review date"),
    Holding(
        CustodyEntry,
        "Who held them, and why",
        lambda person: CustodyEntry.objects.filter(exhibit__in=persons.exhibits(person)),
        "restricted with the exhibit",
        # Without their places: a line that is withheld must leave no gap.
        hidden=("who", "officer_id", "seal", "facts", "position"),
    ),
    Holding(PaperForm, "Forms you signed", persons.papers, "detached, its scan deleted"),
    Holding(PendingJoin, "Sign-ups that wait for you", persons.pending, DELETED, hidden=("by_id",)),
    Holding(
        Confirmation,
        "Messages that asked you to confirm",
        lambda person: Confirmation.objects.filter(
            Q(address_key__in=person.address_keys) | Q(pending__in=persons.pending(person))
        ),
        DELETED,
        hidden=("digest",),
    ),
    Holding(
        Entry,
        "What the record says of you",
        persons.entries,
        "kept: it names a random key that leads to nobody",
        hidden=("by_type", "by_key", "seal", "position", "facts"),
    ),
    Holding(
        Restriction,
        "What we must keep, and why",
        lambda person: Restriction.objects.filter(person_key=person.resident.key),
        "kept: it is the declaration of what is held",
        hidden=("by_id",),
    ),
)  # fmt: skip

# Models that a walk finds and that hold nothing of a person; each with its reason.
NOT_THEIRS: dict[str, str] = {
    "organisations.Officer": "staff, not residents: a work address",
    "privacy.Withheld": "points at an entry of the record; a person must not see it, and an erasure leaves the record",
}

# Columns that hold a person's address or key, wherever they stand.
TELLING = frozenset(
    (
        "address",
        "recipient_key",
        "address_key",
        "reply_address",
        "envelope_from",
        "envelope_to",
        "person_key",
        "raw",
        "email",
        "email_key",
        "mobile",
        "mobile_key",
        "postal",
    )
)


def declared() -> set[type[models.Model]]:
    """Models with a line in the table."""
    return {holding.model for holding in HOLDINGS}


def direct() -> Iterator[tuple[type[models.Model], str]]:
    """Every model with a relation to Resident, and the relation's name, as Django knows it."""
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey | models.ManyToManyField) and field.related_model is Resident:
                yield model, field.name


def walk() -> set[type[models.Model]]:
    """Models that must be declared: all that lead to a resident over any number of relations, or have a telling column.

    The walk does not go on through models that are declared as nobody's.
    """
    found: set[type[models.Model]] = {Resident}
    every = [model for model in apps.get_models(include_auto_created=True) if model.__module__.startswith("bell.")]
    grown = True
    while grown:
        grown = False
        through = {model for model in found if model._meta.label not in NOT_THEIRS}
        for model in every:
            if model not in found and (_leads(model, through) or _tells(model)):
                found.add(model)
                grown = True
    return found


def _leads(model: type[models.Model], known: set[type[models.Model]]) -> bool:
    related = (field.related_model for field in (*model._meta.fields, *model._meta.many_to_many))
    return any(one in known for one in related if one is not model)


def _tells(model: type[models.Model]) -> bool:
    return any(field.name in TELLING for field in model._meta.concrete_fields)


def undeclared_rows(person: Person) -> Iterator[tuple[str, Rows]]:
    """Rows that point straight at the person in models nobody declared: exported all the same, never forgotten."""
    for model, name in direct():
        if model not in declared() and model._meta.label not in NOT_THEIRS:
            yield model._meta.label, model._default_manager.filter(**{name: person.resident})
