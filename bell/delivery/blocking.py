"""Who may not be sent what: the rules of suppression, written once for single messages, fills and sending."""

from datetime import timedelta

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from bell.delivery import times
from bell.delivery.content import ASKED_FOR
from bell.delivery.models import OPEN, Delivery, DigestItem, Mailing, State, Suppression

# An address that takes no mail: then not even a code is sent.
HARD_BOUNCE = "hard bounce"
REPEATED_BOUNCES = "repeated bounces"
DEAD = (HARD_BOUNCE, REPEATED_BOUNCES)

ONE_A_DAY = "one automatic answer a day"
STOP_KEY = "stop-"  # authority keys of STOP's confirmation, which is not counted
UPLOAD_KEY = "upload-"  # and of receipts for files: they answer what a person did on a page, so no two machines meet


def matching(stream: str) -> Q:
    """Which suppressions of an address and channel hold for a stream."""
    of_all = Q(stream="", reason__in=DEAD) if stream in ASKED_FOR else Q(stream="")
    return of_all | Q(stream=stream)


def reason(*, address_key: int, channel: str, stream: str) -> str:
    """Why a stream may not go to an address, or ""."""
    found = Suppression.objects.filter(matching(stream), address_key=address_key, channel=channel)
    return found.order_by("stream").values_list("reason", flat=True).first() or ""


def with_reason(rows: QuerySet[Delivery], stream: str) -> QuerySet[Delivery]:
    """The same deliveries, each with `blocked`: why it may not be sent, or ""."""
    found = Suppression.objects.filter(
        matching(stream), address_key=OuterRef("address_key"), channel=OuterRef("channel")
    ).order_by("stream")
    return rows.annotate(blocked=Coalesce(Subquery(found.values("reason")[:1]), Value("")))


def suppress(*, address_key: int, channel: str, stream: str = "", reason: str) -> bool:
    """Record a suppression and take back what it forbids. True when it is new, or newly for a dead address."""
    with transaction.atomic():
        kept, created = Suppression.objects.get_or_create(
            address_key=address_key,
            channel=channel,
            stream=stream,
            defaults={"reason": reason[:200], "since": times.now()},
        )
        if not created and reason in DEAD and kept.reason not in DEAD:
            kept.reason = reason
            kept.save(update_fields=["reason"])
            created = True
        rows = Delivery.objects.filter(address_key=address_key, channel=channel, state__in=OPEN)
        if stream:
            rows = rows.filter(mailing__stream=stream)
        elif reason not in DEAD:
            rows = rows.exclude(mailing__stream__in=ASKED_FOR)
        take_back(rows, reason=reason)
        return created


def take_back(rows: QuerySet[Delivery], *, reason: str) -> int:
    """Queued, deferred and waiting rows become suppressed (how many is returned); uncertain ones get no second try.

    A digest in which one of them stands, and which has not gone, is made anew without it.
    """
    hold_digests()
    rows = Delivery.objects.filter(pk__in=rows.values("pk"))
    items = DigestItem.objects.filter(delivery__in=rows.filter(state=State.WAITING), digest__isnull=False, over=False)
    digests = list(items.values_list("digest", flat=True))
    rows.filter(state=State.UNCERTAIN).update(batch=None)
    waiting = rows.filter(state__in=[State.QUEUED, State.DEFERRED, State.WAITING])
    taken = waiting.update(state=State.SUPPRESSED, reason=reason[:200], state_at=times.now())
    if digests:
        break_up(Delivery.objects.filter(pk__in=digests))
    return taken


# Why a digest was taken back that lost one of its items: digests.settle makes another of the rest.
BROKEN_UP = "one of its messages was taken back; the others come in another digest"


def break_up(digests: QuerySet[Delivery]) -> None:
    """Take back digests that have not gone. One that may have gone already gets no second try."""
    now = times.now()
    digests.filter(state=State.UNCERTAIN).update(batch=None)
    waiting = digests.filter(state__in=[State.QUEUED, State.DEFERRED])
    waiting.update(state=State.CANCELLED, reason=BROKEN_UP, state_at=now)


# One lock between who makes digests and who takes messages back (PostgreSQL, as below): else a message could be taken
# back while the digest in which it stands is being written, and go out in it.
_DIGEST_LOCK = 0x62656C6D


def hold_digests(using: str = DEFAULT_DB_ALIAS, *, alone: bool = False) -> None:
    """Until the end of this transaction no digest is made; `alone`: by whoever makes them, nothing is taken back."""
    _lock(
        "SELECT pg_advisory_xact_lock(%s)" if alone else "SELECT pg_advisory_xact_lock_shared(%s)", using, _DIGEST_LOCK
    )


# One lock between fills and withdrawals (PostgreSQL; SQLite has one writer anyway): a fill that read its audience
# before an opt-out committed would else queue rows that the opt-out's withdrawal cannot see.
_FILL_LOCK = 0x62656C6C


def hold_fill(using: str = DEFAULT_DB_ALIAS) -> None:
    """Until the end of this transaction no withdrawal goes past a fill that has not yet committed."""
    _lock("SELECT pg_advisory_xact_lock_shared(%s)", using)


def hold_withdrawal(using: str = DEFAULT_DB_ALIAS) -> None:
    """Wait for fills under way; until the end of this transaction no fill reads its audience."""
    _lock("SELECT pg_advisory_xact_lock(%s)", using)


def _lock(statement: str, using: str, number: int = _FILL_LOCK) -> None:
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            cursor.execute(statement, [number])


def answered_already(mailing: Mailing, *, address_key: int, channel: str) -> str:
    """Why a machine's answer may not go to an address now ("" if it may): it had one within a day.

    Two machines that answer each other must stop after one (promises.md). STOP's confirmation and receipts for files
    are not counted.
    """
    if mailing.authority_key.startswith((STOP_KEY, UPLOAD_KEY)):
        return ""
    earlier = Delivery.objects.filter(
        address_key=address_key,
        channel=channel,
        mailing__authority_kind="receipt",
        mailing__created_at__gte=mailing.created_at - timedelta(days=1),
        mailing__content__auto_submitted=True,
    )
    not_counted = Q(mailing__authority_key__startswith=STOP_KEY) | Q(mailing__authority_key__startswith=UPLOAD_KEY)
    earlier = earlier.exclude(not_counted | Q(state=State.SUPPRESSED) | Q(mailing=mailing))
    return ONE_A_DAY if earlier.exists() else ""
