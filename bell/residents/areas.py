"""Who is where: the materialised membership of places in areas."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from django.db import transaction

from bell.audit.record import record
from bell.places import boundaries, find
from bell.residents.models import Place, PlaceArea

_CHUNK = 5000


def refresh(places: Iterable[Place]) -> int:
    """Find again the areas of these places, in chunks with flat memory; returns how many places were placed."""
    total = 0
    remaining = iter(places)
    while chunk := list(islice(remaining, _CHUNK)):
        found = find.areas_at([place.lon for place in chunk], [place.lat for place in chunk])
        with transaction.atomic():
            PlaceArea.objects.filter(place__in=[place.pk for place in chunk]).delete()
            PlaceArea.objects.bulk_create(
                [
                    PlaceArea(place_id=place.pk, area_id=area)
                    for place, areas in zip(chunk, found, strict=True)
                    for area in areas
                ],
                batch_size=5000,
            )
        total += len(chunk)
    return total


def import_areas(source: str | Path, *, by: object, **options: str) -> boundaries.Report:
    """Import boundaries (places.boundaries), then place every resident again where something changed."""
    with transaction.atomic():
        report = boundaries.import_areas(source, **options)
        if report.created or report.changed:
            refresh(Place.objects.order_by("pk").iterator(chunk_size=_CHUNK))
        record("areas imported", None, by=by, created=report.created, changed=report.changed)
    return report
