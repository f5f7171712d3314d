"""Breaking one invariant on purpose, after the rehearsal and before the checks: they must notice."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bell.delivery.models import Delivery
from bell.delivery.models import State as Delivered
from bell.lib import clock
from bell.proving.rehearse import spools
from bell.proving.rehearse.spools import Copy
from bell.proving.rehearse.story import GRACE, Story
from bell.proving.spool import MAILS, TEXTS, Spool


class Impossible(Exception):
    """There is nothing here to break in this way."""


def commit(name: str, story: Story) -> None:
    """Break the invariant of that name."""
    acts: dict[str, Callable[[Story], None]] = {
        "I1": _lose,
        "I2": _double,
        "I3": _late,
        "I4": _unapproved,
        "I5": _alter,
    }
    acts[name](story)


def _append(story: Story, copy: Copy, **changes: Any) -> None:
    """Add a copy to the spool it came from."""
    file = MAILS if copy.channel == "email" else TEXTS
    Spool(story.doors.spool / file).append({**copy.line, **changes})


def _copies(story: Story, name: str = "main") -> list[Copy]:
    """The copies of one alert in the spools."""
    reference = next(one for one in story.sent if one.name == name).version.alert.reference
    found = [copy for copy in spools.read(story.doors.spool) if copy.reference == reference]
    if not found:
        raise Impossible(f"The spools hold no copy of the alert ({name}).")
    return found


def _lose(story: Story) -> None:
    """Forget one person: a delivery vanishes without a trace, and with it whatever answered it."""
    rows = Delivery.objects.filter(
        mailing=story.main.version.mailing_id, state__in=[Delivered.SENT, Delivered.DELIVERED]
    )
    lost = rows.order_by("pk").first()
    if lost is None:
        raise Impossible("Nobody got the alert.")
    lost.delete()


def _double(story: Story) -> None:
    """Send one person a second copy."""
    _append(story, _copies(story)[0])


def _late(story: Story) -> None:
    """Go on sending after the stop, and to someone who opted out."""
    copy = _copies(story, "stopped")[0]
    moment = (story.stopped_at or clock.now()) + GRACE + timedelta(seconds=1)
    _append(story, copy, at=moment.isoformat())


def _unapproved(story: Story) -> None:
    """Let the alert out that nobody approved."""
    wrong = next(one for one in story.tried if one.name == "unapproved")
    copy = _copies(story)[0]
    field = "data" if copy.channel == "email" else "text"
    words = copy.line[field].replace(story.main.version.alert.reference, wrong.alert.reference)
    _append(story, copy, **{field: words.replace("Sheds broken into last night", wrong.alert.title)})


def _alter(story: Story) -> None:
    """Change one word of one copy on its way."""
    copy = _copies(story)[0]
    file = story.doors.spool / (MAILS if copy.channel == "email" else TEXTS)
    lines = file.read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        if copy.to in line and "Please look at your cameras" in line and copy.reference in line:
            lines[number] = line.replace("Please look at your cameras", "Please send us your cameras")
            file.write_text("".join(lines))
            return
    raise Impossible("The copy is not where it was.")


_ACTS: dict[str, Callable[[Story], None]] = {"I1": _lose, "I2": _double, "I3": _late, "I4": _unapproved, "I5": _alter}
