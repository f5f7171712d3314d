"""/metrics for a monitoring system, in the text format of Prometheus 0.0.4: counts and times, nothing about people."""

import hmac
from datetime import datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from bell.delivery import health
from bell.delivery.models import Channel

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@never_cache
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """The numbers, for who brings BELL_METRICS_TOKEN; for everyone else this page does not exist."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    wanted: str = settings.METRICS_TOKEN
    if not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Http404
    return HttpResponse("\n".join([*_lines(health.read()), ""]), content_type=_TYPE)


def _lines(now: health.Health) -> list[str]:
    """Each metric with its help, type and samples."""
    lines = _metric("bell_waiting_batches", "Batches in a lane that are not done.")
    lines += [f'bell_waiting_batches{{lane="{one.lane}"}} {one.batches}' for one in now.lanes]
    lines += _metric("bell_waiting_messages", "Messages in these batches that are still to be sent.")
    lines += [f'bell_waiting_messages{{lane="{one.lane}"}} {one.messages}' for one in now.lanes]
    lines += _metric("bell_sent_per_second", "Messages accepted a second in the last minute, by way out.")
    lines += [
        f'bell_sent_per_second{{channel="{one.channel}",provider="{one.name}"}} {one.minute:g}' for one in now.providers
    ]
    stopped = {one.name for one in now.stopped}
    lines += _metric("bell_channel_stopped", "1 while nothing at all may go by this channel.")
    lines += [f'bell_channel_stopped{{channel="{one.value}"}} {int(one.value in stopped)}' for one in Channel]
    plain = (
        ("bell_open_breakers", "Ways out that are stopped, by us or by a person.", len(now.holds)),
        ("bell_open_alarms", "Alarms that nobody has looked at.", len(now.alarms)),
        ("bell_late_seconds", "Since when the oldest message should have gone.", now.late.total_seconds()),
        ("bell_unread_inbound", "What came in and was not read yet.", now.unread),
        ("bell_unreadable_inbound", "What came in and cannot be read.", now.unreadable),
        ("bell_uncertain_messages", "Messages of the last 7 days that may have arrived.", now.uncertain),
        ("bell_worker_seconds", "Since the worker's last sign of life; -1: never.", _since(now.at, now.worker)),
        ("bell_receipt_seconds", "Since the last delivery receipt; -1: never.", _since(now.at, now.last_receipt)),
        ("bell_backup_seconds", "Since the last backup; -1: never.", _since(now.at, now.backup)),
    )
    for name, words, value in plain:
        lines += [*_metric(name, words), f"{name} {value:g}"]
    return lines


def _metric(name: str, words: str) -> list[str]:
    return [f"# HELP {name} {words}", f"# TYPE {name} gauge"]


def _since(now: datetime, then: datetime | None) -> float:
    """Whole seconds between, or -1."""
    return -1 if then is None else max(0, round((now - then).total_seconds()))
