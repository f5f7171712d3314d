"""How many registered cameras stand near what an alert draws, and when the first records over itself. Never which."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Min

from bell.alerts import audience
from bell.alerts.rule import Ground, Part, Rule
from bell.lib import clock, shapes
from bell.residents.models import Camera, Place

NEAR_M = 150.0


@dataclass(frozen=True)
class Near:
    """A number as it may be shown (rounded to 5; None: fewer than 5, but some) and the first day without footage."""

    cameras: int | None
    gone_on: date | None


def near(rule: Rule) -> Near | None:
    """Cameras within NEAR_M metres of the rule's drawn shapes; None where nothing is drawn.

    The shapes are snapped like those of a count (targeting.md), and the caller counts first: one limit holds for both.
    """
    drawn = audience.geometry(rule.ground(Part.IN))
    if drawn is None:
        return None
    around = shapes.margin(shapes.snap(drawn), NEAR_M)
    within = audience.places(Ground(), shape=around)
    found = Camera.objects.filter(place__in=Place.objects.filter(within), resident__left_at=None)
    number = found.count()
    soonest = found.aggregate(days=Min("days_kept"))["days"]
    today = clock.local(clock.now()).date()
    return Near(audience.hidden(number), today + timedelta(days=soonest) if soonest is not None else None)
