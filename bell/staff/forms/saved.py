"""Saved audiences in the composer, and their names on their own page."""

from typing import Any

from django import forms

from bell.alerts import saved
from bell.alerts.models import SavedAudience
from bell.organisations.models import Officer, Team
from bell.ui.forms import Form, among

_LONG = {"max_length": f"The name must be {saved.NAME_MOST} characters or fewer"}


class SavedForm(Form):
    """Within the composer's form: one to use, or a name to keep what is chosen by."""

    use_saved: "forms.ModelChoiceField[SavedAudience]" = forms.ModelChoiceField(
        label="Use a saved audience",
        queryset=None,
        required=False,
        empty_label="Choose one",
        error_messages={"invalid_choice": "Choose one of your team's audiences"},
    )
    save_as = forms.CharField(
        label="Keep this audience as",
        required=False,
        max_length=saved.NAME_MOST,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages=_LONG,
    )

    def __init__(self, data: Any = None, *, officer: Officer, team: Team) -> None:
        super().__init__(data)
        among(self.fields["use_saved"], SavedAudience.objects.visible_to(officer).filter(team=team))

    def show(self, problems: dict[str, str]) -> None:
        """Problems of the rules at their fields."""
        for name, words in problems.items():
            self.add_error(name, words.rstrip("."))


class NameForm(Form):
    """Another name for a saved audience."""

    name = forms.CharField(
        label="Name",
        max_length=saved.NAME_MOST,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter a name", **_LONG},
    )
