"""The picture of an alert, made anew by us: kept by its hash, never changed."""

from django.db import models


class Picture(models.Model):
    """A JPEG that lib.pictures made; alerts and frozen versions name it by its SHA-256."""

    sha256 = models.CharField(max_length=64, unique=True)
    data = models.BinaryField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="Bytes")
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.sha256[:8]
