"""Breaking one invariant on purpose, after the rehearsal and before the checks: they must notice it."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bell.audit.models import Entry
from bell.delivery.models import Delivery
from bell.delivery.models import State as Delivered
from bell.evidence import store
from bell.evidence.models import Exhibit
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
    mailings = [mailing for one in story.sent for mailing in one.mailings()]
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


def _move(story: Story) -> None:
    """Let a report that comes late undo what is known: a text that arrived is said to have failed."""
    arrived = Delivery.objects.filter(pk__in=story.replayed.delivered, state=Delivered.DELIVERED).order_by("pk").first()
    if arrived is None:
        raise Impossible("No report says that a text arrived.")
    Delivery.objects.filter(pk=arrived.pk).update(state=Delivered.FAILED, reason="a late report")


def _rewrite(story: Story) -> None:
    """Change one entry of the record that is sealed already."""
    sealed = Entry.objects.filter(position__isnull=False).exclude(target_type__in=["alert", "exhibit"])
    entry = sealed.order_by("position").first()
    if entry is None:
        raise Impossible("The record has no entry that could be changed.")
    Entry.objects.filter(pk=entry.pk).update(why="It was otherwise")


def _forge(story: Story) -> None:
    """Change one byte of a sealed original, and leave no other trace."""
    exhibit = Exhibit.objects.select_related("upload").order_by("pk").first()
    if exhibit is None:
        raise Impossible("No footage was sealed.")
    path = store.original(exhibit.upload.key)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    path.chmod(0o400)


_ACTS: dict[str, Callable[[Story], None]] = {
    "I1": _lose, "I2": _double, "I3": _late, "I4": _unapproved, "I5": _alter, "I6": _move, "I7": _rewrite, "I8": _forge,
}  # fmt: skip
