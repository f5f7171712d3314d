"""Shapes as the composer keeps them: GeoJSON features, a circle being a Point with `radius_m` (metres)."""

import math
from typing import Any

from shapely.geometry.base import BaseGeometry

from bell.lib import shapes

SMALLEST_M, LARGEST_M = 25.0, 100_000.0


def read(drawn: Any) -> BaseGeometry:
    """The geometry of one drawn feature; raises shapes.ShapeError with words for the officer."""
    geometry = drawn.get("geometry") if isinstance(drawn, dict) else None
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return shapes.read(drawn)
    properties = drawn.get("properties")
    try:
        lon, lat = (float(number) for number in geometry["coordinates"][:2])
        radius = float(properties["radius_m"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise shapes.ShapeError("A circle needs a middle and a radius in metres.") from error
    if not all(map(math.isfinite, (lon, lat, radius))) or not SMALLEST_M <= radius <= LARGEST_M:
        raise shapes.ShapeError(f"A circle's radius is between {SMALLEST_M:.0f} metres and {LARGEST_M / 1000:.0f} km.")
    if not (-180 <= lon <= 180 and -85 <= lat <= 85):
        raise shapes.ShapeError("The middle of the circle is not on the map.")
    return shapes.circle(lon, lat, radius)
