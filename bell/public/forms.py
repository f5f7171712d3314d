"""What residents fill in. Words of every error say what to do next."""

import math
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from bell.delivery.models import Channel
from bell.lib import clock, emails, phones, shapes
from bell.places import find
from bell.public.session import Typed
from bell.residents import rules
from bell.residents.actions import Spot
from bell.residents.rules import Reach
from bell.ui.forms import CountedTextarea, DateField, Form, Radios

MOST_WORDS = 4000
_LONGEST_PAUSE = timedelta(days=366)
_PIN = {"inputmode": "decimal", "class": "govuk-input--width-10", "autocomplete": "off"}
_OUTSIDE = "This place is outside the area we cover"
_INVENTED_EMAIL = "This is a demonstration. Use an invented address, like name@home.example"
_INVENTED_MOBILE = "This is a demonstration. Use an invented number, like 07700 900123"


class PlaceForm(Form):
    """A place by its postcode. After validation `spot` is where it lies; `outside` says that we do not cover it."""

    postcode = forms.CharField(
        label="Postcode",
        help_text="For example, DE75 7AB",
        max_length=40,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10", "autocomplete": "postal-code"}),
        error_messages={"required": "Enter your postcode", "max_length": "Enter a postcode, like DE75 7AB"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spot: Spot | None = None
        self.outside = False

    def clean_postcode(self) -> str:
        """The postcode as it is written, known and within the area we cover."""
        try:
            found = find.postcode(self.cleaned_data["postcode"])
        except find.PostcodeError as error:
            raise ValidationError(str(error)) from error
        _check_covered(self, found.lon, found.lat)
        self.spot = Spot(found.lon, found.lat, postcode=found.code)
        return str(found.code)


class NearForm(PlaceForm):
    """A postcode to look around at."""

    mark_optional = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["postcode"].widget.attrs["class"]  # as wide as the card it stands in

    def clean_postcode(self) -> str:
        """The postcode as it is written; one outside our area is fine, there is only less to see."""
        try:
            found = find.postcode(self.cleaned_data["postcode"])
        except find.PostcodeError as error:
            words = str(error).replace(", or choose your place on the map", "")
            raise ValidationError(words) from error
        self.spot = Spot(found.lon, found.lat, postcode=found.code)
        return str(found.code)


class PinForm(Form):
    """A place by a pin on the map, or by its two numbers."""

    lon = forms.FloatField(
        label="Longitude",
        widget=forms.TextInput(attrs=_PIN),
        error_messages={"required": "Put the pin on the map", "invalid": "Longitude is a number, like -1.354"},
    )
    lat = forms.FloatField(
        label="Latitude",
        widget=forms.TextInput(attrs=_PIN),
        error_messages={"required": "Put the pin on the map", "invalid": "Latitude is a number, like 53.013"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spot: Spot | None = None
        self.outside = False

    def clean(self) -> dict[str, Any]:
        """A point on earth that we cover."""
        data = super().clean() or {}
        lon, lat = data.get("lon"), data.get("lat")
        if lon is None or lat is None:
            return data
        if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 85):
            raise ValidationError("This point is not on the map. Put the pin again")
        _check_covered(self, lon, lat)
        self.spot = Spot(lon, lat)
        return data


class LabelledPlaceForm(PlaceForm):
    """Another place by postcode, with its name."""

    label = forms.CharField(
        label="What do you call this place?",
        help_text="For example: Work, Mum's house, Allotment",
        max_length=40,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-20"}),
        error_messages={"required": "Enter a name for this place", "max_length": "Use 40 characters or fewer"},
    )
    field_order = ("label", "postcode")


class LabelledPinForm(PinForm):
    """Another place by pin, with its name."""

    label = forms.CharField(
        label="What do you call this place?",
        help_text="For example: Work, Mum's house, Allotment",
        max_length=40,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-20"}),
        error_messages={"required": "Enter a name for this place", "max_length": "Use 40 characters or fewer"},
    )
    field_order = ("label", "lon", "lat")


def _check_covered(form: PlaceForm | PinForm, lon: float, lat: float) -> None:
    """Refuse a point outside the whole ground, and let the page say whom to ask instead."""
    ground = find.territory()
    if ground is not None and not bool(shapes.contains(ground, [lon], [lat])[0]):
        form.outside = True
        raise ValidationError(_OUTSIDE)


def _reach(channel: str, typed: str) -> Reach:
    """The address somebody typed; words for them when it cannot be used."""
    try:
        where = rules.reach(channel, typed)
    except rules.AddressError as error:
        raise ValidationError(str(error)) from error
    if settings.INVENTED_ONLY:
        if channel == Channel.EMAIL and not emails.is_invented(where.address):
            raise ValidationError(_INVENTED_EMAIL)
        if channel == Channel.SMS and not phones.is_invented(where.address):
            raise ValidationError(_INVENTED_MOBILE)
    return where


def _email_field(**options: Any) -> forms.CharField:
    # A text field, not Django's EmailField: the checks and the words are our own (lib.emails).
    return forms.CharField(
        label="Email address",
        max_length=320,
        widget=forms.TextInput(
            attrs={
                "type": "email",
                "autocomplete": "email",
                "spellcheck": "false",
                "autocapitalize": "none",
                "class": "govuk-!-width-two-thirds",
            }
        ),
        error_messages={"required": "Enter your email address", "max_length": "This email address is too long"},
        **options,
    )


def _mobile_field(**options: Any) -> forms.CharField:
    return forms.CharField(
        label="Mobile number",
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "class": "govuk-input--width-20"}),
        error_messages={"required": "Enter your mobile number", "max_length": "This number is too long"},
        **options,
    )


class ContactForm(Form):
    """An email address, a mobile number, or both. After validation `reaches` holds them."""

    email = _email_field(required=False)
    mobile = _mobile_field(required=False, help_text="For text messages. They are free for you to receive.")

    def clean_email(self) -> Reach | None:
        """The address, checked and normalised."""
        typed = self.cleaned_data["email"].strip()
        return _reach(Channel.EMAIL, typed) if typed else None

    def clean_mobile(self) -> Reach | None:
        """The number in E.164."""
        typed = self.cleaned_data["mobile"].strip()
        return _reach(Channel.SMS, typed) if typed else None

    def clean(self) -> dict[str, Any]:
        """One of the two is needed."""
        data = super().clean() or {}
        if not self.errors and not (data.get("email") or data.get("mobile")):
            self.add_error("email", "Enter an email address, a mobile number or both")
        return data

    @property
    def reaches(self) -> list[Reach]:
        """What was typed, email first."""
        return [where for where in (self.cleaned_data["email"], self.cleaned_data["mobile"]) if where]


class AddressForm(Form):
    """One field that takes an email address or a mobile number."""

    address = forms.CharField(
        label="Your email address or mobile number",
        max_length=320,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "spellcheck": "false", "autocapitalize": "none",
                   "class": "govuk-!-width-two-thirds"}
        ),
        error_messages={
            "required": "Enter your email address or mobile number",
            "max_length": "This is too long for an address",
        },
    )  # fmt: skip

    def clean_address(self) -> Reach:
        """Whichever it is."""
        typed = self.cleaned_data["address"]
        if "@" in typed:
            return _reach(Channel.EMAIL, typed)
        if any(character.isdigit() for character in typed):
            return _reach(Channel.SMS, typed)
        raise ValidationError("Enter an email address like name@example.com, or a mobile number like 07700 900123")


class EmailForm(Form):
    """A new email address for a member."""

    address = _email_field()

    def clean_address(self) -> Reach:
        """The address, checked and normalised."""
        return _reach(Channel.EMAIL, self.cleaned_data["address"])


class MobileForm(Form):
    """A new mobile number for a member."""

    address = _mobile_field()

    def clean_address(self) -> Reach:
        """The number in E.164."""
        return _reach(Channel.SMS, self.cleaned_data["address"])


def shown(channel: str, address: str) -> str:
    """An address as people read it."""
    return phones.shown(address) if channel == Channel.SMS else address


class CodeForm(Form):
    """A six-digit code for each address that still needs one, each in its own box."""

    mark_optional = False
    WRONG = "This code is not right, or it has run out. Check it, or ask for a new one"

    def __init__(self, *args: Any, addresses: list[Typed], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.channels = [one.channel for one in addresses]
        for one in addresses:
            by = "text" if one.channel == Channel.SMS else "email"
            self.fields[one.channel] = forms.CharField(
                label=f"Code sent by {by} to {shown(one.channel, one.address)}",
                max_length=40,
                required=False,
                widget=forms.TextInput(
                    attrs={
                        "class": "app-code-input",
                        "inputmode": "numeric",
                        "autocomplete": "one-time-code",
                        "spellcheck": "false",
                    }
                ),
                error_messages={"max_length": "A code has 6 digits"},
            )

    def clean(self) -> dict[str, Any]:
        """At least one code, and each with six digits."""
        data = super().clean() or {}
        for channel in self.channels:
            typed = data.get(channel, "")
            if typed and len("".join(mark for mark in typed if mark.isdigit())) != 6:
                self.add_error(channel, "A code has 6 digits")
        if not self.errors and not any(data.get(channel) for channel in self.channels):
            self.add_error(self.channels[0], "Enter the code")
        return data

    @property
    def codes(self) -> list[tuple[str, str]]:
        """(channel, digits) of the boxes that were filled."""
        return [(channel, self.cleaned_data[channel]) for channel in self.channels if self.cleaned_data.get(channel)]

    def refuse(self, channel: str) -> None:
        """Say that a code was wrong, and nothing about why."""
        self.add_error(channel, self.WRONG)


class WordsForm(Form):
    """What a resident writes to the officer who asked."""

    mark_optional = False
    text = forms.CharField(
        label="Write to the officer",
        max_length=MOST_WORDS,
        widget=CountedTextarea(MOST_WORDS),
        error_messages={
            "required": "Choose an answer, or write to the officer",
            "max_length": f"Your message must be {MOST_WORDS:,} characters or fewer",
        },
    )


def _half_hours() -> list[tuple[str, str]]:
    """The half hours of a day, as people say them."""
    return [(str(minute), clock.minute_said(minute)) for minute in range(0, 24 * 60, 30)]


class QuietForm(Form):
    """Quiet hours. After validation `hours` are minutes after midnight, or None."""

    mark_optional = False
    wanted = forms.ChoiceField(
        label="Do you want quiet hours?",
        choices=[("yes", "Yes"), ("no", "No, write at any time")],
        widget=Radios(),
        error_messages={"required": "Choose yes or no"},
    )
    begins = forms.ChoiceField(label="Quiet from", choices=_half_hours, initial="1260")
    ends = forms.ChoiceField(label="until", choices=_half_hours, initial="480")

    def clean(self) -> dict[str, Any]:
        """A beginning and another end."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("wanted") == "yes" and given.get("begins") == given.get("ends"):
            self.add_error("ends", "Quiet hours must end at another time than they begin")
        return given

    @property
    def hours(self) -> tuple[int, int] | None:
        """What was chosen."""
        given = self.cleaned_data
        return (int(given["begins"]), int(given["ends"])) if given["wanted"] == "yes" else None


class PauseForm(Form):
    """Until when to send nothing. After validation `starts_again` is that day's first moment in London."""

    mark_optional = False
    until = DateField(label="Start again on", error_messages={"required": "Enter the day to start again"})

    def clean_until(self) -> date:
        """A day after today, within a year."""
        day: date = self.cleaned_data["until"]
        today = clock.local(clock.now()).date()
        if not today < day <= today + _LONGEST_PAUSE:
            raise ValidationError("Enter a day after today and within a year")
        return day

    @property
    def starts_again(self) -> datetime:
        """Midnight in London at the start of the day."""
        return datetime.combine(self.cleaned_data["until"], time(0), tzinfo=clock.LONDON)
