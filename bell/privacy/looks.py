"""Who looked: each time staff opened what is personal, as the person may see it: day, team, purpose, never a name."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from bell.audit.models import Entry
from bell.organisations.models import Officer, Team
from bell.privacy import person as persons
from bell.privacy.models import Withheld
from bell.residents.models import Resident

# Acts on a conversation that are told elsewhere (the answer itself is in the person's hands) and are no look.
_NO_LOOKS = (
    "answered",
    "note kept",
    "conversation claimed",
    "conversation closed",
    "reply received",
    "answer logged",
    "restricted",
)

# How an entry is said to the person; a verb that is not here is said as it stands.
SAID = {
    "conversation read": "Opened your conversation",
    "person looked up": "Looked up your account",
    "person opened": "Opened your account",
    "person exported": "Made a copy of your data for you",
    "paper form read": "Read the form you signed",
    "address compared": "Compared an address with yours",
    "exhibit viewed": "Opened the record of your file",
    "exhibit previewed": "Looked at your file",
    "exhibit downloaded": "Downloaded your file",
    "exhibit exported": "Exported your file",
}


@dataclass(frozen=True)
class Look:
    """One look, in the words of the person's page. `entry` names it to the data protection officer."""

    entry: int
    at: datetime
    what: str
    team: str
    why: str


def entries(resident: Resident) -> QuerySet[Entry]:
    """Every act of staff on the person or their conversations that the record holds, newest first."""
    found = persons.entries(persons.of(resident)).filter(by_type="officer")
    return found.exclude(Q(target_type="conversation") & Q(verb__in=_NO_LOOKS)).order_by("-id")


def seen_by(resident: Resident) -> QuerySet[Entry]:
    """Those that the person sees: without what a data protection officer withholds today."""
    return entries(resident).exclude(pk__in=Withheld.objects.standing().values("entry"))


def said(found: list[Entry]) -> list[Look]:
    """The looks in words. A team that the entry does not name is said as the officer's organisation."""
    ids = [entry.facts.get("team") for entry in found if isinstance(entry.facts.get("team"), int)]
    teams = {team.pk: f"{team.name}, {team.organisation.name}" for team in
             Team.objects.filter(pk__in=ids).select_related("organisation")}  # fmt: skip
    numbers = {int(entry.by_key) for entry in found if entry.by_key.isdigit()}
    homes = dict(Officer.objects.filter(key__in=numbers).values_list("key", "organisation__name"))
    return [
        Look(
            entry.pk,
            entry.at,
            SAID.get(entry.verb, entry.verb[:1].upper() + entry.verb[1:]),
            teams.get(entry.facts.get("team"), homes.get(_number(entry.by_key), "The police")),
            entry.why or "not noted",
        )
        for entry in found
    ]


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
