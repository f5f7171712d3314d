"""Several hands on one draft: whose page saved last, what a colleague would lose, and what of it goes into the record.

A page of the composer is a *sitting*: it has a random name, and saves by itself while somebody types. The alert keeps
the name of the sitting that saved last, so that a page never takes its own last save for a colleague's.
"""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from bell.alerts.models import Alert
from bell.lib import clock
from bell.organisations.models import Officer

# Saves by themselves of one officer within this time are one entry of the record: the first (decision 19).
ONE_ENTRY = timedelta(minutes=10)
_NAME = re.compile(r"[A-Za-z0-9_-]{8,32}", re.ASCII)


def new() -> str:
    """The name of a new sitting."""
    return secrets.token_urlsafe(12)


def tidy(name: str) -> str:
    """A name as a page may send it back, or "" for anything else."""
    return name if _NAME.fullmatch(name) else ""


def moved_on(alert: Alert, seen: int | None, sitting: str) -> bool:
    """Whether somebody else, or another page, saved since a page showed edit number `seen` (None: it does not ask)."""
    if seen is None or seen == alert.edit:
        return False
    return not (sitting and sitting == alert.sitting)


def differs(alert: Alert, changes: dict[str, Any]) -> bool:
    """Whether saving these would change anything."""
    return any(getattr(alert, name) != value for name, value in changes.items())


def needs_entry(alert: Alert, by: Officer, *, quietly: bool) -> bool:
    """Whether a save is written into the record: what a person asked for always, a page's own saves once a while."""
    if not quietly or alert.last_editor_id != by.pk or alert.noted_at is None:
        return True
    return not timedelta(0) <= clock.now() - alert.noted_at < ONE_ENTRY


def said(at: datetime | None) -> str:
    """When something was saved, in words: "2:02pm"."""
    here = clock.local(at or clock.now())
    return clock.minute_said(here.hour * 60 + here.minute)
