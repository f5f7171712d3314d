"""The form of a group: its name, who may join, when its people are usually out."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from bell.organisations.models import Officer, Team
from bell.residents import hours
from bell.residents.groups import Terms
from bell.residents.models import Group
from bell.ui.forms import Form, among


class HoursField(forms.CharField):
    """Times of day as "5-8, 18-21"; cleans to pairs of hours."""

    def clean(self, value: Any) -> list[list[int]]:
        """The pairs, or what is wrong with them in words."""
        try:
            return hours.read(super().clean(value))
        except hours.HoursError as error:
            raise ValidationError(str(error), code="hours") from error


class GroupForm(Form):
    """Everything of a group."""

    name = forms.CharField(
        label="Name",
        max_length=80,
        error_messages={"required": "Enter a name", "max_length": "Use 80 characters or fewer"},
    )
    help = forms.CharField(
        label="Words for residents",
        required=False,
        max_length=160,
        help_text="Who belongs to it. They read it when they choose",
        error_messages={"max_length": "Use 160 characters or fewer"},
    )
    by_approval = forms.BooleanField(
        label="The team decides who joins",
        required=False,
        help_text="Those who choose it ask first. Nobody who asks is written to before",
    )
    active_hours = HoursField(
        label="When they are usually out",
        required=False,
        max_length=60,
        help_text="Hours of the day, for example 5-8, 18-21. Empty where no hour is special",
        error_messages={"max_length": "Enter hours like 5-8, 18-21"},
    )
    scheme_team: "forms.ModelChoiceField[Team]" = forms.ModelChoiceField(
        label="Watch scheme of",
        queryset=None,
        required=False,
        empty_label="No scheme: every team may write to it",
        help_text="The scheme’s own team writes to this group and to nobody else",
    )

    def __init__(self, data: Any = None, *, officer: Officer, group: Group | None = None) -> None:
        super().__init__(data, initial=_initial(group) if group else {})
        teams = Team.objects.visible_to(officer).filter(whole_force=False)
        among(self.fields["scheme_team"], teams)

    def terms(self) -> Terms:
        """What the verbs are given."""
        given = self.cleaned_data
        return Terms(given["name"], given["help"], given["by_approval"], given["active_hours"], given["scheme_team"])

    def show(self, problems: dict[str, str]) -> None:
        """Put problems of the verbs at their fields."""
        for name, words in problems.items():
            self.add_error(name if name in self.fields else None, words)


def _initial(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "help": group.help,
        "by_approval": group.by_approval,
        "active_hours": hours.typed(group.active_hours),
        "scheme_team": group.scheme_team_id,
    }
