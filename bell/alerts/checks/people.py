"""Checks for what names or finds a person: names, homes, number plates, phones, emails, dates of birth."""

import re
from collections.abc import Iterator

from bell.alerts.checks import lists
from bell.alerts.checks.finding import Finding, Level, Subject
from bell.organisations.kinds import Kind

_WORD = r"[A-Z](?:['’][A-Z])?[a-z]+(?:['’-][A-Z]?[a-z]+)*"
# Looked for at every word, so that "Yesterday Daniel Hargreaves" is not taken for Mr Yesterday Daniel.
_FULL_NAME = re.compile(rf"\b(?=({_WORD})\s+(?:[A-Z]\.?\s+)?({_WORD})\b)")
_LOUD = r"[A-Z]{2,}(?:['’-][A-Z]+)*"
_LOUD_NAME = re.compile(rf"\b(?=({_LOUD})\s+(?:[A-Z]\.?\s+)?({_LOUD})\b)")
_WITH_TITLE = re.compile(rf"\b(?:[Mm]rs?|[Mm]s|[Mm]iss|[Mm]x|Dr|Prof)\.?\s+(?:[A-Z]\.?\s+)?({_WORD})\b")
# Typed in a hurry: "daniel hargreaves".
_LOW_NAME = re.compile(r"\b(?=([a-z]{2,})\s+([a-z]{3,})\b)")
_LOW_TITLE = re.compile(r"\b(?:mr|mrs)\.?\s+[a-z]{3,}\b")
# An officer of ours, who is named so that people know whom to ask for.
_RANK = re.compile(
    r"\b(?:PC|DC|PS|DS|DI|DCI|PCSO|SC|Sgt|Sergeant|Insp|Inspector|Constable|Supt|Superintendent)(?:\s+\d{1,5})?\s+$"
)
_ROADS = (
    r"Road|Rd|Street|St|Lane|Ln|Avenue|Ave|Close|Cl|Drive|Dr|Way|Court|Ct|Crescent|Cres|Grove|Place|Terrace|Gardens|Row|"
    r"Walk|Mews|Hill|Rise|View|Square"
)
_HOME = re.compile(rf"\b(?:Flat|Apartment|Unit)?\s*\d{{1,4}}[A-Za-z]?,?\s+(?:{_WORD}\s+){{1,3}}(?:{_ROADS})\b")
# The same in small letters, for the kinds of road that are nothing else: "a 5 minute drive" is no home.
_LOW_HOME = re.compile(
    r"\b\d{1,4}[a-z]?,?\s+(?!(?:minute|hour|mile|mph|lane|more|other|the|main|busy|quiet|nearby|local|men|cars)\b)"
    r"[a-z]{3,}\s+(?:road|rd|street|lane|avenue|ave|crescent)\b"
)
_THE_GREEN = re.compile(
    r"\b\d{1,4}[A-Za-z]?,?\s+The\s+(?:Green|Square|Close|Crescent|Avenue|Lane|Street|Drive|Grove|Paddock|Croft|Orchard|"
    r"Meadows?|Parade|Fairway|Spinney|Mount|Limes|Beeches)\b"
)
_NUMBERED = re.compile(r"\b(?:[Hh]ouse|[Dd]oor|[Hh]ome)\s+(?:[Nn]umber|[Nn]o\.?)\s*\d{1,4}[A-Za-z]?\b")
_FLAT = re.compile(r"\b(?:[Ff]lat|[Aa]partment)\s+(?:\d{1,4}[A-Za-z]?|[A-Z])\b")
# A house that has a name in place of a number; what is plainly something else follows or stands before.
_NAMED_HOUSE = re.compile(
    rf"\b(?:The\s+)?(?:{_WORD}\s+){{1,3}}(?:Cottages?|Farm|Farmhouse|Bungalow|Barn|Lodge|Villas?|Rectory|Vicarage)\b"
    rf"(?!\s+(?:Watch|Shop|Park|Estate|Inn|Hotel|School|Museum|Caf[eé]|{_ROADS})\b)"
)
_HOMES = (_HOME, _FLAT, _LOW_HOME, _THE_GREEN, _NUMBERED)
# Plates: since 2001 (AB12 CDE), 1983 to 2001 (A123 BCD), 1963 to 1983 (ABC 123D), Northern Ireland (ABZ 1234).
_PLATE = re.compile(
    r"\b(?:[A-Z]{2}\d{2}\s?[A-Z]{3}|[A-Z]\d{1,3}\s?[A-Z]{3}|[A-Z]{3}\s?\d{1,3}[A-Z]|[A-Z]{2}Z\s?\d{1,4})\b"
)
# Three capital letters behind a road's number ("the A6 AND the M1") are a word, not the end of a plate.
_NO_PLATE = {
    "AND", "THE", "FOR", "NOT", "ARE", "WAS", "OUR", "ALL", "NOW", "HAS", "CAR", "VAN", "OFF", "OUT", "BUT", "MEN",
    "HRS",
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "MON", "TUE", "WED", "THU",
    "FRI",
}  # fmt: skip
# How plates of today are typed in a hurry: "FD 12 KLM", "FD12-KLM", "fd12 klm".
_HASTY_PLATE = re.compile(r"\b(?:[A-Z]{2}\s\d{2}[\s-]?[A-Z]{3}|[A-Z]{2}\d{2}-[A-Z]{3}|[a-z]{2}\d{2}[\s-]?[a-z]{3})\b")
_PHONE = re.compile(
    r"(?<![\w/=.-])(?:(?:\+|00)44\s?\(?0?\)?|\(?0)(?:[\s()-]{0,2}\d){9,10}(?!\w)|(?<![\w/=.-])0800(?:[\s-]?\d){6,7}(?!\w)"
)
_SHORT_PHONE = re.compile(r"(?<![\w.])1(?:\d{2}|16\s?\d{3})(?![\w.])")
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_SPELT_EMAIL = re.compile(
    r"\b[\w.+-]{1,64}\s?(?:\[at\]|\(at\))\s?[\w.-]{2,100}|\b[\w.+-]{1,64}\sat\s[\w-]{2,60}\sdot\s[a-z]{2,10}\b", re.I
)
_DATE = r"\d{1,2}(?:st|nd|rd|th)?[\s/.-]+(?:\d{1,2}|[A-Z][a-z]+)[\s/.-]+(?:19|20)?\d{2}"
_BORN = re.compile(rf"\b(?:born(?:\s+on)?|d\.?o\.?b\.?|date of birth)\b[\s:]*{_DATE}", re.I)


def names(subject: Subject) -> Iterator[Finding]:
    """A full name, or a title with a surname. Expected where a person is missing, and still worth a look."""
    level = Level.NOTE if subject.kind == Kind.MISSING else Level.CARE
    first, others = lists.words("first_names"), lists.words("not_surnames")
    for field, text in subject.texts.items():
        for found in [*_FULL_NAME.finditer(text), *_LOUD_NAME.finditer(text)]:
            known = found[1].title() in first if found[1].isupper() else found[1] in first
            if known and found[2].title() not in others | {found[1].title()} and not _is_road(text, found.end(2)):
                ours = _RANK.search(text[max(0, found.start() - 30) : found.start()])
                yield Finding("names", Level.NOTE if ours else level, _NAMED, field, text[found.start() : found.end(2)])
        for low in _low_names(text):
            yield Finding("names", level, _NAMED, field, low)
        for found in [*_WITH_TITLE.finditer(text), *_LOW_TITLE.finditer(text)]:
            yield Finding("names", level, _NAMED, field, found[0])


def _low_names(text: str) -> Iterator[str]:
    """Names in small letters: a first name that is no other word, and a common surname."""
    first = lists.words("first_names") - lists.words("first_names_that_are_words")
    for found in _LOW_NAME.finditer(text):
        known = found[1].title() in first and found[2].title() in lists.words("surnames")
        if known and not _is_road(text, found.end(2)):
            yield text[found.start() : found.end(2)]


_NAMED = "This looks like somebody's name. May it be published?"


def _is_road(text: str, end: int) -> bool:
    """Whether a road's word follows: "Arthur Hill Road"."""
    return re.match(rf"\s+(?:{_ROADS})\b", text[end:], re.I) is not None


def homes(subject: Subject) -> Iterator[Finding]:
    """The number of a house or flat. The road alone is enough."""
    for field, text in subject.texts.items():
        for found in (found for pattern in _HOMES for found in pattern.finditer(text)):
            words = "This points to one home. Leave the number out, or say why it is needed."
            yield Finding("homes", Level.CARE, words, field, found[0].strip())
        for found in _NAMED_HOUSE.finditer(text):
            yield Finding(
                "homes", Level.NOTE, "Is this a house by its name? Say the road, not the home.", field, found[0]
            )


def plates(subject: Subject) -> Iterator[Finding]:
    """A number plate: often it belongs to somebody else, or was cloned."""
    for field, text in subject.texts.items():
        for found in [*_PLATE.finditer(text), *_HASTY_PLATE.finditer(text)]:
            if found[0][-3:].upper() not in _NO_PLATE:
                words = "This looks like a number plate. It may be cloned, and people may act on it."
                yield Finding("plates", Level.CARE, words, field, found[0])


def phones(subject: Subject) -> Iterator[Finding]:
    """A telephone number that is not on our list."""
    ours = lists.words("our_numbers")
    for field, text in subject.texts.items():
        for found in _PHONE.finditer(text):
            digits = re.sub(r"\D", "", found[0])
            digits = digits.removeprefix("00") if digits.startswith("0044") else digits
            digits = "0" + digits[2:].removeprefix("0") if digits.startswith("44") else digits
            if digits not in ours:
                words = "This number is not on the list of ours. Whose is it?"
                # A partner's own number, in the place for it: worth a look, no reason to be asked for one.
                level = Level.NOTE if field == "find_out" else Level.CARE
                yield Finding("phones", level, words, field, found[0].strip())


def has_phone(text: str) -> bool:
    """Whether a text holds a telephone number, a short one (101, 116 123) too."""
    return any(pattern.search(text) for pattern in (_PHONE, _SHORT_PHONE))


def emails(subject: Subject) -> Iterator[Finding]:
    """An email address outside the domains that we know."""
    for field, text in subject.texts.items():
        for found in _EMAIL.finditer(text):
            if not is_known(found[0].rpartition("@")[2], subject.site):
                yield Finding("emails", Level.CARE, _WHOSE, field, found[0])
        for found in _SPELT_EMAIL.finditer(text):
            yield Finding("emails", Level.CARE, _WHOSE, field, found[0])


_WHOSE = "This address is not at a domain of ours. Whose is it?"


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
