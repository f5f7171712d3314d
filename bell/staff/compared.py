"""What differs between two frozen versions, in words and word by word: every key that is frozen, known here or not.

An approver must see everything that changed. So nothing is listed that would have to be added to: a key that nobody
has taught this page yet is shown by its own name, with its value as it is.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bell.alerts import content
from bell.alerts.models import Version
from bell.lib import clock
from bell.organisations.models import Organisation, Team
from bell.residents.models import Group
from bell.staff import ground

_LABELS = {
    "body": "message",
    "sms_text": "text message",
    "languages": "other languages",
    "picture": "picture",
    "by_email": "by email",
    "by_sms": "by text message",
    "urgent": "urgency",
    "areas": "areas",
    "shapes": "shapes on the map",
    "groups": "groups",
    "carriers": "organisations that carry it",
    "send_at": "time of sending",
    "expires_at": "when it is over",
    "on_behalf_of": "asked for by",
    **{name: label[:1].lower() + label[1:] for name, label in content.FIELD_LABELS.items()},
}
# Their keys say enough by themselves, without the name of what holds them.
_OPEN = ("fields", "audience")
# Texts longer than this are compared as a whole: word by word would take long and say little.
_MOST_WORDS = 2_000
_WORD = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True)
class Piece:
    """Some words: "same", "out" (only before) or "in" (only now)."""

    sort: str
    words: str


@dataclass(frozen=True)
class Change:
    """One thing that differs: its name, what it was and is, and for texts the words that went out and came in."""

    name: str
    was: str
    now: str
    pieces: tuple[Piece, ...] = ()


def since_last(version: Version) -> list[Change]:
    """What a version changed against the one before; nothing for the first."""
    before = version.alert.versions.filter(number__lt=version.number).last()
    return list(changes(before.frozen, version.frozen)) if before else []


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    """Every difference between two snapshots (alerts.rules.snapshot), in the order of the newer one."""
    old, new = dict(_flat(before)), dict(_flat(now))
    for path in [*new, *(path for path in old if path not in new)]:
        if old.get(path) == new.get(path):
            continue
        was, is_now = (_said(path[-1], side.get(path)) for side in (old, new))
        text = isinstance(new.get(path, old.get(path)), str) and path[-1] not in _SAID
        yield Change(_name(path), was, is_now, tuple(_pieces(was, is_now)) if text else ())


def _flat(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(path of keys, value) of everything that is no mapping itself, empty ones as nothing."""
    for key, one in value.items():
        here = (*path, str(key))
        if isinstance(one, Mapping):
            yield from _flat(one, here)
        elif one not in (None, "", []):
            yield here, one


def _name(path: tuple[str, ...]) -> str:
    """How a path is called: "message", "languages, pl, title"."""
    parts = [part for part in path if part not in _OPEN] or list(path)
    return ", ".join(_LABELS.get(part, part.replace("_", " ")) for part in parts)


def _said(key: str, value: Any) -> str:
    """A value in words; an empty one as "none"."""
    if value is None:
        return "none"
    if key in _SAID:
        try:
            return _SAID[key](value)
        except (TypeError, ValueError, KeyError):
            pass  # another shape than expected: as it is, then
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _organisations(numbers: list[int]) -> str:
    found = Organisation.objects.public().filter(pk__in=numbers).order_by("name").values_list("name", flat=True)
    return _all(list(found), len(numbers))


def _groups(numbers: list[int]) -> str:
    found = Group.objects.public().filter(pk__in=numbers).order_by("name").values_list("name", flat=True)
    return _all(list(found), len(numbers))


def _areas(numbers: list[int]) -> str:
    return _all(ground.names({"areas": numbers}), len(numbers))


def _all(names: list[str], count: int) -> str:
    """Names, and how many there are that are shown no more."""
    gone = [f"{count - len(names)} that are gone"] if count > len(names) else []
    return ", ".join([*names, *gone])


def _team(number: int) -> str:
    return ", ".join(Team.objects.public().filter(pk=number).values_list("name", flat=True))


_SAID: dict[str, Callable[[Any], str]] = {
    "areas": _areas,
    "shapes": lambda drawn: "; ".join(ground.described({"shapes": drawn})),
    "groups": _groups,
    "carriers": _organisations,
    "on_behalf_of": lambda number: _organisations([number]),
    "team": _team,
    "send_at": lambda moment: clock.said(datetime.fromisoformat(moment)),
    "expires_at": lambda moment: clock.said(datetime.fromisoformat(moment)),
}


def _pieces(was: str, now: str) -> Iterator[Piece]:
    """Two texts word by word, so that a changed number is seen in a long message."""
    one, two = (_WORD.findall(text if text != "none" else "") for text in (was, now))
    if max(len(one), len(two)) > _MOST_WORDS:
        yield Piece("out", was)
        yield Piece("in", now)
        return
    for sort, a, b, c, d in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if sort == "equal":
            yield Piece("same", "".join(one[a:b]))
            continue
        if a < b:
            yield Piece("out", "".join(one[a:b]))
        if c < d:
            yield Piece("in", "".join(two[c:d]))
