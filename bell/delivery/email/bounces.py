"""Mail that came back: the delivery it names is marked, and its address suppressed only on good evidence.

Structured reports only (RFC 3464 with RFC 3463 status). What words in a bounce seem to say is not believed: most
bounces that look permanent are not about the address (promises.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from bell.delivery import blocking, receipts, times
from bell.delivery.email.replies import DEAD, OURS
from bell.delivery.models import Channel, Delivery, State
from bell.delivery.receipts import Heard
from bell.delivery.settling import REFUSED
from bell.lib import clock

BOUNCE = "bounce "
_STRIKES = 3
_LOOK_BACK = timedelta(days=90)
_MOST_GROUPS = 20


@dataclass(frozen=True)
class Status:
    """What a report says about one recipient; `status` such as "5.1.1", "" when it makes no sense."""

    action: str
    status: str
    diagnostic: str


def read(report: str) -> list[Status]:
    """The recipients of a delivery-status part, in order; groups without an action are left out."""
    found = []
    for fields in _groups(report):
        action = fields.get("action", "").partition(";")[0].strip().lower()
        if action:
            found.append(Status(action, _status(fields.get("status", "")), fields.get("diagnostic-code", "")))
    return found


def settle(delivery_id: int, statuses: list[Status]) -> str:
    """Apply a report to its delivery and return what was done, in a few words."""
    found = next((one for one in statuses if one.action == "failed"), None)
    if found is None:
        return "a report without a failure"
    return "bounce of nothing we know" if failed(delivery_id, found) is Heard.EARLY else "bounced"


def failed(delivery_id: int, status: Status) -> Heard:
    """Mark a delivery as bounced, and suppress its address where that is good evidence (promises.md)."""
    reason = f"{BOUNCE}{status.status or 'without status'} {status.diagnostic}"
    heard = receipts.hear(delivery_id, State.BOUNCED, reason)
    delivery = Delivery.objects.filter(pk=delivery_id).exclude(address_key=None).first()
    if delivery is None or delivery.address_key is None or delivery.channel != Channel.EMAIL:
        return heard
    why = ""
    if status.status in DEAD:
        why = blocking.HARD_BOUNCE
    elif strikes(delivery.address_key) >= _STRIKES:
        why = blocking.REPEATED_BOUNCES
    if why:
        blocking.suppress(address_key=delivery.address_key, channel=Channel.EMAIL, reason=why)
    return heard


def strikes(address_key: int) -> int:
    """On how many days mail to an address came back hard-looking since it last went through.

    A day on which something was sent and nothing came back is a success; today's mail may still come back.
    """
    rows = Delivery.objects.filter(
        address_key=address_key, channel=Channel.EMAIL, state_at__gte=times.now() - _LOOK_BACK
    ).order_by("-state_at")[:500]
    bad: set[date] = set()
    good: set[date] = set()
    for delivery in rows:
        day = clock.local(delivery.state_at).date()
        if delivery.state in (State.SENT, State.DELIVERED):
            good.add(day)
        elif _looks_hard(delivery):
            bad.add(day)
    last_good = max(good - bad - {clock.local(times.now()).date()}, default=date.min)
    return len([day for day in bad if day > last_good])


def _looks_hard(delivery: Delivery) -> bool:
    """Whether the address seems to be at fault: a permanent refusal or bounce that is not about us."""
    if delivery.state == State.BOUNCED and delivery.reason.startswith(BOUNCE + "5."):
        status = delivery.reason.removeprefix(BOUNCE).split(" ", 1)[0]
        return not any(status == ours or (ours.endswith(".") and status.startswith(ours)) for ours in OURS)
    return delivery.state == State.FAILED and delivery.reason.startswith(REFUSED + "5")


def _groups(report: str) -> Iterator[dict[str, str]]:
    """The report's groups of fields, unfolded; names in lower case."""
    fields: dict[str, str] = {}
    name = ""
    count = 0
    for line in [*report.replace("\r\n", "\n").split("\n"), ""]:
        if not line.strip():
            if fields:
                yield fields
                count += 1
            fields, name = {}, ""
            if count >= _MOST_GROUPS:
                return
        elif line[0] in " \t" and name:
            fields[name] = (fields[name] + " " + line.strip())[:500]
        else:
            name, colon, value = line.partition(":")
            name = name.strip().lower() if colon and len(name) < 80 else ""
            if name:
                fields.setdefault(name, value.strip()[:500])


def _status(text: str) -> str:
    """A well-formed enhanced status at the beginning of a text, or ""."""
    word = text.strip().split(" ", 1)[0].split("(", 1)[0]
    parts = word.split(".")
    fits = len(parts) == 3 and all(p.isascii() and p.isdigit() and 1 <= len(p) <= 3 for p in parts)
    return word if fits and parts[0] in ("2", "4", "5") else ""
