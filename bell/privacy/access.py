"""Access: all rows held on one person, readable by people and by machines. Reads only."""

import base64
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from django.db import models

from bell.audit.models import Entry
from bell.conversations.models import Turn
from bell.delivery.models import Mailing
from bell.evidence.models import CustodyEntry
from bell.privacy import holdings, looks, person, why
from bell.privacy.models import Withheld
from bell.privacy.person import Person
from bell.residents.models import Consent, Resident

# Internal notes may concern other people or an inquiry: a person decides about them, not a button.
_CODE = "A code, which is a secret even here."
_NOTE = "An internal note of the team. Ask the data protection officer for it."


@dataclass(frozen=True)
class Section:
    """One kind of row. `rows` are plain values by column; `row` in each names table and key."""

    title: str
    model: str
    erased: str
    rows: list[dict[str, Any]]


def sections(found: Person, *, notes: bool = False) -> Iterator[Section]:
    """Every row we hold on a person, kind by kind; rows of a model that nobody declared are among them.

    Not in it: entries of the record that are withheld today, with the lines of an exhibit's ledger that say the same,
    and, without `notes`, the words of internal notes.
    """
    withheld = set(Withheld.objects.standing().values_list("entry", flat=True))
    lines = _lines_of(withheld)
    for holding in holdings.HOLDINGS:
        rows = [
            _row(one, holding.hidden, notes=notes)
            for one in holding.rows(found).order_by("pk")
            if not (holding.model is Entry and one.pk in withheld)
            and not (isinstance(one, CustodyEntry) and (str(one.exhibit.key), one.position) in lines)
        ]
        yield Section(holding.title, holding.model._meta.label, holding.erased, rows)
    for label, others in holdings.undeclared_rows(found):
        yield Section(label, label, "not known", [_row(one, (), notes=notes) for one in others])


def _lines_of(withheld: set[int]) -> set[tuple[str, int]]:
    """(exhibit key, position) of the lines of an exhibit's ledger that withheld entries of the record mirror."""
    mirrors = Entry.objects.filter(pk__in=withheld, target_type="exhibit", facts__has_key="position")
    return {(key, facts["position"]) for key, facts in mirrors.values_list("target_key", "facts")}


def _row(one: models.Model, hidden: tuple[str, ...], *, notes: bool) -> dict[str, Any]:
    values: dict[str, Any] = {"row": f"{one._meta.db_table} {one.pk}"}
    for field in one._meta.concrete_fields:
        if field.attname not in hidden:
            values[field.attname] = plain(field.value_from_object(one))
    if isinstance(one, Turn) and one.direction == Turn.Direction.NOTE and not notes:
        values["text"] = _NOTE
    if isinstance(one, Mailing) and one.authority_kind == "code":
        values["content"], values["content_hash"] = _CODE, ""
    return values


def plain(value: Any) -> Any:
    """A column's value as JSON has it: times in ISO 8601, bytes as text where they are text, else base64."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        raw = bytes(value)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(raw).decode()}
    return value


def everything(resident: Resident, *, notes: bool = False) -> dict[str, Any]:
    """All that is held on a person, as plain data: the looks and messages in words, then every row."""
    found = person.of(resident)
    return {
        "format": "bell person 1",
        "looks": [_said(one) for one in looks.said(list(looks.seen_by(resident)))],
        "sent": [_said(one) for one in why.explain(found, list(why.newest(found)))],
        "held": [asdict(section) for section in sections(found, notes=notes)],
    }


def _said(one: looks.Look | why.Sent) -> dict[str, Any]:
    values = {name: plain(value) for name, value in asdict(one).items()}
    values.pop("entry", None)
    return values


def consents(resident: Resident) -> list[Consent]:
    """The ledger of what a person agreed to, newest first, in the words they were shown."""
    return list(Consent.objects.of(resident).order_by("-at", "-id"))
