"""Members against households, area by area; how they grew; where they came from."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.db.models.functions import TruncMonth

from bell.insight import hiding
from bell.insight.scope import Scope
from bell.lib import clock
from bell.places.models import Area, Households
from bell.residents.models import PlaceArea
from bell.residents.paper_models import SourceCode

MONTHS = 12
_OTHER = "Other ways"
# How a source that no poster or form made is named.
_SOURCES = {"": "Not recorded", "web": "The website", "demo": "The invented county"}


@dataclass(frozen=True)
class Row:
    """One area. A number is None where it may not be shown; `share` is members per 100 households."""

    area: Area
    members: int | None
    households: int | None
    share: float | None
    new_30: int | None
    new_90: int | None


@dataclass(frozen=True)
class Point:
    """How many of today's members had joined by the end of a month; None where it may not be shown."""

    month: datetime
    members: int | None


def kinds(scope: Scope) -> list[str]:
    """The kinds of area with figures, the fewest areas first."""
    counted = Counter(
        kind for pk, kind in Area.objects.public().offered().values_list("pk", "kind").order_by() if scope.holds(pk)
    )
    return sorted(counted, key=lambda kind: (counted[kind], kind))


def rows(scope: Scope, *, kind: str) -> list[Row]:
    """The areas of a kind that the scope holds, by name. What is hidden is decided over the whole force."""
    areas = list(Area.objects.public().offered().defer("boundary").order_by("name", "pk"))
    parents = {area.pk: area.parent_id for area in areas}
    members, new_30, new_90 = _counts()
    hidden = hiding.hide(parents, members)
    hidden_30 = hiding.hide(parents, new_30, forced=hidden)
    hidden_90 = hiding.hide(parents, new_90, forced=hidden)
    households = household_sums(parents, dict(Households.objects.public().values_list("area_id", "households")))
    found = []
    for area in areas:
        if area.kind != kind or not scope.holds(area.pk):
            continue
        number = None if area.pk in hidden else hiding.shown(members.get(area.pk, 0))
        homes = households.get(area.pk)
        found.append(
            Row(
                area=area,
                members=number,
                households=homes,
                share=round(number * 100 / homes, 1) if number and homes else None,
                new_30=None if area.pk in hidden_30 else hiding.shown(new_30.get(area.pk, 0)),
                new_90=None if area.pk in hidden_90 else hiding.shown(new_90.get(area.pk, 0)),
            )
        )
    return found


def _counts() -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """By area: members today, and those of them who joined in the last 30 and 90 days; each person once an area."""
    now = clock.now()
    person = "place__resident"

    def since(days: int) -> Q:
        return Q(place__resident__joined_at__gte=now - timedelta(days=days))

    found = (
        PlaceArea.objects.filter(place__resident__left_at=None)
        .order_by()
        .values("area_id")
        .annotate(
            members=Count(person, distinct=True),
            new_30=Count(person, distinct=True, filter=since(30)),
            new_90=Count(person, distinct=True, filter=since(90)),
        )
    )
    rows = list(found)
    return (
        {one["area_id"]: one["members"] for one in rows},
        {one["area_id"]: one["new_30"] for one in rows},
        {one["area_id"]: one["new_90"] for one in rows},
    )


def household_sums(parents: Mapping[int, int | None], own: Mapping[int, int]) -> dict[int, int]:
    """Households by area: its own figure, else the sum of its parts where every part has one."""
    children: dict[int, list[int]] = defaultdict(list)
    for pk, parent in parents.items():
        if parent is not None:
            children[parent].append(pk)
    found = dict(own)

    def total(pk: int, depth: int = 0) -> int | None:
        if pk not in found and children[pk] and depth < 20:
            parts = [total(child, depth + 1) for child in children[pk]]
            if all(part is not None for part in parts):
                found[pk] = sum(part for part in parts if part is not None)
        return found.get(pk)

    for pk in parents:
        total(pk)
    return found


def growth(scope: Scope) -> list[Point]:
    """Today's members by when they joined, at the end of each of the last months. Those who left are not in it."""
    joined = scope.members().order_by().annotate(month=TruncMonth("joined_at", tzinfo=clock.LONDON))
    by_month = dict(joined.values_list("month").annotate(count=Count("pk")))
    here = clock.local(clock.now()).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = [here]
    while len(months) < MONTHS:
        months.insert(0, (months[0] - timedelta(days=1)).replace(day=1))
    return [
        Point(month, hiding.shown(sum(count for at, count in by_month.items() if _key(at) <= _key(month))))
        for month in months
    ]


def _key(month: datetime) -> tuple[int, int]:
    """A month, whatever the clock's offset was in it."""
    return month.year, month.month


def sources(scope: Scope) -> list[tuple[str, int | None]]:
    """(where sign-ups came from, how many), the most first. Small ones stand together as others."""
    counted: Counter[str] = Counter()
    by_code = dict(scope.members().order_by().values_list("source").annotate(count=Count("pk")))
    labels = dict(SourceCode.objects.filter(code__in=by_code).values_list("code", "label"))
    for code, count in by_code.items():
        counted[labels.get(code) or _SOURCES.get(code) or code] += count
    return merged(counted)


def merged(counted: Mapping[str, int]) -> list[tuple[str, int | None]]:
    """Small counts put together, so that none under 5 is shown nor is what is left when the others are taken away."""
    large = sorted(((count, name) for name, count in counted.items() if count >= hiding.LEAST), reverse=True)
    rest = [count for count in counted.values() if 0 < count < hiding.LEAST]
    while rest and large and (len(rest) < 2 or sum(rest) < hiding.LEAST):
        rest.append(large.pop()[0])
    found: list[tuple[str, int | None]] = [(name, hiding.shown(count)) for count, name in large]
    return [*found, (_OTHER, hiding.shown(sum(rest)))] if rest else found
