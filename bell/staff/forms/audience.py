"""The composer's fields that narrow an audience: what is left out, and what people must also be (A3).

Nothing here needs dragging or scripts. A shape is drawn like any other and then moved by a button: out of those that
are meant, into those that are left out or must hold another place of the same person.
"""

import json
from dataclasses import dataclass
from typing import Any

from django import forms

from bell.alerts.models import Alert
from bell.alerts.rule import KEYS, PLAIN_KEYS, tidy
from bell.residents.models import Group
from bell.staff import ground, tree
from bell.staff.forms.shapes import DrawnField
from bell.ui.forms import Checkboxes, Form, offer

NARROWING = tuple(key for key in KEYS if key not in PLAIN_KEYS)
# A button's word for each list of shapes.
_LISTS = {"in": "shapes", "not": "not_shapes", "also": "also_shapes"}
_CLOSED = "A group that you chose is closed. Choose again"
_NO_AREA = "An area that you chose is not there any more. Choose again"


def _areas(label: str) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        label=label, required=False, coerce=int, error_messages={"invalid_choice": _NO_AREA}
    )


def _shapes(label: str) -> DrawnField:
    return DrawnField(label=label, required=False, widget=forms.HiddenInput())


def _groups(label: str, help_text: str) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        label=label,
        help_text=help_text,
        required=False,
        coerce=int,
        widget=Checkboxes(small=True, inline=True),
        error_messages={"invalid_choice": _CLOSED},
    )


class NarrowingForm(Form):
    """The fields, for the composer's form to inherit; it sets their choices with `offer_narrowing`."""

    alert: Alert

    not_areas = _areas("Leave out these areas")
    not_shapes = _shapes("Drawn shapes to leave out")
    not_groups = _groups("Leave out people in these groups", "A member of any of them does not get it")
    also_areas = _areas("Only people who also have a place in one of these areas")
    also_shapes = _shapes("Drawn shapes in which people must have a place too")
    also_groups = _groups("Only people who are also in each of these groups", "On top of the groups chosen above")

    def offer_narrowing(self, alert: Alert) -> None:
        """What may be chosen; a follow-up goes to whoever got the first, and is not narrowed."""
        if alert.follows_id:
            for name in NARROWING:
                del self.fields[name]
            return
        groups = list(Group.objects.public().filter(organisation=alert.organisation_id).values_list("pk", "name"))
        offer(self.fields["not_areas"], tree.choices(alert.team))
        offer(self.fields["also_areas"], tree.choices(None))
        for name in ("not_groups", "also_groups"):
            offer(self.fields[name], groups)

    def clean(self) -> dict[str, Any]:
        """Nobody is in a group and out of it."""
        cleaned: dict[str, Any] = super().clean() or {}
        out = set(cleaned.get("not_groups") or [])
        if out & {*(cleaned.get("groups") or []), *(cleaned.get("also_groups") or [])}:
            self.add_error("not_groups", "A group that you leave out is chosen too. Take it away in one place")
        return cleaned

    def audience(self, old: dict[str, Any]) -> dict[str, Any]:
        """The whole audience as an alert keeps it; fields with errors keep what it has."""
        return tidy({key: self.cleaned_data.get(key, old.get(key, [])) for key in KEYS})

    def trees(self) -> list[tuple[forms.BoundField, list[tree.Node]]]:
        """The fields of areas that narrow, with their ticks, as trees."""
        offered = (("not_areas", self.alert.team), ("also_areas", None))
        return [(self[name], tree.roots(team, self.ticked(name))) for name, team in offered]

    def ticked(self, name: str) -> set[int]:
        """The areas that are ticked in a field, as they were sent."""
        return {int(pk) for pk in self[name].value() or [] if str(pk).isdigit() and len(str(pk)) < 19}


@dataclass(frozen=True)
class Shape:
    """A drawn shape in words, and its buttons: (what `do` says, words)."""

    words: str
    buttons: list[tuple[str, str]]


_HEADINGS = {"in": "Drawn, and sent to", "not": "Drawn, and left out", "also": "Drawn, and must hold a place too"}
_BUTTONS = {"in": "Send there", "not": "Leave out", "also": "Must have a place there too"}


def drawn(rule: dict[str, Any]) -> list[tuple[str, list[Shape]]]:
    """Every drawn shape of an audience under the heading of its part, with buttons to the other parts."""
    return [
        (_HEADINGS[part], [Shape(words, _buttons(part, number)) for number, words in enumerate(found)])
        for part, name in _LISTS.items()
        if (found := ground.described(rule, name))
    ]


def _buttons(part: str, number: int) -> list[tuple[str, str]]:
    moves = [(f"move:{part}:{to}:{number}", words) for to, words in _BUTTONS.items() if to != part]
    # What is sent to has its own list beside the map, with a button that removes.
    return moves if part == "in" else [*moves, (f"remove:{part}:{number}", "Remove")]


def moved(cleaned: dict[str, Any], do: str) -> dict[str, str]:
    """The fields of shapes after a button "move:in:not:0" or "remove:not:0"; nothing for any other button."""
    match do.split(":"):
        case ["move", source, to, number] if source in _LISTS and to in _LISTS and source != to:
            pass
        case ["remove", source, number] if source in _LISTS:
            to = ""
        case _:
            return {}
    lists = {part: list(cleaned.get(name) or []) for part, name in _LISTS.items()}
    if not (number.isascii() and number.isdigit()) or int(number) >= len(lists[source]):
        return {}
    shape = lists[source].pop(int(number))
    if to:
        lists[to].append(shape)
    return {_LISTS[part]: collection(lists[part]) for part in (source, to) if part}


def collection(features: list[dict[str, Any]]) -> str:
    """Shapes as the map hands them over."""
    return json.dumps({"type": "FeatureCollection", "features": features}) if features else ""
