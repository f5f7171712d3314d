"""Forms between organisations: what we carry, what the force is asked to send, how many an own channel reached."""

from typing import Any

from django import forms

from bell.alerts.models import Ask, Carrier
from bell.organisations.models import Officer, Team
from bell.staff.forms.compose import writing_teams
from bell.ui.forms import CountedTextarea, Form, Radios, among

_REASON_MOST = 500
_LONG = {"max_length": f"Use {_REASON_MOST} characters or fewer"}


class InvitationForm(Form):
    """Agree to carry exactly what the page showed, or decline with a reason."""

    mark_optional = False

    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(
        label="Reason, if you decline",
        required=False,
        max_length=_REASON_MOST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The organisation that asked reads it",
        error_messages=_LONG,
    )

    def __init__(self, data: Any = None, *, carrier: Carrier | None = None) -> None:
        super().__init__(data, initial={"digest": carrier.version.digest} if carrier else {})


class ReachForm(Form):
    """What an organisation's own channels reached."""

    way = forms.CharField(
        label="How you passed it on",
        max_length=120,
        help_text="For example: our Facebook page, the screens in the library",
        error_messages={"required": "Say how you passed it on", "max_length": "Use 120 characters or fewer"},
    )
    reach = forms.IntegerField(
        label="How many people that reached",
        min_value=0,
        max_value=10_000_000,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-5", "inputmode": "numeric"}),
        error_messages={
            "required": "Enter how many people it reached",
            "invalid": "Enter a whole number, like 1200",
            "min_value": "Enter 0 or more",
            "max_value": "Enter 10,000,000 or fewer",
        },
    )


class AskForm(Form):
    """A partner's note to the force, with the draft that it should send."""

    note = forms.CharField(
        label="Note to the force",
        required=False,
        max_length=_REASON_MOST,
        widget=CountedTextarea(_REASON_MOST, {"rows": 4}),
        help_text="Why they should send it, and by when",
        error_messages=_LONG,
    )


class RequestForm(Form):
    """Take a partner's request on, for one of the officer's own teams, or decline it with a reason."""

    mark_optional = False

    team: "forms.ModelChoiceField[Team]" = forms.ModelChoiceField(
        label="Which of your teams sends it?", queryset=None, required=False, empty_label=None
    )
    reason = forms.CharField(
        label="Reason, if you decline",
        required=False,
        max_length=_REASON_MOST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The partner reads it",
        error_messages=_LONG,
    )

    def __init__(self, data: Any = None, *, officer: Officer, ask: Ask) -> None:
        super().__init__(data)
        self.ask, self.teams = ask, writing_teams(officer)
        own = Team.objects.visible_to(officer).filter(pk__in=[one.pk for one in self.teams])
        field = among(self.fields["team"], own)
        field.widget = Radios(choices=field.choices) if len(self.teams) > 1 else forms.HiddenInput()
        if self.teams:
            field.initial = self.teams[0].pk
