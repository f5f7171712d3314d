"""The kinds of alert: what an organisation may send and what a resident may choose.

They stand here, below residents and alerts, because both need them: a resident chooses kinds, an alert is of one.
Each kind has a fixed bit, so that what a person chose is one small integer in one row.
"""

from dataclasses import dataclass

from django.db import models


class Kind(models.TextChoices):
    """Standard kinds (product.md, B1)."""

    CRIME = "crime", "Crime alert"
    INFORMATION = "information", "Appeal for information"
    FOOTAGE = "footage", "Appeal for footage"
    PREVENTION = "prevention", "Prevention advice"
    EVENT = "event", "Event"
    MISSING = "missing", "Missing person"
    SCAM = "scam", "Scam warning"
    OUTCOME = "outcome", "Outcome of an appeal"
    SURVEY = "survey", "Survey of priorities"
    PARTNER = "partner", "Partner notice"


@dataclass(frozen=True)
class Facts:
    """What the system knows of a kind: its bit, its words for residents, and how it behaves.

    `answers`: it asks for help, with one-tap answers. `votes`: it asks people to choose. `calm`: it is never urgent.
    `optional`: of its fields those that may be empty. `channels`: how it goes unless its author says otherwise.
    `ticked`: the page to join has it ticked before anybody looks (decision 24).
    """

    bit: int
    help: str
    answers: bool = False
    urgent: bool = False
    fields: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    votes: bool = False
    calm: bool = False
    channels: tuple[str, ...] = ("email",)
    ticked: bool = True


FACTS: dict[str, Facts] = {
    Kind.CRIME: Facts(1, "Burglaries, thefts and damage near you, and what to look out for", answers=True),
    Kind.INFORMATION: Facts(2, "When officers ask whether you saw or heard something", answers=True),
    Kind.FOOTAGE: Facts(
        4,
        "When officers look for CCTV, doorbell or dash-cam footage",
        answers=True,
        fields=("from_time", "to_time", "look_for"),
    ),
    Kind.PREVENTION: Facts(8, "Short advice on keeping your home, car and family safe"),
    Kind.EVENT: Facts(16, "Drop-ins, property marking days and meetings", fields=("event_time", "event_place")),
    Kind.MISSING: Facts(
        32, "When someone is missing and you may be able to help", answers=True, urgent=True, fields=("description",)
    ),
    Kind.SCAM: Facts(64, "Frauds and scams that are going round"),
    Kind.OUTCOME: Facts(128, "What came of an appeal that you were asked to help with"),
    Kind.SURVEY: Facts(
        256,
        "Short questions on what matters most where you live, answered with a tap or two",
        fields=("choices", "most", "closes"),
        optional=("most", "closes"),
        votes=True,
        calm=True,
        ticked=False,
    ),
    Kind.PARTNER: Facts(
        512,
        "Road closures, events and advice from the council, the fire service and others that you let write to you",
        fields=("dates", "find_out"),
        optional=("dates",),
        calm=True,
        ticked=False,
    ),
}
# Those that ask for help: all that somebody who ticked no kind on paper or at the door gets.
ASKING = [kind for kind, facts in FACTS.items() if facts.answers]
ALL_BITS = sum(facts.bit for facts in FACTS.values())
# What somebody has of whom nothing else is known, and what a page that joins has ticked beforehand.
TICKED_BITS = sum(facts.bit for facts in FACTS.values() if facts.ticked)


def fields_of(kind: str, *, follows: bool = False) -> tuple[str, ...]:
    """The fields of an alert of a kind. What follows a survey has none: people go on choosing in the first."""
    facts = FACTS[kind]
    return () if follows and facts.votes else facts.fields


def bits(kinds: list[str]) -> int:
    """The kinds of a list as one integer."""
    return sum(FACTS[kind].bit for kind in set(kinds))


def of_bits(value: int) -> list[str]:
    """The kinds in an integer, in the order of `Kind`."""
    return [kind.value for kind in Kind if FACTS[kind].bit & value]
