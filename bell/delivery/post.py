"""The counter of the post room: what rooms above call. Nothing leaves without an authority."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce

from bell.delivery import blocking, filling, times, wake
from bell.delivery.content import (
    ASKED_FOR,
    Address,
    Authority,
    BadContent,
    Content,
    NoAuthority,
    Step,
    check_reference,
)
from bell.delivery.deadlocks import insist
from bell.delivery.models import OPEN, Batch, Channel, Delivery, DigestItem, Lane, Mailing, State, Suppression
from bell.delivery.quiet import Hours
from bell.lib import keys

__all__ = [
    "ASKED_FOR", "Address", "Authority", "BadContent", "Content", "NoAuthority", "Step",
    "close", "fill", "lift", "open_mailing", "post", "refusals", "stop", "suppress", "suppressed", "tally", "to_try",
    "under_way", "waiting", "withdraw",
]  # fmt: skip


def open_mailing(
    content: Content, *, authority: Authority, stream: str, lane: int, practice: bool = False, reference: str = ""
) -> Mailing:
    """Keep a text once, in the caller's transaction, and return its Mailing; `fill` and `close` come next.

    Raises NoAuthority, or BadContent when it could not be sent as it is.
    """
    authority.check()
    content.check()
    check_reference(reference)
    if not stream or len(stream.encode()) > 16:
        raise BadContent("A stream's name has 1 to 16 bytes")
    return Mailing.objects.create(
        stream=stream,
        lane=Lane(lane),
        practice=practice,
        authority_kind=authority.kind,
        authority_key=authority.key,
        reference=reference,
        content=content.as_json(),
        content_hash=content.digest(),
        created_at=times.now(),
    )


def fill(
    mailing: Mailing, people: QuerySet[Any, Any], *, after: int = 0, step: int = 20_000, walk: bool = False
) -> Step:
    """Put the next people of an audience into the outbox, in one transaction; see filling.fill."""
    return filling.fill(mailing, people, after=after, step=step, walk=walk)


def close(mailing: Mailing) -> None:
    """Say that filling is over: the audience is frozen."""
    mailing.filled_at = times.now()
    mailing.save(update_fields=["filled_at"])


@transaction.atomic
def post(
    content: Content,
    *,
    authority: Authority,
    stream: str,
    lane: int,
    to: Address,
    practice: bool = False,
    hours: Hours | None = None,
) -> Delivery:
    """Queue one message to one address, in the caller's transaction; sent as soon as a worker comes by its lane.

    `hours`: the person's quiet hours, in which a routine message that nobody asked for waits until they are over.
    A suppressed address gives a Delivery in state suppressed, as does a second automatic answer within a day.
    """
    channel = Channel(to.channel)
    mailing = open_mailing(content, authority=authority, stream=stream, lane=lane, practice=practice)
    now = times.now()
    key = keys.address_key(channel, to.address)
    reason = blocking.reason(address_key=key, channel=channel, stream=stream)
    if not reason and content.auto_submitted and authority.kind == "receipt":
        reason = blocking.answered_already(mailing, address_key=key, channel=channel)
    batch = None
    begins, ends = hours or (None, None)
    if not reason:
        batch = Batch.objects.create(mailing=mailing, channel=channel, lane=mailing.lane, due_at=now, size=1)
        wake.ring()
    delivery = Delivery.objects.create(
        mailing=mailing,
        recipient_key=to.recipient_key,
        channel=channel,
        address=to.address,
        address_key=key,
        state=State.SUPPRESSED if reason else State.QUEUED,
        reason=reason,
        batch=batch,
        due_at=now,
        state_at=now,
        quiet_from=begins,
        quiet_until=ends,
    )
    close(mailing)
    return delivery


@insist
def stop(mailing: Mailing, *, reason: str, as_: State = State.CANCELLED) -> int:
    """Cancel what is not yet sent and return how many; workers stop within 5 s (promises.md, I3).

    `as_`: the state in which it ends, when nobody stopped it but its time has passed. Digests in which it stands, and
    which have not gone, are made anew without it.
    """
    now = times.now()
    blocking.hold_digests()
    # The row's lock waits for a step of filling that is under way; its rows are then seen and cancelled below.
    Mailing.objects.filter(pk=mailing.pk).update(stopped_at=Coalesce("stopped_at", now))
    mailing.refresh_from_db(fields=["stopped_at"])
    rows = Delivery.objects.filter(mailing=mailing)
    stopped = rows.filter(state__in=[State.QUEUED, State.DEFERRED, State.WAITING]).update(
        state=as_, reason=reason[:200], state_at=now
    )
    items = DigestItem.objects.filter(delivery__in=rows, digest__isnull=False, over=False)
    blocking.break_up(Delivery.objects.filter(pk__in=items.values("digest")))
    rows.filter(state=State.UNCERTAIN).update(batch=None)  # no second try
    Batch.objects.filter(mailing=mailing, state=Batch.State.READY).update(state=Batch.State.DONE)
    return stopped


@insist
def withdraw(
    *,
    recipient_key: int | None = None,
    address_key: int | None = None,
    channel: str = "",
    stream: str | Collection[str] = "",
    reason: str = "no longer wanted",
) -> int:
    """Take back what is queued for a person or an address and return how many; "" means every channel or stream.

    Several streams are taken back at once; of an empty collection, none. A stream "" leaves alone what the person
    asked for (codes, answers). To be called in the transaction that records the opt-out, so that nothing starts later
    than 5 s after it.
    """
    if recipient_key is None and address_key is None:
        raise ValueError("Say whose messages to withdraw")
    blocking.hold_withdrawal()
    rows = Delivery.objects.filter(state__in=OPEN)
    if recipient_key is not None:
        rows = rows.filter(recipient_key=recipient_key)
    if address_key is not None:
        rows = rows.filter(address_key=address_key)
    if channel:
        rows = rows.filter(channel=channel)
    if stream == "":
        rows = rows.exclude(mailing__stream__in=ASKED_FOR)
    else:
        rows = rows.filter(mailing__stream__in=[stream] if isinstance(stream, str) else stream)
    return blocking.take_back(rows, reason=reason)


@insist
def suppress(*, address_key: int, channel: str, stream: str = "", reason: str) -> bool:
    """Send no more of a stream ("" all) to an address, and take back what is queued. True when that is new."""
    return blocking.suppress(address_key=address_key, channel=channel, stream=stream, reason=reason)


def lift(*, address_key: int, channel: str, stream: str | Collection[str] = "") -> bool:
    """End exactly this suppression, or exactly those of several streams; False when there was none."""
    streams = [stream] if isinstance(stream, str) else stream
    gone, _ = Suppression.objects.filter(address_key=address_key, channel=channel, stream__in=streams).delete()
    return bool(gone)


def suppressed(*, address_key: int, channel: str, stream: str = "") -> str:
    """Why a stream may not be sent to an address, or "" when it may."""
    return blocking.reason(address_key=address_key, channel=channel, stream=stream)


def refusals(*, address_key: int, channel: str) -> dict[str, str]:
    """{stream: why} of the single streams that an address refuses; what holds for all of it is not among them."""
    found = Suppression.objects.filter(address_key=address_key, channel=channel).exclude(stream="")
    return dict(found.values_list("stream", "reason"))


def tally(mailing: Mailing) -> dict[str, dict[str, int]]:
    """{channel: {state: number}} of one mailing's rows; states without rows are left out."""
    counts: dict[str, dict[str, int]] = {}
    rows = Delivery.objects.filter(mailing=mailing).values("channel", "state").annotate(n=Count("id")).order_by()
    for row in rows:
        counts.setdefault(row["channel"], {})[row["state"]] = row["n"]
    return counts


def waiting(mailing: Mailing) -> bool:
    """Whether anything of a mailing is still to be tried, or tried again. What is kept for digests may take a week."""
    return Delivery.objects.filter(to_try(), mailing=mailing).exists()


def to_try() -> Q:
    """Deliveries that are still to be tried, or tried again."""
    return Q(state__in=[State.QUEUED, State.DEFERRED]) | Q(state=State.UNCERTAIN, batch__isnull=False)


def under_way(mailing: Mailing) -> bool:
    """Whether a worker has some of a mailing in hand: what is sent of it is written within seconds."""
    return Batch.objects.filter(mailing=mailing, state=Batch.State.LEASED).exists()
