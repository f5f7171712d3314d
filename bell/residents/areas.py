"""Who is where: the materialised membership of places in areas."""

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from django.db import transaction

from bell.audit.record import record
from bell.places import boundaries, find, reading
from bell.residents.area_models import AreaImport
from bell.residents.models import Place, PlaceArea

_CHUNK = 5000


def refresh(places: Iterable[Place], *, only: Collection[int] | None = None) -> int:
    """Find again the areas of these places, in chunks with flat memory; returns how many places were placed.

    `only`: ids of the areas that may have changed; what is known of all others stays.
    """
    total = 0
    remaining = iter(places)
    while chunk := list(islice(remaining, _CHUNK)):
        found = find.areas_at([place.lon for place in chunk], [place.lat for place in chunk])
        with transaction.atomic():
            known = PlaceArea.objects.filter(place__in=[place.pk for place in chunk])
            (known if only is None else known.filter(area__in=only)).delete()
            PlaceArea.objects.bulk_create(
                [
                    PlaceArea(place_id=place.pk, area_id=area)
                    for place, areas in zip(chunk, found, strict=True)
                    for area in areas
                    if only is None or area in only
                ],
                batch_size=5000,
            )
        total += len(chunk)
    return total


def import_areas(source: reading.Source, *, by: object, **options: Any) -> boundaries.Report:
    """Import boundaries at once (places.boundaries), then place every resident again where something changed."""
    with transaction.atomic():
        if AreaImport.objects.busy().exists():
            raise boundaries.ImportRefused("An import of areas is at work from the desk. Wait until it is done")
        report = boundaries.import_areas(source, **options)
        if report.created or report.changed or report.retired:
            refresh(Place.objects.order_by("pk").iterator(chunk_size=_CHUNK))
        record("areas imported", None, by=by, created=report.created, changed=report.changed, retired=report.retired)
    return report
