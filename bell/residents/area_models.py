"""Imports of areas: the file as it came, what it would change, how far carrying it out is, and who did what."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from bell.organisations.models import Officer, Organisation
from bell.places.models import Area


class ImportState(models.TextChoices):
    """The life of an import. Moves stand in residents.area_rules.MOVES."""

    NEW = "new", "Columns to choose"
    READING = "reading", "Being read"
    COUNTING = "counting", "Being counted"
    CHECKED = "checked", "Checked, not applied"
    WRITING = "writing", "Being applied"
    PLACING = "placing", "People are being placed"
    APPLIED = "applied", "Applied"
    UNDOING = "undoing", "Being put back"
    REPLACING = "replacing", "People are being placed back"
    PUT_BACK = "put back", "Put back"
    REFUSED = "refused", "Could not be used"
    DROPPED = "dropped", "Dropped"


# States in which the worker has something to do; one import at a time.
BUSY = (
    ImportState.READING, ImportState.COUNTING, ImportState.WRITING, ImportState.PLACING, ImportState.UNDOING,
    ImportState.REPLACING,
)  # fmt: skip


class AreaImportQuerySet(models.QuerySet["AreaImport"]):
    """Who may see which import."""

    def visible_to(self, officer: Officer) -> Self:
        """Those of the officer's own organisation."""
        return self.filter(organisation_id=officer.organisation_id) if officer.is_active else self.none()

    def busy(self) -> Self:
        """Those that the worker has in hand."""
        return self.filter(state__in=BUSY)


class AreaImport(models.Model):
    """One file of boundaries and what became of it. Kept for good: it says whose decision a boundary was."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=ImportState.choices, default=ImportState.NEW)
    filename = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField(help_text="Bytes of the file as it came")
    sha256 = models.CharField(max_length=64, help_text="Of the file as it came")
    features = models.PositiveIntegerField()
    properties = models.JSONField(help_text="[[name, how many features have it, [an example or two]]]")

    kind = models.CharField(max_length=32, blank=True)
    name_property = models.CharField(max_length=200, blank=True)
    code_property = models.CharField(max_length=200, blank=True)
    parent_property = models.CharField(max_length=200, blank=True)
    parent_kind = models.CharField(max_length=32, blank=True)
    whole = models.BooleanField(default=False, help_text="Areas of the kind that the file does not name are retired")

    unchanged = models.PositiveIntegerField(default=0)
    repaired = models.JSONField(default=list, help_text="[[name and code, what was wrong]]")
    refused = models.JSONField(default=list, help_text="[[name and code, why]]")
    problem = models.CharField(max_length=500, blank=True)
    people = models.PositiveIntegerField(default=0, help_text="Residents who change area, exactly: shown rounded only")

    # How far the present step is: the last id done, how many are done, of how many.
    through = models.BigIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0, help_text="Rises at each claim: who holds an older one is late")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Claims since the last step that was finished")

    uploaded_by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True)
    applied_by = models.ForeignKey(Officer, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    applied_at = models.DateTimeField(null=True, blank=True)
    put_back_by = models.ForeignKey(Officer, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    put_back_at = models.DateTimeField(null=True, blank=True)

    objects = AreaImportQuerySet.as_manager()

    class Meta:
        """Newest first; one at work at a time; whoever applied did it at some time."""

        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"], condition=Q(state__in=BUSY), name="area_import_one_at_a_time"
            ),
            models.CheckConstraint(
                name="area_import_applied_by_someone",
                condition=Q(applied_at__isnull=True, applied_by__isnull=True)
                | Q(applied_at__isnull=False, applied_by__isnull=False),
            ),
            models.CheckConstraint(
                name="area_import_put_back_by_someone",
                condition=Q(put_back_at__isnull=True, put_back_by__isnull=True)
                | Q(put_back_at__isnull=False, put_back_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.filename}: {self.state}"


class AreaFile(models.Model):
    """The bytes of an import's file, compressed; in the database, so that a backup holds them and every host reads."""

    of = models.OneToOneField(AreaImport, on_delete=models.CASCADE, related_name="file")
    packed = models.BinaryField()

    def __str__(self) -> str:
        return f"file of {self.of_id}"


class AreaChange(models.Model):
    """One area in an import: before and after (places.planning.Facts), what moved, and how many people with it."""

    class Sort(models.TextChoices):
        """What it is for those who choose areas."""

        NEW = "new", "New"
        CHANGED = "changed", "Changed"
        GONE = "gone", "Gone"

    of = models.ForeignKey(AreaImport, on_delete=models.CASCADE, related_name="changes")
    area = models.ForeignKey(Area, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=32)
    code = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    sort = models.CharField(max_length=7, choices=Sort.choices)
    note = models.CharField(max_length=600, blank=True, help_text="What changed beside the boundary")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    moved_m2 = models.FloatField(default=0, help_text="Ground on one side of the change only, square metres")
    share = models.FloatField(default=0, help_text="The same in percent of the larger of both")
    came = models.PositiveIntegerField(default=0, help_text="Residents in it only afterwards, exactly")
    left = models.PositiveIntegerField(default=0, help_text="Residents in it only before, exactly")

    class Meta:
        """In the order in which they are carried out: parents first."""

        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["of", "kind", "code"], name="area_change_once")]

    def __str__(self) -> str:
        return f"{self.name}: {self.sort}"
