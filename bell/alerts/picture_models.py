"""The picture of an alert, made anew by us: kept by its hash, never changed."""

from django.db import models
from django.db.models import Q


class Picture(models.Model):
    """A JPEG that lib.pictures made; alerts and frozen versions name it by its SHA-256."""

    sha256 = models.CharField(max_length=64, unique=True)
    data = models.BinaryField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="Bytes")
    made_at = models.DateTimeField()
    # When retention deleted it (alerts.letting_go): its hash and size stay known, for the versions that froze it.
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """What is deleted is not there."""

        constraints = [
            models.CheckConstraint(name="picture_deleted_is_empty", condition=Q(deleted_at__isnull=True) | Q(data=b""))
        ]

    def __str__(self) -> str:
        return self.sha256[:8]
