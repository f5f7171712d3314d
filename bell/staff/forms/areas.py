"""Forms of imports of areas: the file, which of its properties mean what, and the word that confirms."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from bell.places.planning import Columns
from bell.residents.area_models import AreaImport
from bell.residents.area_rules import LARGEST_FILE
from bell.ui.forms import Form, Radios, offer

_GUESS = {"name": re.compile(r"name|nm$", re.I), "code": re.compile(r"code|cd$|^id$", re.I)}
_WHOLE = {
    "part": "Areas that the file does not name stay as they are",
    "whole": "Areas of this kind that the file does not name are no longer offered. Nothing is deleted",
}


class FileForm(Form):
    """A file of boundaries."""

    file = forms.FileField(
        label="File of boundaries",
        help_text=f"GeoJSON or KML, up to {LARGEST_FILE // 1024**2} MB. Nothing changes yet",
        widget=forms.ClearableFileInput(attrs={"accept": ".geojson,.json,.kml"}),
        error_messages={"required": "Select a file", "empty": "This file is empty"},
    )

    def clean_file(self) -> "UploadedFile[Any]":
        """Its size is known before any of it is read."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > LARGEST_FILE:
            raise ValidationError(f"The file must be {LARGEST_FILE // 1024**2} MB or smaller")
        return file


class ColumnsForm(Form):
    """What the file's areas are, and which property holds what."""

    kind = forms.CharField(
        label="What kind of areas are these?",
        max_length=32,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10", "autocomplete": "off"}),
        error_messages={"required": "Enter the kind of area, such as ward"},
    )
    name = forms.ChoiceField(label="Their name is in", error_messages={"required": "Select where the name is"})
    code = forms.ChoiceField(
        label="Their code is in",
        required=False,
        help_text="What never changes, such as the official code. By it an area is known again in the next file",
    )
    parent = forms.ChoiceField(label="The area above them is named in", required=False)
    parent_kind = forms.CharField(
        label="Kind of the area above",
        max_length=32,
        required=False,
        initial="district",
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10", "autocomplete": "off"}),
    )
    whole = forms.ChoiceField(
        label="Does the file hold all areas of this kind?",
        choices=[("part", "No, only some"), ("whole", "Yes, all of them")],
        widget=Radios(hints=_WHOLE),
        error_messages={"required": "Select whether the file holds all areas of this kind"},
    )

    def __init__(self, data: Any = None, *, run: AreaImport, kinds: list[str]) -> None:
        super().__init__(data, initial=_initial(run))
        told = [(name, _described(name, count, examples, run)) for name, count, examples in run.properties]
        for field, nothing in (("name", ""), ("code", "The name, they have no code"), ("parent", "No property")):
            first = [("", nothing)] if nothing else []
            offer(self.fields[field], [*first, *told])
        if kinds:
            self.fields["kind"].help_text = f"In lower case. In use: {', '.join(kinds)}"

    def columns(self) -> Columns:
        """What the verb is given."""
        kept = self.cleaned_data
        return Columns(
            " ".join(kept["kind"].lower().split()), kept["name"], kept["code"], kept["parent"],
            " ".join(kept["parent_kind"].lower().split()), kept["whole"] == "whole",
        )  # fmt: skip


def _initial(run: AreaImport) -> dict[str, Any]:
    """What was chosen before, or what the properties' names suggest."""
    if run.kind:
        return {
            "kind": run.kind, "name": run.name_property, "code": run.code_property, "parent": run.parent_property,
            "parent_kind": run.parent_kind or "district", "whole": "whole" if run.whole else "part",
        }  # fmt: skip
    names = [name for name, *_ in run.properties]
    return {field: next((name for name in names if pattern.search(name)), "") for field, pattern in _GUESS.items()}


def _described(name: str, count: int, examples: list[str], run: AreaImport) -> str:
    """A property as one chooses it: "WD24NM (Heanor East, Ripley)"."""
    some = "" if count == run.features else f", in {count:,} of {run.features:,}"
    return f"{name} ({', '.join(examples)}{some})" if examples else f"{name}{some}"


class TypedForm(Form):
    """The name of the kind, typed, before a county changes."""

    typed = forms.CharField(
        label="Kind of area",
        max_length=60,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, run: AreaImport) -> None:
        super().__init__(data)
        self.fields["typed"].label = f"Type the word {run.kind} to go on"
        self.fields["typed"].error_messages["required"] = f"Type the word {run.kind} to go on"


def show(problems: dict[str, str], form: Form) -> None:
    """Put problems of the verbs at their fields."""
    for name, words in problems.items():
        form.add_error(name if name in form.fields else None, words)
