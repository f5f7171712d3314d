"""Other ways to reach the police and partners, each as a link that a phone can follow."""

import re
from dataclasses import dataclass

from bell.organisations.models import Organisation, Route

_DIALLED = (Route.Sort.EMERGENCY, Route.Sort.PHONE, Route.Sort.ANONYMOUS)


@dataclass(frozen=True)
class Way:
    """One route: what it is for, what to dial or visit, and the link."""

    sort: str
    label: str
    value: str
    href: str


def _way(route: Route) -> Way:
    digits = re.sub(r"[^0-9+]", "", route.value)
    dialled = route.sort in _DIALLED and len(digits) >= 3 and not re.search(r"[A-Za-z]", route.value)
    return Way(route.sort, route.label, route.value, f"tel:{digits}" if dialled else route.url)


def of(organisation: Organisation, *, in_alerts: bool = False) -> list[Way]:
    """The organisation's routes in its own order; `in_alerts`: only those that stand under every alert."""
    found = organisation.routes.all()
    return [_way(route) for route in (found.filter(in_alerts=True) if in_alerts else found)]


def anonymous(ways: list[Way]) -> Way | None:
    """The way for people who do not want to be known, if there is one."""
    return next((way for way in ways if way.sort == Route.Sort.ANONYMOUS), None)
