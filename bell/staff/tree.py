"""The tree of areas that a team may choose, for the composer's ticks."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import QuerySet

from bell.organisations import rules
from bell.organisations.models import Team
from bell.places.models import Area

_FEW = 30


@dataclass
class Node:
    """One area with a tick, and those within it. `within` names a parent that cannot itself be chosen."""

    pk: int
    name: str
    kind: str
    ticked: bool
    number: int = 0
    within: str = ""
    shown: bool = False
    children: list["Node"] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether what is within lies open: something there is ticked."""
        return self.shown or any(child.ticked or child.open for child in self.children)


def choices(team: Team | None) -> list[tuple[int, str]]:
    """Every area that the team may choose by name (None: of all), retired ones too: an older draft may hold one."""
    allowed = rules.patch_area_ids(team) if team else None
    areas = Area.objects.public()
    if allowed is not None:
        areas = areas.filter(pk__in=allowed)
    return list(areas.values_list("pk", "name"))


def roots(team: Team | None, ticked: Collection[int]) -> list[Node]:
    """The areas as trees: the topmost first, each in order of name."""
    ids = [pk for pk, _ in choices(team)]
    return _built(Area.objects.public().filter(pk__in=ids), ticked)


def every(ticked: Collection[int]) -> list[Node]:
    """Every area there is, as trees: for the patch of a team."""
    return _built(Area.objects.public(), ticked)


def _built(areas: QuerySet[Area], ticked: Collection[int]) -> list[Node]:
    """The trees of these areas; of retired ones only those that are ticked already."""
    found = areas.select_related("parent").defer("boundary", "parent__boundary")
    rows = [row for row in found if row.retired_at is None or row.pk in ticked]
    nodes = {row.pk: Node(row.pk, _named(row), row.kind, row.pk in ticked) for row in rows}
    below: dict[int | None, list[Node]] = defaultdict(list)
    for row in rows:
        node = nodes[row.pk]
        if row.parent_id in nodes:
            below[row.parent_id].append(node)
        else:
            node.within = row.parent.name if row.parent else ""
            below[None].append(node)
    for pk, node in nodes.items():
        node.children = below[pk]
    if len(below[None]) == 1 and len(below[None][0].children) <= _FEW:
        below[None][0].shown = True  # one area that holds all the others: what is within it lies open
    _number(below[None])
    return below[None]


def _named(area: Area) -> str:
    """A retired area is shown only where it is ticked, and says so."""
    return area.name if area.retired_at is None else f"{area.name} (no longer in use)"


def _number(top: list[Node]) -> None:
    """Number the ticks from 0 in the order of the page, so that the first has the id that error links lead to."""
    waiting, number = list(reversed(top)), 0
    while waiting:
        node = waiting.pop()
        node.number, number = number, number + 1
        waiting.extend(reversed(node.children))
