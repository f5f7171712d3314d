"""What a person does to sending: stop a way out, let it go on, say that an alarm was seen. Each writes its entry.

Whoever sends looks at the limits before each batch, so a stop of a whole channel holds from the next batch on. Nothing
is lost by it: what may not go waits.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from bell.audit.record import record
from bell.delivery import limits, times, wake
from bell.delivery.models import Alarm, Channel, Limit, Mailing
from bell.delivery.results import tidy

# A channel, one of its providers or domains, or one mailing (which limits.py holds when too many refuse it).
_WAY = re.compile(r"(email|sms)(:[a-z0-9]([a-z0-9._-]{0,250}[a-z0-9])?)?|mailing:[0-9]{1,18}", re.ASCII)
_CHANNELS = {Channel.EMAIL.value: "Email", Channel.SMS.value: "Text messages"}


class BadWay(ValueError):
    """Not the name of a way out, or no reason given; the message says what is wrong, in words for people."""


@dataclass(frozen=True)
class Hold:
    """A way that may not be used now. `until` None: until a person lets it go on; `since` None: a short pause."""

    name: str
    words: str
    why: str
    since: datetime | None
    until: datetime | None

    @property
    def whole_channel(self) -> bool:
        """Whether nothing at all goes this way, by email or by text."""
        return self.name in Channel.values


def check(name: str) -> str:
    """The name as it is kept, in lower case. Raises BadWay."""
    name = name.strip().lower()
    if not _WAY.fullmatch(name):
        raise BadWay("Name a way out: email, sms, email:DOMAIN, sms:GATEWAY or mailing:NUMBER")
    return name


@transaction.atomic
def hold(name: str, why: str, *, by: object) -> Hold:
    """Stop a way until a person lets it go on. `by` is an opaque name or thing for the record. Raises BadWay."""
    name, why = check(name), tidy(why)
    if not why:
        raise BadWay("Say why: whoever finds it stopped reads that")
    now = times.now()
    Limit.objects.get_or_create(name=name, defaults={"next_free_at": now})
    limit = Limit.objects.select_for_update().get(name=name)
    limit.open_since, limit.open_until, limit.why = limit.open_since or now, None, why
    limit.save(update_fields=["open_since", "open_until", "why"])
    record("sending stopped", limit, by=by, why=why, way=name)
    return _hold(limit, {})


@transaction.atomic
def resume(name: str, *, by: object, why: str = "") -> bool:
    """Let a way go on, whoever or whatever stopped it; False when it was not stopped. Ends its alarm. Raises BadWay."""
    name, now = name.strip().lower(), times.now()
    limit = _stopped(now).select_for_update().filter(name=name).first()
    if limit is None:
        check(name)  # a way that was stopped is let go whatever its name looks like
        return False
    limit.open_since = limit.open_until = None
    limit.failures, limit.why = 0, ""
    if limit.per_second is None:
        limit.next_free_at = now
    record("sending resumed", limit, by=by, why=tidy(why), way=name)
    if limit.per_second is None:
        limit.delete()  # a way without a row is free
    else:
        limit.save(update_fields=["open_since", "open_until", "failures", "why"])
    limits.end_alarm(name)
    wake.ring()
    return True


def holds() -> tuple[Hold, ...]:
    """What is stopped or pauses now: whole channels first, then the longest stopped."""
    now = times.now()
    rows = sorted(_stopped(now), key=lambda limit: (limit.name not in Channel.values, limit.open_since or now))
    references = _references(rows)
    return tuple(_hold(limit, references) for limit in rows)


@dataclass(frozen=True)
class Slow:
    """A way that goes no faster than this, as was learned from its answers."""

    name: str
    words: str
    per_second: float
    why: str


def slow() -> tuple[Slow, ...]:
    """Ways with a learned rate that are not stopped, slowest first."""
    found = Limit.objects.filter(per_second__isnull=False, open_since=None).order_by("per_second", "name")
    return tuple(Slow(one.name, said(one.name), one.per_second or 0.0, one.why) for one in found)


def alarms() -> tuple[Alarm, ...]:
    """What nobody has looked at yet, oldest first."""
    return tuple(Alarm.objects.filter(ended_at=None).order_by("since", "pk"))


@transaction.atomic
def acknowledge(alarm: Alarm, *, by: object) -> bool:
    """A person has seen it: it ends, and comes again if its cause does. False when it had ended."""
    if not Alarm.objects.filter(pk=alarm.pk, ended_at=None).update(ended_at=times.now()):
        return False
    record("alarm seen", alarm, by=by, way=alarm.name)
    return True


def said(name: str, references: dict[int, str] | None = None) -> str:
    """A way in people's words: "Email to example.com"."""
    kind, _, rest = name.partition(":")
    if kind == "mailing" and rest.isdigit():
        return f"The alert {(references or {}).get(int(rest)) or f'of mailing {rest}'}"
    words = _CHANNELS.get(kind, name)
    if not rest:
        return words
    return f"{words} {'to' if kind == Channel.EMAIL else 'by'} {rest}"


def _stopped(now: datetime) -> QuerySet[Limit]:
    """Stopped (also where it is just being tried again), or in a pause. A set rate of all workers is neither."""
    found = Limit.objects.filter(Q(open_since__isnull=False) | Q(next_free_at__gt=now, per_second=None))
    return found.exclude(name__startswith="rate:")


def _hold(limit: Limit, references: dict[int, str]) -> Hold:
    until = limit.open_until if limit.open_since else limit.next_free_at
    why = limit.why or "It asked us to wait."
    return Hold(limit.name, said(limit.name, references), why, limit.open_since, until)


def _references(rows: list[Limit]) -> dict[int, str]:
    """{mailing: reference of its alert} of those among the rows."""
    named = [row.name.removeprefix(limits.MAILING) for row in rows if row.name.startswith(limits.MAILING)]
    found = Mailing.objects.filter(pk__in=[int(number) for number in named if number.isdigit()])
    return dict(found.values_list("pk", "reference"))
