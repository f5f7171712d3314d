"""A member's register of cameras: where each stands, where it looks, how long it keeps."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from bell.lib import links
from bell.public.account import members, saved
from bell.public.methods import page
from bell.residents import cameras
from bell.residents.models import Camera, Place, Resident
from bell.ui.forms import Affixed, Form, Radios, offer

CAMERAS = f"{links.account()}cameras/"
_COMPASS = {
    "": "I do not know, or all round",
    "0": "North", "45": "North-east", "90": "East", "135": "South-east",
    "180": "South", "225": "South-west", "270": "West", "315": "North-west",
}  # fmt: skip


class CameraForm(Form):
    """One camera."""

    place = forms.ChoiceField(
        label="Where does it stand?", widget=Radios(), error_messages={"required": "Choose one of your places"}
    )
    direction = forms.ChoiceField(label="Which way does it look?", choices=list(_COMPASS.items()), required=False)
    days_kept = forms.IntegerField(
        label="How long does it keep what it films?", min_value=1, max_value=cameras.LONGEST_DAYS,
        widget=Affixed(suffix="days", attrs={"inputmode": "numeric", "class": "govuk-input--width-3"}),
        help_text="Your recorder’s or app’s settings say so. If you are not sure, enter the fewest days",
        error_messages={
            "required": "Enter how many days it keeps",
            "invalid": "Enter a number of days, like 14",
            "min_value": "It must be 1 day or more",
            "max_value": f"It must be {cameras.LONGEST_DAYS} days or fewer",
        },
    )  # fmt: skip
    note = forms.CharField(
        label="What is it?", max_length=80, required=False, help_text="For example: doorbell, garage, shop front"
    )

    def __init__(self, *args: Any, places: list[Place], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(one.pk), f"{one.label} ({one.postcode})" if one.postcode else one.label) for one in places]
        offer(self.fields["place"], choices)
        if len(choices) == 1:
            self.fields["place"].initial = choices[0][0]


def _rows(member: Resident) -> list[tuple[Camera, str]]:
    """Each camera with its direction in words."""
    found = Camera.objects.of(member).select_related("place")
    return [(one, _COMPASS.get(str(one.direction), "") if one.direction is not None else "All round") for one in found]


@members
@require_safe
def register(request: HttpRequest, member: Resident) -> HttpResponse:
    """The cameras of a member."""
    rows = _rows(member)
    context = {"rows": rows, "full": len(rows) >= cameras.MOST_CAMERAS, "most": cameras.MOST_CAMERAS}
    has_place = Place.objects.of(member).exists()
    return render(request, "public/account/cameras.html", {**context, "has_place": has_place})


@members
@page
def add(request: HttpRequest, member: Resident) -> HttpResponse:
    """One more camera."""
    places = list(Place.objects.of(member).order_by("pk"))
    form = CameraForm(request.POST if request.method == "POST" else None, places=places)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        place = get_object_or_404(Place.objects.of(member), pk=said["place"])
        direction = int(said["direction"]) if said["direction"] else None
        try:
            cameras.add_camera(
                member, place, direction=direction, days_kept=said["days_kept"], note=said["note"], by=member
            )
        except cameras.CameraRefused as error:
            form.add_error(None, str(error))
        else:
            return saved(request, "Your camera is registered. Thank you.", CAMERAS)
    return render(request, "public/account/add_camera.html", {"form": form, "back": CAMERAS})


@members
@page
def remove(request: HttpRequest, member: Resident, number: int) -> HttpResponse:
    """Are you sure? Then a camera is gone."""
    camera = get_object_or_404(Camera.objects.of(member).select_related("place"), pk=number)
    if request.method == "POST":
        cameras.remove_camera(member, camera, by=member)
        return saved(request, "The camera is removed.", CAMERAS)
    return render(request, "public/account/remove_camera.html", {"camera": camera, "back": CAMERAS})
