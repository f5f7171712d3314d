"""The checks before an alert is submitted: one function each, with a level. They advise and raise the approval needed.

None of them forbids: who knows the case decides, and says why. What they look for stands in plain lists (data/).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bell.alerts.checks import languages, links, people, reach, wording
from bell.alerts.checks.finding import Finding, Level, Subject
from bell.alerts.checks.reach import Reach
from bell.lib import links as own

__all__ = ["REACH_CHECKS", "TEXT_CHECKS", "Finding", "Level", "Reach", "Subject", "of_text", "run"]

# Of the words alone: quick enough to be asked while somebody writes.
TEXT_CHECKS: tuple[Callable[[Subject], Iterable[Finding]], ...] = (
    people.names,
    people.homes,
    people.plates,
    people.phones,
    people.emails,
    people.births,
    wording.live_case,
    links.links,
    wording.capitals,
    wording.reading,
    languages.translations,
)
# Of whom it reaches, and of what went out before: asked when it is submitted.
REACH_CHECKS: tuple[Callable[[Subject, Reach], Iterable[Finding]], ...] = (
    reach.everyone,
    reach.duplicates,
    reach.fatigue,
    reach.parts,
)


def of_text(frozen: Mapping[str, Any]) -> list[Finding]:
    """What the words alone show, gravest first."""
    subject = _subject(frozen)
    return _sorted(one for check in TEXT_CHECKS for one in check(subject))


def run(frozen: Mapping[str, Any], reached: Reach) -> list[Finding]:
    """Everything, gravest first. `frozen` is a snapshot of the alert (rules.snapshot)."""
    subject = _subject(frozen)
    found = [one for check in REACH_CHECKS for one in check(subject, reached)]
    return _sorted([*found, *(one for check in TEXT_CHECKS for one in check(subject))])


def _subject(frozen: Mapping[str, Any]) -> Subject:
    return Subject(frozen, site=own.host())


def _sorted(found: Iterable[Finding]) -> list[Finding]:
    """Gravest first, each once."""
    return sorted(_once(found), key=lambda one: -one.level)


def _once(found: Iterable[Finding]) -> Iterator[Finding]:
    seen = set()
    for one in found:
        if (one.check, one.excerpt, one.words) not in seen:
            seen.add((one.check, one.excerpt, one.words))
            yield one
