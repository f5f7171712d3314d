"""What a survey asks: its choices, how many one person may choose, and when it closes. Nothing here writes.

The choices are kept as they were typed, a line each; what follows a survey has none, so people go on choosing in the
first. Whether somebody may still choose is asked of the alert as it stands (`is_open`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bell.alerts.models import Alert, State
from bell.lib import clock
from bell.organisations import kinds

CHOICES_LEAST, CHOICES_MOST = 2, 8
CHOICE_LONGEST = 60
MOST_WORDS = {1: "one", 2: "up to two", 3: "up to three"}
_OPEN = (State.SENDING, State.SENT)


def asks(kind: str) -> bool:
    """Whether alerts of a kind ask people to choose."""
    return kinds.FACTS[kind].votes


def choices(fields: Mapping[str, Any]) -> list[str]:
    """The choices in their order; empty lines and the marks of a list are nobody's choice."""
    lines = (line.strip().lstrip("-•*").strip() for line in str(fields.get("choices", "")).splitlines())
    return [line for line in lines if line]


def most(fields: Mapping[str, Any]) -> int:
    """How many of them one person may choose, a key of MOST_WORDS."""
    said = str(fields.get("most", ""))
    return int(said) if said in {str(number) for number in MOST_WORDS} else 1


def closes(kind: str, fields: Mapping[str, Any]) -> datetime | None:
    """When a survey closes by itself, or None: it is none, or a person closes it."""
    if not asks(kind):
        return None
    try:
        at = datetime.fromisoformat(str(fields.get("closes_at", "")))
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=clock.LONDON)


def said(name: str, value: str) -> str:
    """A field of a survey as readers see it: choices as a list, a number in words; any other as it is."""
    if name == "choices":
        return "\n".join(f"• {line}" for line in choices({"choices": value}))
    if name == "most" and value:
        return MOST_WORDS[most({"most": value})]
    return value


def first(alert: Alert) -> Alert:
    """The survey that an alert follows, however far back; the alert itself where it follows none."""
    while alert.follows is not None:
        alert = alert.follows
    return alert


def of(alert: Alert) -> Alert | None:
    """The survey in which somebody who got this alert chooses, or None."""
    survey = first(alert) if asks(alert.kind) else None
    return survey if survey is not None and choices(survey.fields) else None


def until(alert: Alert) -> datetime | None:
    """Until when people may choose in a survey; None: until a person closes it."""
    ends = [at for at in (alert.expires_at, closes(alert.kind, alert.fields)) if at is not None]
    return min(ends) if ends else None


def is_open(survey: Alert, now: datetime | None = None) -> bool:
    """Whether people may choose: it went out, was neither stopped nor closed, and its time has not passed."""
    end = until(survey)
    return survey.state in _OPEN and (end is None or end > (now or clock.now()))


def invites(frozen: Mapping[str, Any]) -> bool:
    """Whether a message (alerts.rules.snapshot) asks its readers to choose: what follows a closed survey does not."""
    if not asks(frozen["kind"]):
        return False
    if not frozen["follows"]:
        return True
    return is_open(first(Alert.objects.get(pk=frozen["follows"])))


def problems(alert: Alert) -> dict[str, str]:
    """What is wrong with a survey's own fields: field to words. What is missing is said elsewhere (alerts.rules)."""
    if not asks(alert.kind) or alert.follows_id:
        return {}
    found: dict[str, str] = {}
    given = choices(alert.fields)
    if words := _wrong_choices(given):
        found["choices"] = words
    elif most(alert.fields) >= len(given) and len(given) >= CHOICES_LEAST:
        found["most"] = "Let people choose fewer than there are choices, or every answer is the same."
    end = closes(alert.kind, alert.fields)
    if end is not None and end <= (alert.send_at or clock.now()):
        found["closes"] = "The survey would close before it is sent. Choose a later time, or leave it empty."
    return found


def _wrong_choices(given: list[str]) -> str:
    if not given:
        return ""
    if not CHOICES_LEAST <= len(given) <= CHOICES_MOST:
        return f"Write {CHOICES_LEAST} to {CHOICES_MOST} choices, one on each line. There are {len(given)} now."
    if long := [line for line in given if len(line) > CHOICE_LONGEST]:
        return f"Each choice must be {CHOICE_LONGEST} characters or fewer. This one is longer: {long[0][:30]}…"
    if len({line.casefold() for line in given}) < len(given):
        return "Two choices are the same. Write each once."
    return ""


def problems_of_translation(frozen: Mapping[str, Any], tag: str) -> str:
    """Why choices in another language cannot stand for the English ones, or nothing; without any, the English stand."""
    there = str(frozen["languages"][tag].get("fields", {}).get("choices", ""))
    if not asks(frozen["kind"]) or frozen["follows"] or not there.strip():
        return ""
    english, given = choices(frozen["fields"]), choices({"choices": there})
    if len(given) != len(english):
        return f"Write as many choices as in English, in the same order: {len(english)}. There are {len(given)} now."
    return _wrong_choices(given)


def spoken(alert: Alert, tag: str) -> list[str]:
    """The choices in a language in which the alert was written, in the order of the English; empty where it was not."""
    there = alert.languages.get(tag, {}).get("fields", {}).get("choices", "") if tag else ""
    given = choices({"choices": there})
    return given if len(given) == len(choices(alert.fields)) else []
