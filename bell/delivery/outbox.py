"""The sending loop: lease a batch, send it slice by slice, settle each slice, give way to a higher lane.

A slice is at most 100 messages or a quarter of a second. Before each one its mark is committed, and stop and
suppression are read again, so that nothing starts later than 5 s after a no (promises.md, I3).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from bell.delivery import crash, leasing, sms
from bell.delivery.content import Content
from bell.delivery.email import render
from bell.delivery.email.smtp import Relay
from bell.delivery.leasing import Lease, LeaseLost
from bell.delivery.models import Channel
from bell.delivery.results import Outcome, Result, Slice, Watch
from bell.delivery.settling import Row, next_slice
from bell.delivery.sms.render import Form as TextForm
from bell.lib import emails, http, phones

log = logging.getLogger(__name__)

_SLICE_SECONDS = 0.25
# A text that may have been sent when a worker dies is not tried again, so fewer of them are under way at once.
_MOST_AT_ONCE = {Channel.EMAIL.value: 100, Channel.SMS.value: 10}

NOT_APPROVED = "the text is not the one that was approved"
PRACTICE_ONLY_CAUGHT = "practice reaches nothing but the demo's catchers, and there are none here"
INVENTED_ONLY_HERE = "invented people are written to on this machine only"
NOT_INVENTED = "only invented people may be written to here"
NOTHING_TO_SAY = "there is nothing to say on this channel"

lease = leasing.take


class Transport(Protocol):
    """A relay or a gateway."""

    def send(self, messages: Any, watch: Watch) -> Slice:
        """Send while `watch.may_start()`."""


@dataclass
class _Pace:
    """How many rows a slice takes: as many as go in a quarter of a second, found by doubling."""

    most: int
    size: int = 4

    def learn(self, sent: int, seconds: float) -> None:
        """Grow after a quick slice; shrink to what went through after one that had to be cut."""
        if sent < self.size:
            self.size = max(1, sent)
        elif seconds < _SLICE_SECONDS / 2:
            self.size = min(self.most, self.size * 2)


@dataclass
class _Job:
    """One lease with all that is needed to send it; `refused` collects rows that cannot be sent as they are."""

    lease: Lease
    transport: Transport | None
    message: Callable[[Row], Any]
    no: str = ""
    refused: dict[int, Result] = field(default_factory=dict)

    def messages(self, rows: list[Row]) -> Iterator[tuple[int, Any]]:
        """(delivery id, message) of each row that may be sent."""
        for row in rows:
            try:
                message = self.message(row)
            except ValueError as error:
                self.refused[row.id] = Result(Outcome.PERMANENT, "", str(error))
                continue
            yield row.id, message


def send(lease: Lease, *, keep_going: Callable[[], bool] = lambda: True) -> int:
    """Send a leased batch and return how many messages got a result; ends early when told to, or overtaken.

    The batch is then given back. What is sent is recorded, unless the lease was lost: then nothing may be written.
    """
    job = _job(lease)
    pace = _Pace(_MOST_AT_ONCE[lease.channel])
    settled = 0
    try:
        rows = _persist(lease, {}, [], pace.size)
        while rows:
            started = time.monotonic()
            done = _send_slice(job, rows)
            pace.learn(len(done.results), time.monotonic() - started)
            give_back = done.pause is not None or not done.results or not keep_going() or leasing.overtaken(lease)
            rows = _persist(lease, done.results, rows, 0 if give_back else pace.size)
            crash.point("after-commit")
            settled += len(done.results)
            if done.pause is not None:
                log.warning("%s pauses for %.1f s: %s", lease.channel, done.pause, done.why)
                leasing.pause(lease.channel, done.pause)
    except LeaseLost as error:
        log.warning("%s", error)
    return settled


def sweep() -> int:
    """Free the batches of workers that are gone; how many. To be called every few seconds."""
    freed = 0
    while freed < 100 and leasing.recover_one():
        freed += 1
    return freed


def run_once(owner: str, *, keep_going: Callable[[], bool] = lambda: True) -> int:
    """Lease and send until one batch had something to send; how many messages got a result, 0 when nothing is due."""
    while keep_going():
        taken = leasing.take(owner)
        if taken is None:
            return 0
        if settled := send(taken, keep_going=keep_going):
            return settled
    return 0


def close() -> None:
    """Close this thread's kept connections."""
    for relay in _kept.relays.values():
        relay.close()
    _kept.relays.clear()


def _send_slice(job: _Job, rows: list[Row]) -> Slice:
    """Hand a slice to the transport, with a watch on the lease and the clock."""
    if job.transport is None:
        return Slice({row.id: Result(Outcome.PERMANENT, "", job.no) for row in rows})
    job.refused.clear()
    started: list[float] = []

    def may_start() -> bool:
        now = time.monotonic()
        started.append(now)
        return not job.lease.lost and now < job.lease.ends and now - started[0] < _SLICE_SECONDS

    done = job.transport.send(job.messages(rows), Watch(may_start, lambda: _beat(job.lease)))
    done.results.update(job.refused)
    return done


def _beat(lease: Lease) -> None:
    """Renew the lease when half of it is gone; a database in trouble is asked again at the next beat."""
    if lease.lost or lease.ends - time.monotonic() > settings.LEASE_SECONDS / 2:
        return
    try:
        leasing.renew(lease)
    except LeaseLost:
        log.warning("batch %s was taken while a message was under way", lease.batch_id)
    except DatabaseError:
        log.exception("the lease on batch %s could not be renewed", lease.batch_id)


def _persist(lease: Lease, results: dict[int, Result], rows: list[Row], size: int) -> list[Row]:
    """Settle and begin in one transaction; tried again while the lease lasts, since results are worth keeping."""
    while True:
        try:
            with transaction.atomic():
                return next_slice(lease, results, rows, size)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() >= lease.ends:
                raise
            log.exception("the database did not take a slice of batch %s; once more", lease.batch_id)
            connection.close()
            time.sleep(0.2)


def _job(lease: Lease) -> _Job:
    """What sends this batch, or the words for refusing all of it."""
    mailing = lease.mailing
    content = Content.from_json(mailing.content)
    url = _url(lease)
    no = ""
    if content.digest() != mailing.content_hash:
        no = NOT_APPROVED
    elif not url:
        no = PRACTICE_ONLY_CAUGHT
    elif (mailing.practice or settings.INVENTED_ONLY) and not http.is_loopback(url):
        no = INVENTED_ONLY_HERE
    elif not (content.text if lease.channel == Channel.EMAIL else content.sms).strip():
        no = NOTHING_TO_SAY
    if no:
        return _Job(lease, None, lambda row: None, no=no)
    if lease.channel == Channel.SMS:
        gateway = sms.catcher(url) if mailing.practice else sms.chosen()
        return _Job(lease, gateway, _texts(lease, content))
    only_here = mailing.practice or settings.INVENTED_ONLY
    return _Job(lease, _kept.relay(url, only_here), _letters(lease, content))


def _url(lease: Lease) -> str:
    """Where a batch goes. Practice goes to the demo's catchers, which deliver nothing, or else nowhere ("").

    A relay on this machine is not enough for practice: it may well pass on what it gets (promises.md, I4).
    """
    email = lease.channel == Channel.EMAIL
    if not lease.mailing.practice:
        return settings.SMTP_URL if email else sms.chosen().url
    if not settings.DEMO:
        return ""
    return f"smtp://{settings.CATCHER_SMTP}" if email else f"http://{settings.CATCHER_HTTP}"


def _letters(lease: Lease, content: Content) -> Callable[[Row], render.Letter]:
    """How a row becomes a mail; the form is drawn once for the batch."""
    form = render.Form(content, stream=lease.mailing.stream, reference=lease.mailing.reference)

    def letter(row: Row) -> render.Letter:
        if settings.INVENTED_ONLY and not emails.is_invented(row.address):
            raise ValueError(NOT_INVENTED)
        return form.letter(render.Person(row.id, row.recipient_key, row.address))

    return letter


def _texts(lease: Lease, content: Content) -> Callable[[Row], sms.Text]:
    """How a row becomes a text message."""
    form = TextForm(content, stream=lease.mailing.stream)

    def text(row: Row) -> sms.Text:
        if settings.INVENTED_ONLY and not phones.is_invented(row.address):
            raise ValueError(NOT_INVENTED)
        return form.text(delivery_id=row.id, recipient_key=row.recipient_key, number=row.address)

    return text


class _Kept(threading.local):
    """This thread's connections to relays, kept from batch to batch."""

    def __init__(self) -> None:
        self.relays: dict[tuple[str, float, bool], Relay] = {}

    def relay(self, url: str, loopback_only: bool) -> Relay:
        """The relay at this URL; one that may only be on this machine makes sure of it when it connects."""
        key = (url, float(settings.SMTP_DEADLINE_SECONDS), loopback_only)
        if key not in self.relays:
            self.relays[key] = Relay(key[0], name=settings.MAIL_DOMAIN, deadline=key[1], loopback_only=loopback_only)
        return self.relays[key]


_kept = _Kept()
