"""The record: one row for each thing done, linked by a sealer into a chain of hashes."""

from django.db import models


class Entry(models.Model):
    """One act. Holds kinds and keys, never a name, an address or a text (promises.md, I7)."""

    at = models.DateTimeField()
    verb = models.CharField(max_length=60)
    target_type = models.CharField(max_length=60, blank=True)
    target_key = models.CharField(max_length=60, blank=True)
    by_type = models.CharField(max_length=60, blank=True)
    by_key = models.CharField(max_length=60, blank=True)
    why = models.CharField(max_length=200, blank=True)
    facts = models.JSONField(default=dict)
    # Filled by the sealer: writers never wait for each other.
    position = models.BigIntegerField(null=True, unique=True)
    seal = models.CharField(max_length=64, blank=True)

    class Meta:
        """Newest last; the sealer looks for rows without a position."""

        indexes = [
            models.Index(fields=["target_type", "target_key"], name="audit_entry_target"),
            models.Index(fields=["id"], name="audit_entry_unsealed", condition=models.Q(position__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.target_type} {self.target_key}"
