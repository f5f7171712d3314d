"""What the gateway reported, reported again: shuffled, twice, late and in lists, through the real webhook (I6)."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from bell.delivery.models import Delivery, Inbound
from bell.delivery.models import State as Delivered
from bell.delivery.sms.render import read_reference
from bell.lib import http, links
from bell.proving import callbacks
from bell.proving.rehearse.visitor import NotTaken

_LIST = 50
_VERBATIM = 40
_NAME = "simulator"


@dataclass
class Replayed:
    """How many receipts there were, how often they were told again, and every state before that."""

    receipts: int = 0
    told: int = 0
    states: dict[int, str] = field(default_factory=dict)
    """State by delivery: those with a receipt, and all others that had come to an end."""
    delivered: set[int] = field(default_factory=set)
    """Deliveries that a receipt says arrived."""


def run(rng: random.Random, until_read: Callable[[], None]) -> Replayed:
    """Tell every receipt twice more, in lists and in two orders, each after the news that it was on its way.

    `until_read` waits until the worker has read all that came in.
    """
    known = [bytes(raw) for raw in _rows().values_list("raw", flat=True)]
    receipts = [one for raw in known for one in _parsed(raw)]
    found = Replayed(receipts=len(receipts))
    for one in receipts:
        number = read_reference(str(one.get("reference", "")))
        if number is not None and one.get("status") == "delivered":
            found.delivered.add(number)
    # What was on its way may still be told to have arrived; every other state is an end.
    ends = Delivery.objects.exclude(state=Delivered.SENT, channel="sms")
    found.states = dict(ends.values_list("pk", "state"))
    for raw in rng.sample(known, min(len(known), _VERBATIM)):
        _tell(json.loads(raw))
    for _ in range(2):
        rng.shuffle(receipts)
        for start in range(0, len(receipts), _LIST):
            part = receipts[start : start + _LIST]
            _tell([*part, *({**one, "status": "sent"} for one in part)])
            found.told += len(part)
    until_read()
    return found


def _rows() -> Any:
    """Receipts that came in, oldest first; an erased person's are empty."""
    return Inbound.objects.filter(kind=Inbound.Kind.RECEIPT).exclude(raw=b"").order_by("pk")


def _parsed(raw: bytes) -> list[dict[str, Any]]:
    """The receipts in one callback."""
    found = json.loads(raw)
    return found if isinstance(found, list) else [found]


def _tell(body: Any) -> None:
    """One callback, signed as the gateway signs."""
    url = links.absolute(f"/gateways/{_NAME}/receipt/")
    try:
        reply = callbacks.post(url, body, secret=settings.SMS_GATEWAY_SECRET)
    except http.HttpError as error:
        raise NotTaken(f"a receipt, told again, was not answered: {error}") from error
    if reply.status != 200:
        raise NotTaken(f"a receipt, told again, was answered with {reply.status}")
