"""Breaking one invariant on purpose, after the rehearsal and before the checks: they must notice it."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
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
    _ACTS[name](story)


def _file(story: Story, copy: Copy) -> Path:
    """The spool in which a copy stands."""
    return story.doors.spool / (MAILS if copy.channel == "email" else TEXTS)


def _append(story: Story, copy: Copy, **changes: Any) -> None:
    """Add a copy to the spool it came from."""
    Spool(_file(story, copy)).append({**copy.line, **changes})


def _change(story: Story, copy: Copy, **changes: Any) -> None:
    """Change a copy where it stands."""
    lines = list(Spool(_file(story, copy)).all())
    at = lines.index(copy.line)
    lines[at] = {**copy.line, **changes}
    _file(story, copy).write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def _copies(story: Story, name: str = "main") -> list[Copy]:
    """The copies of one alert in the spools."""
    reference = next(one for one in story.sent if one.name == name).version.alert.reference
    found = [copy for copy in spools.read(story.doors.spool) if copy.reference == reference]
    if not found:
        raise Impossible(f"The spools hold no copy of the alert ({name}).")
    return found


def _lose(story: Story) -> None:
    """Forget one person of the audience: a delivery that did not go out vanishes without a trace."""
    mailings = [one.version.mailing_id for one in story.sent]
    ends = [Delivered.CANCELLED, Delivered.SUPPRESSED, Delivered.SENT, Delivered.DELIVERED]
    for state in ends:
        lost = Delivery.objects.filter(mailing__in=mailings, state=state).order_by("pk").first()
        if lost is not None:
            lost.delete()
            return
    raise Impossible("There is no delivery to lose.")


def _double(story: Story) -> None:
    """Send one person a second copy."""
    _append(story, _copies(story)[0])


def _late(story: Story) -> None:
    """Go on sending after the stop: the last copy left six seconds after it."""
    moment = (story.stopped_at or clock.now()) + GRACE + timedelta(seconds=1)
    _change(story, _copies(story, "stopped")[-1], at=moment.isoformat())


def _unapproved(story: Story) -> None:
    """Let the alert out that nobody approved, by a way that leaves no delivery."""
    wrong = next(one for one in story.tried if one.name == "unapproved")
    main = story.main.version.alert
    copy = _copies(story)[0]
    field = "data" if copy.channel == "email" else "text"
    words = copy.line[field].replace(main.reference, wrong.alert.reference).replace(main.title, wrong.alert.title)
    words = words.replace("Message-ID: <d", "Message-ID: <x")
    _append(story, copy, **{field: words, "reference": "none"})


def _alter(story: Story) -> None:
    """Change one word of one copy on its way."""
    copy = _copies(story)[0]
    field = "data" if copy.channel == "email" else "text"
    words = copy.line[field].replace("look at your cameras", "send us your cameras", 1)
    if words == copy.line[field]:
        raise Impossible("The copy has not the words that were to be changed.")
    _change(story, copy, **{field: words})


_ACTS: dict[str, Callable[[Story], None]] = {"I1": _lose, "I2": _double, "I3": _late, "I4": _unapproved, "I5": _alter}
