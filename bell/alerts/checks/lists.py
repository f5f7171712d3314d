"""The lists of the checks: plain files that people without Python can change (data/)."""

from functools import cache
from pathlib import Path

from bell.alerts.checks.finding import Level

_DATA = Path(__file__).parent / "data"


@cache
def words(name: str) -> frozenset[str]:
    """The words of a list, as they are written."""
    return frozenset(word for line in _lines(name) for word in line.split())


@cache
def phrases(name: str) -> tuple[tuple[str, Level, str], ...]:
    """(phrase in lower case, level, why) of each line "phrase | level | why"."""
    found = []
    for line in _lines(name):
        phrase, level, why = (part.strip() for part in line.split("|"))
        found.append((phrase.lower(), Level[level.upper()], why))
    return tuple(found)


def _lines(name: str) -> list[str]:
    text = (_DATA / f"{name}.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
