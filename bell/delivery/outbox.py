"""The sending loop: lease a batch, send it slice by slice, settle each slice, give way to a higher lane.

A slice is at most 100 messages or a quarter of a second. Before each one its mark is committed, and stop and
suppression are read again, so that nothing starts later than 5 s after a no (promises.md, I3).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from bell.delivery import crash, digests, learning, leasing, limits, pulse, sms
from bell.delivery.content import Content
from bell.delivery.email import named, render
from bell.delivery.email.anymail import Provider
from bell.delivery.email.smtp import Relay
from bell.delivery.leasing import Lease, LeaseLost
from bell.delivery.models import Channel, State
from bell.delivery.results import Outcome, Result, Slice, Watch
from bell.delivery.settling import Row, next_slice
from bell.delivery.sms.render import Form as TextForm
from bell.lib import emails, http, phones

log = logging.getLogger(__name__)

_SLICE_SECONDS = 0.25
_LOOK_AGAIN = 1.0  # seconds after which stop and suppression are read again for rows that were read ahead
_MOST_FORMS = 16  # mails drawn once and kept from batch to batch
_MOST_UNWRITTEN = 500  # results at most that a killed worker takes with it: its uncertain messages
_MOST_AT_ONCE = {Channel.EMAIL.value: 100, Channel.SMS.value: 100}

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
class _Progress:
    """How far a lease is worked off: rows read ahead, and what was sent but not yet written."""

    ahead: list[Row] = field(default_factory=list)
    results: dict[int, Result] = field(default_factory=dict)
    sent: list[Row] = field(default_factory=list)
    read_at: float = 0.0
    written_at: float = 0.0

    def note(self, rows: list[Row], done: Slice) -> bool:
        """Keep the results of a slice; False when some of its rows were not begun."""
        self.results.update(done.results)
        self.sent += rows
        self.ahead = self.ahead[len(rows) :]
        return len(done.results) >= len(rows)

    def is_due(self) -> bool:
        """Whether it is time to write, or to look again at who may be written to."""
        now = time.monotonic()
        late = now - self.written_at >= _SLICE_SECONDS or now - self.read_at >= _LOOK_AGAIN
        return not self.ahead or late or len(self.results) >= _MOST_UNWRITTEN


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
    pace = _kept.pace(lease.channel)
    progress = _Progress()
    settled = 0
    try:
        _write(lease, progress, pace.size)
        while progress.ahead:
            rows = progress.ahead[: pace.size]
            started = time.monotonic()
            done = _send_slice(job, rows)
            pace.learn(len(done.results), time.monotonic() - started)
            whole = progress.note(rows, done)
            pulse.count_slice(lease.channel, done.results.values())
            settled += len(done.results)
            give_back = done.pause is not None or not done.results or not keep_going()
            if whole and not give_back and not progress.is_due():
                if leasing.go_on(lease, progress.ahead[: pace.size][-1].id):
                    continue
                give_back = leasing.overtaken(lease)
            elif not give_back:
                give_back = leasing.overtaken(lease)
            _write(lease, progress, 0 if give_back else pace.size, whole=whole)
            crash.point("after-commit")
            pulse.flush()
            if done.pause is not None:
                log.warning("%s pauses for %.1f s: %s", lease.channel, done.pause, done.why)
                # A catcher that is away keeps practice waiting, and nothing else.
                limits.pause(limits.mailing(lease.mailing.pk) if lease.mailing.practice else lease.channel, done.pause)
    except LeaseLost as error:
        log.warning("%s", error)
    return settled


def _write(lease: Lease, progress: _Progress, size: int, *, whole: bool = False) -> None:
    """Write what was sent and begin the next rows; those read ahead are used while they are fresh."""
    now = time.monotonic()
    fresh = whole and now - progress.read_at < _LOOK_AGAIN
    kept = progress.ahead if fresh else []
    progress.ahead = _persist(lease, progress.results, progress.sent, size, ahead=settings.BATCH_SIZE, kept=kept)
    progress.results, progress.sent, progress.written_at = {}, [], now
    if not kept:
        progress.read_at = now


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
    for provider in _kept.providers.values():
        provider.close()
    _kept.relays.clear()
    _kept.paces.clear()
    _kept.forms.clear()
    _kept.boards.clear()
    learning.forget()
    sms.close()
    _kept.providers.clear()


def _send_slice(job: _Job, rows: list[Row]) -> Slice:
    """Hand a slice to the transport, with a watch on the lease and the clock."""
    if job.transport is None:
        return Slice({row.id: Result(Outcome.PERMANENT, "", job.no) for row in rows})
    job.refused.clear()
    held = _held(job.lease, rows)
    _wait_for_slot(job.lease, len(rows) - len(held))
    started: list[float] = []

    def may_start() -> bool:
        now = time.monotonic()
        started.append(now) if not started else None
        return not job.lease.lost and now < job.lease.ends and now - started[0] < _SLICE_SECONDS

    waiting = [row for row in rows if row.id not in held] if held else rows
    done = job.transport.send(job.messages(waiting), Watch(may_start, lambda: _beat(job.lease)))
    done.results.update(job.refused)
    learning.learn(job.lease, _kept.board(job.lease.channel), waiting, done.results)
    done.results.update(held)
    return done


def _held(lease: Lease, rows: list[Row]) -> dict[int, Result]:
    """Rows whose domain is full, or refuses us: put off before they are tried."""
    waits = _kept.board(lease.channel).waits((row.id, row.address, row.slot) for row in rows)
    return {number: Result(Outcome.HELD, "", "", wait=wait) for number, wait in waits.items()}


def _wait_for_slot(lease: Lease, count: int) -> None:
    """Wait for this worker's turn, where the relay may get only so many a second from all workers together."""
    if not count or lease.channel != Channel.EMAIL or not settings.SMTP_PER_SECOND:
        return
    until = time.monotonic() + limits.reserve(f"rate:{lease.channel}", count, settings.SMTP_PER_SECOND)
    while (left := until - time.monotonic()) > 0:
        _beat(lease)
        time.sleep(min(left, 1.0))


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


def _persist(
    lease: Lease,
    results: dict[int, Result],
    rows: list[Row],
    size: int,
    *,
    ahead: int = 0,
    kept: Sequence[Row] = (),
) -> list[Row]:
    """Settle and begin in one transaction; tried again while the lease lasts, since results are worth keeping."""
    while True:
        try:
            with transaction.atomic():
                return next_slice(lease, results, rows, size, ahead=ahead, kept=kept)
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
    if content.digest() != mailing.content_hash:  # at every batch: what was approved is what is sent (I5)
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
        gateway = sms.catcher(url) if mailing.practice else sms.chosen(lease.lane)
        return _Job(lease, gateway, _texts(lease, content))
    if settings.EMAIL_PROVIDER != named.SMTP and not mailing.practice:
        return _Job(lease, _kept.provider(settings.EMAIL_PROVIDER), _letters(lease, content))
    only_here = mailing.practice or settings.INVENTED_ONLY
    return _Job(lease, _kept.relay(url, only_here), _letters(lease, content))


def _url(lease: Lease) -> str:
    """Where a batch goes. Practice goes to the demo's catchers, which deliver nothing, or else nowhere ("").

    A relay on this machine is not enough for practice: it may well pass on what it gets (promises.md, I4).
    """
    email = lease.channel == Channel.EMAIL
    if not lease.mailing.practice:
        if email and settings.EMAIL_PROVIDER != named.SMTP:
            return _kept.provider(settings.EMAIL_PROVIDER).url
        return settings.SMTP_URL if email else sms.chosen().url
    if not settings.DEMO:
        return ""
    return f"smtp://{settings.CATCHER_SMTP}" if email else f"http://{settings.CATCHER_HTTP}"


def _letters(lease: Lease, content: Content) -> Callable[[Row], render.Letter]:
    """How a row becomes a mail; the form is drawn once for the batch."""

    def form(language: str) -> render.Form:
        known = (lease.mailing.pk, lease.mailing.content_hash, language)
        if known not in _kept.forms:
            if len(_kept.forms) >= _MOST_FORMS:
                _kept.forms.clear()
            said = content.in_language(language)
            _kept.forms[known] = render.Form(said, stream=lease.mailing.stream, reference=lease.mailing.reference)
        return _kept.forms[known]

    invented_only = settings.INVENTED_ONLY
    items = digests.items_of(lease.batch_id) if content.items else {}

    def letter(row: Row) -> render.Letter:
        if invented_only and not emails.is_invented(row.address):
            raise ValueError(NOT_INVENTED)
        person = render.Person(row.id, row.recipient_key, row.address, items.get(row.id, ()))
        return form(row.language).letter(person)

    return letter


def _texts(lease: Lease, content: Content) -> Callable[[Row], sms.Text]:
    """How a row becomes a text message."""
    forms: dict[str, TextForm] = {}

    def form(language: str) -> TextForm:
        if language not in forms:
            forms[language] = TextForm(content.in_language(language), stream=lease.mailing.stream)
        return forms[language]

    def text(row: Row) -> sms.Text:
        if settings.INVENTED_ONLY and not phones.is_invented(row.address):
            raise ValueError(NOT_INVENTED)
        said = form(row.language).text(delivery_id=row.id, recipient_key=row.recipient_key, number=row.address)
        if row.state != State.UNCERTAIN:
            return said
        return replace(said, maybe=True, provider=row.provider, provider_ref=row.provider_ref)

    return text


class _Kept(threading.local):
    """This thread's connections to relays, kept from batch to batch."""

    def __init__(self) -> None:
        self.paces: dict[str, _Pace] = {}
        self.forms: dict[tuple[int, str, str], render.Form] = {}
        self.boards: dict[str, limits.Board] = {}
        self.relays: dict[tuple[str, float, bool], Relay] = {}
        self.providers: dict[str, Provider] = {}

    def provider(self, name: str) -> Provider:
        """The mail provider of that name."""
        if name not in self.providers:
            self.providers[name] = Provider(name, deadline=float(settings.SMTP_DEADLINE_SECONDS))
        return self.providers[name]

    def pace(self, channel: str) -> _Pace:
        """How fast this channel went last."""
        return self.paces.setdefault(channel, _Pace(_MOST_AT_ONCE[channel]))

    def board(self, channel: str) -> limits.Board:
        """What is known of the limits of this channel."""
        return self.boards.setdefault(channel, limits.Board(channel))

    def relay(self, url: str, loopback_only: bool) -> Relay:
        """The relay at this URL; one that may only be on this machine makes sure of it when it connects."""
        key = (url, float(settings.SMTP_DEADLINE_SECONDS), loopback_only)
        if key not in self.relays:
            self.relays[key] = Relay(
                key[0],
                name=settings.MAIL_DOMAIN,
                deadline=key[1],
                loopback_only=loopback_only,
                connections=settings.SMTP_CONNECTIONS,
            )
        return self.relays[key]


_kept = _Kept()
