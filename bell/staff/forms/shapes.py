"""What the map hands over: a GeoJSON FeatureCollection of polygons and circles, checked before anyone counts it."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from bell.alerts import drawing
from bell.lib import geojson, shapes

MOST_SHAPES = 20
MOST_LENGTH = 500_000


class DrawnField(forms.CharField):
    """A textarea that holds a FeatureCollection; cleans to a list of features (a circle: a Point with radius_m)."""

    widget = forms.Textarea(attrs={"rows": 3, "class": "app-mono", "spellcheck": "false"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MOST_LENGTH, **kwargs)
        self.error_messages["max_length"] = "What you drew has too many corners. Draw a simpler shape"

    def prepare_value(self, value: Any) -> str:
        """The text of the textarea from a list of features, or what was typed."""
        if isinstance(value, list):
            return json.dumps({"type": "FeatureCollection", "features": value}) if value else ""
        return value or ""

    def clean(self, value: Any) -> list[dict[str, Any]]:
        """The features, each readable; ValidationError with words for the officer."""
        text = super().clean(value)
        if not text:
            return []
        try:
            return [_tidy(feature) for feature in _features(geojson.parse(text))]
        except shapes.ShapeError as error:
            raise ValidationError(str(error), code="shape") from error


def _features(value: Any) -> list[Any]:
    features = value.get("features") if isinstance(value, dict) and value.get("type") == "FeatureCollection" else None
    if not isinstance(features, list):
        raise shapes.ShapeError("This is not what the map draws. Clear it and draw again")
    if len(features) > MOST_SHAPES:
        raise shapes.ShapeError(f"Draw {MOST_SHAPES} shapes or fewer")
    return features


def _tidy(feature: Any) -> dict[str, Any]:
    """Only what we know of a feature, once it proved readable."""
    geometry = feature.get("geometry") if isinstance(feature, dict) and feature.get("type") == "Feature" else None
    if not isinstance(geometry, dict):
        raise shapes.ShapeError("This is not what the map draws. Clear it and draw again")
    drawing.read(feature)
    if geometry["type"] == "Point":
        lon, lat = (float(number) for number in geometry["coordinates"][:2])
        return circle(lon, lat, round(float(feature["properties"]["radius_m"])))
    kept = {"type": geometry["type"], "coordinates": geometry["coordinates"]}
    return {"type": "Feature", "properties": {}, "geometry": kept}


def circle(lon: float, lat: float, metres: int) -> dict[str, Any]:
    """A circle as the map draws and the composer keeps it."""
    geometry = {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]}
    return {"type": "Feature", "properties": {"radius_m": metres}, "geometry": geometry}
