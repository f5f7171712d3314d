"""Forms of organisations: who they are, what they are called and since when, how else one reaches them."""

from typing import Any

from django import forms
from django.utils import timezone

from bell.organisations.actions import Identity, Way
from bell.organisations.models import Organisation, Route
from bell.ui.forms import Form, NativeDate


class NameForm(Form):
    """A name and the day from which it holds."""

    prefix = "named"

    name = forms.CharField(
        label="Name", max_length=120, error_messages={"required": "Enter a name", "max_length": "Use 120 or fewer"}
    )
    since = forms.DateField(
        label="Called that since",
        widget=NativeDate(),
        help_text="Alerts of the days before keep the older name",
        error_messages={"required": "Enter a day", "invalid": "Enter a day"},
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"since": timezone.localdate()})


class IdentityForm(Form):
    """How an organisation presents itself to residents."""

    strapline = forms.CharField(
        label="Line for residents",
        required=False,
        max_length=200,
        help_text="What it does. They read it when they choose who may write",
    )
    postal_address = forms.CharField(
        label="Postal address", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 4})
    )
    reference_prefix = forms.CharField(
        label="First letters of its references",
        max_length=4,
        initial="DA",
        widget=forms.TextInput(attrs={"class": "govuk-input--width-5"}),
        error_messages={"required": "Enter one to four letters", "max_length": "Enter one to four letters"},
    )
    active = forms.BooleanField(
        label="Active", required=False, initial=True, help_text="An organisation that is not writes to nobody"
    )

    def __init__(self, data: Any = None, *, organisation: Organisation | None = None) -> None:
        shown = ("strapline", "postal_address", "reference_prefix", "active")
        super().__init__(data, initial={name: getattr(organisation, name) for name in shown} if organisation else {})

    def identity(self) -> Identity:
        """What the verbs are given."""
        return Identity(**self.cleaned_data)


class RouteForm(Form):
    """Another way to reach an organisation."""

    prefix = "route"

    sort = forms.ChoiceField(label="What it is", choices=Route.Sort.choices)
    label = forms.CharField(label="Called", max_length=80, error_messages={"required": "Enter what it is called"})
    value = forms.CharField(
        label="Number, name or address",
        max_length=120,
        error_messages={"required": "Enter the number, name or address"},
    )
    url = forms.URLField(label="Link", required=False, max_length=200, assume_scheme="https")
    in_alerts = forms.BooleanField(label="Shown under its alerts", required=False)

    def way(self) -> Way:
        """What the verb is given."""
        return Way(**self.cleaned_data)


def show(problems: dict[str, str], *forms_: Form) -> None:
    """Put problems of the verbs at their fields, in whichever form has them."""
    for name, words in problems.items():
        owner = next((one for one in forms_ if name in one.fields), forms_[0])
        owner.add_error(name if name in owner.fields else None, words)
