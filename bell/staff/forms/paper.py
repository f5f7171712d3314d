"""Forms of paper and door: print a run, open a bundle, enter a form, join somebody at the door, make a poster.

Every field is a single line, so that Enter saves from wherever one is.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from bell.delivery.models import Channel
from bell.lib import clock, emails, phones, shapes
from bell.organisations import kinds
from bell.organisations.models import Organisation, Team
from bell.places import find
from bell.residents import paper_rules, rules
from bell.residents.actions import Spot
from bell.residents.models import Group
from bell.residents.paper import Entry
from bell.residents.rules import Reach
from bell.ui.forms import Checkboxes, Form, NativeDate, among

_SHORT = {"class": "govuk-input--width-10", "autocomplete": "off", "spellcheck": "false"}
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}
_NO_KIND = "None ticked: only what asks for help (crime alerts, appeals, missing people)."
_INVENTED = "This is a demonstration. Use an invented address, like name@home.example or 07700 900123"


def _team_field() -> "forms.ModelChoiceField[Team]":
    return forms.ModelChoiceField(label="Team", queryset=None, empty_label=None)


class _TeamForm(Form):
    """A form about one of several teams; where there is only one it is not asked for."""

    def __init__(self, *args: Any, teams: list[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = among(self.fields["team"], Team.objects.public().filter(pk__in=[team.pk for team in teams]))
        field.initial = teams[0].pk if teams else None
        if len(teams) == 1:
            field.widget = forms.HiddenInput()


class PrintForm(_TeamForm):
    """A run of forms."""

    team = _team_field()
    count = forms.IntegerField(
        label="How many forms?",
        min_value=1,
        max_value=paper_rules.MOST_FORMS,
        initial=10,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "govuk-input--width-3"}),
        error_messages={
            "min_value": "Print at least 1 form",
            "max_value": f"Print {paper_rules.MOST_FORMS} forms or fewer at a time",
            "invalid": "Enter a number, like 10",
        },
    )


class BundleForm(_TeamForm):
    """A bundle of forms that came back."""

    team = _team_field()
    received_on = forms.DateField(
        label="When did they come?",
        widget=NativeDate(),
        error_messages={"required": "Enter the day the forms came", "invalid": "Enter a day, like 2026-11-20"},
    )
    size = forms.IntegerField(
        label="How many forms?",
        min_value=1,
        max_value=paper_rules.MOST_FORMS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "govuk-input--width-3"}),
        error_messages={
            "required": "Enter how many forms the bundle has",
            "min_value": "A bundle has at least 1 form",
            "max_value": f"A bundle has {paper_rules.MOST_FORMS} forms or fewer. Make two",
            "invalid": "Enter a number, like 10",
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["received_on"].initial = clock.local(clock.now()).date


class SourceForm(_TeamForm):
    """A poster or QR code."""

    team = _team_field()
    label = forms.CharField(
        label="Where will it hang, or whose is it?",
        help_text="For example: Heanor library, Summer fair, PC Shaw’s card",
        max_length=80,
        error_messages={"required": "Enter where it will hang", "max_length": "Use 80 characters or fewer"},
    )
    mine = forms.BooleanField(label="Count its sign-ups as mine", required=False)


class _PersonForm(Form):
    """What paper and door have in common: place, addresses, choices. `entry()` is what the verb takes."""

    name = forms.CharField(
        label="Name",
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs=_PLAIN),
        error_messages={"max_length": "Use 120 characters or fewer"},
    )
    postcode = forms.CharField(
        label="Postcode",
        max_length=40,
        widget=forms.TextInput(attrs=_SHORT),
        error_messages={"required": "Enter the postcode", "max_length": "Enter a postcode, like DE75 7AB"},
    )
    email = forms.CharField(
        label="Email address",
        required=False,
        max_length=320,
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "email", "autocapitalize": "none"}),
        error_messages={"max_length": "This is too long for an email address"},
    )
    mobile = forms.CharField(
        label="Mobile number",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={**_SHORT, "class": "govuk-input--width-20", "inputmode": "tel"}),
        error_messages={"max_length": "This is too long for a phone number"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spot: Spot | None = None
        groups = [(str(group.pk), group.name) for group in Group.objects.public()]
        if groups:
            self.fields["groups"] = _ticks("Groups", groups)

    def clean_postcode(self) -> str:
        """A postcode we know, within the area we cover."""
        try:
            found = find.postcode(self.cleaned_data["postcode"])
        except find.PostcodeError as error:
            raise ValidationError(str(error).replace(", or choose your place on the map", "")) from error
        ground = find.territory()
        if ground is not None and not bool(shapes.contains(ground, [found.lon], [found.lat])[0]):
            raise ValidationError("This place is outside the area we cover")
        self.spot = Spot(found.lon, found.lat, postcode=found.code)
        return str(found.code)

    def clean_email(self) -> Reach | None:
        """The address, checked and normalised."""
        typed = self.cleaned_data["email"].strip()
        return _reach(Channel.EMAIL, typed) if typed else None

    def clean_mobile(self) -> Reach | None:
        """The number in E.164."""
        typed = self.cleaned_data["mobile"].strip()
        return _reach(Channel.SMS, typed) if typed else None

    @property
    def _by(self) -> list[Reach]:
        """The ways by which the person wants messages."""
        return [where for where in (self.cleaned_data.get("email"), self.cleaned_data.get("mobile")) if where]

    def entry(self, of: Organisation) -> Entry:
        """What the verb takes, of a valid form of an organisation. Nothing ticked is no yes (decision 9): it means
        only the kinds that ask for help, and only the organisation whose form it is, as the words agreed to say.
        """
        assert self.spot is not None  # clean_postcode saw to it
        data = self.cleaned_data
        channels = {where.channel for where in self._by}
        wanted = list(data.get("kinds") or kinds.ASKING)
        return Entry(
            spot=self.spot,
            reaches=self._by,
            name=data["name"],
            postal="\n".join(part.strip() for part in data.get("postal", "").split(",") if part.strip()),
            serial=data.get("serial", ""),
            email_kinds=wanted if Channel.EMAIL in channels else [],
            sms_kinds=wanted if Channel.SMS in channels else [],
            groups=[int(number) for number in data.get("groups") or []],
            organisations=[int(number) for number in data.get("organisations") or [of.pk]],
        )

    def refuse(self, problems: dict[str, str]) -> None:
        """Show what the verb did not accept, by field."""
        for field, words in problems.items():
            self.add_error(field if field in self.fields else None, words)


def _ticks(label: str, choices: list[tuple[str, str]], hint: str = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        help_text=hint,
        required=False,
        choices=choices,
        widget=Checkboxes(small=True),
        error_messages={"invalid_choice": "Choose from the list"},
    )


def _reach(channel: str, typed: str) -> Reach:
    """The address on the form; words for the officer when it cannot be used."""
    try:
        where = rules.reach(channel, typed)
    except rules.AddressError as error:
        raise ValidationError(str(error)) from error
    invented = emails.is_invented if channel == Channel.EMAIL else phones.is_invented
    if settings.INVENTED_ONLY and not invented(where.address):
        raise ValidationError(_INVENTED)
    return where


class EntryForm(_PersonForm):
    """One paper form, in the order in which it is printed."""

    mark_optional = False
    serial = forms.CharField(
        label="Serial number",
        required=False,
        max_length=40,
        help_text="At the top right. Leave empty when there is none.",
        widget=forms.TextInput(attrs={**_SHORT, "class": "govuk-input--width-10 app-mono", "autofocus": True}),
        error_messages={"max_length": "A serial number looks like BCDF-GHJK"},
    )
    postal = forms.CharField(
        label="Postal address",
        required=False,
        max_length=300,
        help_text="Only without email and mobile. Lines with commas between them.",
        widget=forms.TextInput(attrs=_PLAIN),
        error_messages={"max_length": "Use 300 characters or fewer"},
    )
    by = _ticks("How may we write?", [("email", "Email"), ("sms", "Text message")], "None ticked: whatever is given.")
    signed = forms.BooleanField(
        label="The form is signed",
        error_messages={"required": "Only a signed form is consent. Skip this form if nobody signed it"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kinds"] = _ticks("Wants to hear about", list(kinds.Kind.choices), _NO_KIND)
        found = Organisation.objects.public().order_by("sort", "name")
        self.fields["organisations"] = _ticks(
            "Who may write",
            [(str(one.pk), one.name) for one in found],
            "None ticked: only the organisation whose form it is.",
        )
        self.order_fields(
            ["serial", "name", "postcode", "email", "mobile", "by", "postal", "signed", "kinds", "groups"]
        )

    def clean(self) -> dict[str, Any]:
        """Some way to reach the person, and an address for each way that is ticked."""
        data = super().clean() or {}
        if self.errors:
            return data
        for channel, field, words in (
            ("email", "email", "Email is ticked, but there is no email address"),
            ("sms", "mobile", "Text message is ticked, but there is no mobile number"),
        ):
            if channel in data.get("by", []) and not data.get(field):
                self.add_error(field, words)
        if not (data.get("email") or data.get("mobile") or data.get("postal", "").strip()):
            self.add_error("email", "Enter an email address, a mobile number or a postal address")
        return data

    @property
    def _by(self) -> list[Reach]:
        """Of the addresses those that are ticked; all of them when nothing is."""
        given = super()._by
        ticked = self.cleaned_data.get("by") or [where.channel for where in given]
        return [where for where in given if where.channel in ticked]


class DoorForm(_PersonForm):
    """Somebody at their door, on an officer's phone."""

    mark_optional = False
    team = _team_field()
    agreed = forms.BooleanField(
        label="They said yes to this",
        error_messages={"required": "Read out the words above, and tick this when they say yes"},
    )

    def __init__(self, *args: Any, teams: list[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        among(self.fields["team"], Team.objects.public().filter(pk__in=[team.pk for team in teams]))
        self.fields["team"].initial = teams[0].pk if teams else None
        if len(teams) == 1:
            self.fields["team"].widget = forms.HiddenInput()
        ticks = self.fields["kinds"] = _ticks("Wants to hear about", list(kinds.Kind.choices), _NO_KIND)
        ticks.widget = Checkboxes(choices=ticks.choices)
        self.fields["name"].label = "Name (optional)"
        self.fields["mobile"].help_text = "A mobile number, an email address or both"
        for field in ("name", "postcode", "email", "mobile"):
            self.fields[field].widget.attrs.pop("class", None)
        if "groups" in self.fields:
            self.fields["groups"].widget = Checkboxes(choices=self.fields["groups"].choices)  # type: ignore[attr-defined]
        self.order_fields(["postcode", "mobile", "email", "name", "kinds", "groups", "team", "agreed"])

    def clean(self) -> dict[str, Any]:
        """One of the two is needed: the confirmation goes there."""
        data = super().clean() or {}
        if not self.errors and not (data.get("email") or data.get("mobile")):
            self.add_error("mobile", "Enter a mobile number or an email address")
        return data
