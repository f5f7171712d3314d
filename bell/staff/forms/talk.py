"""Forms of conversations: answering, noting, closing, and logging what came by phone or in person."""

from typing import Any

from django import forms

from bell.alerts.models import PUBLISHED, Alert
from bell.conversations.actions import MOST_TEXT
from bell.conversations.models import Conversation
from bell.organisations import rules
from bell.organisations.models import Officer, Role, Team
from bell.ui.forms import Form, Radios, among


class WordsForm(Form):
    """An answer or a note."""

    text = forms.CharField(
        label="Your answer",
        max_length=MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write your words first", "max_length": "Use 20,000 characters or fewer"},
    )


class LogForm(Form):
    """What someone said by phone or in person."""

    way = forms.ChoiceField(
        label="How did it come?",
        choices=[(way.value, way.label) for way in (Conversation.Way.PHONE, Conversation.Way.PERSON)],
        widget=Radios(inline=True, small=True),
        error_messages={"required": "Say whether it came by phone or in person"},
    )
    alert: "forms.ModelChoiceField[Alert]" = forms.ModelChoiceField(
        label="About which alert?", queryset=None, required=False, empty_label="Not about an alert"
    )
    team: "forms.ModelChoiceField[Team]" = forms.ModelChoiceField(
        label="Team", queryset=None, required=False, empty_label=None
    )
    who = forms.CharField(
        label="Who said it?",
        required=False,
        max_length=120,
        help_text="A name, or how to find them again",
    )
    text = forms.CharField(
        label="What did they say?",
        max_length=MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": "Write what they said", "max_length": "Use 20,000 characters or fewer"},
    )
    useful = forms.ChoiceField(
        label="Was it useful?",
        required=False,
        choices=[("", "Not known yet"), ("yes", "Useful"), ("no", "Not useful")],
        widget=Radios(inline=True, small=True),
    )

    def __init__(self, *args: Any, officer: Officer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = rules.teams_as(officer, *Role.values)
        own = Team.objects.visible_to(officer).filter(pk__in=[team.pk for team in teams])
        alerts = Alert.objects.visible_to(officer).filter(state__in=PUBLISHED, team__in=own)
        among(self.fields["alert"], alerts.order_by("-sent_at"))
        among(self.fields["team"], own)
        if len(teams) == 1:
            self.fields["team"].widget = forms.HiddenInput()
        if teams:
            self.fields["team"].initial = teams[0].pk
        self.officer = officer

    def clean(self) -> dict[str, Any]:
        """Some team must be meant, by itself or through the alert."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("alert") and not cleaned.get("team"):
            self.add_error(None, "You belong to no team yet. Ask an administrator to add you to one")
        return cleaned


class SearchForm(Form):
    """The list of alerts: words and a state."""

    mark_optional = False

    q = forms.CharField(label="Reference or title", required=False, max_length=100)
    state = forms.ChoiceField(label="State", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        states = Alert._meta.get_field("state").choices or []
        self.fields["state"].choices = [("", "Any state"), *states]  # type: ignore[attr-defined]
