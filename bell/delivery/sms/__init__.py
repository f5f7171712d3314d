"""Text messages: the promise that vendors keep, and the one that is chosen."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from bell.delivery.sms.promise import Gateway, Heard, Receipt, Text, Unreadable
from bell.delivery.sms.simulator import Simulator

__all__ = ["VENDORS", "Gateway", "Heard", "Receipt", "Text", "Unreadable", "catcher", "chosen", "named"]

VENDORS = {Simulator.name: Simulator}


def named(name: str) -> Gateway | None:
    """The vendor of that name, if we know it and it is the one in use: nobody else may call us."""
    return VENDORS[name]() if name == settings.SMS_GATEWAY and name in VENDORS else None


def chosen() -> Gateway:
    """The vendor of settings.SMS_GATEWAY."""
    gateway = named(settings.SMS_GATEWAY)
    if gateway is None:
        raise ImproperlyConfigured(f"SMS_GATEWAY {settings.SMS_GATEWAY!r} is none of {', '.join(VENDORS)}")
    return gateway


def catcher(url: str) -> Gateway:
    """The demo's phone simulator at this URL, for practice: whichever vendor is chosen, practice never gets to it."""
    return Simulator(url)
