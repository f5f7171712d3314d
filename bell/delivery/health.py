"""How the post room is: what waits in each lane, what came in last, what is uncertain, whether the worker is alive.

Counts and times only, nobody's address. Read by the desk's health page, by /metrics and by `bell doctor`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Count, Min, Sum

from bell.delivery.models import Batch, Delivery, Heartbeat, Inbound, Lane, Mailing, State
from bell.lib import clock

BEAT_SECONDS = 10.0
SILENT = timedelta(seconds=60)
"""A worker that said nothing for so long is taken for dead: promises.md gives a minute (I10)."""

_LATELY = timedelta(days=7)
_KEPT_SECONDS = 60


@dataclass(frozen=True)
class Waiting:
    """What waits in one lane: batches, the messages in them, and since when the oldest should have gone."""

    lane: str
    batches: int
    messages: int
    oldest: datetime | None


@dataclass(frozen=True)
class Health:
    """The post room at one moment. `uncertain` and `unreadable` may be a minute old: they are dear to count."""

    at: datetime
    lanes: tuple[Waiting, ...]
    unread: int
    oldest_unread: datetime | None
    last_receipt: datetime | None
    last_inbound: datetime | None
    uncertain: int
    unreadable: int
    worker: datetime | None
    backup: datetime | None

    @property
    def worker_alive(self) -> bool:
        """Whether a worker said something within the last minute."""
        return self.worker is not None and self.at - self.worker <= SILENT

    @property
    def late(self) -> timedelta:
        """How long the oldest message that should have gone has waited."""
        due = [one.oldest for one in self.lanes if one.oldest is not None]
        return max(self.at - min(due), timedelta()) if due else timedelta()


def beat(name: str = "worker") -> int:
    """Say that one is alive, or that something was done now; an entry of the worker's timetable."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": clock.now()})
    return 0


def last(name: str) -> datetime | None:
    """When that was said last."""
    return Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()


def read() -> Health:
    """How everything is now."""
    at = clock.now()
    uncertain, unreadable = cache.get_or_set("delivery-health", _counted, _KEPT_SECONDS) or (0, 0)
    unread = Inbound.objects.filter(state__in=[Inbound.State.NEW, Inbound.State.SETTLED]).aggregate(
        count=Count("id"), oldest=Min("received_at")
    )
    receipts = Inbound.objects.filter(kind=Inbound.Kind.RECEIPT).order_by("-id")
    human = Inbound.objects.exclude(kind=Inbound.Kind.RECEIPT).order_by("-id")
    return Health(
        at=at,
        lanes=_lanes(at),
        unread=unread["count"],
        oldest_unread=unread["oldest"],
        last_receipt=receipts.values_list("received_at", flat=True).first(),
        last_inbound=human.values_list("received_at", flat=True).first(),
        uncertain=uncertain,
        unreadable=unreadable,
        worker=last("worker"),
        backup=last("backup"),
    )


def _lanes(at: datetime) -> tuple[Waiting, ...]:
    """Every lane, the empty ones too. What is not due yet waits for its hour, and is not late."""
    open_batches = Batch.objects.exclude(state=Batch.State.DONE).filter(mailing__stopped_at=None)
    rows = open_batches.values("lane").annotate(batches=Count("id"), messages=Sum("size"), first=Min("due_at"))
    found = {row["lane"]: row for row in rows.order_by()}
    return tuple(
        Waiting(
            lane=str(lane.label),
            batches=row["batches"] if (row := found.get(lane.value)) else 0,
            messages=(row["messages"] or 0) if row else 0,
            oldest=row["first"] if row and row["first"] <= at else None,
        )
        for lane in Lane
    )


def _counted() -> tuple[int, int]:
    """Uncertain messages of a week's mailings, and everything that could not be read."""
    lately = Mailing.objects.filter(created_at__gte=clock.now() - _LATELY)
    uncertain = Delivery.objects.filter(mailing__in=lately, state=State.UNCERTAIN).count()
    return uncertain, Inbound.objects.filter(state=Inbound.State.UNREADABLE).count()
