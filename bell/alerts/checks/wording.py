"""Checks of how it is said: words that can harm a live case, shouting, and how hard it is to read."""

import re
from collections.abc import Iterator

from bell.alerts.checks import lists
from bell.alerts.checks.finding import Finding, Level, Subject

_LONG_WORDS = re.compile(r"\b[A-Za-z]{4,}\b")
_SENTENCE = re.compile(r"[.!?]+(?:\s|$)|\n{2,}")
_LETTERS = re.compile(r"[A-Za-z']+")
_SHOUTING = 0.3
_READING_AGE = 14
_LEAST_WORDS = 30


def live_case(subject: Subject) -> Iterator[Finding]:
    """Words of the list: contempt of court, anonymity, prejudice."""
    for field, text in subject.texts.items():
        plain = re.sub(r"\s+", " ", text.lower())
        for phrase, level, why in lists.phrases("wording"):
            if re.search(rf"\b{re.escape(phrase)}\b", plain):
                yield Finding("wording", level, why, field, phrase)


def capitals(subject: Subject) -> Iterator[Finding]:
    """Text in capitals is harder to read, and looks like spam."""
    for field, text in subject.texts.items():
        words = _LONG_WORDS.findall(text)
        loud = [word for word in words if word.isupper()]
        if len(loud) >= 3 and len(loud) > _SHOUTING * len(words):
            yield Finding("capitals", Level.NOTE, "Much of this is in capitals. Write it as you would speak.", field)


def reading(subject: Subject) -> Iterator[Finding]:
    """How old one must be to read the message at ease; public writing aims at nine."""
    text = subject.texts.get("body", "")
    if len(_LETTERS.findall(text)) < _LEAST_WORDS:
        return
    age = reading_age(text)
    if age >= _READING_AGE:
        words = f"This reads like a text for people of {age:.0f} and older. Use shorter sentences and plainer words."
        yield Finding("reading", Level.NOTE, words, "body")


def reading_age(text: str) -> float:
    """Years: the Flesch-Kincaid grade (Kincaid and others, 1975) plus five, the age at which school begins."""
    words = _LETTERS.findall(text)
    if not words:
        return 5.0
    sentences = max(1, sum(1 for part in _SENTENCE.split(text) if part and part.strip()))
    syllables = sum(_syllables(word) for word in words)
    grade = 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59
    return max(5.0, grade + 5.0)


def _syllables(word: str) -> int:
    """About how many: groups of vowels, without a silent e at the end."""
    word = word.lower()
    count = len(re.findall(r"[aeiouy]+", word))
    if word.endswith("e") and not word.endswith(("le", "ee")) and count > 1:
        count -= 1
    return max(1, count)
