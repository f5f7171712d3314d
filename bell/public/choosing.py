"""What residents choose: kinds of message by channel, interest groups, organisations that may write."""

from typing import Any

from django import forms

from bell.delivery.models import Channel
from bell.organisations import kinds
from bell.organisations.models import Organisation
from bell.residents.models import Group
from bell.ui.forms import Checkboxes, Form

_WORDS = "Tick what you want, and untick what you do not want."


def _kind_hints() -> dict[str, str]:
    return {kind: facts.help for kind, facts in kinds.FACTS.items()}


def _kinds_field(label: str, words: str, *, explained: bool = True) -> forms.MultipleChoiceField:
    """A list of all kinds as cards with their words, or, where these stand above already, as a short list."""
    return forms.MultipleChoiceField(
        label=label,
        help_text=words,
        required=False,
        choices=kinds.Kind.choices,
        widget=Checkboxes(hints=_kind_hints() if explained else {}, cards=explained),
        error_messages={"invalid_choice": "Choose from the list"},
    )


class KindsForm(Form):
    """Kinds of message, for each of the channels a person has."""

    mark_optional = False

    def __init__(self, *args: Any, channels: list[str], must_choose: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.channels, self.must_choose = channels, must_choose
        if Channel.EMAIL in channels:
            self.fields["email_kinds"] = _kinds_field("By email", _WORDS)
        if Channel.SMS in channels:
            alone = Channel.EMAIL not in channels
            words = _WORDS if alone else "Texts are short. Tick what cannot wait."
            self.fields["sms_kinds"] = _kinds_field("By text message", words, explained=alone)

    def clean(self) -> dict[str, Any]:
        """Something must be ticked by those who join."""
        data = super().clean() or {}
        if self.must_choose and not self.errors and not (data.get("email_kinds") or data.get("sms_kinds")):
            self.add_error(next(iter(self.fields)), "Select at least one kind of message")
        return data

    @property
    def email_kinds(self) -> list[str]:
        """Kinds by email."""
        return list(self.cleaned_data.get("email_kinds", []))

    @property
    def sms_kinds(self) -> list[str]:
        """Kinds by text message."""
        return list(self.cleaned_data.get("sms_kinds", []))


def _group_hint(group: Group) -> str:
    """Who belongs to a group, and that its team decides where it does."""
    decides = "The team decides who joins" if group.by_approval else ""
    return ". ".join(part.rstrip(".") for part in (group.help, decides) if part)


class GroupsForm(Form):
    """Interest groups."""

    mark_optional = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = list(Group.objects.public())
        self.fields["groups"] = forms.MultipleChoiceField(
            label="Do any of these fit you?",
            help_text="Officers ask those who are most likely to have seen something. Tick any, or none.",
            required=False,
            choices=[(str(group.pk), group.name) for group in found],
            widget=Checkboxes(hints={str(group.pk): _group_hint(group) for group in found}, cards=True),
            error_messages={"invalid_choice": "Choose from the list"},
        )

    @property
    def groups(self) -> list[int]:
        """Ids of the chosen groups."""
        return [int(number) for number in self.cleaned_data["groups"]]


class OrganisationsForm(Form):
    """Organisations that may write."""

    mark_optional = False

    def __init__(self, *args: Any, must_choose: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = list(Organisation.objects.public().order_by("sort", "name"))
        self.fields["organisations"] = forms.MultipleChoiceField(
            label="Who may write to you?",
            help_text="None of them is given your name, your address or your number by us.",
            required=must_choose,
            choices=[(str(one.pk), one.name) for one in found],
            widget=Checkboxes(hints={str(one.pk): one.strapline for one in found}, cards=True),
            error_messages={
                "required": "Select at least one organisation",
                "invalid_choice": "Choose from the list",
            },
        )

    @property
    def organisations(self) -> list[int]:
        """Ids of the chosen organisations."""
        return [int(number) for number in self.cleaned_data["organisations"]]


def first_organisations() -> list[str]:
    """What is ticked at first: the force only, which runs this. Partners are for the person to choose."""
    return [str(one.pk) for one in Organisation.objects.public().filter(sort=Organisation.Sort.FORCE)]


def first_kinds(channels: list[str]) -> dict[str, list[str]]:
    """What is ticked at first: by email every kind that may be (decision 24); by text what asks for an answer, unless
    text is all there is."""
    every = [kind for kind, facts in kinds.FACTS.items() if facts.ticked]
    pressing = [kind for kind in every if kinds.FACTS[kind].answers]
    return {"email_kinds": every, "sms_kinds": pressing if Channel.EMAIL in channels else every}
