"""What must be kept when a person asks us to forget, who may decide about data, how often a copy may be taken."""

from dataclasses import dataclass
from datetime import date, timedelta

from bell.audit.models import Entry
from bell.audit.record import named
from bell.conversations.models import Conversation
from bell.evidence.models import Exhibit, Upload
from bell.lib import clock
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer
from bell.privacy import person as persons
from bell.privacy.models import Restriction, today
from bell.privacy.person import Person
from bell.residents.models import Resident

OPEN_REVIEW = timedelta(days=90)
USEFUL_REVIEW = timedelta(days=365)
LONGEST_REVIEW = timedelta(days=730)
FOOTAGE = "It is sealed as evidence, exactly as it came. What you said about it belongs to it."
DOWNLOADS_A_DAY = 5
# How long after giving a reason a data protection officer may go on with a person without giving it again.
LOOK_UP_LIFE = timedelta(hours=1)


class NotAllowed(Exception):
    """The person may not do this; the message says why in plain words."""


class TooOften(Exception):
    """Enough copies for today."""


class BadDay(ValueError):
    """A review date that cannot be; the message says why in plain words."""


@dataclass(frozen=True)
class Held:
    """Something that is kept after an erasure: what, why, and when that is looked at again."""

    target_type: str
    target_key: str
    what: str
    reason: str
    review_on: date


def check_protects(officer: Officer) -> None:
    """Only data protection officers of the force."""
    if not organisation_rules.may_protect(officer):
        raise NotAllowed("Only a data protection officer may do this.")


def check_day(day: date) -> None:
    """A review comes after today and within two years."""
    if not today() < day <= today() + LONGEST_REVIEW:
        raise BadDay("Choose a day after today and within two years.")


def check_download(resident: Resident) -> None:
    """Five copies a day."""
    recent = Entry.objects.filter(target_type="resident", target_key=str(resident.key), verb="data downloaded")
    if recent.filter(at__gt=clock.now() - timedelta(days=1)).count() >= DOWNLOADS_A_DAY:
        raise TooOften("You have taken five copies today. Come back tomorrow for another.")


def gave_reason(officer: Officer, resident: Resident) -> str:
    """The reason this officer gave for looking this person up within the hour, or nothing."""
    looked = Entry.objects.filter(
        verb="person looked up",
        target_type="resident",
        target_key=str(resident.key),
        by_type="officer",
        by_key=str(officer.key),
        at__gt=clock.now() - LOOK_UP_LIFE,
    )
    return looked.order_by("-id").values_list("why", flat=True).first() or ""


def held(person: Person) -> list[Held]:
    """What an erasure restricts instead of deleting, each with its reason."""
    talks = [one for talk in persons.conversations(person).select_related("alert", "team") if (one := _hold(talk))]
    files = persons.uploads(person).filter(state__in=[Upload.State.RECEIVED, Upload.State.SEALED])
    return [*talks, *(_hold_file(one) for one in files.select_related("alert"))]


def held_uploads() -> list[int]:
    """Random keys of files without an exhibit that a restriction keeps."""
    standing = Restriction.objects.standing().filter(target_type="upload")
    return [int(key) for key in standing.values_list("target_key", flat=True)]


def _hold_file(upload: Upload) -> Held:
    """A file that arrived whole is evidence: its original is never changed or deleted by a request."""
    exhibit = Exhibit.objects.filter(upload=upload).first()
    kind, key = named(exhibit or upload)
    what = f"The file you sent about “{upload.alert.title}”"
    return _standing(kind, key, what) or Held(kind, key, what, FOOTAGE, today() + USEFUL_REVIEW)


def _standing(kind: str, key: str, what: str) -> Held | None:
    """What was decided about a thing before."""
    decided = Restriction.objects.standing().filter(target_type=kind, target_key=key).first()
    return Held(kind, key, what, decided.reason, decided.review_on) if decided else None


def _hold(talk: Conversation) -> Held | None:
    """Why one conversation is kept, if it is: a standing decision first, then what it matters to."""
    kind, key = named(talk)
    what = f"What you and we said about “{talk.alert.title}”" if talk.alert else f"What you and {talk.team.name} said"
    if decided := _standing(kind, key, what):
        return decided
    if talk.useful:
        reason = "An officer marked it as useful to an inquiry, so it may be evidence."
        return Held(kind, key, what, reason, today() + USEFUL_REVIEW)
    if talk.state != Conversation.State.CLOSED:
        return Held(kind, key, what, "The police are still working on it.", today() + OPEN_REVIEW)
    return None
