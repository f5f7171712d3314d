"""Areas (a tree of named boundaries), their households, and postcodes (each one point)."""

from django.db import models


class AreaQuerySet(models.QuerySet["Area"]):
    """Areas as everyone may see them."""

    def offered(self) -> "AreaQuerySet":
        """Those in use: a retired one keeps its meaning where it was chosen, and is chosen no more (decision 18)."""
        return self.filter(retired_at=None)

    def public(self) -> "AreaQuerySet":
        """All areas: boundaries are published, nothing about them is secret."""
        return self.all()

    def of_kind(self, kind: str) -> "AreaQuerySet":
        """Areas of one kind, such as "ward"."""
        return self.filter(kind=kind)


class Area(models.Model):
    """A named boundary: the force, a district, a ward, a small area; perhaps within another."""

    kind = models.CharField(max_length=32, help_text='A lower-case word: "force", "district", "ward"...')
    code = models.CharField(max_length=200, help_text="Unique within its kind; the official code where there is one")
    name = models.CharField(max_length=200)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    boundary = models.TextField(help_text="GeoJSON geometry, WGS84, always valid")
    west = models.FloatField()
    south = models.FloatField()
    east = models.FloatField()
    north = models.FloatField()
    lon = models.FloatField(help_text="Of a point inside, for the label")
    lat = models.FloatField()
    updated_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True, help_text="A later file had it no more; never deleted")

    objects = AreaQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["kind", "code"], name="area_kind_code")]

    def __str__(self) -> str:
        return self.name


class HouseholdsQuerySet(models.QuerySet["Households"]):
    """Figures as everyone may see them."""

    def public(self) -> "HouseholdsQuerySet":
        """All figures: the census is published."""
        return self.all()


class Households(models.Model):
    """How many households an area has, and the day for which the figure was counted."""

    area = models.OneToOneField(Area, on_delete=models.CASCADE, related_name="households")
    households = models.PositiveIntegerField()
    as_of = models.DateField()

    objects = HouseholdsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "households"

    def __str__(self) -> str:
        return f"{self.households} households in {self.area_id}"


class PostcodeQuerySet(models.QuerySet["Postcode"]):
    """Postcodes as everyone may see them."""

    def public(self) -> "PostcodeQuerySet":
        """All postcodes: the directory is published."""
        return self.all()


class Postcode(models.Model):
    """A live postcode and the point in its middle, from the ONS Postcode Directory."""

    code = models.CharField(primary_key=True, max_length=8, help_text='Normalised: "DE75 7AB"')
    lon = models.FloatField()
    lat = models.FloatField()

    objects = PostcodeQuerySet.as_manager()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code
