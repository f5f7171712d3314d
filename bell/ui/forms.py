"""Forms that draw themselves in the GOV.UK pattern; the templates stand in templates/django/forms.

Any Django form is drawn this way. These bases and widgets add what Django has no word for.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.utils import pretty_name

from bell.lib import text

_DJANGOS_REQUIRED = forms.Field.default_error_messages["required"]


class _Drawn:
    """What both bases share."""

    fields: dict[str, forms.Field]

    # The browser's own bubbles would hide our error summary, and say less.
    use_required_attribute = False
    # "(optional)" after the label of every field that may stay empty. Set False on filters and searches.
    mark_optional = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            # Only where the form says nothing itself: Django's "This field is required." names no field.
            if field.error_messages.get("required") == _DJANGOS_REQUIRED:
                field.error_messages["required"] = _required_words(field, str(field.label or pretty_name(name)))


def _required_words(field: forms.Field, label: str) -> str:
    """What to do about an empty field, in the words of the GOV.UK pattern."""
    if isinstance(field, forms.BooleanField):
        return f"Tick “{label}” to go on"
    if label.endswith("?"):
        return f"Answer “{label}”"
    verb = "Select" if isinstance(field, forms.ChoiceField | forms.ModelChoiceField | forms.FileField) else "Enter"
    # An initial capital is lowered, an abbreviation ("URL") is not.
    plain = label if label[:2].isupper() else label[:1].lower() + label[1:]
    return f"{verb} {plain}"


class Form(_Drawn, forms.Form):
    """The base of every form that is not about one row."""


class ModelForm(_Drawn, forms.ModelForm):  # type: ignore[type-arg]
    """The base of every form about one row."""


class _Options:
    """Options with a hint each, an "or" before the last, small, in a row, or as cards."""

    def __init__(
        self,
        attrs: dict[str, Any] | None = None,
        choices: Any = (),
        *,
        hints: Mapping[Any, str] | None = None,
        small: bool = False,
        inline: bool = False,
        cards: bool = False,
        divider_before: Any = None,
    ) -> None:
        super().__init__(attrs, choices)  # type: ignore[call-arg]
        self.hints = dict(hints or {})
        self.small, self.inline, self.cards = small, inline, cards
        self.divider_before = divider_before

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Django's context and how the options lie."""
        context: dict[str, Any] = super().get_context(name, value, attrs)  # type: ignore[misc]
        context["widget"].update(small=self.small, inline=self.inline, cards=self.cards)
        return context

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Django's option with its hint, and whether "or" stands before it."""
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)  # type: ignore[misc]
        # A ModelChoiceField hands over a value object that carries the plain value.
        plain = getattr(value, "value", value)
        option["hint"] = self.hints.get(plain, "")
        option["divider"] = self.divider_before is not None and plain == self.divider_before
        return option


class Radios(_Options, forms.RadioSelect):
    """One of a few: Radios(hints={"sms": "Costs you nothing"}, cards=True)."""


class Checkboxes(_Options, forms.CheckboxSelectMultiple):
    """Any of a few: Checkboxes(hints={...}, small=True)."""


class Affixed(forms.TextInput):
    """A text input with a unit before or after it: Affixed(suffix="metres", attrs={"inputmode": "numeric"})."""

    template_name = "ui/forms/affixed.html"

    def __init__(self, attrs: dict[str, Any] | None = None, *, prefix: str = "", suffix: str = "") -> None:
        super().__init__(attrs)
        self.prefix, self.suffix = prefix, suffix

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Django's context with the two units."""
        context = super().get_context(name, value, attrs)
        context["widget"].update(prefix=self.prefix, suffix=self.suffix)
        return context


class OneLine(forms.CharField):
    """Words in one line: tabs and unseen line breaks, which come with pasting, become spaces."""

    def to_python(self, value: Any) -> Any:
        """The words as one line; with a NUL, which nobody types, they are left to be refused."""
        tidy = isinstance(value, str) and "\0" not in value
        return super().to_python(text.one_line(value) if tidy else value)


class CountedTextarea(forms.Textarea):
    """A textarea that says how many characters are left: CountedTextarea(1000)."""

    template_name = "ui/forms/counted.html"

    def __init__(self, limit: int, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"rows": 5, **(attrs or {})})
        self.limit = limit

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Django's context with the limit."""
        context = super().get_context(name, value, attrs)
        context["widget"]["limit"] = self.limit
        return context


class NativeDate(forms.DateInput):
    """The browser's own date picker; for staff. Asks for ISO, the only thing such an input understands."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"class": "govuk-input--width-10", **(attrs or {})}, format="%Y-%m-%d")


class NativeTime(forms.TimeInput):
    """The browser's own time picker."""

    input_type = "time"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"class": "govuk-input--width-5", **(attrs or {})}, format="%H:%M")


class NativeDateTime(forms.DateTimeInput):
    """The browser's own date and time picker; the time is local (Europe/London)."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"class": "app-input--when", **(attrs or {})}, format="%Y-%m-%dT%H:%M")


class DateParts(forms.Widget):
    """Day, month and year in three boxes, the GOV.UK way to ask for a date that a person knows by heart."""

    template_name = "ui/forms/date_parts.html"
    use_fieldset = True
    PARTS = (("day", "Day", 2), ("month", "Month", 2), ("year", "Year", 4))

    def __init__(self, attrs: dict[str, Any] | None = None, *, birthday: bool = False) -> None:
        super().__init__(attrs)
        self.birthday = birthday

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Django's context with `parts`: one entry a box."""
        context = super().get_context(name, value, attrs)
        values = self._split(value)
        base = context["widget"]["attrs"].get("id") or f"id_{name}"
        context["widget"]["invalid"] = "aria-invalid" in context["widget"]["attrs"]
        context["widget"]["parts"] = [
            {
                "id": f"{base}_{part}",
                "name": f"{name}_{part}",
                "label": label,
                "width": width,
                "value": values[part],
                "autocomplete": f"bday-{part}" if self.birthday else "",
            }
            for part, label, width in self.PARTS
        ]
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str | None:
        """The three boxes as "day/month/year", or None when all are empty."""
        values = [(data.get(f"{name}_{part}") or "").strip() for part, _, _ in self.PARTS]
        return "/".join(values) if any(values) else None

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """True when not even one box came with the form."""
        return all(f"{name}_{part}" not in data for part, _, _ in self.PARTS)

    def id_for_label(self, id_: str, index: str = "0") -> str:
        """None: the legend is no label."""
        return ""

    def _split(self, value: Any) -> dict[str, str]:
        if isinstance(value, date):
            return {"day": str(value.day), "month": str(value.month), "year": str(value.year)}
        pieces = (str(value).split("/") if value else []) + ["", "", ""]
        return dict(zip(("day", "month", "year"), pieces, strict=False))


class DateField(forms.DateField):
    """A date asked for in three boxes, with errors that say which part is missing."""

    widget = DateParts
    default_error_messages = {"invalid": "Enter a real date, such as 27 3 2026", "required": "Enter a date"}

    def to_python(self, value: Any) -> date | None:
        """A date, or None for nothing; says in words what is missing or wrong."""
        if value in self.empty_values:
            return None
        if isinstance(value, date):
            return super().to_python(value)
        pieces = [piece.strip() for piece in str(value).split("/")]
        if len(pieces) != 3:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        missing = [part for (part, _, _), piece in zip(DateParts.PARTS, pieces, strict=True) if not piece]
        if missing:
            raise ValidationError(f"Date must include a {' and a '.join(missing)}", code="incomplete")
        try:
            day, month, year = (int(piece) for piece in pieces)
            if year < 1000:  # "26" is a slip, not the first century
                raise ValueError
            return date(year, month, day)
        except (ValueError, OverflowError):
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


def offer(field: forms.Field, choices: Iterable[Any]) -> forms.ChoiceField:
    """Set what a field offers: (value, label) pairs, known only when its form is made; the field, by its own type.

    TypeError for other fields.
    """
    if not isinstance(field, forms.ChoiceField):
        raise TypeError("Only a field of choices offers some")
    field.choices = choices
    return field


def among(field: forms.Field, rows: QuerySet[Any, Any]) -> "forms.ModelChoiceField[Any]":
    """Set the rows of which a field takes one, known only when its form is made; the field, by its own type.

    TypeError for other fields.
    """
    if not isinstance(field, forms.ModelChoiceField):
        raise TypeError("Only a field of rows takes one")
    field.queryset = rows
    return field


def problems(*found: Any) -> list[tuple[str, str]]:
    """Every error of these forms as (id to jump to or "", words), in the order of the page, each once."""
    rows: list[tuple[str, str]] = []
    for form in found:
        if form is None or not getattr(form, "is_bound", False):
            continue
        rows += [("", str(error)) for error in form.non_field_errors()]
        for field in form:
            rows += [(_target(field), str(error)) for error in field.errors]
    return list(dict.fromkeys(rows))


def _target(field: forms.BoundField) -> str:
    """The id of the first box of a field, where its error link leads."""
    widget = field.field.widget
    if field.is_hidden or not field.auto_id:
        return ""
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return f"{field.auto_id}_0"
    if isinstance(widget, DateParts):
        return f"{field.auto_id}_day"
    return field.id_for_label or field.auto_id
