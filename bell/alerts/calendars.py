"""The calendar file of an event (RFC 5545), for phones and desks: when, where, and what we sent."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from icalendar import Calendar, Event

from bell.alerts.models import Alert
from bell.lib import clock, links, markup
from bell.organisations.kinds import Kind

# Nobody is asked how long an event lasts, and without an end calendars draw it as a line.
_LASTS = timedelta(hours=1)


def begins(kind: str, fields: Mapping[str, Any]) -> datetime | None:
    """When an event begins, or None: it is none, or its time was written in words alone."""
    if kind != Kind.EVENT:
        return None
    try:
        at = datetime.fromisoformat(str(fields.get("event_time_at", "")))
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=clock.LONDON)


def of(alert: Alert) -> bytes | None:
    """The file of a public event, in UTC so that no calendar can move it by an hour; None where there is none."""
    start = begins(alert.kind, alert.fields)
    if start is None:
        return None
    event = Event()
    event.add("uid", f"{alert.reference}@{links.host()}")
    event.add("dtstamp", alert.sent_at or alert.created_at)
    event.add("dtstart", start.astimezone(UTC))
    event.add("dtend", start.astimezone(UTC) + _LASTS)
    event.add("summary", alert.title)
    event.add("location", str(alert.fields.get("event_place", "")))
    page = links.absolute(links.alert_page(alert.reference))
    event.add("description", f"{markup.plain(alert.body)}\n\n{page}")
    event.add("url", page)
    calendar = Calendar()
    calendar.add("prodid", "-//Derbyshire Alert//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
