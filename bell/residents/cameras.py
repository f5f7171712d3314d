"""The register of cameras: residents say where one stands, where it looks, how long it keeps. Officers see counts."""

from django.db import transaction

from bell.audit.record import record
from bell.lib import clock
from bell.residents.models import Camera, Place, Resident

MOST_CAMERAS = 20
LONGEST_DAYS = 365


class CameraRefused(ValueError):
    """The camera cannot be registered; the message says why in plain words."""


@transaction.atomic
def add_camera(
    resident: Resident, place: Place, *, direction: int | None, days_kept: int, note: str = "", by: object
) -> Camera:
    """Register a camera at one of the person's places; `direction` in degrees from north, None: all round."""
    if place.resident_id != resident.pk:
        raise CameraRefused("Choose one of your own places.")
    if not 1 <= days_kept <= LONGEST_DAYS:
        raise CameraRefused(f"Enter how many days it keeps, from 1 to {LONGEST_DAYS}.")
    if direction is not None and not 0 <= direction < 360:
        raise CameraRefused("A direction lies between 0 and 359 degrees.")
    if resident.cameras.count() >= MOST_CAMERAS:
        raise CameraRefused(f"You can register up to {MOST_CAMERAS} cameras.")
    camera = Camera.objects.create(
        resident=resident,
        place=place,
        direction=direction,
        days_kept=days_kept,
        note=note.strip()[:80],
        added_at=clock.now(),
    )
    record("camera added", resident, by=by)
    return camera


@transaction.atomic
def remove_camera(resident: Resident, camera: Camera, *, by: object) -> None:
    """Forget a camera."""
    if camera.resident_id == resident.pk:
        camera.delete()
        record("camera removed", resident, by=by)
