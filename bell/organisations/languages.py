"""The languages beside English that an alert may be written in and a resident may choose: a list that is data."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "data" / "languages.txt"


@dataclass(frozen=True)
class Language:
    """A language: its BCP 47 tag, its name in English and its own, and which way it is written ("ltr" or "rtl")."""

    tag: str
    name: str
    own: str
    direction: str


ENGLISH = Language("en-GB", "English", "English", "ltr")


@cache
def offered() -> tuple[Language, ...]:
    """All of them but English, by their English names."""
    lines = [line for line in _FILE.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    return tuple(sorted((_read(line) for line in lines), key=lambda one: one.name))


def _read(line: str) -> Language:
    tag, name, own, direction = (part.strip() for part in line.split("|"))
    return Language(tag, name, own, direction)


def of(tag: str) -> Language:
    """The language of a tag; one that left the list is called by its tag; "" is English."""
    if not tag:
        return ENGLISH
    return next((one for one in offered() if one.tag == tag), Language(tag, tag, tag, "ltr"))


def is_offered(tag: str) -> bool:
    """Whether a tag is on the list."""
    return any(one.tag == tag for one in offered())
