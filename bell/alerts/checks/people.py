"""Checks for what names or finds a person: names, homes, number plates, phones, emails, dates of birth."""

import re
from collections.abc import Iterator

from bell.alerts.checks import lists
from bell.alerts.checks.finding import Finding, Level, Subject
from bell.organisations.kinds import Kind

_WORD = r"[A-Z](?:['’][A-Z])?[a-z]+(?:['’-][A-Z]?[a-z]+)*"
_FULL_NAME = re.compile(rf"\b({_WORD})\s+({_WORD})\b")
_WITH_TITLE = re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof)\.?\s+(?:[A-Z]\.?\s+)?({_WORD})\b")
_ROADS = (
    r"Road|Rd|Street|St|Lane|Ln|Avenue|Ave|Close|Cl|Drive|Dr|Way|Court|Ct|Crescent|Cres|Grove|Place|Terrace|Gardens|Row|"
    r"Walk|Mews|Hill|Rise|View|Square"
)
_HOME = re.compile(rf"\b(?:Flat|Apartment|Unit)?\s*\d{{1,4}}[A-Za-z]?,?\s+(?:{_WORD}\s+){{1,3}}(?:{_ROADS})\b")
_FLAT = re.compile(r"\b(?:[Ff]lat|[Aa]partment)\s+(?:\d{1,4}[A-Za-z]?|[A-Z])\b")
# Plates: since 2001 (AB12 CDE), 1983 to 2001 (A123 BCD), 1963 to 1983 (ABC 123D), Northern Ireland (ABZ 1234).
_PLATE = re.compile(
    r"\b(?:[A-Z]{2}\d{2}\s?[A-Z]{3}|[A-Z]\d{1,3}\s?[A-Z]{3}|[A-Z]{3}\s?\d{1,3}[A-Z]|[A-Z]{2}Z\s?\d{1,4})\b"
)
# Three capital letters behind a road's number ("the A6 AND the M1") are a word, not the end of a plate.
_NO_PLATE = {"AND", "THE", "FOR", "NOT", "ARE", "WAS", "OUR", "ALL", "NOW", "HAS", "CAR", "VAN", "OFF", "OUT", "BUT"}
_PHONE = re.compile(
    r"(?<![\w/=.-])(?:\+44\s?\(?0?\)?|0)(?:[\s-]?\d){9,10}(?!\w)|(?<![\w/=.-])0800(?:[\s-]?\d){6,7}(?!\w)"
)
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_DATE = r"\d{1,2}(?:st|nd|rd|th)?[\s/.-]+(?:\d{1,2}|[A-Z][a-z]+)[\s/.-]+(?:19|20)?\d{2}"
_BORN = re.compile(rf"\b(?:born(?:\s+on)?|d\.?o\.?b\.?|date of birth)\b[\s:]*{_DATE}", re.I)


def names(subject: Subject) -> Iterator[Finding]:
    """A full name, or a title with a surname. Expected where a person is missing, and still worth a look."""
    level = Level.NOTE if subject.kind == Kind.MISSING else Level.CARE
    first, others = lists.words("first_names"), lists.words("not_surnames")
    for field, text in subject.texts.items():
        for found in _FULL_NAME.finditer(text):
            if found[1] in first and found[2] not in others and not _is_road(text, found.end()):
                yield Finding("names", level, _NAMED, field, found[0])
        for found in _WITH_TITLE.finditer(text):
            yield Finding("names", level, _NAMED, field, found[0])


_NAMED = "This looks like somebody's name. May it be published?"


def _is_road(text: str, end: int) -> bool:
    """Whether a road's word follows: "Arthur Hill Road"."""
    return re.match(rf"\s+(?:{_ROADS})\b", text[end:]) is not None


def homes(subject: Subject) -> Iterator[Finding]:
    """The number of a house or flat. The road alone is enough."""
    for field, text in subject.texts.items():
        for found in [*_HOME.finditer(text), *_FLAT.finditer(text)]:
            words = "This points to one home. Leave the number out, or say why it is needed."
            yield Finding("homes", Level.CARE, words, field, found[0].strip())


def plates(subject: Subject) -> Iterator[Finding]:
    """A number plate: often it belongs to somebody else, or was cloned."""
    for field, text in subject.texts.items():
        for found in _PLATE.finditer(text):
            if found[0][-3:] not in _NO_PLATE:
                words = "This looks like a number plate. It may be cloned, and people may act on it."
                yield Finding("plates", Level.CARE, words, field, found[0])


def phones(subject: Subject) -> Iterator[Finding]:
    """A telephone number that is not on our list."""
    ours = lists.words("our_numbers")
    for field, text in subject.texts.items():
        for found in _PHONE.finditer(text):
            digits = re.sub(r"\D", "", found[0])
            digits = "0" + digits[2:].removeprefix("0") if digits.startswith("44") else digits
            if digits not in ours:
                words = "This number is not on the list of ours. Whose is it?"
                yield Finding("phones", Level.CARE, words, field, found[0].strip())


def emails(subject: Subject) -> Iterator[Finding]:
    """An email address outside the domains that we know."""
    for field, text in subject.texts.items():
        for found in _EMAIL.finditer(text):
            if not is_known(found[0].rpartition("@")[2], subject.site):
                words = "This address is not at a domain of ours. Whose is it?"
                yield Finding("emails", Level.CARE, words, field, found[0])


def births(subject: Subject) -> Iterator[Finding]:
    """A date of birth. An age is enough."""
    for field, text in subject.texts.items():
        for found in _BORN.finditer(text):
            yield Finding("births", Level.CARE, "This is a date of birth. Give the age instead.", field, found[0])


def is_known(domain: str, site: str) -> bool:
    """Whether a host name is ours or on the list, or below one that is."""
    domain = domain.lower().rstrip(".")
    known = lists.words("our_domains") | ({site.lower()} if site else set())
    return any(domain == one or domain.endswith(f".{one}") for one in known)
