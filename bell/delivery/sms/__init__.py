"""Text messages: the promise that vendors keep, and those that are chosen."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from bell.delivery.models import Lane
from bell.delivery.sms.promise import Call, Found, Gateway, Heard, Receipt, Text, Unreadable
from bell.delivery.sms.sending import Texts, close
from bell.delivery.sms.simulator import Simulator
from bell.delivery.sms.vendors import VENDORS, ready

__all__ = [
    "VENDORS", "Call", "Found", "Gateway", "Heard", "Receipt", "Simulator", "Text", "Texts", "Unreadable",
    "catcher", "chosen", "close", "named",
]  # fmt: skip

PRACTICE = "practice"


def named(name: str) -> Gateway | None:
    """The vendor of that name, if its callbacks are taken: it is in use, or was and still has its settings here.

    The simulator never calls us where it is not in use.
    """
    return ready(name) if name in settings.SMS_GATEWAYS or name != Simulator.name else None


def chosen(lane: int = Lane.ROUTINE) -> Texts:
    """Sends through the vendors of settings.SMS_GATEWAYS, the first one that can be used."""
    unknown = [name for name in settings.SMS_GATEWAYS if name not in VENDORS]
    if unknown or not settings.SMS_GATEWAYS:
        raise ImproperlyConfigured(f"BELL_SMS_GATEWAYS {', '.join(unknown)!r} is none of {', '.join(VENDORS)}")
    return Texts([VENDORS[name]() for name in settings.SMS_GATEWAYS], lane=lane)


def catcher(url: str) -> Texts:
    """The demo's phone simulator at this URL, for practice: whichever vendor is chosen, practice never gets to it."""
    return Texts([Simulator(url, PRACTICE)], counted=False)
