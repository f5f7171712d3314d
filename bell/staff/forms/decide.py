"""The approver's form: exactly which version was looked at, the decision, and a reason where one is needed."""

from typing import Any

from django import forms

from bell.alerts import approving
from bell.alerts.models import Version
from bell.ui.forms import Form


class DecideForm(Form):
    """Carries the number and the digest of the version that the page showed."""

    number = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=32_000)
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(
        label="Reason, if you do not approve",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Your colleague reads it",
        error_messages={"max_length": "The reason must be 500 characters or fewer"},
    )

    mark_optional = False

    def __init__(self, data: Any = None, *, version: Version | None = None) -> None:
        shown = {"number": version.number, "digest": version.digest} if version else {}
        super().__init__(data, initial=shown)
        if version is not None and approving.needs_reason(version):
            self.fields["reason"].label = "Your reason"
            self.fields[
                "reason"
            ].help_text = "Why it may go as it is, or why not yet. It is kept, and your colleague reads it"
