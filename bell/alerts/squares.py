"""What counting while drawing reads of followers: sums over small squares, and what part of them a message reaches.

Neither depends on what is drawn, so where residents are very many both are kept in this process for some minutes:
officers move a corner and count again, and the same squares lie below.
"""

from itertools import pairwise

import numpy as np
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.expressions import Combinable

from bell.alerts import audience
from bell.alerts.rule import Rule
from bell.lib import blocks, cells, keys
from bell.lib.cells import Floats, Ints
from bell.lib.kept import Kept
from bell.residents.models import Following, GroupMember, Place, Resident

ENOUGH = 5_000
"""Of more residents than this a sample is asked what they chose, and answers are kept."""

# Of so many people a share is off by one in a hundred, where blocks put a count off by four and more (decision 13).
_SAMPLE = 2_000
_SECONDS = 600
# Where in a resident's key the two bits stand that say how often they count: 0, 1, 1 or 2 times.
_BIT = 40
# And where the two bits stand that say how often their cameras do: known numbers of people say nothing of cameras.
_CAMERA_BIT = 42
_TOP_SHIFT = 2 * (cells.BITS - blocks.TOP)

_sums: Kept[tuple[Ints, Floats]] = Kept(seconds=_SECONDS, most=500)
_parts: Kept[dict[tuple[str, ...], float]] = Kept(seconds=_SECONDS, most=500)


def forget() -> None:
    """Keep nothing: the next count reads everything anew."""
    _sums.forget()
    _parts.forget()


def weight(key: str) -> Combinable:
    """How often a person counts, by the column of their key: 0, 1, 1 or 2 times. No page shows these bits of a key."""
    return F(key).bitrightshift(_BIT).bitand(1) + F(key).bitrightshift(_BIT + 1).bitand(1)


def camera_weight(key: str) -> Combinable:
    """How often a person's cameras count: likewise, by two other bits."""
    return F(key).bitrightshift(_CAMERA_BIT).bitand(1) + F(key).bitrightshift(_CAMERA_BIT + 1).bitand(1)


def followers(organisation: int, group: int | None = None) -> QuerySet[Resident]:
    """Everyone who follows an organisation, or those of them who are in one group."""
    found = Resident.objects.filter(
        Exists(Following.objects.filter(resident=OuterRef("pk"), organisation=organisation)), left_at=None
    )
    if group is None:
        return found
    return found.filter(Exists(GroupMember.objects.members().filter(resident=OuterRef("pk"), group=group)))


def sums(organisation: int, group: int | None, around: list[cells.Range]) -> tuple[Ints, Floats]:
    """The followers with a place in these whole squares (of blocks.TOP), by smallest square, each as they count."""
    if not around or not _very_many():
        return _read(organisation, group, around)
    tops = [top for first, last in around for top in range(first >> _TOP_SHIFT, (last >> _TOP_SHIFT) + 1)]
    found = {top: _sums.find((organisation, group, top)) for top in tops}
    if missing := [top for top, kept in found.items() if kept is None]:
        ranges = [(top << _TOP_SHIFT, ((top + 1) << _TOP_SHIFT) - 1) for top in missing]
        tile, held = _read(organisation, group, ranges)
        starts = np.searchsorted(tile, [first >> blocks.SHIFT for first, _ in ranges])
        for top, (start, end) in zip(missing, pairwise([*starts.tolist(), len(tile)]), strict=True):
            found[top] = own = (tile[start:end].copy(), held[start:end].copy())
            _sums.keep((organisation, group, top), own)
    every = zip(*(one for one in found.values() if one is not None), strict=True)
    tiles, counts = (np.concatenate(column) for column in every)
    return tiles, counts


def _read(organisation: int, group: int | None, around: list[cells.Range]) -> tuple[Ints, Floats]:
    """The sums in these ranges as the database has them now, in the order of the squares."""
    found = Place.objects.filter(
        audience.ranges(around),
        Exists(Following.objects.filter(resident=OuterRef("resident"), organisation=organisation)),
        resident__left_at=None,
    )
    if group is not None:
        found = found.filter(Exists(GroupMember.objects.members().filter(resident=OuterRef("resident"), group=group)))
    rows = found.order_by().values(tile=F("cell").bitrightshift(blocks.SHIFT)).annotate(n=Sum(weight("resident__key")))
    table = np.array(sorted(rows.values_list("tile", "n")), dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1].astype(np.float64)


def reached(rule: Rule) -> dict[tuple[str, ...], float]:
    """What part of all followers gets this kind by the rule's channels, and by each alone; of very many a sample."""
    asked = (rule.organisation, rule.kind, rule.channels, rule.but_not)
    if not _very_many():
        return _parts_of(rule, keys.LARGEST)
    parts = _parts.find(asked)
    if parts is None:
        # Keys are random, so the smallest ones are anybody's.
        smallest = Resident.objects.order_by("key").values_list("key", flat=True)
        parts = _parts_of(rule, next(iter(smallest[_SAMPLE - 1 : _SAMPLE]), keys.LARGEST))
        _parts.keep(asked, parts)
    return parts


def _parts_of(rule: Rule, limit: int) -> dict[tuple[str, ...], float]:
    """The same of the followers with keys up to a limit."""
    everyone = followers(rule.organisation).filter(key__lte=limit).count() or 1
    # A person has one contact a channel at most.
    by = {f"by_{one}": Count("id", filter=Q(channel=one)) for one in rule.channels}
    found = audience.reachable(rule).filter(resident__key__lte=limit)
    numbers = found.aggregate(people=Count("resident", distinct=True), **by)
    parts = {(one,): numbers[f"by_{one}"] / everyone for one in rule.channels}
    return parts | {rule.channels: numbers["people"] / everyone}


def _very_many() -> bool:
    """Whether there are more than ENOUGH. The newest one's number does not say: many may have come and gone."""
    return Resident.objects.order_by("key").values("key")[ENOUGH : ENOUGH + 1].exists()
