"""What officers fill in about footage: why they take it, what it is worth, how an appeal ended."""

from django import forms

from bell.alerts import rules
from bell.evidence.models import Triage
from bell.ui.forms import CountedTextarea, Form, Radios


class WhyForm(Form):
    """The reason of a download or an export; it stays in the ledger."""

    mark_optional = False
    why = forms.CharField(
        label="Why do you need it?", max_length=300,
        help_text="The reason stays in the ledger, and in every export",
        error_messages={"required": "Say why you need it"},
    )  # fmt: skip
    infected = forms.BooleanField(
        label="I will open it only on a machine made for infected files", required=False,
    )  # fmt: skip


class TriageForm(Form):
    """Keep, ask for more, or not relevant."""

    mark_optional = False
    triage = forms.ChoiceField(
        label="What is it worth?",
        choices=[one for one in Triage.choices if one[0] != Triage.NEW],
        widget=Radios(small=True, inline=True),
        error_messages={"required": "Choose one"},
    )
    why = forms.CharField(label="Note for the ledger", max_length=300, required=False)


class CloseForm(Form):
    """How an appeal ended, in the words that everyone who was asked will read."""

    mark_optional = False
    title = forms.CharField(label="Title", max_length=rules.TITLE_MOST)
    outcome = forms.CharField(
        label="What came of it", widget=CountedTextarea(rules.BODY_MOST), max_length=rules.BODY_MOST,
        help_text="Say thank you, and what their help led to. A colleague approves it before it goes",
        error_messages={"required": "Say what came of it. Everyone who was asked hears it."},
    )  # fmt: skip
