"""Complaints ("this is spam"): a feedback report (ARF, RFC 5965) or a provider's event stops that stream, by token.

A complaint says that the mail arrived, so its row counts as delivered. What is counted here can hold a running send.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q

from bell.delivery import blocking, receipts, times
from bell.delivery.email import mime, ours
from bell.delivery.models import Channel, Delivery, Mailing, State

COMPLAINED = "complaint"
# RFC 5965 7.3 with RFC 6430 ("not-spam" takes nothing back by itself, "other" may be anything).
_AGAINST = ("abuse", "fraud", "virus", "opt-out")
_ORIGINALS = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers")
_FIELD_BYTES = 64 * 1024


@dataclass(frozen=True)
class Feedback:
    """A feedback report: its type in lower case, and the delivery or (recipient key, stream) that its tokens name."""

    kind: str
    delivery_id: int | None = None
    unsubscribe: tuple[int, str] | None = None


@dataclass(frozen=True)
class Trouble:
    """What came of one mailing since a moment: messages that went out, bounces and refusals, complaints."""

    sent: int
    failures: int
    complaints: int


def read(raw: bytes) -> Feedback:
    """Read a feedback report; hostile bytes give one that names nobody. Nothing is believed but our own tokens."""
    kind = ""
    named: int | None = None
    listed: tuple[int, str] | None = None
    for part in mime.parts(raw):
        if part.kind == "message/feedback-report":
            fields = mime.headers(part.decoded()[:_FIELD_BYTES].strip() + b"\r\n\r\n")
            kind = kind or mime.value(fields, "Feedback-Type").lower()
            named = named or ours.read_token([mime.value(fields, "Original-Mail-From")])[1]
        elif part.kind in _ORIGINALS:
            own = mime.headers(part.decoded())
            named = named or ours.read_message_id(mime.value(own, "Message-ID"))
            named = named or ours.read_token([mime.value(own, "Return-Path"), mime.value(own, "Reply-To")])[1]
            listed = listed or ours.read_unsubscribe(mime.value(own, "List-Unsubscribe"))
    return Feedback(kind, named, listed)


def settle(raw: bytes) -> str:
    """Do what a feedback report asks and say it in a few words."""
    feedback = read(raw)
    if feedback.kind not in _AGAINST:
        return f"feedback that is no complaint: {feedback.kind[:40] or 'without a type'}"
    number = feedback.delivery_id
    if number is None and feedback.unsubscribe is not None:
        number = _latest(*feedback.unsubscribe)
    if number is None:
        return "complaint without our token"
    return complain(number) or "complaint of nothing we know"


@transaction.atomic
def complain(delivery_id: int, *, reason: str = COMPLAINED) -> str:
    """Stop the stream of a delivery for its address; what was done, or "" when there is no such row."""
    row = Delivery.objects.select_related("mailing").filter(pk=delivery_id, channel=Channel.EMAIL).first()
    if row is None:
        return ""
    receipts.apply(row.pk, State.DELIVERED)
    if reason == COMPLAINED:
        Delivery.objects.filter(pk=row.pk, complained_at=None).update(complained_at=times.now())
    if row.address_key is None:
        return reason
    stream = row.mailing.stream
    blocking.suppress(address_key=row.address_key, channel=Channel.EMAIL, stream=stream, reason=reason)
    return f"{reason}: no more of {stream}"


def trouble(mailing: Mailing, since: datetime) -> Trouble:
    """Count one mailing's trouble since a moment: one query over its rows, so not for every slice."""
    rows = Delivery.objects.filter(mailing=mailing, state_at__gte=since)
    over = (State.SENT, State.DELIVERED, State.BOUNCED, State.FAILED, State.UNCERTAIN)
    found = rows.aggregate(
        sent=Count("id", filter=Q(state__in=over)),
        failures=Count("id", filter=Q(state__in=(State.BOUNCED, State.FAILED))),
        complaints=Count("id", filter=Q(complained_at__gte=since)),
    )
    return Trouble(**found)


def _latest(recipient_key: int, stream: str) -> int | None:
    """The last mail of a stream to a person: the one a complaint without its Message-ID is about, as far as we know."""
    rows = Delivery.objects.filter(recipient_key=recipient_key, channel=Channel.EMAIL, mailing__stream=stream)
    return rows.exclude(address_key=None).order_by("-id").values_list("pk", flat=True).first()
