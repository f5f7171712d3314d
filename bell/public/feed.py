"""Atom feeds of public alerts: all of them, or those of one area.

An ended search keeps its entry, with the same id and a newer time, saying only that it ended: a reader that held the
name then replaces it, where a missing entry would leave the name standing.
"""

import hashlib
from datetime import UTC, datetime
from itertools import islice

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.html import escape
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from bell.alerts import find as alerts
from bell.alerts.models import Alert
from bell.lib import links
from bell.organisations.models import Organisation
from bell.places.models import Area
from bell.public.areas import area_of, path_of
from bell.public.headers import PUBLIC_SECONDS, cacheable
from bell.public.shown import Shown, show
from bell.sharing import atom, find

MOST = 40
# Said by a feed without entries: when such feeds began.
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@require_safe
def everything(request: HttpRequest) -> HttpResponseBase:
    """The newest public alerts of the whole force and its partners."""
    force = Organisation.objects.public().filter(sort=Organisation.Sort.FORCE).first()
    name = force.name if force else "Alerts"
    feed = atom.Feed(
        id=atom.tag(find.authority(), "feed"),
        title=f"Alerts from {name}",
        link=links.absolute("/alerts/"),
        here=links.absolute("/feed.atom"),
        author=name,
        updated=_BEGAN,
    )
    return _answer(request, feed, list(islice(find.current(find.open_alerts()[: MOST * 5]), MOST)))


@require_safe
def of_area(request: HttpRequest, kind: str, code: str) -> HttpResponseBase:
    """The newest public alerts to one area."""
    here = area_of(kind, code)
    return _answer(request, _feed_of(here), find.of_area(here, most=MOST, follow_ups=True))


def _feed_of(here: Area) -> atom.Feed:
    return atom.Feed(
        id=atom.tag(find.authority(), "area", here.kind, here.code),
        title=f"Alerts to {here.name}",
        link=links.absolute(path_of(here)),
        here=links.absolute(f"{path_of(here)}feed.atom"),
        author=here.name,
        updated=_BEGAN,
    )


def _answer(request: HttpRequest, feed: atom.Feed, found: list[Alert]) -> HttpResponseBase:
    """The feed, or 304 when the reader has it already (RFC 9110, 13)."""
    entries = [entry(alert) for alert in found]
    body = atom.render(feed, entries)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    changed = int(atom.newest(feed, entries).timestamp())
    response = HttpResponse(body, content_type=f"{atom.MEDIA_TYPE}; charset=utf-8")
    response.headers["ETag"] = etag
    response.headers["Last-Modified"] = http_date(changed)
    cacheable(response, PUBLIC_SECONDS if all(map(find.lasting, found)) else 0)
    answer = get_conditional_response(request, etag=etag, last_modified=changed, response=response)
    return answer or response


def entry(alert: Alert) -> atom.Entry:
    """One alert as an entry: what its page shows, and no more."""
    shown = show(alert)
    sent = alert.sent_at or alert.created_at
    return atom.Entry(
        id=atom.tag(find.authority(), "alert", alert.reference),
        link=links.absolute(links.alert_page(alert.reference)),
        title=f"{shown.relation}: {shown.title}" if shown.relation and not shown.hidden else shown.title,
        html=_html(shown),
        author=f"{shown.organisation}, {shown.team}",
        kind=shown.kind,
        published=sent,
        updated=_changed(alert, sent),
    )


def _changed(alert: Alert, sent: datetime) -> datetime:
    """When the entry last changed: sent, stopped, or followed by something that changes how it is shown."""
    moments = [sent, alert.finished_at or sent]
    if not find.lasting(alert):
        moments += [at for one in alerts.line_of(alert) for at in (one.sent_at, one.finished_at) if at]
    return max(moments)


def _html(shown: Shown) -> str:
    """Safe HTML: a warning where one is due, the body, the facts, the reference."""
    parts = []
    if shown.stopped:
        parts.append("<p><strong>We stopped sending this alert, so it may be wrong or out of date.</strong></p>")
    parts.append(shown.html)
    parts += [f"<p>{escape(label)}: {escape(value)}</p>" for label, value in shown.facts]
    parts.append(f"<p>Reference {escape(shown.reference)}</p>")
    return "".join(parts)
