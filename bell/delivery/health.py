"""How the post room is: what waits in each lane, how fast it goes, what is stopped, whether the worker is alive.

Counts and times only, nobody's address. Read by the desk's health page, by /metrics, `bell doctor` and `bell outbox`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from bell.delivery import control, digests, kept, pulse, times, waiting
from bell.delivery.control import Hold, Slow
from bell.delivery.models import Alarm, Channel, Delivery, Heartbeat, Inbound, Mailing, State
from bell.delivery.waiting import Reason, Waiting
from bell.lib import clock

BEAT_SECONDS = 10.0
SILENT = timedelta(seconds=60)
"""A worker that said nothing for so long is taken for dead: promises.md gives a minute (I10)."""
LATE = timedelta(minutes=5)
"""What should have gone so long ago is late: somebody should look."""

_LATELY = timedelta(days=7)
_KEPT_SECONDS = 60.0


@dataclass(frozen=True)
class Provider:
    """One way out as it was used: messages a second in the last minute and the last ten, and its last signs."""

    channel: str
    name: str  # "": the relay, or the only gateway
    minute: float
    ten_minutes: float
    success: datetime | None
    trouble: datetime | None


@dataclass(frozen=True)
class Health:
    """The post room at one moment. `uncertain` and `unreadable` may be some minutes old: they are dear to count."""

    at: datetime
    lanes: tuple[Waiting, ...]
    digests: digests.Waiting
    providers: tuple[Provider, ...]
    reasons: tuple[Reason, ...]
    holds: tuple[Hold, ...]
    slow: tuple[Slow, ...]
    alarms: tuple[Alarm, ...]
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

    @property
    def waiting(self) -> int:
        """Messages in all lanes."""
        return sum(one.messages for one in self.lanes)

    @property
    def stopped(self) -> tuple[Hold, ...]:
        """Whole channels that are stopped or pause."""
        return tuple(one for one in self.holds if one.whole_channel)


@dataclass(frozen=True)
class Verdict:
    """Everything in one line, for people; `tone`: "good", "warning" or "bad"."""

    tone: str
    words: str


def verdict(now: Health) -> Verdict:
    """The first thing to know."""
    if not now.worker_alive:
        since = f"the worker was last heard {clock.said(now.worker)}" if now.worker else "no worker has ever run here"
        return Verdict("bad", f"Nothing is going out: {since}.")
    if now.stopped:
        return Verdict("bad", " ".join(_stopped(one) for one in now.stopped))
    words, tone = _flowing(now)
    if now.alarms:
        number = len(now.alarms)
        tone, words = "warning", f"{words} {number} alarm{'s' if number != 1 else ''} to look at."
    return Verdict(tone, words)


def _stopped(one: Hold) -> str:
    verb = "are" if one.name == Channel.SMS else "is"
    why = one.why.rstrip(".")
    if one.since is None and one.until is not None:
        return f"{one.words} {verb} paused until {clock.said(one.until)}: {why}."
    return f"{one.words} {verb} stopped: {why}."


def _flowing(now: Health) -> tuple[str, str]:
    """Words and tone while no channel is stopped."""
    if now.late >= LATE:
        minutes = int(now.late.total_seconds() // 60)
        since = f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
        return f"Messages wait: the oldest should have gone {since} ago.", "warning"
    if len(now.holds) == 1:
        return f"{now.holds[0].words} is stopped. Everything else is going out.", "warning"
    if now.holds:
        return f"{len(now.holds)} ways are stopped. Everything else is going out.", "warning"
    if not now.waiting:
        return "Everything has gone out. Nothing waits.", "good"
    return "Everything is going out.", "good"


def beat(name: str = "worker") -> int:
    """Say that one is alive, or that something was done now; an entry of the worker's timetable."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": times.now()})
    return 0


def last(name: str) -> datetime | None:
    """When that was said last."""
    return Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()


def read() -> Health:
    """How everything is now."""
    at = times.now()
    uncertain, unreadable = kept.kept("delivery-health", _counted, least=_KEPT_SECONDS)
    unread = Inbound.objects.filter(state__in=[Inbound.State.NEW, Inbound.State.SETTLED]).aggregate(
        count=Count("id"), oldest=Min("received_at")
    )
    receipts = Inbound.objects.filter(kind=Inbound.Kind.RECEIPT).order_by("-id")
    human = Inbound.objects.exclude(kind=Inbound.Kind.RECEIPT).order_by("-id")
    return Health(
        at=at,
        lanes=kept.kept("delivery-lanes", lambda: waiting.lanes(at)),
        digests=kept.kept("delivery-digests", digests.waiting),
        providers=kept.kept("delivery-providers", _providers),
        reasons=kept.kept("delivery-reasons", waiting.reasons),
        holds=control.holds(),
        slow=control.slow(),
        alarms=control.alarms(),
        unread=unread["count"],
        oldest_unread=unread["oldest"],
        last_receipt=receipts.values_list("received_at", flat=True).first(),
        last_inbound=human.values_list("received_at", flat=True).first(),
        uncertain=uncertain,
        unreadable=unreadable,
        worker=last("worker"),
        backup=last("backup"),
    )


def _providers() -> tuple[Provider, ...]:
    """Every way used within eight days; of a channel that was not used, one line that says so."""
    minute = {(rate.channel, rate.provider): rate.per_second for rate in pulse.rates(1)}
    ten = {(rate.channel, rate.provider): rate.per_second for rate in pulse.rates(10)}
    signs = {(one.channel, one.provider): one for one in pulse.signs()}
    used = {channel for channel, _ in signs}
    ways = sorted([*signs, *((channel.value, "") for channel in Channel if channel not in used)])
    found = []
    for way in ways:
        success, trouble = (signs[way].success, signs[way].trouble) if way in signs else (None, None)
        found.append(Provider(*way, minute.get(way, 0.0), ten.get(way, 0.0), success, trouble))
    return tuple(found)


def _counted() -> tuple[int, int]:
    """Uncertain messages of a week's mailings, and everything that could not be read."""
    lately = Mailing.objects.filter(created_at__gte=times.now() - _LATELY)
    uncertain = Delivery.objects.filter(mailing__in=lately, state=State.UNCERTAIN).count()
    return uncertain, Inbound.objects.filter(state=Inbound.State.UNREADABLE).count()
