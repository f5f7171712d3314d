"""What `bell outbox` prints: lines for people, values for machines. Counts, times and ways; nobody's address."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncDate

from bell.alerts import find
from bell.alerts.models import Alert
from bell.delivery import health
from bell.delivery.models import Delivery, Mailing, State
from bell.delivery.waiting import grouped
from bell.lib import clock

LATELY = timedelta(days=30)
_PROVIDERS = {"email": "the relay", "sms": "the gateway"}


def whole(now: health.Health) -> list[str]:
    """The outbox at one moment."""
    lines = [health.verdict(now).words, "", f"{'lane':10} {'batches':>8} {'messages':>10}  oldest was due"]
    lines += [f"{one.lane:10} {one.batches:>8,} {one.messages:>10,}  {_said(one.oldest)}" for one in now.lanes]
    lines += ["", f"{'way':24} {'a second':>10} {'10 minutes':>10}  last taken; last refused or doubtful"]
    for way in now.providers:
        name = f"{way.channel} by {way.name or _PROVIDERS[way.channel]}"
        signs = f"{_said(way.success)}; {_said(way.trouble)}"
        lines.append(f"{name:24} {way.minute:>10,.1f} {way.ten_minutes:>10,.1f}  {signs}")
    lines += _listed("Put off, by reason:", [f"{one.messages:>8,}  {one.words}" for one in now.reasons])
    lines += _listed("Stopped:", [f"{one.name}: {one.why} ({_until(one.since, one.until)})" for one in now.holds])
    lines += _listed("Limited:", [f"{one.name}: {one.per_second:g} a second. {one.why}" for one in now.slow])
    lines += _listed(
        "Alarms:", [f"{one.name}: {one.words} (since {clock.said(one.since)}, {one.times}x)" for one in now.alarms]
    )
    if now.digests.messages:
        lines += ["", f"Kept for digests: {now.digests.messages:,}; the next is due {_said(now.digests.next_at)}"]
    return [*lines, "", f"Uncertain in the last 7 days: {now.uncertain:,}", f"Worker: {_said(now.worker)}"]


def _listed(title: str, rows: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {row}" for row in rows)] if rows else []


def _said(at: datetime | None) -> str:
    return clock.said(at) if at else "-"


def _until(since: datetime | None, until: datetime | None) -> str:
    begun = f"since {clock.said(since)}" if since else "a pause"
    return f"{begun}, {f'tried again {clock.said(until)}' if until else 'until a person resumes it'}"


def whole_as_values(now: health.Health) -> dict[str, Any]:
    """The same as one JSON object; times as they come out of the database."""
    alarms = [
        {"id": one.pk, "name": one.name, "words": one.words, "since": one.since, "times": one.times}
        for one in now.alarms
    ]
    verdict = health.verdict(now)
    return {
        "at": now.at,
        "tone": verdict.tone,
        "words": verdict.words,
        "lanes": [asdict(one) for one in now.lanes],
        "providers": [asdict(one) for one in now.providers],
        "deferred": [asdict(one) for one in now.reasons],
        "stopped": [asdict(one) for one in now.holds],
        "limited": [asdict(one) for one in now.slow],
        "alarms": alarms,
        "digests": asdict(now.digests),
        "uncertain": now.uncertain,
        "worker": now.worker,
    }


def alert(one: Alert) -> tuple[list[str], bool]:
    """(How far the sending of an alert is, whether it is over)."""
    progress = find.progress(one)
    now = progress.sending
    lines = [f"{one.reference}: {one.get_state_display().lower()}, {progress.percent}% of {progress.total:,} done"]
    if not now.filled:
        lines.append(f"in the outbox so far: {now.total:,}")
    lines.append(f"{now.per_second:,.1f} a second{_left(now.seconds_left)}")
    for channel, states in sorted(now.by_channel.items()):
        lines += [f"  {channel:6} {state:12} {number:>10,}" for state, number in sorted(states.items())]
    lines.append("  batches: " + (", ".join(f"{n:,} {state}" for state, n in sorted(now.batches.items())) or "none"))
    lines += [f"  put off: {reason.messages:,}  {reason.words}" for reason in now.reasons]
    lines += [f"  stopped: {held.name}: {held.why}" for held in now.held]
    return lines, not (progress.waiting or now.batches.get("ready") or now.batches.get("leased"))


def alert_as_values(one: Alert) -> dict[str, Any]:
    """The same as one JSON object."""
    progress = find.progress(one)
    now = progress.sending
    return {
        "reference": one.reference,
        "state": one.state,
        "total": progress.total,
        "percent": progress.percent,
        "filled": now.filled,
        "by_channel": now.by_channel,
        "per_second": now.per_second,
        "seconds_left": now.seconds_left,
        "batches": now.batches,
        "deferred": [asdict(reason) for reason in now.reasons],
        "stopped": [asdict(held) for held in now.held],
        "at": now.at,
    }


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f", {timedelta(seconds=round(seconds))} left"


def uncertain() -> list[tuple[str, str, int]]:
    """(day in London, reason, messages that may have arrived) of the last 30 days, newest first."""
    lately = Mailing.objects.filter(created_at__gte=clock.now() - LATELY)
    rows = Delivery.objects.filter(mailing__in=lately, state=State.UNCERTAIN)
    by_day = rows.annotate(day=TruncDate("state_at", tzinfo=clock.LONDON)).values_list("day", "reason").order_by()
    counts: dict[tuple[str, str], int] = {}
    for day, reason, number in by_day.annotate(n=Count("id")):
        key = (day.isoformat(), grouped(reason))
        counts[key] = counts.get(key, 0) + number
    return [(day, reason, number) for (day, reason), number in sorted(counts.items(), reverse=True)]
