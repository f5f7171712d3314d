"""An answer of the doctor, and how a question is asked within its time."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.db import DatabaseError, connections


class Tone(StrEnum):
    """Right; wrong (the exit status is 1); a note that wants a look; or nobody could say."""

    RIGHT = "right"
    NOTE = "note"
    UNKNOWN = "unknown"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One answer: about what, how it is, and what to do about it ("" when nothing is)."""

    about: str
    tone: Tone
    words: str
    todo: str = ""


@dataclass(frozen=True)
class Check:
    """One question, and the seconds in which it must be answered."""

    about: str
    ask: Callable[[], list[Finding]]
    seconds: float = 10.0


def right(about: str, words: str) -> Finding:
    """All is well."""
    return Finding(about, Tone.RIGHT, words)


def wrong(about: str, words: str, todo: str) -> Finding:
    """Something must be done."""
    return Finding(about, Tone.WRONG, words, todo)


def note(about: str, words: str, todo: str = "") -> Finding:
    """Worth a look; not wrong."""
    return Finding(about, Tone.NOTE, words, todo)


def unknown(about: str, words: str, todo: str = "") -> Finding:
    """It could not be found out from here."""
    return Finding(about, Tone.UNKNOWN, words, todo)


def answers(check: Check) -> list[Finding]:
    """Ask in a thread of its own: a question that hangs or falls over is an answer too, and stops no other."""
    found: list[Finding] = []
    thread = threading.Thread(target=_ask, args=(check, found), daemon=True)
    thread.start()
    thread.join(check.seconds)
    if thread.is_alive():
        return [wrong(check.about, f"There was no answer within {check.seconds:g} seconds.", "See whether it is up.")]
    return found


def _ask(check: Check, found: list[Finding]) -> None:
    try:
        found.extend(check.ask())
    except DatabaseError as error:
        words = f"The database could not be asked: {type(error).__name__}."
        found.append(wrong(check.about, words, "Put the database and its tables right first."))
    except Exception as error:
        words = f"The question itself failed: {type(error).__name__}."
        found.append(wrong(check.about, words, "Set BELL_LOG_LEVEL=DEBUG and ask again, or tell the makers."))
    finally:
        connections.close_all()
