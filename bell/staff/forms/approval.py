"""Forms of approval: a rule of who must approve, an account whose person is named, an officer who practises."""

from typing import Any

from django import forms

from bell.alerts.checks import Level
from bell.organisations.approvals import MOST_PEOPLE, Terms
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer, Team
from bell.ui.forms import Form, among


class RuleForm(Form):
    """A rule: what it is for, then what it asks for."""

    prefix = "rule"
    mark_optional = False

    team: "forms.ModelChoiceField[Team]" = forms.ModelChoiceField(
        label="Team", queryset=None, required=False, empty_label="Every team"
    )
    kind = forms.ChoiceField(label="Kind of alert", required=False, choices=[("", "Every kind"), *Kind.choices])
    from_people = forms.IntegerField(
        label="From how many people",
        required=False,
        min_value=0,
        max_value=10_000_000,
        help_text="Empty: however many it reaches",
        widget=forms.NumberInput(attrs={"class": "govuk-input--width-5", "inputmode": "numeric"}),
        error_messages={"invalid": "Enter a whole number", "min_value": "Enter a whole number of 0 or more"},
    )
    from_level = forms.TypedChoiceField(
        label="When the checks found",
        coerce=int,
        initial=0,
        choices=[
            (0, "Anything or nothing"),
            (int(Level.NOTE), "Something worth a look, or graver"),
            (int(Level.CARE), "Something that needs a reason, or graver"),
            (int(Level.SENIOR), "Something that needs a senior approver"),
        ],
    )
    people = forms.TypedChoiceField(
        label="How many different people approve",
        coerce=int,
        choices=[(number, str(number)) for number in range(1, MOST_PEOPLE + 1)],
        initial=2,
    )
    senior = forms.BooleanField(
        label="One of them approves for the whole force",
        required=False,
        help_text="An approver of a team that serves the whole force, such as the Media Team",
    )
    reason = forms.BooleanField(label="Each of them says why it may go", required=False)

    def __init__(self, data: Any = None, *, officer: Officer) -> None:
        super().__init__(data)
        among(self.fields["team"], Team.objects.visible_to(officer))

    def terms(self) -> Terms:
        """What the verb is given."""
        return Terms(**{**self.cleaned_data, "from_people": self.cleaned_data["from_people"] or 0})


class PersonForm(Form):
    """Whose account it is."""

    prefix = "person"

    email = forms.EmailField(
        label="Work email of the account",
        max_length=254,
        error_messages={"required": "Enter the work email", "invalid": "Enter an email address like name@example.com"},
    )
    number = forms.CharField(
        label="Collar or staff number",
        max_length=60,
        required=False,
        help_text="The same number on two accounts: one person. Empty takes it away",
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10", "autocomplete": "off"}),
    )


class PractiseForm(Form):
    """An officer who is to practise."""

    prefix = "practise"

    email = forms.EmailField(
        label="Work email of the officer",
        max_length=254,
        error_messages={"required": "Enter the work email", "invalid": "Enter an email address like name@example.com"},
    )
