"""The picture of an alert and the words for it."""

from django import forms

from bell.alerts import pictures
from bell.ui.forms import CountedTextarea, Form


class PictureForm(Form):
    """A file, and what it shows."""

    mark_optional = False
    file = forms.FileField(
        label="Picture",
        help_text="JPEG, PNG or WebP, up to 15 MB",
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        error_messages={"empty": "This file is empty. Choose another", "max_length": "The file's name is too long"},
    )
    alt = forms.CharField(
        label="What does it show?",
        help_text="For people who cannot see it, and for those whose mail program shows no pictures",
        required=False,
        max_length=pictures.ALT_MOST,
        widget=CountedTextarea(pictures.ALT_MOST, {"rows": 2}),
        error_messages={"max_length": f"The description must be {pictures.ALT_MOST} characters or fewer"},
    )

    def show(self, problems: dict[str, str]) -> None:
        """Put the rules' problems at their fields."""
        for name, words in problems.items():
            self.add_error(name, words.rstrip("."))
