"""Who is meant, as data: what an alert's JSON says of its audience, read into one frozen value.

`Alert.audience` is {"areas": [id], "shapes": [GeoJSON feature], "groups": [id]} and, where something more was asked,
any of these keys; a key that is missing asks for nothing, so that whatever was frozen before they existed means what it
meant then:

- `not_areas`, `not_shapes`: a place there does not count. Whoever has another place that is meant is still meant.
- `also_areas`, `also_shapes`: a person must have a place there too, in any of them; it may be the same place.
- `not_groups`: a member of any of these is left out.
- `also_groups`: a person must be a member of each of these, whichever of `groups` brought them in.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bell.alerts.models import Relation
from bell.delivery.models import Channel

GROUND_KEYS = ("areas", "shapes", "not_areas", "not_shapes", "also_areas", "also_shapes")
GROUP_KEYS = ("groups", "not_groups", "also_groups")
KEYS = GROUND_KEYS + GROUP_KEYS
# What every audience has, and what is written down only where it is asked for.
PLAIN_KEYS = ("areas", "shapes", "groups")


class Part(StrEnum):
    """What a piece of ground is for."""

    IN = "in"
    NOT = "not"
    ALSO = "also"


@dataclass(frozen=True)
class Ground:
    """Areas (ids) and drawn shapes (GeoJSON features) together."""

    areas: tuple[int, ...] = ()
    shapes: tuple[Any, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.areas or self.shapes)


@dataclass(frozen=True)
class Rule:
    """People with a place in these areas or shapes, in any of these groups (none: everyone), and what narrows that.

    `follows` names earlier mailings instead: the people who were sent any of them, and whoever the areas or shapes mean
    today, where there are any ("also the present audience").
    """

    organisation: int
    kind: str
    channels: tuple[str, ...]
    areas: tuple[int, ...] = ()
    shapes: tuple[Any, ...] = ()
    groups: tuple[int, ...] = ()
    not_areas: tuple[int, ...] = ()
    not_shapes: tuple[Any, ...] = ()
    not_groups: tuple[int, ...] = ()
    also_areas: tuple[int, ...] = ()
    also_shapes: tuple[Any, ...] = ()
    also_groups: tuple[int, ...] = ()
    follows: tuple[int, ...] | None = None  # ids of the mailings with which the earlier alerts went out
    but_not: tuple[int, ...] = ()  # ids of mailings whose people have this message already
    kept: bool = False  # with `follows`: also those who still wait for it in a digest

    @classmethod
    def of(
        cls,
        frozen: dict[str, Any],
        follows_mailings: tuple[int, ...] | None = None,
        *,
        carrier: int | None = None,
        but_not: tuple[int, ...] = (),
    ) -> "Rule":
        """The rule in a frozen version (alerts.rules.snapshot), for its own organisation or for one that carries it."""
        chosen = [(Channel.EMAIL, frozen["by_email"]), (Channel.SMS, frozen["by_sms"])]
        return cls(
            organisation=carrier or frozen["organisation"],
            kind=frozen["kind"],
            channels=tuple(str(channel) for channel, on in chosen if on),
            follows=follows_mailings,
            but_not=but_not,
            kept=frozen["relation"] == Relation.UPDATE,
            **{key: tuple(frozen["audience"].get(key, [])) for key in KEYS},
        )

    def ground(self, part: Part) -> Ground:
        """The areas and shapes of one part."""
        if part == Part.IN:
            return Ground(self.areas, self.shapes)
        return (
            Ground(self.not_areas, self.not_shapes) if part == Part.NOT else Ground(self.also_areas, self.also_shapes)
        )


def tidy(audience: dict[str, Any]) -> dict[str, Any]:
    """An audience as it is kept: the plain keys always, the others only where they hold something."""
    return {key: list(audience.get(key) or []) for key in KEYS if key in PLAIN_KEYS or audience.get(key)}
