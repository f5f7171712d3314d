"""What the style page shows: one field of each sort, and an invented valley for the map."""

from typing import Any

from django import forms

from bell.ui.forms import Affixed, Checkboxes, CountedTextarea, DateField, Form, NativeDateTime, Radios


class ExampleForm(Form):
    """Every kind of field; on the style page only."""

    postcode = forms.CharField(
        label="What is the postcode?",
        help_text="For example, ZZ1 1ZZ",
        max_length=8,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10", "autocomplete": "postal-code"}),
        error_messages={"required": "Enter a postcode"},
    )
    email = forms.EmailField(
        label="Email address",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )
    secret = forms.CharField(
        label="Password", widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}), required=False
    )
    radius = forms.IntegerField(
        label="How far around?",
        required=False,
        widget=Affixed(suffix="metres", attrs={"inputmode": "numeric", "class": "govuk-input--width-5"}),
    )
    way = forms.ChoiceField(
        label="How should we reach you?",
        choices=[("email", "Email"), ("text", "Text message"), ("both", "Both")],
        widget=Radios(cards=True, hints={"text": "Free for you to receive", "email": "With pictures and a map"}),
        error_messages={"required": "Select how we should reach you"},
    )
    topics = forms.MultipleChoiceField(
        label="What interests you?",
        help_text="Choose all that apply",
        choices=[("a", "Near me"), ("b", "On the roads"), ("c", "Events")],
        widget=Checkboxes(hints={"b": "Closures and collisions"}),
        required=False,
    )
    born = DateField(label="When did it happen?", help_text="For example, 27 3 2026", required=False)
    starts = forms.DateTimeField(label="Send it at", widget=NativeDateTime(), required=False)
    sort = forms.ChoiceField(label="Sort by", choices=[("new", "Newest first"), ("near", "Nearest first")])
    words = forms.CharField(label="Tell us more", widget=CountedTextarea(200), required=False)
    picture = forms.FileField(label="A picture", required=False)
    agree = forms.BooleanField(label="I have read the promise", error_messages={"required": "Tick the box to go on"})


def _area(name: str, tone: str, ring: list[tuple[float, float]]) -> dict[str, Any]:
    coordinates = [[list(point) for point in [*ring, ring[0]]]]
    return {
        "type": "Feature",
        "properties": {"name": name, "tone": tone},
        "geometry": {"type": "Polygon", "coordinates": coordinates},
    }


def _point(name: str, tone: str, lon: float, lat: float, **more: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"name": name, "tone": tone, **more},
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
    }


_HIGH = [(-1.75, 53.10), (-1.60, 53.14), (-1.52, 53.08), (-1.58, 53.00), (-1.74, 53.02)]
_LOW = [(-1.52, 53.08), (-1.58, 53.00), (-1.50, 52.95), (-1.40, 52.98), (-1.38, 53.06)]
_SENT = [(-1.66, 53.09), (-1.58, 53.10), (-1.56, 53.05), (-1.64, 53.04)]

AREAS: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        _area("High Fold", "base", _HIGH),
        _area("Low Fold", "base", _LOW),
        _point("Market Cross", "town", -1.62, 53.07),
        _point("Mill End", "town", -1.46, 53.02),
    ],
}

SHAPES: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        _area("Where this was sent", "audience", _SENT),
        _point("3 answers", "answer", -1.60, 53.08, count=3),
        _point("Where it happened", "pin", -1.62, 53.06),
    ],
}
