"""What is held back from a person, what is kept after they asked us to forget, and when retention last ran."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q

from bell.audit.models import Entry
from bell.lib import clock
from bell.organisations import rules
from bell.organisations.models import Officer


def today() -> date:
    """The day it is in London."""
    return clock.local(clock.now()).date()


class WithheldQuerySet(models.QuerySet["Withheld"]):
    """Seen by data protection officers only."""

    def standing(self) -> WithheldQuerySet:
        """Those that hide their entry today: until the review date comes, unless renewed."""
        return self.filter(ended_at=None, review_on__gt=today())

    def visible_to(self, officer: Officer) -> WithheldQuerySet:
        """All of them for a data protection officer, none for anybody else."""
        return self.all() if rules.may_protect(officer) else self.none()


class Withheld(models.Model):
    """An entry of the record that a person does not see for now. The entry itself is never touched."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    review_on = models.DateField(help_text="On this day the person sees the entry, unless this is renewed")
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = WithheldQuerySet.as_manager()

    class Meta:
        """The next review first; one standing decision an entry."""

        ordering = ["review_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["entry"], condition=Q(ended_at__isnull=True), name="withheld_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"entry {self.entry_id} until {self.review_on}"


class RestrictionQuerySet(models.QuerySet["Restriction"]):
    """Seen by data protection officers only."""

    def standing(self) -> RestrictionQuerySet:
        """Those that hold. Their review date releases nothing by itself: evidence is not lost by the clock."""
        return self.filter(released_at=None)

    def visible_to(self, officer: Officer) -> RestrictionQuerySet:
        """All of them for a data protection officer, none for anybody else."""
        return self.all() if rules.may_protect(officer) else self.none()


class Restriction(models.Model):
    """Something of a person that is kept for a reason, for nothing else, and looked at again on a day."""

    # The type and key of the thing, as the record names it (audit.record.named).
    target_type = models.CharField(max_length=60)
    target_key = models.CharField(max_length=60)
    # The person's random key. After an erasure it leads to nobody; it only ties these rows together.
    person_key = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=300)
    review_on = models.DateField()
    by = models.ForeignKey(Officer, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)

    objects = RestrictionQuerySet.as_manager()

    class Meta:
        """The next review first; one standing hold a thing."""

        ordering = ["review_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["target_type", "target_key"],
                condition=Q(released_at__isnull=True),
                name="restriction_once_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.target_type} {self.target_key} until {self.review_on}"


class RetentionRunQuerySet(models.QuerySet["RetentionRun"]):
    """Seen by those who keep agreements and protect data."""

    def visible_to(self, officer: Officer) -> RetentionRunQuerySet:
        """Numbers only, yet nobody else's business."""
        return self.all() if rules.may_agree(officer) else self.none()


class RetentionRun(models.Model):
    """Where one retention rule stands: when it began and ended last, how much it did, where it goes on."""

    rule = models.CharField(max_length=40, unique=True)
    began_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveBigIntegerField(default=0)
    # Rows up to this key have nothing left to do, so that a run need not walk past them again.
    start_after = models.BigIntegerField(default=0)
    through = models.BigIntegerField(default=0)

    objects = RetentionRunQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.rule}: {self.done}"
