"""What differs between two states of one alert, in words: mine in the composer, and a colleague's that is saved."""

from typing import Any

from bell.alerts import content, rules
from bell.alerts.models import Alert
from bell.lib import clock
from bell.organisations import languages
from bell.staff import showing

Row = tuple[str, str, str]


def rows(mine: Alert, theirs: Alert) -> list[Row]:
    """(what, mine, theirs) of everything that a composer changes and that differs."""
    found = [
        ("Title", mine.title, theirs.title),
        ("Message", mine.body, theirs.body),
        ("Text message", mine.sms_text, theirs.sms_text),
        ("How it goes", _channels(mine), _channels(theirs)),
        ("Carried together with", _carriers(mine), _carriers(theirs)),
        ("Send at", _send_at(mine), _send_at(theirs)),
        ("Over after", _over_after(mine), _over_after(theirs)),
    ]
    for name, label in content.FIELD_LABELS.items():
        found.append((label, str(mine.fields.get(name, "")), str(theirs.fields.get(name, ""))))
    found.append(("Picture", mine.picture_alt, theirs.picture_alt))
    for tag in dict.fromkeys([*mine.languages, *theirs.languages]):
        found.append((languages.of(tag).name, _said(mine.languages.get(tag)), _said(theirs.languages.get(tag))))
    found.append(("Who gets it", _audience(mine), _audience(theirs)))
    return [row for row in found if row[1] != row[2]]


def _said(said: dict[str, Any] | None) -> str:
    """All that is said in one language."""
    parts = [said["title"], said["body"], said["sms_text"], *said["fields"].values()] if said else []
    return "\n\n".join(part for part in parts if part)


def _channels(alert: Alert) -> str:
    chosen = [name for name, on in (("email", alert.by_email), ("text message", alert.by_sms)) if on]
    return f"{', '.join(chosen) or 'none'}{', urgent' if alert.urgent else ''}"


def _carriers(alert: Alert) -> str:
    return ", ".join(one.name for one in showing.together(alert, rules.snapshot(alert)).carriers) or "nobody"


def _over_after(alert: Alert) -> str:
    return clock.said(alert.expires_at) if alert.expires_at else "when it is closed"


def _send_at(alert: Alert) -> str:
    return clock.said(alert.send_at) if alert.send_at else "at once"


def _audience(alert: Alert) -> str:
    return audience_words(alert, alert.audience)


def audience_words(alert: Alert, rule: dict[str, Any]) -> str:
    """Who is meant by a rule of this alert's organisation, in one line."""
    meant = showing.meant(alert, rule)
    parts = [*meant.areas, *meant.shapes, *meant.groups]
    parts += [f"also {words}" for words in (*meant.also_groups, *meant.also_in)]
    parts += [f"not {words}" for words in meant.left_out]
    return ", ".join(parts) or "nobody yet"
