"""Which alerts may be shared, what a kit is made of, and the public alerts of an area. Nothing here writes."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import shapely
from django.conf import settings
from django.db.models import Q, QuerySet
from shapely.geometry.base import BaseGeometry

from bell.alerts import content, drawing, expiry
from bell.alerts import find as alerts
from bell.alerts.models import Alert, State
from bell.lib import links, shapes
from bell.organisations.kinds import Kind
from bell.organisations.models import Route
from bell.places import find as places
from bell.places.models import Area
from bell.sharing.kit import Message

# A kit exists from approval on; the page it links to opens when sending begins.
WITH_KIT = (State.APPROVED, State.HELD, State.SENDING, State.SENT, State.CLOSED)
_LOOK_BACK = 300
_SEARCH_MOST_WORDS = 6


@dataclass(frozen=True)
class Kit:
    """What may be posted elsewhere about an alert: its message, its frozen data, and its audience in words."""

    message: Message
    frozen: dict[str, Any]
    where: str


def no_kit(alert: Alert) -> str:
    """Why there is nothing to post about an alert, in words for an officer; empty when there is."""
    if alert.practice:
        return "This is practice. Nothing of it is ever shared."
    if alerts.search_is_over(alert):
        return (
            "The search has ended, so the kit is gone: name, picture and place leave every page at once. "
            "If you posted about it, take those posts down now."
        )
    if alert.state == State.STOPPED:
        return "Sending was stopped, so there is nothing to share. If you posted about it, take those posts down."
    if alert.state not in WITH_KIT:
        return "The kit is made from the approved version. There is none yet."
    return "" if frozen_of(alert) else "The kit is made from the approved version. There is none yet."


def frozen_of(alert: Alert) -> dict[str, Any] | None:
    """The frozen data of the newest version, which is what was approved once the alert has come so far."""
    version = alert.versions.last()
    return dict(version.frozen) if version else None


def kit(alert: Alert) -> Kit | None:
    """The kit of an alert, or nothing (`no_kit` says why)."""
    if no_kit(alert):
        return None
    frozen = frozen_of(alert)
    if frozen is None or frozen["practice"]:
        return None
    return Kit(message_of(frozen), frozen, said(alerts.first_of(alert).audience))


def message_of(frozen: dict[str, Any]) -> Message:
    """Frozen data as a message for the kit."""
    parts = content.parts(frozen)
    return Message(
        reference=parts.reference,
        link=links.absolute(links.alert_page(parts.reference)),
        title=parts.title,
        body=parts.body_plain,
        banner=parts.banner,
        facts=tuple(parts.facts),
        sender=f"{parts.organisation}, {parts.team}",
        routes=tuple(f"{route.label} {route.value}" for route in parts.routes if route.sort != Route.Sort.SOCIAL),
        answers=parts.answers,
    )


def said(rule: dict[str, Any]) -> str:
    """An audience in a few words: its areas' names, and the area that a drawn shape lies in."""
    names = list(Area.objects.public().filter(pk__in=rule.get("areas", [])).values_list("name", flat=True))
    for shape in drawn(rule):
        middle = shape.representative_point()
        around = sorted(_areas_at(middle.x, middle.y), key=_size)
        names.append(f"a part of {around[0].name}" if around else "an area drawn on the map")
    names = list(dict.fromkeys(names))
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} more areas"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def drawn(rule: dict[str, Any]) -> list[BaseGeometry]:
    """The drawn shapes of an audience that can be read."""
    found = []
    for shape in rule.get("shapes", []):
        try:
            found.append(drawing.read(shape))
        except shapes.ShapeError:
            continue
    return found


def _areas_at(lon: float, lat: float) -> list[Area]:
    return list(Area.objects.public().offered().filter(pk__in=places.areas_at([lon], [lat])[0]))


def _size(area: Area) -> float:
    return (area.east - area.west) * (area.north - area.south)


def open_alerts() -> QuerySet[Alert]:
    """Public alerts with what the pages show of them, newest first."""
    found = Alert.objects.public().select_related("team", "organisation", "follows__follows")
    return found.order_by("-sent_at", "-pk")


def current(found: Iterable[Alert]) -> Iterator[Alert]:
    """Without those that are over by themselves: feeds tell what still holds."""
    return (alert for alert in found if expiry.over_since(alert) is None)


def of_area(area: Area, *, most: int, follow_ups: bool = False) -> list[Alert]:
    """The newest public alerts to an area, to any part of it, or to something it is part of."""
    related = places.under([area.pk]) | set(_ancestors(area))
    ground = places.shape(area)
    found: list[Alert] = []
    rows = open_alerts() if follow_ups else open_alerts().filter(follows=None)
    for alert in current(rows[:_LOOK_BACK]):
        if _touches(alerts.first_of(alert).audience, related, ground):
            found.append(alert)
        if len(found) == most:
            break
    return found


def _ancestors(area: Area) -> list[int]:
    """The ids of the areas that hold this one; a circle in the tree ends."""
    found: list[int] = []
    while area.parent is not None and area.parent.pk not in found:
        area = area.parent
        found.append(area.pk)
    return found


def _touches(rule: dict[str, Any], related: set[int], ground: BaseGeometry) -> bool:
    """Whether an audience has to do with an area; a border in common is no ground in common."""
    if related & set(rule.get("areas", [])):
        return True
    return any(shapely.intersects(ground, shape) and not shapely.touches(ground, shape) for shape in drawn(rule))


def search(words: str) -> list[Alert]:
    """Public alerts whose title or body holds every word, newest first.

    A search that ended is not found by anything: its words would tell who was missing.
    """
    wanted = words.replace("\x00", "").split()[:_SEARCH_MOST_WORDS]
    if not wanted:
        return []
    matches = Q()
    for word in wanted:
        matches &= Q(title__icontains=word) | Q(body__icontains=word)
    return [alert for alert in open_alerts().filter(matches)[:_LOOK_BACK] if not alerts.search_is_over(alert)]


def lasting(alert: Alert) -> bool:
    """Whether a copy of an alert may be kept for a while: not of a search, which may end at any moment."""
    return alerts.first_of(alert).kind != Kind.MISSING


def authority() -> str:
    """The host name that stands in the ids of our feeds (RFC 4151)."""
    host = settings.SITE_URL.partition("://")[2].partition("/")[0].partition(":")[0]
    return host.lower() or "localhost"


def box_round(geometries: list[BaseGeometry], *, ratio: float, least_m: float = 900.0) -> tuple[float, ...]:
    """A box (west, south, east, north in degrees) round shapes with some air, `ratio` being width to height."""
    west, south, east, north = shapely.total_bounds(geometries)
    lon, lat = (west + east) / 2, (south + north) / 2
    squeeze = math.cos(math.radians(lat))
    degree = 111_320.0
    wide = max((east - west) * squeeze * 1.5, least_m * ratio / degree)
    high = max((north - south) * 1.5, least_m / degree)
    wide, high = max(wide, high * ratio), max(high, wide / ratio)
    return lon - wide / 2 / squeeze, lat - high / 2, lon + wide / 2 / squeeze, lat + high / 2
