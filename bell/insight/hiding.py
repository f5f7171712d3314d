"""Small numbers are not shown, and cannot be worked out from those that are.

The rule. A count under 5 is hidden. Counts of areas form a tree, and what is hidden could be had by taking the shown
parts from the shown whole; so in whatever remains when the nearest shown parts are taken from a shown whole, at least
two areas are hidden and together they count 5 or more. Where that is not so, the smallest shown area among the parts is
hidden as well; where no part is left to hide, the whole is hidden. Every other number is shown rounded to 5, so that
neither yesterday's page nor another page tells the last digit (targeting.md hides the same way while drawing).

What is hidden is decided over the whole force, never over what one officer may see: two officers cannot put their pages
together.
"""

from collections.abc import Iterable, Mapping

LEAST = 5
ROUND_TO = 5


def shown(count: int | None) -> int | None:
    """A number as it may be shown: rounded to 5; None when it is under 5 or not known."""
    if count is None or count < LEAST:
        return None
    return round(count / ROUND_TO) * ROUND_TO


def hide(parents: Mapping[int, int | None], counts: Mapping[int, int], forced: Iterable[int] = ()) -> set[int]:
    """The areas of a tree (id -> parent's id or None) whose counts must be hidden; `forced` are hidden anyway."""
    tree = _Tree(parents, counts)
    hidden = {pk for pk in parents if counts.get(pk, 0) < LEAST} | set(forced)
    changed = True
    while changed:
        changed = False
        # From the smallest wholes up: what is hidden below is seen above.
        for pk in tree.inner:
            more = tree.wanting(pk, hidden)
            if more:
                hidden |= more
                changed = True
    return hidden


class _Tree:
    """A tree of areas with their counts."""

    def __init__(self, parents: Mapping[int, int | None], counts: Mapping[int, int]) -> None:
        self.counts = counts
        self.children: dict[int, list[int]] = {}
        for pk, parent in sorted(parents.items()):
            if parent is not None and parent in parents:
                self.children.setdefault(parent, []).append(pk)
        self.inner = sorted(self.children, key=lambda pk: (len(self._leaves(pk)), pk))

    def _leaves(self, pk: int) -> list[int]:
        """The areas below that have no parts."""
        found: list[int] = []
        waiting, seen = [pk], {pk}
        while waiting:
            for child in self.children.get(waiting.pop(), []):
                if child in seen:
                    continue
                seen.add(child)
                (waiting if child in self.children else found).append(child)
        return found

    def _split(self, pk: int, hidden: set[int]) -> tuple[list[int], list[int]]:
        """(nearest shown areas below, hidden areas without parts that lie in none of those)."""
        frontier: list[int] = []
        lost: list[int] = []
        waiting, seen = [pk], {pk}
        while waiting:
            for child in self.children.get(waiting.pop(), []):
                if child in seen:
                    continue
                seen.add(child)
                if child not in hidden:
                    frontier.append(child)
                elif child in self.children:
                    waiting.append(child)
                else:
                    lost.append(child)
        return frontier, lost

    def wanting(self, pk: int, hidden: set[int]) -> set[int]:
        """What must be hidden too, so that nothing below or at this area can be worked out; empty when all is well."""
        frontier, lost = self._split(pk, hidden)
        if pk in hidden:
            # The sum of its parts would be the whole.
            return set() if lost else self._smallest(frontier)
        rest = self.counts.get(pk, 0) - sum(self.counts.get(one, 0) for one in frontier)
        if not lost or (len(lost) >= 2 and rest >= LEAST):
            return set()
        return self._smallest(frontier) or {pk}

    def _smallest(self, frontier: list[int]) -> set[int]:
        """The smallest of some shown areas; one with parts takes its own smallest part along, and so on down."""
        found: set[int] = set()
        while frontier:
            pk = min(frontier, key=lambda one: (self.counts.get(one, 0), one))
            found.add(pk)
            frontier = self.children.get(pk, [])
        return found
