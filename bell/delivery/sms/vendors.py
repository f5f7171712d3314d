"""The vendors that we know, by name."""

from collections.abc import Callable

from bell.delivery.needs import missing
from bell.delivery.sms.kannel import Kannel
from bell.delivery.sms.notify import Notify
from bell.delivery.sms.promise import Gateway
from bell.delivery.sms.simulator import Simulator
from bell.delivery.sms.twilio import Twilio
from bell.delivery.sms.vonage import Vonage

VENDORS: dict[str, Callable[[], Gateway]] = {
    Kannel.name: Kannel,
    Notify.name: Notify,
    Simulator.name: Simulator,
    Twilio.name: Twilio,
    Vonage.name: Vonage,
}


def ready(name: str) -> Gateway | None:
    """The vendor of that name, if we know it and it has every setting that it needs."""
    return VENDORS[name]() if name in VENDORS and not missing(name) else None
