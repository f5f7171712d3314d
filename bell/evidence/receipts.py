"""Receipts: what a person can hold us to. Emailed only to those who came by a message of ours."""

from datetime import timedelta

from django.db import transaction
from django.utils.html import format_html, format_html_join

from bell.delivery import blocking, post
from bell.delivery.models import Channel, Lane
from bell.evidence.intake import said_size
from bell.evidence.models import Exhibit, Upload
from bell.lib import clock

_QUIET = timedelta(seconds=20)  # files of one sitting share one receipt
_GIVEN_UP = timedelta(minutes=30)


def send_due() -> int:
    """Email a receipt for each sitting whose files are sealed; returns how many."""
    now = clock.now()
    due = Upload.objects.filter(
        state=Upload.State.SEALED, receipt_at=None, delivery__channel=Channel.EMAIL, received_at__lt=now - _QUIET
    )
    return sum(_send(sitting) for sitting in sorted(set(due.values_list("sitting", flat=True)[:100])))


@transaction.atomic
def _send(sitting: int) -> bool:
    """One receipt for what this sitting brought and was not yet on one; waits while files of it still arrive."""
    now = clock.now()
    files = Upload.objects.select_for_update(of=("self",)).filter(sitting=sitting)
    coming = files.filter(state__in=[Upload.State.RECEIVING, Upload.State.RECEIVED], changed_at__gt=now - _GIVEN_UP)
    if coming.exists():
        return False
    done = list(files.filter(state=Upload.State.SEALED, receipt_at=None).select_related("delivery", "alert"))
    exhibits = list(Exhibit.objects.filter(upload__in=done).select_related("alert__team__organisation", "upload"))
    delivery = done[0].delivery if done else None
    if delivery is None or not delivery.address:
        return False
    post.post(
        _content(exhibits),
        authority=post.Authority("receipt", f"{blocking.UPLOAD_KEY}{done[0].pk}"),
        stream="receipt",
        lane=Lane.NOW,
        to=post.Address(delivery.recipient_key, Channel.EMAIL, delivery.address),
    )
    Upload.objects.filter(pk__in=[one.pk for one in done]).update(receipt_at=now)
    return True


def _content(exhibits: list[Exhibit]) -> post.Content:
    """Reference, size and SHA-256 of each file. No name of a file: senders choose those."""
    alert = exhibits[0].alert
    rows = [_row(one) for one in exhibits]
    text = "\n\n".join(
        f"{name}\n{size} ({exact}), sealed {at}\nSHA-256 {sha256}" for name, size, exact, at, sha256 in rows
    )
    html = format_html_join(
        "", "<p><strong>{}</strong><br>{} ({}), sealed {}<br>SHA-256 <code>{}</code></p>", rows
    )  # fmt: skip
    opening = f"Thank you. We have received and sealed what you sent to our appeal {alert.reference}."
    closing = (
        "Keep this receipt. The SHA-256 is a fingerprint of the file exactly as it reached us: if it is ever asked, "
        "anyone can compare it. Please keep your own recording too until we tell you that you need not."
    )
    return post.Content(
        sender_name=f"{alert.organisation.name} ({alert.team.name})",
        subject=f"Your footage arrived: {', '.join(row[0] for row in rows[:3])}{' and more' if len(rows) > 3 else ''}",
        text=f"{opening}\n\n{text}\n\n{closing}\n",
        html=format_html("<p>{}</p>{}<p>{}</p>", opening, html, closing),
        auto_submitted=True,
        replies=False,
        unsubscribe=False,
    )


def _row(one: Exhibit) -> tuple[str, str, str, str, str]:
    """What a receipt says of one file."""
    return one.reference, said_size(one.size), f"{one.size:,} bytes", clock.said(one.sealed_at), one.sha256
