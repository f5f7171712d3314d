"""What somebody chose in a survey: one row a person and survey, counted, shown to no officer by person."""

from django.db import models
from django.db.models import Q

from bell.alerts.models import Alert
from bell.residents.models import Resident


class Vote(models.Model):
    """One person's choices in a survey; a later answer replaces an earlier one, until the survey closes."""

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="votes")
    resident = models.ForeignKey(Resident, null=True, on_delete=models.SET_NULL, related_name="votes")
    # Not numbers: who takes a copy of what we hold on them reads what they chose.
    chosen = models.TextField(help_text="The words of the choices in English, one on each line")
    at = models.DateTimeField()

    class Meta:
        """One a person and survey; those who gave it may be forgotten, the number stays."""

        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["alert", "resident"], condition=Q(resident__isnull=False), name="vote_once")
        ]

    def __str__(self) -> str:
        return f"a vote in {self.alert_id}"
