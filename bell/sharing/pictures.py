"""From an alert to its picture card: the words, the ground, and a copy kept while nothing changes."""

import hashlib
from pathlib import Path
from typing import Any

import shapely
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db.models import Count, Max
from shapely.geometry.base import BaseGeometry

from bell.alerts import find as alerts
from bell.alerts.models import Alert, Relation
from bell.organisations import kinds
from bell.places import find as places
from bell.places.models import Area
from bell.sharing import find
from bell.sharing.card import HEIGHT, MAP_WIDTH, Face, Typeface, draw
from bell.sharing.cardmap import Ground

_KEEP_SECONDS = 24 * 3600
_MOST_BASE = 500
_MOST_NAMES = 40
# Degrees: about 12 metres.
_COARSE = 0.00012
_LATIN = "type/files/atkinson-hyperlegible-next-latin-wght-normal.woff2"
_EXTENDED = "type/files/atkinson-hyperlegible-next-latin-ext-wght-normal.woff2"


class NoTypeface(RuntimeError):
    """The front-end files are not installed (npm ci)."""


def of_kit(kit: find.Kit, alert: Alert) -> bytes:
    """The card of a kit, from the frozen version."""
    frozen = kit.frozen
    banner = f"{kit.message.banner}: " if kit.message.banner else ""
    face = Face(
        title=f"{banner}{frozen['title']}",
        kind=kinds.Kind(frozen["kind"]).label,
        organisation=alert.organisation.name,
        reference=frozen["reference"],
        site=_site(),
        urgent=bool(frozen["urgent"]),
    )
    return _kept(face, alerts.first_of(alert).audience, keep=find.lasting(alert))


def of_public(alert: Alert) -> bytes:
    """The card of a public alert. Once a search has ended it says only that; a stopped alert says that it is."""
    kit = find.kit(alert)
    if kit is not None:
        return of_kit(kit, alert)
    ended = alerts.search_is_over(alert)
    face = Face(
        title="This search has ended. Thank you to everyone who looked." if ended else "This alert was stopped",
        kind="Search ended" if ended else kinds.Kind(alert.kind).label,
        organisation=alert.organisation.name,
        reference=alert.reference,
        site=_site(),
    )
    return draw(face, _typeface(), None)


def words_of_public(alert: Alert) -> str:
    """The words that stand for the card of a public alert; nothing personal once a search has ended."""
    if alerts.search_is_over(alert):
        return f"Card from {alert.organisation.name}: this search has ended. Reference {alert.reference}."
    banner = f"{Relation(alert.relation).label}: " if alert.relation else ""
    return f"Card from {alert.organisation.name}: “{banner}{alert.title}”. Reference {alert.reference}."


def _site() -> str:
    return settings.SITE_URL.partition("://")[2] or settings.SITE_NAME


def _kept(face: Face, rule: dict[str, Any], *, keep: bool) -> bytes:
    """Drawn once. What must vanish at once, such as a missing person's name, is never kept."""
    if not keep:
        return draw(face, _typeface(), ground(rule))
    newest = Area.objects.public().aggregate(count=Count("pk"), last=Max("updated_at"))
    key = f"card-{hashlib.sha256(repr((face, rule, newest)).encode()).hexdigest()[:32]}"
    kept: bytes | None = cache.get(key)
    if kept is None:
        kept = draw(face, _typeface(), ground(rule))
        cache.set(key, kept, _KEEP_SECONDS)
    return kept


def ground(rule: dict[str, Any]) -> Ground | None:
    """The map of an audience: what it means, and our own areas round it; none for an audience without a place."""
    named = list(Area.objects.public().filter(pk__in=rule.get("areas", [])))
    audience = [places.shape(area) for area in named] + find.drawn(rule)
    if not audience:
        return None
    box = find.box_round(audience, ratio=MAP_WIDTH / HEIGHT)
    west, south, east, north = box
    near = Area.objects.public().offered().filter(west__lt=east, east__gt=west, south__lt=north, north__gt=south)
    leaves = list(near.filter(children=None)[: _MOST_BASE + 1])
    base = leaves if 0 < len(leaves) <= _MOST_BASE else list(near.exclude(children=None)[:_MOST_BASE])
    names = [(area.name, area.lon, area.lat) for area in [*named, *base][:_MOST_NAMES]]
    return Ground(
        box=box,
        base=[_coarse(places.shape(area), box) for area in base],
        audience=[_coarse(shape, box) for shape in audience],
        names=list(dict.fromkeys(names)),
    )


def _coarse(shape: BaseGeometry, box: tuple[float, ...]) -> BaseGeometry:
    """Simplified to what a pixel shows of it."""
    return shapely.simplify(shape, max(_COARSE, (box[2] - box[0]) / 1500))


def _typeface() -> Typeface:
    """Our typeface, from the front-end files that pages are served from."""
    latin, extended = finders.find(_LATIN), finders.find(_EXTENDED)
    if not latin or not extended:
        raise NoTypeface("The typeface is missing: run npm ci.")
    return Typeface(Path(latin), Path(extended))
