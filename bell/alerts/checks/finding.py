"""What a check looks at and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any


class Level(IntEnum):
    """What a finding means for the approval."""

    NOTE = 1  # worth a look
    CARE = 2  # whoever approves says why it may go all the same
    SENIOR = 3  # and must be an approver of a team for the whole force


@dataclass(frozen=True)
class Finding:
    """One thing that a check noticed: `field` of the composer, `excerpt` of the text ("" where it is of no words)."""

    check: str
    level: Level
    words: str
    field: str = ""
    excerpt: str = ""

    def as_json(self) -> dict[str, Any]:
        """As it is kept beside the version."""
        return {**vars(self), "level": int(self.level)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Finding":
        """Back from what was kept."""
        return cls(**{**value, "level": Level(value["level"])})


@dataclass(frozen=True)
class Subject:
    """A frozen alert (rules.snapshot) with what the checks share. `site`: the host name of our own pages."""

    frozen: Mapping[str, Any]
    site: str = ""

    @cached_property
    def texts(self) -> dict[str, str]:
        """{field of the composer: text} of everything that people will read."""
        found = {name: str(self.frozen.get(name) or "") for name in ("title", "body", "sms_text")}
        found["picture"] = str(self.frozen.get("picture", {}).get("alt", ""))
        found |= {name: value for name, value in self.frozen.get("fields", {}).items() if isinstance(value, str)}
        return {name: text for name, text in found.items() if text.strip()}

    @property
    def kind(self) -> str:
        """The kind of alert."""
        return str(self.frozen.get("kind", ""))
