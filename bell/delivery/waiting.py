"""What waits in the outbox, counted through its batches: honest while a batch is worked off, cheap however full it is.

Deliveries have no index on their state (delivery.md), so nobody asks a million rows. A batch that nobody began yet
holds what its size says, but for messages taken back since, which count until it is begun. Of the few that are begun,
the rows are counted.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Left

from bell.delivery.models import PENDING, Batch, Delivery, Lane, State
from bell.delivery.settling import HELD

_MOST_BEGUN = 400  # batches whose rows are counted at once; of more, the size is taken
_MOST_PROBED = 5_000
_MOST_READ = 300
_MOST_WORDS = 500
_LONGEST_WORDS = 60
TOP = 10


@dataclass(frozen=True)
class Waiting:
    """What waits in one lane: batches, the messages in them, and since when the oldest should have gone."""

    lane: str
    batches: int
    messages: int
    oldest: datetime | None


@dataclass(frozen=True)
class Reason:
    """Why so many messages were put off, in words that name nobody."""

    words: str
    messages: int


def lanes(at: datetime) -> tuple[Waiting, ...]:
    """Every lane, the empty ones too. What is not due yet waits for its hour, and is not late."""
    fresh = _ready().filter(attempts=0).values("lane").order_by()
    rows = fresh.annotate(batches=Count("id"), messages=Sum("size"), first=Min("due_at"))
    found = {row["lane"]: (row["batches"], row["messages"], row["first"]) for row in rows}
    for lane, (batches, messages, first) in _begun_by_lane().items():
        more, others, oldest = found.get(lane, (0, 0, first))
        found[lane] = (batches + more, messages + others, min(first, oldest))
    empty = (0, 0, None)
    return tuple(_waiting(lane, *found.get(lane.value, empty), at=at) for lane in Lane)


def _waiting(lane: Lane, batches: int, messages: int, first: datetime | None, *, at: datetime) -> Waiting:
    return Waiting(str(lane.label), batches, messages, first if first is not None and first <= at else None)


def _ready() -> QuerySet[Batch]:
    return Batch.objects.filter(state=Batch.State.READY, mailing__stopped_at=None)


def _begun_by_lane() -> dict[int, tuple[int, int, datetime]]:
    """{lane: (batches, messages left in them, first due)} of batches that somebody works on, or gave back."""
    leased = Batch.objects.filter(state=Batch.State.LEASED, mailing__stopped_at=None)
    columns = ("id", "lane", "size", "due_at")
    begun = [*leased.values_list(*columns), *_ready().filter(attempts__gt=0).order_by("-id").values_list(*columns)]
    left = _left([number for number, *_ in begun[:_MOST_BEGUN]])
    found: dict[int, tuple[int, int, datetime]] = {}
    for place, (number, lane, size, due) in enumerate(begun):
        batches, messages, first = found.get(lane, (0, 0, due))
        messages += left.get(number, 0) if place < _MOST_BEGUN else size
        found[lane] = (batches + 1, messages, min(first, due))
    return found


def _left(batches: Sequence[int]) -> dict[int, int]:
    """{batch: rows that are still to be tried}."""
    if not batches:
        return {}
    rows = Delivery.objects.filter(batch__in=batches, state__in=PENDING).values_list("batch").order_by()
    return dict(rows.annotate(n=Count("id")))


def reasons(mailings: Sequence[int] | None = None) -> tuple[Reason, ...]:
    """Why messages were put off, the most frequent first, ten at most; of all mailings or of these.

    What is tried again lies in batches of its own, so one row of a batch says whether the others need to be read.
    """
    ready = _ready() if mailings is None else _ready().filter(mailing__in=mailings)
    pending = Delivery.objects.filter(batch=OuterRef("pk"), state__in=PENDING)
    probed = ready.order_by("-id").annotate(one=Subquery(pending.values("state")[:1]))[:_MOST_PROBED]
    chosen = [number for number, one in probed.values_list("id", "one") if one and one != State.QUEUED][:_MOST_READ]
    if not chosen:
        return ()
    rows = Delivery.objects.filter(batch__in=chosen, state=State.DEFERRED).order_by()
    said = rows.annotate(said=Left("reason", _LONGEST_WORDS)).values_list("said").annotate(n=Count("id"))
    counts: Counter[str] = Counter()
    for words, number in said.order_by("-n")[:_MOST_WORDS]:
        counts[grouped(words)] += number
    return tuple(Reason(words, number) for words, number in counts.most_common(TOP))


# A word that differs from message to message: a queue's name for it, a number of seconds, an address of a machine.
_OWN = re.compile(r"(?=\S*\d)\S{6,}|\d{2,}\S*")
_CODES = re.compile(r"(refused: |our side: )?(\d{3} )?(\d\.\d{1,3}\.\d{1,3} )?")


def grouped(reason: str) -> str:
    """A reason without what differs from message to message: "refused: 451 4.7.1 try again in … seconds"."""
    if reason == HELD:
        return "waits for its turn: the receiver takes only so many"
    head = _CODES.match(reason)
    start = head.end() if head else 0
    rest = " ".join(_OWN.sub("…", word) for word in reason[start:_LONGEST_WORDS].split())
    return f"{reason[:start]}{rest}".strip() or "no reason given"


def by_state(mailings: Sequence[int]) -> dict[str, int]:
    """{state of batch: number} of these mailings; states without batches are left out."""
    rows = Batch.objects.filter(Q(mailing__in=mailings)).values_list("state").order_by()
    return dict(rows.annotate(n=Count("id")))
