"""The worker's part of an import of areas: read, count, write, place; step by step, each step a transaction.

The row holds the state, how far it is, and a lease. Whoever dies leaves a lease that runs out; whoever was only slow
finds the fence risen and stops. A step is either done and noted or not done, so nothing is placed or counted twice.
"""

import io
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely
from django.db import transaction
from django.db.models import F, Q
from shapely.geometry.base import BaseGeometry

from bell.audit.record import record
from bell.lib import clock, shapes
from bell.places import boundaries, planning
from bell.places.models import Area
from bell.places.planning import Change, Columns, Facts
from bell.places.reading import ImportRefused
from bell.residents.area_import import content
from bell.residents.area_models import BUSY, AreaChange, AreaImport
from bell.residents.area_models import ImportState as State
from bell.residents.areas import refresh
from bell.residents.models import Place, Resident

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)  # of one step, reading a whole county among them
STEP = 5000  # residents or places
MOST_TRIES = 5
_SLICE_SECONDS = 20.0


class _Late(Exception):
    """Somebody else has taken the import over."""


def run_due() -> int:
    """Work on the import that waits, for some seconds; how many steps were done."""
    run = _claim()
    if run is None:
        return 0
    work, done, until = _Work(run), 0, time.monotonic() + _SLICE_SECONDS
    try:
        while run.state in BUSY and time.monotonic() < until:
            _STEPS[State(run.state)](work)
            done += 1
    except _Late:
        log.info("import of areas %s was taken over", run.pk)
        return done
    except Exception:
        _give_back(run)
        raise
    _give_back(run)
    return done


def _claim() -> AreaImport | None:
    """Take what waits and nobody holds. One that nobody could read or write is given up in words."""
    now = clock.now()
    free = AreaImport.objects.busy().filter(Q(lease_until=None) | Q(lease_until__lte=now)).order_by("pk").first()
    if free is None:
        return None
    mine = AreaImport.objects.busy().filter(pk=free.pk, fence=free.fence)
    if not mine.update(fence=F("fence") + 1, tries=F("tries") + 1, lease_until=now + LEASE):
        return None
    run = AreaImport.objects.select_related("uploaded_by", "applied_by", "put_back_by").get(pk=free.pk)
    if run.tries > MOST_TRIES and run.state in _GIVEN_UP:
        _Work(run).go(_GIVEN_UP[State(run.state)], problem=_TECHNICAL)
        _give_back(run)
        return None
    return run


_TECHNICAL = (
    "This did not work, several times. Nothing was changed. Whoever runs the server finds the reason in its log."
)
# Placing people is never given up: it must come to an end.
_GIVEN_UP = {
    State.READING: State.REFUSED, State.COUNTING: State.REFUSED, State.WRITING: State.CHECKED,
    State.UNDOING: State.APPLIED,
}  # fmt: skip


def _give_back(run: AreaImport) -> None:
    AreaImport.objects.filter(pk=run.pk, fence=run.fence).update(lease_until=None)


@dataclass
class _Work:
    """An import in hand, with its changes read once."""

    run: AreaImport

    @cached_property
    def rows(self) -> list[AreaChange]:
        """Its changes, parents first."""
        return list(self.run.changes.order_by("pk"))

    @cached_property
    def touched(self) -> set[int]:
        """Ids of the areas that it wrote."""
        return {row.area_id for row in self.rows if row.area_id is not None}

    @cached_property
    def ground(self) -> "_Ground":
        """What moves, as shapes."""
        return _Ground.of(self.rows)

    def hold(self) -> AreaImport:
        """The row, locked; _Late when somebody else has it now. Inside a transaction."""
        held = AreaImport.objects.select_for_update().get(pk=self.run.pk)
        if held.fence != self.run.fence:
            raise _Late
        return held

    @transaction.atomic
    def go(self, state: State, **more: object) -> None:
        """Go over into a state; the steps there begin at their beginning."""
        self.hold()
        self.note(**{"state": state, "through": 0, "done": 0, "tries": 0, **more})

    def note(self, **facts: object) -> None:
        """Keep facts on the row, here too, and renew the lease. Inside a transaction that holds it."""
        facts["lease_until"] = clock.now() + LEASE
        AreaImport.objects.filter(pk=self.run.pk).update(**facts)
        for name, value in facts.items():
            setattr(self.run, name, value)


def _read(work: _Work) -> None:
    """Find out what the file would change, and keep it."""
    run = work.run
    columns = Columns(run.kind, run.name_property, run.code_property, run.parent_property, run.parent_kind, run.whole)
    try:
        made = planning.plan(io.BytesIO(content(run)), columns)
    except ImportRefused as error:
        work.go(State.REFUSED, problem=str(error)[:500])
        return
    rows = [_row(run, change) for change in made.changes]
    there = {(kind, code): pk for pk, kind, code in Area.objects.public().values_list("pk", "kind", "code").order_by()}
    for row in rows:
        row.area_id = there.get((row.kind, row.code))
    with transaction.atomic():
        work.hold()
        run.changes.all().delete()
        AreaChange.objects.bulk_create(rows, batch_size=100)
        work.go(
            State.COUNTING,
            unchanged=made.unchanged, repaired=made.repaired, refused=made.refused, people=0,
            total=Resident.objects.filter(left_at=None).count(),
        )  # fmt: skip


def _row(run: AreaImport, change: Change) -> AreaChange:
    """A change as it is kept."""
    before, after = change.before, change.after
    known = after or before
    was, will = _offered(before), _offered(after)
    sides = [side for side in (was, will) if side is not None]
    moved = shapes.area_m2(was.symmetric_difference(will) if was and will else sides[0]) if sides else 0.0
    if before and after and before.boundary == after.boundary and before.retired == after.retired:
        moved = 0.0
    whole = max((shapes.area_m2(side) for side in sides), default=0.0)
    return AreaChange(
        of=run,
        kind=change.kind,
        code=change.code,
        name=known.name if known else "",
        sort=planning.sort(change),
        note=_note(before, after),
        before=before.plain() if before else None,
        after=after.plain() if after else None,
        moved_m2=moved,
        share=min(100.0, moved * 100 / whole) if whole else 0.0,
    )


def _offered(facts: Facts | None) -> BaseGeometry | None:
    """The ground of an area that is in use."""
    return shapes.outline(facts.boundary) if facts and not facts.retired else None


def _note(before: Facts | None, after: Facts | None) -> str:
    """What changes beside the boundary, in words."""
    if before is None or after is None:
        return ""
    notes = ["Comes back"] if before.retired and not after.retired else []
    if before.name != after.name:
        notes.append(f"Was called {before.name}")
    if before.parent != after.parent:
        notes.append(f"Moves to {after.parent[1]}" if after.parent else "Lies in no other area now")
    return "; ".join(notes)[:600]


_Points = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Ground:
    """The shapes of an import's changes, before and after, and who is for the first or the second time inside."""

    rows: list[AreaChange]
    was: npt.NDArray[np.object_]
    will: npt.NDArray[np.object_]

    @classmethod
    def of(cls, rows: list[AreaChange]) -> "_Ground":
        """Only those whose ground changes; nothing where an area is not in use."""
        moving = [row for row in rows if row.moved_m2]
        was = [_offered(Facts.read(row.before)) or shapely.Polygon() for row in moving]
        will = [_offered(Facts.read(row.after)) or shapely.Polygon() for row in moving]
        return cls(moving, np.array(was, dtype=object), np.array(will, dtype=object))

    def moves(self, lons: list[float], lats: list[float]) -> list[tuple[int, _Points, _Points]]:
        """For each change that moves any of these points: its number, the points that come, the points that leave."""
        x, y = np.asarray(lons), np.asarray(lats)
        was, will = shapely.bounds(self.was), shapely.bounds(self.will)
        low, high = np.fmin(was, will), np.fmax(was, will)  # what is not in use has no bounds (NaN)
        boxes = shapely.box(low[:, 0], low[:, 1], high[:, 2], high[:, 3])
        number, point = shapely.STRtree(shapely.points(x, y)).query(boxes)
        found = []
        for one in np.unique(number):
            near = point[number == one]
            before = shapes.contains(self.was[one], x[near], y[near])
            after = shapes.contains(self.will[one], x[near], y[near])
            came, left = near[after & ~before], near[before & ~after]
            if len(came) or len(left):
                found.append((int(one), came, left))
        return found


def _count(work: _Work) -> None:
    """How many of the next few thousand residents change area: each counted once, with all their places."""
    run = work.run
    people = Resident.objects.filter(left_at=None, pk__gt=run.through).order_by("pk").values_list("pk", flat=True)
    ids = list(people[:STEP])
    if not ids or not work.ground.rows:
        work.go(State.CHECKED, checked_at=clock.now())
        return
    rows = list(Place.objects.filter(resident__in=ids).values_list("resident_id", "lon", "lat"))
    who = np.array([row[0] for row in rows], dtype=np.int64)
    moves = work.ground.moves([row[1] for row in rows], [row[2] for row in rows]) if rows else []
    moved: set[int] = set()
    with transaction.atomic():
        work.hold()
        for number, came, left in moves:
            moved |= {int(one) for one in np.concatenate([who[came], who[left]])}
            AreaChange.objects.filter(pk=work.ground.rows[number].pk).update(
                came=F("came") + len(np.unique(who[came])), left=F("left") + len(np.unique(who[left]))
            )
        work.note(through=ids[-1], done=run.done + len(ids), people=run.people + len(moved), tries=0)


def _write(work: _Work) -> None:
    """Write the areas, all of them or none."""
    _carry_out(work, [_change(row) for row in work.rows], State.PLACING, State.CHECKED, _CHANGED_SINCE)


def _write_back(work: _Work) -> None:
    """Write the areas as they were before."""
    _carry_out(work, [_change(row).back() for row in work.rows], State.REPLACING, State.APPLIED, _CHANGED_AFTER)


_CHANGED_SINCE = "Areas have changed since this was checked. Nothing was applied: check it again."
_CHANGED_AFTER = "Areas have changed since this import. Nothing was put back: put back the later import first."


def _change(row: AreaChange) -> Change:
    return Change(row.kind, row.code, Facts.read(row.before), Facts.read(row.after))


def _carry_out(work: _Work, changes: list[Change], then: State, refused: State, words: str) -> None:
    back = then == State.REPLACING
    try:
        with transaction.atomic():
            work.hold()
            ids = boundaries.apply(changes)
            for row in work.rows:
                row.area_id = ids.get((row.kind, row.code))
            AreaChange.objects.bulk_update(work.rows, ["area"], batch_size=500)
            work.go(then, total=Place.objects.count())
            by = work.run.put_back_by if back else work.run.applied_by
            count = planning.tally(changes)
            facts = {"kind": work.run.kind, "sha256": work.run.sha256, **count}
            record("areas put back" if back else "areas applied", work.run, by=by, why="", **facts)
    except boundaries.Changed:
        fields = {"put_back_by": None, "put_back_at": None} if back else {"applied_by": None, "applied_at": None}
        work.go(refused, problem=words, **fields)
    work.__dict__.pop("touched", None)


def _place(work: _Work) -> None:
    """Find the areas of the next few thousand places again, of those areas that were touched."""
    run = work.run
    with transaction.atomic():
        work.hold()
        places = list(Place.objects.filter(pk__gt=run.through).order_by("pk")[:STEP])
        if not places:
            done = State.PUT_BACK if run.state == State.REPLACING else State.APPLIED
            work.go(done, done=run.done)
            return
        refresh(places, only=work.touched)
        work.note(through=places[-1].pk, done=run.done + len(places), tries=0)


_STEPS: dict[State, Callable[[_Work], None]] = {
    State.READING: _read,
    State.COUNTING: _count,
    State.WRITING: _write,
    State.PLACING: _place,
    State.UNDOING: _write_back,
    State.REPLACING: _place,
}
