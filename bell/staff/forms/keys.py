"""django-allauth's forms for passkeys, with one more refusal: JSON that nests without end is no credential."""

from typing import Any

from allauth.mfa.webauthn import forms as theirs
from django import forms
from django.core.exceptions import ValidationError


class Credential(forms.JSONField):
    """What the browser hands over as JSON. Python's reader runs out of stack on what nests too deep."""

    def __init__(self) -> None:
        super().__init__(required=True, widget=forms.HiddenInput)

    def to_python(self, value: Any) -> Any:
        """The credential; ValidationError for what is none."""
        try:
            return super().to_python(value)
        except RecursionError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What the form is drawn with again: nothing, where it cannot be read."""
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return None


class AddForm(theirs.AddWebAuthnForm):
    """A new passkey."""

    credential = Credential()


class AuthenticateForm(theirs.AuthenticateWebAuthnForm):
    """A passkey as the second factor."""

    credential = Credential()


class LoginForm(theirs.LoginWebAuthnForm):
    """A passkey as the only thing that is asked for."""

    credential = Credential()


class ReauthenticateForm(theirs.ReauthenticateWebAuthnForm):
    """A passkey once more, before something grave."""

    credential = Credential()
