"""Digests: what people asked to get once a day or once a week, in one email a person.

A message that is kept for a digest has its own row, as any other, in state `waiting`; a `DigestItem` says until when.
Once that is over, `build` gathers all that waits for a person: whoever waits for the same messages gets the same
`Mailing`, cut at slots like any other, with each item's own answer link. `settle` then gives each message's row what
became of the digest, so that everybody ends in exactly one state of each alert (promises.md, I1).

A message that is taken back before the digest has gone takes the digest with it (`blocking.break_up`): once it is
certain that nobody began it, what else stood in it comes in another one. Each step is one transaction.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min, Q, QuerySet

from bell.delivery import blocking, crash, post, times, wake
from bell.delivery.content import Authority, Content
from bell.delivery.deadlocks import insist
from bell.delivery.filling import SAME_ADDRESS
from bell.delivery.models import TAKEN_BACK, Batch, Channel, Delivery, DigestItem, Lane, Mailing, State

STREAM = "digest"
MOST_ITEMS = 40
"""So many messages stand in one email; what is more comes in the next."""

STEP = 1_000  # messages a step
_WENT_OUT = (State.SENT, State.DELIVERED, State.BOUNCED, State.UNCERTAIN)
_AUTHORITY = "digest"


@dataclass(frozen=True)
class Writer:
    """The rooms above: what is over, and so comes too late for a digest ({mailing: why}); the words of one."""

    over: Callable[[Collection[int]], Mapping[int, str]]
    write: Callable[[Sequence[int]], Content]


@dataclass(frozen=True)
class _Kept:
    """A message that waits for its digest."""

    id: int
    person: int
    mailing: int
    address: str
    address_key: int
    language: str
    quiet_from: int | None
    quiet_until: int | None


@dataclass(frozen=True)
class Waiting:
    """What is kept for digests: how many messages, and when the next digest is due."""

    messages: int
    next_at: datetime | None


def waiting() -> Waiting:
    """How much is kept for digests at this moment."""
    kept = _unbound()
    return Waiting(kept.count(), kept.aggregate(first=Min("due_at"))["first"])


def keeps(mailings: Collection[int]) -> bool:
    """Whether somebody waits for one of these mailings in a digest that has not gone."""
    return DigestItem.objects.filter(delivery__mailing__in=mailings, delivery__state=State.WAITING, over=False).exists()


def _unbound() -> QuerySet[DigestItem]:
    return DigestItem.objects.filter(digest__isnull=True, over=False)


@transaction.atomic
def build(writer: Writer) -> int:
    """Make the digests of some people for whom one is due; how many messages were looked at, 0 when nothing is due."""
    if not _unbound().filter(due_at__lte=times.now()).exists():  # a plain read: an idle worker takes no lock
        return 0
    blocking.hold_digests(alone=True)
    due = _unbound().filter(due_at__lte=times.now()).order_by("due_at", "pk")
    found = list(due.values_list("pk", "delivery__recipient_key", "delivery__state")[:STEP])
    ended = [number for number, _, state in found if state != State.WAITING]
    DigestItem.objects.filter(pk__in=ended).update(over=True)
    people = {person for _, person, state in found if state == State.WAITING}
    kept = _expire(_kept_for(people), writer)
    for mailings, rows in _alike(kept).items():
        _send(writer.write(mailings), mailings, rows)
    crash.point("mid-digest")
    return len(found)


def _kept_for(people: Collection[int]) -> list[_Kept]:
    """All that waits for these people, also what is due later: one email instead of two."""
    rows = Delivery.objects.filter(recipient_key__in=people, state=State.WAITING, channel=Channel.EMAIL)
    rows = rows.filter(pk__in=_unbound().values("pk")).order_by("recipient_key", "mailing", "pk")
    columns = ("pk", "recipient_key", "mailing_id", "address", "address_key", "language", "quiet_from", "quiet_until")
    return [_Kept(*row) for row in rows.values_list(*columns)]


def _expire(kept: list[_Kept], writer: Writer) -> list[_Kept]:
    """End what comes too late; the rest."""
    over = writer.over({one.mailing for one in kept})
    for mailing, why in over.items():
        _end([one.id for one in kept if one.mailing == mailing], why)
    return [one for one in kept if one.mailing not in over]


def _end(ids: Sequence[int], why: str) -> None:
    rows = Delivery.objects.filter(pk__in=ids, state=State.WAITING)
    rows.update(state=State.EXPIRED, reason=why[:200], state_at=times.now())
    DigestItem.objects.filter(pk__in=ids).update(over=True)


def _alike(kept: list[_Kept]) -> dict[tuple[int, ...], list[list[_Kept]]]:
    """People by what waits for them: {mailings: [each person's rows, in that order]}."""
    by_person: dict[int, list[_Kept]] = defaultdict(list)
    for one in kept:
        by_person[one.person].append(one)
    found: dict[tuple[int, ...], list[list[_Kept]]] = defaultdict(list)
    for rows in by_person.values():
        some = rows[:MOST_ITEMS]
        found[tuple(one.mailing for one in some)].append(some)
    return found


def _send(content: Content, mailings: tuple[int, ...], people: list[list[_Kept]]) -> None:
    """Queue one digest for each of these people and bind their messages to it."""
    mailing = _mailing(content)
    now = times.now()
    known = Delivery.objects.filter(mailing=mailing).values_list("address_key", flat=True)
    taken = set(known.filter(address_key__in=[rows[-1].address_key for rows in people]))
    fresh: list[Delivery] = []
    for rows in people:
        last = rows[-1]  # the address that the person had last
        shared = last.address_key in taken
        taken.add(last.address_key)
        fresh.append(
            Delivery(
                mailing=mailing, recipient_key=last.person, channel=Channel.EMAIL, address=last.address,
                address_key=None if shared else last.address_key, language=last.language,
                state=State.SUPPRESSED if shared else State.QUEUED, reason=SAME_ADDRESS if shared else "",
                due_at=now, state_at=now, quiet_from=last.quiet_from, quiet_until=last.quiet_until,
            )
        )  # fmt: skip
    _batch(mailing, [one for one in fresh if one.state == State.QUEUED])
    made = Delivery.objects.bulk_create(fresh)
    _bind([(one.id, digest.pk) for digest, rows in zip(made, people, strict=True) for one in rows])


def _batch(mailing: Mailing, rows: list[Delivery]) -> None:
    """Put rows that are about to be written into batches."""
    for start in range(0, len(rows), settings.BATCH_SIZE):
        some = rows[start : start + settings.BATCH_SIZE]
        batch = Batch.objects.create(
            mailing=mailing, channel=Channel.EMAIL, lane=Lane.DIGEST, due_at=times.now(), size=len(some)
        )
        for one in some:
            one.batch = batch
    if rows:
        wake.ring()


def _mailing(content: Content) -> Mailing:
    """The mailing with exactly these words: one of a step before, while nobody stopped it, or a new one."""
    key = content.digest()
    going = Mailing.objects.filter(authority_kind=_AUTHORITY, authority_key=key, stopped_at=None, filled_at=None)
    return going.first() or post.open_mailing(
        content, authority=Authority(_AUTHORITY, key), stream=STREAM, lane=Lane.DIGEST
    )


_BIND = """
UPDATE delivery_digestitem SET digest_id = v.column2 FROM (VALUES {rows}) AS v
WHERE delivery_digestitem.delivery_id = v.column1
"""
_PAIRS = 2_000


def _bind(pairs: list[tuple[int, int]]) -> None:
    """(message, digest) pairs, in few statements."""
    with connection.cursor() as cursor:
        for start in range(0, len(pairs), _PAIRS):
            some = pairs[start : start + _PAIRS]
            statement = _BIND.format(rows=", ".join(["(%s, %s)"] * len(some)))
            cursor.execute(statement, [number for pair in some for number in pair])


def close() -> int:
    """Close the mailings of digests once nobody's is due any more; how many."""
    if _unbound().filter(due_at__lte=times.now()).exists():
        return 0
    return Mailing.objects.filter(authority_kind=_AUTHORITY, filled_at=None).update(filled_at=times.now())


# Nothing more will be done by a sender. One that was taken back may be under way until it has left its batch, or the
# batch has been given back or is done: a worker reads a second ahead.
_IDLE = (Batch.State.READY, Batch.State.DONE)
_ENDED = (
    Q(digest__state__in=(State.SENT, State.DELIVERED, State.BOUNCED, State.FAILED))
    | Q(digest__state__in=(State.UNCERTAIN, *TAKEN_BACK), digest__batch__isnull=True)
    | Q(digest__state__in=TAKEN_BACK, digest__batch__state__in=_IDLE)
)


@transaction.atomic
def settle() -> int:
    """Give messages what became of their digest; those of one that was broken up wait for another. How many."""
    open_items = DigestItem.objects.filter(_ENDED, digest__isnull=False, over=False)
    if not open_items.exists():
        return 0
    blocking.hold_digests(alone=True)
    columns = ("pk", "delivery__state", "digest__state", "digest__reason")
    found = list(open_items.order_by("digest", "pk").values_list(*columns)[:STEP])
    again: list[int] = []
    fates: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, own, state, reason in found:
        if state == State.CANCELLED and reason == blocking.BROKEN_UP and own == State.WAITING:
            again.append(number)
        else:
            fates[state, reason].append(number)
    DigestItem.objects.filter(pk__in=again).update(digest=None, due_at=times.now())
    for (state, reason), ids in fates.items():
        _take(ids, state, reason)
    crash.point("mid-digest-settle")
    return len(found)


def _take(ids: list[int], state: str, reason: str) -> None:
    """These messages end as their digest did. What was taken back while it was under way did go out in it."""
    before = (State.WAITING, *(TAKEN_BACK if state in _WENT_OUT else ()))
    rows = Delivery.objects.filter(pk__in=ids, state__in=before)
    rows.update(state=state, reason=reason, state_at=times.now())
    DigestItem.objects.filter(pk__in=ids).update(over=True)


def items_of(batch: int) -> dict[int, tuple[int, ...]]:
    """{digest: the messages in it, in their order} of one batch: what their answer links are made of."""
    rows = DigestItem.objects.filter(digest__batch=batch).order_by("digest", "delivery__mailing", "pk")
    found: dict[int, list[int]] = defaultdict(list)
    for digest, number in rows.values_list("digest", "pk"):
        found[digest].append(number)
    return {digest: tuple(numbers) for digest, numbers in found.items()}


@insist
def expire(mailing: Mailing, *, reason: str) -> int:
    """End what of a mailing is kept for digests, because it is over; how many messages."""
    blocking.hold_digests()
    items = DigestItem.objects.filter(delivery__mailing=mailing, over=False)
    bound = items.filter(digest__isnull=False).values("digest")
    rows = Delivery.objects.filter(pk__in=items.values("pk"), state=State.WAITING)
    ended = rows.update(state=State.EXPIRED, reason=reason[:200], state_at=times.now())
    blocking.break_up(Delivery.objects.filter(pk__in=bound))
    return ended


@insist
def drop(*, recipient_key: int, reason: str) -> int:
    """Take back all that is kept for a person's digest, and a digest that waits its turn; how many messages."""
    blocking.hold_withdrawal()
    rows = Delivery.objects.filter(recipient_key=recipient_key, state=State.WAITING)
    taken = blocking.take_back(rows, reason=reason)
    post.withdraw(recipient_key=recipient_key, stream=STREAM, reason=reason)
    return taken


def move(*, recipient_key: int, at: datetime) -> None:
    """A person's next digest comes at another moment."""
    _unbound().filter(delivery__recipient_key=recipient_key).update(due_at=at)


@insist
def readdress(*, recipient_key: int, address: str, address_key: int) -> None:
    """Send what is kept for a person to another address of theirs. Where somebody had the message there, it is not."""
    kept = Delivery.objects.filter(recipient_key=recipient_key, state=State.WAITING, channel=Channel.EMAIL)
    kept = kept.filter(pk__in=_unbound().values("pk")).exclude(address_key=address_key)
    there = Delivery.objects.filter(channel=Channel.EMAIL, address_key=address_key)
    kept.exclude(mailing__in=there.values("mailing")).update(address=address, address_key=address_key)
    blocking.take_back(kept, reason=SAME_ADDRESS)


def forget_items(ids: Sequence[int]) -> int:
    """Delete items that ended; how many. Their messages' own rows stay."""
    return int(DigestItem.objects.filter(pk__in=ids, over=True).delete()[0])
