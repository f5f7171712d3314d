"""The composer's form: words, the facts of the kind, channels, and who gets it."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from bell.alerts import ballots, content, find, partners, rules
from bell.alerts.models import Alert
from bell.lib import clock
from bell.organisations import kinds
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer, Role, Team
from bell.residents.models import Group
from bell.staff import tree
from bell.staff.forms import facts as own
from bell.staff.forms import languages as spoken
from bell.staff.forms.audience import NARROWING, NarrowingForm
from bell.staff.forms.moments import FAR_OFF, SendAtField
from bell.staff.forms.shapes import DrawnField
from bell.ui.forms import Affixed, Checkboxes, CountedTextarea, Form, NativeDateTime, OneLine, Radios, among, offer

# What each kind is for, in words for those who write.
_KIND_HINTS = {
    kinds.Kind.CRIME: "What happened near by, and what to look out for. People can answer",
    kinds.Kind.INFORMATION: "Did anyone see or hear something? People can answer",
    kinds.Kind.FOOTAGE: "CCTV, doorbell or dash-cam film of a place and time",
    kinds.Kind.PREVENTION: "Short advice. No answers asked for",
    kinds.Kind.EVENT: "A drop-in, a marking day, a meeting",
    kinds.Kind.MISSING: "Urgent by itself. Can be stood down",
    kinds.Kind.SCAM: "A fraud that is going round",
    kinds.Kind.SURVEY: "What matters most to people? They choose from a list, without signing in",
    kinds.Kind.PARTNER: "Road works, an event or advice of yours, with where to ask. No answers asked for",
}

# Fields of kinds that are moments; the rest are words.
MOMENTS = ("from_time", "to_time", "event_time", "closes")
_HELP = {
    "from_time": "The beginning of what you would like to see",
    "look_for": "For example: a white van, two people on foot",
    "event_place": "The name of the place and its street",
    "description": "Age, build, hair, clothes, where last seen. No more than is needed to recognise them",
}
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
# Where a problem's name in the rules is not the field's name here.
_FIELD_OF = {"by_email": "channels", "audience": "areas"}


class NewForm(Form):
    """The kind and the team of a new alert."""

    kind = forms.ChoiceField(
        label="What kind of alert is it?",
        error_messages={"required": "Choose a kind", "invalid_choice": "Choose a kind from the list"},
    )
    team: "forms.ModelChoiceField[Team]" = forms.ModelChoiceField(
        label="For which team?", queryset=None, empty_label=None, error_messages={"required": "Choose a team"}
    )

    def __init__(self, *args: Any, officer: Officer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind_field = self.fields["kind"]
        offered = [(kind.value, kind.label) for kind in organisation_rules.kinds_to_begin(officer.organisation)]
        kind_field.widget = Radios(cards=True, hints=_KIND_HINTS)
        offer(kind_field, offered)
        if words := organisation_rules.why_not_begin(str(self.data.get("kind", "")), officer.organisation):
            kind_field.error_messages["invalid_choice"] = words
        self.teams = writing_teams(officer)
        own = Team.objects.visible_to(officer).filter(pk__in=[one.pk for one in self.teams])
        team_field = among(self.fields["team"], own)
        team_field.widget = Radios(choices=team_field.choices) if len(self.teams) > 1 else forms.HiddenInput()
        if self.teams:
            team_field.initial = self.teams[0].pk


def writing_teams(officer: Officer) -> list[Team]:
    """Teams for which the officer may write."""
    return organisation_rules.teams_as(officer, Role.AUTHOR, Role.APPROVER, Role.MEDIA)


_GROUND = ("areas", "shapes", "circle_postcode", "circle_radius", "shape_text", "groups")


class ComposeForm(NarrowingForm):
    """Everything of a draft. `seen` is the edit number that the page showed."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, max_value=2**31 - 1)
    title = OneLine(
        label="Title",
        required=False,
        max_length=rules.TITLE_MOST,
        help_text="What happened and where, in one line",
        error_messages={"max_length": f"The title must be {rules.TITLE_MOST} characters or fewer"},
    )
    body = forms.CharField(
        label="Message",
        required=False,
        max_length=rules.BODY_MOST,
        widget=CountedTextarea(rules.BODY_MOST, {"rows": 8, "data-threshold": "75"}),
        help_text="Two or three sentences. **bold**, lists with “- ”, and [words](https://…) for a link",
        error_messages={"max_length": f"The message must be {rules.BODY_MOST:,} characters or fewer"},
    )
    sms_text = forms.CharField(
        label="Words of the text message",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Leave empty to send the title. How to answer, the reference and STOP are added by themselves",
        error_messages={"max_length": "The text message must be 1,000 characters or fewer"},
    )
    channels = forms.MultipleChoiceField(
        label="Send it by",
        required=False,
        choices=[("email", "Email"), ("sms", "Text message")],
        widget=Checkboxes(small=True, inline=True),
        error_messages={"invalid_choice": "Choose email, text message or both"},
    )
    urgent = forms.BooleanField(label="Urgent: minutes matter", required=False)
    areas = forms.TypedMultipleChoiceField(
        label="Areas",
        required=False,
        coerce=int,
        error_messages={"invalid_choice": "An area that you chose is not one this team may choose. Choose again"},
    )
    shapes = DrawnField(label="Drawn on the map", required=False)
    groups = forms.TypedMultipleChoiceField(
        label="Only people in these groups",
        help_text="Choose none to reach everyone there",
        required=False,
        coerce=int,
        widget=Checkboxes(small=True, inline=True),
        error_messages={"invalid_choice": "A group that you chose is closed. Choose again"},
    )
    carriers = forms.TypedMultipleChoiceField(
        label="Carry together with",
        help_text="They are asked when you submit, and send it to those who chose them. Nobody gets two copies",
        required=False,
        coerce=int,
        widget=Checkboxes(small=True),
        error_messages={"invalid_choice": "An organisation that you chose has no agreement today. Choose again"},
    )
    also = forms.BooleanField(label="Also to everyone whom the first alert would mean today", required=False)
    send_at = SendAtField(
        label="Send at",
        help_text="Empty: at once after approval",
        required=False,
        widget=NativeDateTime(),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        error_messages={"invalid": "Enter a date and a time"},
    )
    expires_at = SendAtField(
        label="Over after",
        help_text="Then nothing more is sent, and its page says that it is over. Empty: when you close it",
        required=False,
        widget=NativeDateTime(),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        error_messages={"invalid": "Enter a date and a time"},
    )
    everyone = forms.IntegerField(
        label="How many people is it meant for?",
        help_text="Asked only because it would go to so many",
        required=False,
        min_value=0,
        max_value=100_000_000,
        localize=True,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "govuk-input--width-5", "autocomplete": "off"}),
        error_messages={"invalid": "Enter a number, like 5000"},
    )
    circle_postcode = forms.CharField(
        label="Postcode",
        required=False,
        max_length=12,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10", "autocomplete": "off"}),
    )
    circle_radius = forms.IntegerField(
        label="How far around",
        required=False,
        initial=500,
        min_value=25,
        max_value=100_000,
        widget=Affixed(suffix="metres", attrs={"inputmode": "numeric", "class": "govuk-input--width-5"}),
        error_messages={
            "invalid": "Enter the distance in metres, like 500",
            "min_value": "The distance must be 25 metres or more",
            "max_value": "The distance must be 100 kilometres or less",
        },
    )

    shape_text = forms.CharField(
        label="or paste it",
        required=False,
        max_length=500_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "app-mono", "spellcheck": "false", "autocomplete": "off"}),
        error_messages={"max_length": "This text is too long. Choose the file instead"},
    )

    def __init__(self, data: Any = None, *, alert: Alert) -> None:
        super().__init__(data, initial=_initial(alert))
        self.alert = alert
        offer(self.fields["areas"], tree.choices(alert.team))
        groups = Group.objects.public().filter(organisation=alert.organisation_id)
        offer(self.fields["groups"], list(groups.values_list("pk", "name")))
        self.offer_narrowing(alert)
        offered = [(one.pk, one.name) for one in partners.may_carry_with(alert.organisation)]
        offer(self.fields["carriers"], offered)
        if not offered or alert.follows_id:  # who carried the alert that this follows carries this too
            del self.fields["carriers"]
        hold = rules.hold_seconds
        calm, quick = copy.copy(alert), copy.copy(alert)
        calm.urgent, quick.urgent = False, True
        self.fields["urgent"].help_text = (
            f"Goes before everything else, waits {hold(quick)} seconds for an undo instead of {hold(calm)}, and asks "
            "your colleagues at once. Only when waiting would put someone at risk"
        )
        self.names = kinds.fields_of(alert.kind, follows=alert.follows_id is not None)
        for name in self.names:
            self.fields[name] = _fact(name)
        if kinds.FACTS[alert.kind].calm:
            del self.fields["urgent"]
        if kinds.FACTS[alert.kind].votes:
            self.fields["title"].help_text = "What you ask, in one line"
        if "closes" in self.names:  # one end is enough
            del self.fields["expires_at"]
        self.tags = spoken.chosen(data, alert)
        self.fields |= spoken.fields(self.tags, alert)
        if alert.follows_id:
            for name in _GROUND:
                del self.fields[name]
        if not rules.may_reach_more(alert):
            del self.fields["also"]
        facts = kinds.FACTS[alert.kind].fields
        self.order_fields(["seen", "title", "body", *facts, "also", *_GROUND, *NARROWING, "everyone"])

    def facts(self) -> list[forms.BoundField]:
        """The fields of the alert's kind."""
        return [self[name] for name in self.names]

    def languages(self) -> list[Any]:
        """The other languages with their fields."""
        return spoken.parts(self, self.tags)

    def languages_to_add(self) -> list[Any]:
        """Languages that it does not speak yet."""
        return spoken.to_add(self.tags)

    def tree(self) -> list[tree.Node]:
        """The areas to tick, as trees."""
        return tree.roots(self.alert.team, self.ticked("areas"))

    def clean(self) -> dict[str, Any]:
        """A window of time does not end before it begins."""
        cleaned: dict[str, Any] = super().clean() or {}
        first, last = cleaned.get("from_time"), cleaned.get("to_time")
        if first and last and last <= first:
            self.add_error("to_time", "The end must be after the start")
        return cleaned

    def changes(self) -> dict[str, Any]:
        """What alerts.actions.edit is given. Fields with errors keep what the alert has."""
        cleaned, alert = self.cleaned_data, self.alert
        changed: dict[str, Any] = {
            name: cleaned[name] for name in ("title", "body", "sms_text", "urgent") if name in cleaned
        }
        if "channels" in cleaned:
            changed |= {"by_email": "email" in cleaned["channels"], "by_sms": "sms" in cleaned["channels"]}
        for name in ("send_at", "expires_at"):
            if name in cleaned:
                changed[name] = cleaned[name]
        if "carriers" in cleaned:
            changed["carriers"] = sorted(cleaned["carriers"])
        changed["fields"] = self._fields()
        if "languages" in self.data:  # a form that shows them
            changed["languages"] = spoken.changes(cleaned, self.tags, alert)
        if "also" in self.fields:
            first = find.first_of(alert).audience
            changed["audience"] = first if cleaned.get("also") else {}
        if not alert.follows_id:
            changed["audience"] = self.audience(alert.audience)
        return changed

    def _fields(self) -> dict[str, str]:
        """The facts as they are shown; a moment is kept in words and, beside them, as a machine reads it."""
        kept = dict(self.alert.fields)
        for name in self.names:
            value = self.cleaned_data.get(name)
            if name not in MOMENTS:
                kept[name] = value or ""
            elif value:
                kept |= {name: _in_words(value), f"{name}_at": value.isoformat()}
            elif f"{name}_at" in kept:  # words without a moment were written by someone who knew better: they stay
                del kept[f"{name}_at"], kept[name]
        return kept

    def candidate(self) -> Alert:
        """The alert as this form would leave it, not saved: to preview, to check and to count."""
        made = copy.copy(self.alert)
        for name, value in self.changes().items():
            setattr(made, name, value)
        return made

    def show(self, problems: dict[str, str]) -> None:
        """Put problems of the rules (composer field to words) at the fields they belong to."""
        for name, words in problems.items():
            place = _FIELD_OF.get(name, name)
            self.add_error(place if place in self.fields else None, words.rstrip("."))


def _fact(name: str) -> forms.Field:
    """The form field of one fact of a kind."""
    label, help_text = content.FIELD_LABELS[name], _HELP.get(name, "")
    if (field := own.field(name)) is not None:
        return field
    if name in MOMENTS:
        return forms.DateTimeField(
            label=label,
            help_text=help_text,
            required=False,
            widget=NativeDateTime(),
            input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
            validators=[MinValueValidator(_EARLIEST, FAR_OFF), MaxValueValidator(_LATEST, FAR_OFF)],
            error_messages={"invalid": "Enter a date and a time"},
        )
    widget = forms.Textarea(attrs={"rows": 4}) if name == "description" else forms.TextInput()
    return forms.CharField(label=label, help_text=help_text, required=False, max_length=1000, widget=widget)


def _in_words(at: datetime) -> str:
    """A moment as readers see it: never "today", since it is read on other days too."""
    return clock.said(at, today=clock.local(at).date() - timedelta(days=30))


def _initial(alert: Alert) -> dict[str, Any]:
    """What the form shows of an alert."""
    chosen = [name for name, on in (("email", alert.by_email), ("sms", alert.by_sms)) if on]
    audience = alert.audience
    facts = {name: alert.fields.get(name, "") for name in kinds.FACTS[alert.kind].fields if name not in MOMENTS}
    if "most" in facts:
        facts["most"] = str(ballots.most(alert.fields))
    moments = {name: _moment(alert.fields.get(f"{name}_at", "")) for name in MOMENTS}
    return {
        "seen": alert.edit,
        "title": alert.title,
        "body": alert.body,
        "sms_text": alert.sms_text,
        "urgent": alert.urgent,
        "channels": chosen,
        "areas": audience.get("areas", []),
        "shapes": audience.get("shapes", []),
        "groups": audience.get("groups", []),
        **{key: audience.get(key, []) for key in NARROWING},
        "circle_radius": 500,
        "also": bool(alert.follows_id and audience),
        "carriers": alert.carriers,
        "send_at": alert.send_at,
        "expires_at": alert.expires_at,
        **facts,
        **moments,
    }


def _moment(text: str) -> datetime | None:
    """A moment kept in a draft, or nothing."""
    try:
        return clock.local(datetime.fromisoformat(text)) if text else None
    except ValueError:
        return None
