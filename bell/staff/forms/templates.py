"""Forms of templates: with which one an alert begins, and what one holds."""

from typing import Any

from django import forms

from bell.alerts import rules, starters
from bell.alerts.models import Template
from bell.organisations import rules as organisation_rules
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer, Team
from bell.ui.forms import CountedTextarea, Form, OneLine, Radios, among, offer

EMPTY = "none"


class StartForm(Form):
    """Which template a new alert begins with, or none."""

    mark_optional = False
    template = forms.ChoiceField(
        label="What do you begin with?",
        error_messages={"required": "Choose a template, or an empty page", "invalid_choice": "Choose from the list"},
    )

    def __init__(self, *args: Any, offered: list[Template], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = {str(one.pk): one for one in offered}
        hints = {key: one.title or one.body[:90] for key, one in self.offered.items()}
        choices = [(key, one.name) for key, one in self.offered.items()]
        field = self.fields["template"]
        field.widget = Radios(hints=hints, divider_before=EMPTY)
        offer(field, [*choices, (EMPTY, "An empty page")])

    def chosen(self) -> Template | None:
        """The template, or None for an empty page."""
        return self.offered.get(self.cleaned_data["template"])


class TemplateForm(Form):
    """Everything of a template."""

    kind = forms.ChoiceField(label="Kind of alert", choices=Kind.choices)
    team: "forms.ModelChoiceField[Team]" = forms.ModelChoiceField(label="For", queryset=None, required=False)
    name = forms.CharField(
        label="Name",
        max_length=starters.NAME_MOST,
        help_text="Your colleagues choose by it",
        error_messages={"required": "Enter a name"},
    )
    title = OneLine(label="Title", required=False, max_length=rules.TITLE_MOST)
    body = forms.CharField(
        label="Message",
        required=False,
        max_length=rules.BODY_MOST,
        widget=CountedTextarea(rules.BODY_MOST, {"rows": 8, "data-threshold": "75"}),
        help_text="Write what changes in square brackets: [place], [day]. Nothing goes while one is left",
    )
    sms_text = forms.CharField(
        label="Words of the text message",
        required=False,
        max_length=starters.SMS_MOST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="With words here, the draft begins with email and text message ticked",
    )

    def __init__(self, *args: Any, officer: Officer, template: Template | None = None, **kwargs: Any) -> None:
        names = ("kind", "team", "name", "title", "body", "sms_text")
        initial = {name: getattr(template, name) for name in names} if template else {}
        super().__init__(*args, initial=initial, **kwargs)
        begun = organisation_rules.kinds_to_begin(officer.organisation)
        offer(self.fields["kind"], [(kind.value, kind.label) for kind in begun])
        for_all = starters.may_keep_for_all(officer)
        mine = [team.pk for team in starters.teams(officer)]
        own = Team.objects.visible_to(officer).filter(organisation=officer.organisation_id)
        field = among(self.fields["team"], own if for_all else own.filter(pk__in=mine))
        field.empty_label = "Everyone in the organisation" if for_all else None
        field.required = not for_all
        if not template and mine:
            field.initial = mine[0]

    def words(self) -> dict[str, Any]:
        """What starters.keep is given."""
        return dict(self.cleaned_data)

    def show(self, problems: dict[str, str]) -> None:
        """Put the rules' problems at their fields."""
        for name, words in problems.items():
            self.add_error(name, words.rstrip("."))
