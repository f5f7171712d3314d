"""The composer's fields of surveys and partner notices: choices, how many of them, dates, where to find out more."""

from typing import Any

from django import forms

from bell.alerts import ballots, content
from bell.staff.forms.moments import SendAtField
from bell.ui.forms import NativeDateTime, Radios

# The fields of this module that are words and may be written in another language too.
WORDS = ("choices", "dates", "find_out")
_HELP = {
    "choices": f"{ballots.CHOICES_LEAST} to {ballots.CHOICES_MOST}, one on each line, a few plain words each. They "
    "cannot be changed once it is sent",
    "closes": "People may choose, and change their mind, until then. Empty: until you close it",
    "dates": "The days it is about, in words. For example: Monday 7 to Friday 11 December, 8pm to 6am",
    "find_out": "A phone number, or a page at a domain we know, such as gov.uk",
}


class ChoicesField(forms.CharField):
    """One choice on each line, tidied: no empty lines, no marks of a list."""

    def clean(self, value: Any) -> str:
        """The lines, joined again."""
        return "\n".join(ballots.choices({"choices": super().clean(value)}))


def field(name: str, label: str = "") -> forms.Field | None:
    """The form field of one of these facts, or None for a fact of another kind."""
    label, words = label or content.FIELD_LABELS[name], _HELP.get(name, "")
    if name == "choices":
        return ChoicesField(
            label=label,
            help_text=words,
            required=False,
            max_length=1000,
            widget=forms.Textarea(attrs={"rows": 6}),
            error_messages={"max_length": "The choices must be 1,000 characters or fewer together"},
        )
    if name == "most":
        return forms.ChoiceField(
            label="How many may one person choose?",
            required=False,
            choices=[(str(number), words.capitalize()) for number, words in ballots.MOST_WORDS.items()],
            widget=Radios(small=True, inline=True),
            error_messages={"invalid_choice": "Choose one, two or three"},
        )
    if name == "closes":
        return SendAtField(
            label="Closes at",
            help_text=words,
            required=False,
            widget=NativeDateTime(),
            input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
            error_messages={"invalid": "Enter a date and a time"},
        )
    if name in ("dates", "find_out"):
        return forms.CharField(label=label, help_text=words, required=False, max_length=300)
    return None
