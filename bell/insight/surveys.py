"""What came of a survey: how many answered and what they chose, with small numbers hidden as everywhere (hiding).

Shares are made from the numbers that are shown, so that no share tells what its number does not. On the public page
stands nothing until the survey is over, and nothing then if too few answered (decision 24).
"""

from dataclasses import dataclass

from bell.alerts import ballots
from bell.alerts.models import PUBLISHED, Alert, State
from bell.conversations import votes
from bell.insight import hiding

PUBLIC_LEAST = 20


@dataclass(frozen=True)
class Row:
    """One choice: how many chose it (rounded to 5) and of 100 who answered how many; None where it is hidden."""

    choice: str
    people: int | None
    per_cent: int | None

    @property
    def words(self) -> str:
        """The same in words."""
        return "fewer than 5" if self.people is None else f"about {self.people:,} ({self.per_cent}%)"


@dataclass(frozen=True)
class Result:
    """A survey as it stands: people who answered (rounded to 5; None under 5), a row a choice, whether it is open."""

    people: int | None
    rows: list[Row]
    open: bool
    most: int

    @property
    def several(self) -> bool:
        """Whether one person may choose several, so that shares come to more than 100."""
        return self.most > 1


def of(survey: Alert) -> Result:
    """The result as officers see it."""
    people, each = votes.counts(survey)
    whole = hiding.shown(people)
    return Result(whole, [_row(choice, number, whole) for choice, number in each], *_standing(survey))


def public(survey: Alert) -> Result | None:
    """The result as everybody may see it: once the survey is over, if enough people answered; else None."""
    if survey.practice or survey.state not in PUBLISHED or survey.state == State.STOPPED or ballots.is_open(survey):
        return None
    people, _ = votes.counts(survey)
    return of(survey) if people >= PUBLIC_LEAST else None


def _standing(survey: Alert) -> tuple[bool, int]:
    return ballots.is_open(survey), ballots.most(survey.fields)


def _row(choice: str, number: int, whole: int | None) -> Row:
    people = hiding.shown(number) if whole else None
    share = min(100, round(people * 100 / whole)) if people and whole else None
    return Row(choice, people, share)
