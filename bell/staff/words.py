"""How numbers, times and states are said on the desk."""

from datetime import datetime, timedelta

from bell.alerts.audience import hidden
from bell.alerts.checks import Level
from bell.alerts.counting import Roughly
from bell.alerts.models import State
from bell.conversations.rules import CLOCK
from bell.lib import clock
from bell.organisations.models import Officer, Organisation

STATE_COLOURS: dict[str, str] = {
    State.DRAFT: "grey",
    State.SUBMITTED: "amber",
    State.RETURNED: "red",
    State.REJECTED: "red",
    State.APPROVED: "blue",
    State.SCHEDULED: "blue",
    State.HELD: "amber",
    State.SENDING: "amber",
    State.SENT: "green",
    State.STOPPED: "red",
    State.CLOSED: "grey",
    State.WITHDRAWN: "grey",
    State.EXPIRED: "grey",
}
# What a finding of the checks means for the approval: words and a colour.
LEVELS = {
    Level.NOTE: ("Worth a look", "grey"),
    Level.CARE: ("Needs a reason", "amber"),
    Level.SENIOR: ("Needs a senior approver", "red"),
}
_SOON = timedelta(hours=24)


def bytes_said(number: int) -> str:
    """A size in words: 98 kB, 1.4 MB, 29 GB."""
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if number >= size:
            return f"{number / size:,.1f} {unit}" if number < 10 * size else f"{number / size:,.0f} {unit}"
    return f"{max(1, round(number / 1000))} kB"


def pounds(pence: float) -> str:
    """Money: £0.96, £1,204.10; part of a penny shows only where the whole is less than ten pence."""
    if 0 < pence < 10 and pence != round(pence):
        return f"{pence:.1f}p"
    return f"£{pence / 100:,.2f}"


def lasting(time: timedelta) -> str:
    """A length of time in its largest whole unit: "2 days", "5 hours", "1 minute"."""
    minutes = max(0, int(time.total_seconds() // 60))
    for size, name in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= (2 if name == "day" else 1) * size:
            number = minutes // size
            return f"{number} {name}{'s' if number != 1 else ''}"
    return "less than a minute"


def rate(per_second: float) -> str:
    """How fast: "1,240 a second", "4 a second", "about 30 a minute"."""
    if per_second >= 9.95:
        return f"{per_second:,.0f} a second"
    if per_second >= 1:
        return f"{per_second:.1f} a second".replace(".0 ", " ")
    return f"{per_second * 60:.0f} a minute" if per_second else "none"


def roughly(seconds: float) -> str:
    """How long something will take, no more exactly than anyone knows: "20 seconds", "3 minutes", "2 hours"."""
    if seconds < 55:
        rounded = max(5, round(seconds / 5) * 5)
        return f"{rounded} seconds"
    return lasting(timedelta(minutes=max(1, round(seconds / 60))))


def waited(since: datetime | None) -> tuple[str, str]:
    """How long someone has waited, in words, and how pressing it is: "", "soon" (a day left) or "late" (72 hours)."""
    if since is None:
        return "", ""
    gone = clock.now() - since
    if gone > CLOCK:
        return f"waited {lasting(gone)}, overdue", "late"
    left = CLOCK - gone
    if left < _SOON:
        return f"waited {lasting(gone)}, {lasting(left)} left", "soon"
    return f"waited {lasting(gone)}", ""


def number(exact: int, officer: Officer) -> str:
    """A count of people as an officer may see it: a partner's is rounded to 5 and hidden under 5 (promises.md)."""
    if officer.organisation.sort == Organisation.Sort.FORCE:
        return f"{exact:,}"
    rounded = hidden(exact)
    return "fewer than 5" if rounded is None else f"{rounded:,}"


def _about(number: int | None) -> str:
    """A rounded number as it may be shown while drawing."""
    if number is None:
        return "fewer than 5"
    return f"{number:,}" if number else "none"


def counted(rough: Roughly, *, by_email: bool, by_sms: bool) -> str:
    """ "About 310 people: 300 by email, 40 also by text (£0.96)", as the composer says it."""
    if rough.people is None:
        return "Fewer than 5 people, perhaps nobody"
    who = f"{'At most about' if rough.at_most else 'About'} {rough.people:,} people"
    parts = []
    if by_email:
        parts.append(f"{_about(rough.emails)} by email")
    if by_sms:
        cost = f" ({pounds(rough.pence)})" if rough.pence else ""
        parts.append(f"{_about(rough.texts)} {'also ' if by_email else ''}by text{cost}")
    more = f". About {rough.beyond:,} of them have their place outside your patch" if rough.beyond else ""
    less = ". Those without a place there too are taken out when you submit" if rough.at_most else ""
    return f"{who}: {', '.join(parts)}{more}{less}"
