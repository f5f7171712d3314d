"""The form with which an administrator stops a way out, or lets it go on."""

from django import forms

from bell.ui.forms import Form


class WhyForm(Form):
    """Why: whoever finds it stopped reads it, and so does the record."""

    why = forms.CharField(
        label="Why?",
        max_length=160,
        help_text="Your colleagues read it here, and it stands in the record. Name nobody",
        error_messages={"required": "Say why", "max_length": "Use 160 characters or fewer"},
    )
