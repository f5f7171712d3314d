"""The time: aware and in UTC inside, in London's words on screens."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def local(at: datetime) -> datetime:
    """The same moment on London's clocks. ValueError for a time without a zone: nobody knows which moment it is."""
    if at.tzinfo is None:
        raise ValueError("A time without a time zone is not a moment")
    return at.astimezone(LONDON)


def said(at: datetime, *, today: date | None = None) -> str:
    """A moment as people say it: "today at 2:40pm", "yesterday at 9am", "Friday 20 November at 9:15am".

    `today` is London's date to speak from (default: the present one); the year is said when it is another one.
    """
    here = local(at)
    day = here.date()
    today = today or local(now()).date()
    return f"{_day(day, today)} at {_hour(here)}"


def _day(day: date, today: date) -> str:
    near = {today: "today", today - timedelta(days=1): "yesterday", today + timedelta(days=1): "tomorrow"}
    if day in near:
        return near[day]
    words = f"{day:%A} {day.day} {day:%B}"
    return words if day.year == today.year else f"{words} {day.year}"


def _hour(here: datetime) -> str:
    """The hour in the style of GOV.UK: 9am, 2:40pm, midday, midnight."""
    if here.minute == 0 and here.hour in (0, 12):
        return "midday" if here.hour else "midnight"
    minutes = f":{here.minute:02}" if here.minute else ""
    return f"{here.hour % 12 or 12}{minutes}{'am' if here.hour < 12 else 'pm'}"
