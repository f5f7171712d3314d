"""Forms of the data protection officer and of those who keep agreements."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from bell.delivery.models import Channel
from bell.organisations.actions import Terms
from bell.organisations.models import Officer, Organisation
from bell.residents import rules
from bell.residents.rules import Reach
from bell.ui.forms import DateField, Form, among


def _words(label: str, help_text: str = "", most: int = 200, required: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=most,
        error_messages={
            "required": required or f"Enter {label[:1].lower()}{label[1:]}",
            "max_length": f"Use {most} characters or fewer",
        },
    )


def _day(label: str, help_text: str = "") -> DateField:
    return DateField(label=label, help_text=help_text, error_messages={"required": f"Enter the day: {label.lower()}"})


class LookUpForm(Form):
    """An address, and why it is looked up."""

    mark_optional = False
    address = _words("Email address or mobile number", most=320)
    why = _words("Why do you look this person up?", "They read this on their own page.", required="Say why")

    def clean_address(self) -> Reach:
        """As the residents' room knows it."""
        typed = self.cleaned_data["address"]
        try:
            return rules.reach(Channel.EMAIL if "@" in typed else Channel.SMS, typed)
        except rules.AddressError as error:
            raise ValidationError(str(error)) from error


class ReviewForm(Form):
    """A day on which something is looked at again."""

    mark_optional = False
    review_on = _day("Look at it again on", "Within two years")


class WithholdForm(ReviewForm):
    """Why an entry is withheld, and until when."""

    field_order = ("reason", "review_on")
    reason = _words("Why may the person not see this yet?", "Only data protection officers read this.", 300, "Say why")


class HoldForm(ReviewForm):
    """Why a conversation is kept."""

    field_order = ("reason", "review_on")
    reason = _words("Why must this be kept?", "The person reads this when they ask us to erase.", 300, "Say why")


class EndForm(Form):
    """The last day of an agreement."""

    mark_optional = False
    on = _day("Its last day is")


class AgreementForm(Form):
    """A data-sharing agreement with a partner."""

    mark_optional = False
    organisation: "forms.ModelChoiceField[Organisation]" = forms.ModelChoiceField(
        label="With which organisation?",
        queryset=None,
        empty_label="Choose one",
        error_messages={"required": "Choose the organisation"},
    )
    what = _words("What is shared", "For example: numbers of people reached; never anybody’s details")
    purpose = _words("Purpose")
    basis = _words("Lawful basis", "As the agreement names it")
    document = _words("Reference of the signed document", most=80)
    starts = _day("First day")
    ends = _day("Last day", "Every agreement ends, and is looked at again before")

    def __init__(self, *args: Any, officer: Officer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = Organisation.objects.visible_to(officer).filter(sort=Organisation.Sort.PARTNER).order_by("name")
        among(self.fields["organisation"], found)

    @property
    def terms(self) -> Terms:
        """What was agreed."""
        given = self.cleaned_data
        names = ("what", "purpose", "basis", "starts", "ends", "document")
        return Terms(**{name: given[name] for name in names})
