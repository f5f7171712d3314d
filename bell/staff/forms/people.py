"""The administrators' forms: an officer, a role, a team, a reason."""

from typing import Any

from django import forms

from bell.organisations import rules
from bell.organisations.models import Officer, Team
from bell.organisations.officers import Facts
from bell.organisations.teams import FURTHEST_M, Terms
from bell.places.models import Area
from bell.staff import tree
from bell.ui.forms import Affixed, Form, among, offer


class OfficerForm(Form):
    """Who an officer is."""

    name = forms.CharField(
        label="Name",
        max_length=120,
        error_messages={"required": "Enter a name", "max_length": "Enter a name of 120 characters or fewer"},
    )
    rank = forms.CharField(
        label="Rank or title",
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10"}),
    )
    email = forms.CharField(
        label="Work email",
        max_length=254,
        help_text="They sign in with it. It must be theirs alone",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter a work email address"},
    )
    mobile = forms.CharField(
        label="Work mobile",
        required=False,
        max_length=40,
        help_text="For notices by text that something waits",
        widget=forms.TextInput(attrs={"class": "govuk-input--width-20", "inputmode": "tel", "autocomplete": "off"}),
    )
    on_duty = forms.BooleanField(label="On duty: asked to approve", required=False)
    practice = forms.BooleanField(
        label="Practice",
        required=False,
        help_text="Everything this officer drafts is practice and leaves the building never",
    )

    def __init__(self, data: Any = None, *, officer: Officer | None = None) -> None:
        shown = ("name", "rank", "email", "mobile", "on_duty", "practice")
        super().__init__(data, initial={name: getattr(officer, name) for name in shown} if officer else {})

    def facts(self) -> Facts:
        """What the verbs are given."""
        return Facts(**self.cleaned_data)


class ReasonForm(Form):
    """Why, for the record."""

    why = forms.CharField(
        label="Why?",
        max_length=160,
        help_text="It stands in the record",
        error_messages={"required": "Say why", "max_length": "Use 160 characters or fewer"},
    )

    def __init__(self, data: Any = None) -> None:
        # Another form of the page asks why a role is proposed: each label names its own field.
        super().__init__(data, auto_id="id_access_%s")


class RoleForm(Form):
    """A role that is proposed for an officer."""

    team: "forms.ModelChoiceField[Team]" = forms.ModelChoiceField(
        label="Team",
        queryset=None,
        empty_label="Choose",
        error_messages={"required": "Select a team", "invalid_choice": "Select a team"},
    )
    role = forms.ChoiceField(
        label="Role", error_messages={"required": "Select a role", "invalid_choice": "Select a role"}
    )
    why = forms.CharField(
        label="Why?",
        max_length=160,
        help_text="Whoever confirms it reads this",
        error_messages={"required": "Say why", "max_length": "Use 160 characters or fewer"},
    )

    def __init__(self, data: Any = None, *, by: Officer) -> None:
        super().__init__(data)
        among(self.fields["team"], Team.objects.visible_to(by))
        choices = [("", "Choose"), *rules.role_choices(by.organisation)]
        offer(self.fields["role"], choices)


class TeamForm(Form):
    """A team and its ground."""

    name = forms.CharField(
        label="Name",
        max_length=120,
        error_messages={"required": "Enter a name", "max_length": "Enter a name of 120 characters or fewer"},
    )
    whole_force = forms.BooleanField(
        label="Serves the whole force",
        required=False,
        help_text="It may write anywhere, and its approvers approve for every team",
    )
    margin_m = forms.IntegerField(
        label="Margin round its areas",
        min_value=0,
        max_value=FURTHEST_M,
        initial=500,
        help_text="How far beyond its areas the team may write",
        widget=Affixed(suffix="metres", attrs={"inputmode": "numeric", "class": "govuk-input--width-5"}),
        error_messages={
            "required": "Enter the margin in metres, like 500",
            "invalid": "Enter the margin in metres, like 500",
            "min_value": "The margin must be 0 metres or more",
            "max_value": f"The margin must be {FURTHEST_M:,} metres or less",
        },
    )
    areas = forms.TypedMultipleChoiceField(
        label="Areas", required=False, coerce=int, error_messages={"invalid_choice": "Choose areas from the list"}
    )

    def __init__(self, data: Any = None, *, team: Team | None = None) -> None:
        initial = {"areas": [area.pk for area in team.patch.all()]} if team else {}
        if team:
            initial |= {name: getattr(team, name) for name in ("name", "whole_force", "margin_m")}
        super().__init__(data, initial=initial)
        choices = list(Area.objects.public().values_list("pk", "name"))
        offer(self.fields["areas"], choices)

    def tree(self) -> list[tree.Node]:
        """The areas to tick."""
        return tree.every({int(pk) for pk in self["areas"].value() or [] if str(pk).isdigit() and len(str(pk)) < 19})

    def terms(self) -> Terms:
        """What the verbs are given."""
        return Terms(**self.cleaned_data)
