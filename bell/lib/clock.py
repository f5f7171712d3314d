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


def quiet_end(at: datetime, begins: int, ends: int) -> datetime | None:
    """When quiet hours that hold at a moment are over, or None when they do not hold then.

    `begins` and `ends` are minutes after midnight on London's clocks; hours that begin later than they end go over
    midnight. They hold whenever the clocks show one of their minutes. An end that the clocks skip in spring is an hour
    later; of one that comes twice in autumn it is the first that is still ahead.
    """
    here = local(at)
    minute = here.hour * 60 + here.minute
    over_midnight = begins > ends
    if not ((begins <= minute or minute < ends) if over_midnight else (begins <= minute < ends)):
        return None
    day = here.date() + timedelta(days=1 if over_midnight and minute >= begins else 0)
    end = datetime(day.year, day.month, day.day, ends // 60, ends % 60, tzinfo=LONDON)
    first, second = end.astimezone(UTC), end.replace(fold=1).astimezone(UTC)
    return first if first > at else second


def next_at(after: datetime, hour: int, weekday: int | None = None) -> datetime:
    """The next moment after this one at which London's clocks show a whole hour, in UTC; on a weekday (Monday is 0) if
    one is given. An hour that the clocks skip in spring is an hour later, one that comes twice in autumn is the first.
    """
    day = local(after).date()
    while True:
        at = datetime(day.year, day.month, day.day, hour, tzinfo=LONDON).astimezone(UTC)
        if at > after and weekday in (None, day.weekday()):
            return at
        day += timedelta(days=1)


def said(at: datetime, *, today: date | None = None) -> str:
    """A moment as people say it: "today at 2:40pm", "yesterday at 9am", "Friday 20 November at 9:15am".

    `today` is London's date to speak from (default: the present one); the year is said when it is another one.
    """
    here = local(at)
    day = here.date()
    today = today or local(now()).date()
    return f"{_day(day, today)} at {_hour(here)}"


def minute_said(minute: int) -> str:
    """A minute of the day on London's clocks, as people say it: 1290 is "9:30pm"."""
    return _hour(datetime(2026, 1, 1, minute // 60, minute % 60, tzinfo=LONDON))


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
