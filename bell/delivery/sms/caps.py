"""Caps on texts: how many one number gets a day, and what they may cost a day and a month.

What a cap holds back keeps waiting without an attempt until the cap begins anew (it is asked again every hour, since a
cap may be raised), and an alarm says so; nothing is dropped. Days and months are London's. Codes and officers' answers
(lane "now") and urgent alerts have a reserve of each cap, so that a routine mailing never uses up what a person waits
for. Workers that are at it in the same moment may together go past a number's cap by a text; never past the money's.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Sum

from bell.delivery import limits
from bell.delivery.models import Alarm, Channel, Delivery, Lane, Spend, State
from bell.delivery.results import Outcome, Result
from bell.delivery.sms.promise import Text
from bell.lib import clock, keys, text

DAY, MONTH, NUMBER = "sms:spend-day", "sms:spend-month", "sms:number-cap"
_SHARE = {Lane.NOW: 1.0, Lane.URGENT: 0.95, Lane.ROUTINE: 0.8, Lane.DIGEST: 0.8}
_TIMES = {Lane.NOW: 2, Lane.URGENT: 1, Lane.ROUTINE: 1, Lane.DIGEST: 1}
_ASK_AGAIN = 3600.0
_WENT = (State.SENT, State.DELIVERED, State.UNCERTAIN)
_SAYS = {
    DAY: "the day's money for texts is spent",
    MONTH: "the month's money for texts is spent",
    NUMBER: "this number had its texts for today",
}


@dataclass
class Grant:
    """What may be sent now, and the results of what must wait. `segments` of each that may."""

    texts: list[tuple[int, Text]] = field(default_factory=list)
    held: dict[int, Result] = field(default_factory=dict)
    segments: dict[int, int] = field(default_factory=dict)


def grant(texts: list[tuple[int, Text]], lane: int) -> Grant:
    """Decide on a slice and book what it may cost; a few queries, however many texts. `refund` what was not sent.

    Nothing is booked where no cap on money is set: it would be a transaction a slice for nothing.
    """
    granted = Grant()
    now = clock.now()
    _begin_day(now)
    had = _had(texts, now)
    most = settings.SMS_NUMBER_CAP * _TIMES[Lane(lane)]
    for number, one in texts:
        if had.get(one.to, 0) >= most > 0 and not one.maybe:
            granted.held[number] = _wait(NUMBER, _tomorrow(now), now)
            continue
        had[one.to] = had.get(one.to, 0) + 1
        granted.texts.append((number, one))
        granted.segments[number] = text.measure(one.text)[1]
    if granted.held:
        limits.raise_alarm(NUMBER, f"{len(granted.held)} or more texts wait: a number had its {most} for today")
    if _money_is_capped():
        _book(granted, lane, now)
    return granted


def refund(granted: Grant, results: Mapping[int, Result]) -> None:
    """Take back from the books what was not sent: what the vendor surely has not taken costs nothing."""
    if not _money_is_capped():
        return
    spent = (Outcome.ACCEPTED, Outcome.UNCERTAIN)
    unused = sum(
        segments
        for number, segments in granted.segments.items()
        if number not in results or results[number].outcome not in spent or results[number].first == "kept"
    )
    if unused:
        Spend.objects.filter(day=clock.local(clock.now()).date()).update(
            segments=F("segments") - unused, millipence=F("millipence") - unused * _price()
        )


class _Seen(threading.local):
    """The day on which this thread sent last."""

    day: date | None = None


_seen = _Seen()


def _begin_day(now: datetime) -> None:
    """On a new day what was full is not any more, or says so again."""
    today = clock.local(now).date()
    if _seen.day != today:
        old = Alarm.objects.filter(name__in=[DAY, MONTH, NUMBER], ended_at=None, last_at__lt=_midnight(now))
        old.update(ended_at=now)
        _seen.day = today


def _money_is_capped() -> bool:
    return bool(settings.SMS_SPEND_DAY_PENCE or settings.SMS_SPEND_MONTH_PENCE)


def _had(texts: list[tuple[int, Text]], now: datetime) -> dict[str, int]:
    """{number: how many texts went to it today}; one query."""
    if not settings.SMS_NUMBER_CAP:
        return {}
    by_key = {keys.address_key(Channel.SMS, one.to): one.to for _, one in texts}
    rows = Delivery.objects.filter(
        channel=Channel.SMS, address_key__in=list(by_key), state__in=_WENT, state_at__gte=_midnight(now),
        mailing__practice=False,
    )  # fmt: skip
    counted = rows.values_list("address_key").annotate(n=Count("id")).order_by()
    return {by_key[key]: n for key, n in counted if key is not None}


@transaction.atomic
def _book(granted: Grant, lane: int, now: datetime) -> None:
    """Book the slice's cost under a lock on the day's row; what goes over a cap is held."""
    today = clock.local(now).date()
    row, _ = Spend.objects.get_or_create(day=today)
    row = Spend.objects.select_for_update().get(pk=row.pk)
    room, cap = _room(row, lane)
    booked, fits = 0, []
    for number, one in granted.texts:
        cost = granted.segments[number]
        if room is None or (booked + cost) * _price() <= room:
            booked += cost
            fits.append((number, one))
        else:
            granted.held[number] = _wait(cap, _tomorrow(now) if cap == DAY else _next_month(now), now)
            del granted.segments[number]
    full, granted.texts = len(fits) < len(granted.texts), fits
    if full:
        limits.raise_alarm(
            cap, f"Texts wait: {_SAYS[cap]}" + ("" if lane == Lane.NOW else ", save what is kept for codes")
        )
    Spend.objects.filter(pk=row.pk).update(
        segments=F("segments") + booked, millipence=F("millipence") + booked * _price()
    )


def _room(row: Spend, lane: int) -> tuple[int | None, str]:
    """(thousandths of a penny that this lane may still spend, the cap that says so); None without caps."""
    share = _SHARE[Lane(lane)]
    rooms: list[tuple[int, str]] = []
    if settings.SMS_SPEND_DAY_PENCE:
        rooms.append((int(settings.SMS_SPEND_DAY_PENCE * 1000 * share) - row.millipence, DAY))
    if settings.SMS_SPEND_MONTH_PENCE:
        month = Spend.objects.filter(day__gte=row.day.replace(day=1), day__lte=row.day)
        spent = month.aggregate(spent=Sum("millipence"))["spent"] or 0
        rooms.append((int(settings.SMS_SPEND_MONTH_PENCE * 1000 * share) - spent, MONTH))
    return min(rooms) if rooms else (None, DAY)


def _price() -> int:
    """Of a segment, in thousandths of a penny."""
    return round(settings.SMS_PENCE_PER_SEGMENT * 1000)


def _wait(cap: str, until: datetime, now: datetime) -> Result:
    return Result(Outcome.HELD, "", _SAYS[cap], wait=min((until - now).total_seconds() + 1, _ASK_AGAIN))


def _midnight(now: datetime) -> datetime:
    """When London's present day began."""
    return clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)


def _tomorrow(now: datetime) -> datetime:
    return _midnight(now) + timedelta(days=1)  # on the wall clock, whatever its zone does that night


def _next_month(now: datetime) -> datetime:
    return (_midnight(now).replace(day=1) + timedelta(days=32)).replace(day=1)
