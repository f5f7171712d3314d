"""Fields for moments to come: when to send, when it is over, when a survey closes."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from bell.lib import clock

FAR_OFF = "Check the year"
_A_YEAR = timedelta(days=366)


class SendAtField(forms.DateTimeField):
    """When to send, on London's clocks; an hour that the clocks skip or repeat names no one moment."""

    def to_python(self, value: Any) -> datetime | None:
        """An aware moment, or nothing for at once."""
        try:
            return super().to_python(value)
        except ValidationError as error:
            if error.code != "ambiguous_timezone":
                raise
            words = "The clocks change that night, so this time does not exist or comes twice. Choose another"
            raise ValidationError(words, code="clocks") from None

    def clean(self, value: Any) -> datetime | None:
        """Not past, and within a year."""
        at: datetime | None = super().clean(value)
        if at is not None and at <= clock.now():
            raise ValidationError("This time has passed. Choose a later one, or leave it empty", code="past")
        if at is not None and at > clock.now() + _A_YEAR:
            raise ValidationError(FAR_OFF, code="far")
        return at
