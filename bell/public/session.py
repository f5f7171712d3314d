"""Residents in the session: who is signed in, and how far somebody has come with joining. Never a Django user.

The session holds a resident's random key and, while joining, the place and addresses typed; the browser holds only
the session's own random name. Whatever does not look as we wrote it is treated as absent.
"""

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.http import HttpRequest

from bell.residents import rules
from bell.residents.actions import Spot
from bell.residents.models import Resident
from bell.residents.rules import Reach

_RESIDENT = "resident"
_JOINING = "joining"
_ADDRESS = "new_address"
_SOURCE = "source"
_PROVED = "proved_at"
_PROVING = "proving"
# How long after a code somebody may take a copy of all their data, or erase it.
FRESH_SECONDS = 15 * 60
# A half-finished form on a shared computer is forgotten.
PATIENCE_SECONDS = 2 * 60 * 60


@dataclass(frozen=True)
class Typed:
    """An address somebody typed, and whether and when they proved by a code that it is theirs."""

    channel: str
    address: str
    proved: bool = False
    proved_at: float = 0.0

    @property
    def fresh(self) -> bool:
        """Whether whoever sits here now is likely to be the one who typed its code."""
        return self.proved and 0 <= time.time() - self.proved_at < FRESH_SECONDS

    @property
    def reach(self) -> Reach:
        """As the residents' room knows it."""
        return rules.reach(self.channel, self.address)


@dataclass(frozen=True)
class Joining:
    """How far somebody has come. None stands for a step not yet taken."""

    spot: Spot | None = None
    addresses: tuple[Typed, ...] = ()
    email_kinds: list[str] | None = None
    sms_kinds: list[str] | None = None
    groups: list[int] | None = None

    def address(self, channel: str) -> str:
        """What was typed for a channel, or nothing."""
        return next((one.address for one in self.addresses if one.channel == channel), "")

    @property
    def unproved(self) -> list[Typed]:
        """Addresses that still need their code."""
        return [one for one in self.addresses if not one.proved]

    @property
    def proved(self) -> list[Typed]:
        """Addresses that had their code."""
        return [one for one in self.addresses if one.proved]

    def prove(self, channel: str) -> "Joining":
        """The same, with the channel's address proved just now."""
        now = time.time()
        return replace(
            self,
            addresses=tuple(
                replace(one, proved=True, proved_at=now) if one.channel == channel else one for one in self.addresses
            ),
        )


def resident(request: HttpRequest) -> Resident | None:
    """The member who is signed in here, or nobody."""
    key = request.session.get(_RESIDENT)
    return rules.member_by_key(key) if isinstance(key, int) and 0 < key < 2**63 else None


def sign_in(request: HttpRequest, person: Resident) -> None:
    """Begin a member's session under a new name, so that a name known before is worth nothing."""
    request.session.cycle_key()
    request.session[_RESIDENT] = person.key
    prove(request)
    forget_joining(request)
    drop_address(request)


def sign_out(request: HttpRequest) -> None:
    """End the member's session; an officer's session in the same browser goes on."""
    request.session.pop(_RESIDENT, None)
    request.session.pop(_PROVED, None)
    request.session.pop(_PROVING, None)
    forget_joining(request)
    drop_address(request)
    request.session.cycle_key()


def prove(request: HttpRequest) -> None:
    """Note that a code was right just now."""
    request.session[_PROVED] = time.time()
    request.session.pop(_PROVING, None)


def is_fresh(request: HttpRequest) -> bool:
    """Whether a code was right within the last 15 minutes."""
    at = request.session.get(_PROVED)
    return isinstance(at, float | int) and 0 <= time.time() - at < FRESH_SECONDS


def keep_proving(request: HttpRequest, channel: str, to: str) -> None:
    """Remember by which channel the member proves again that it is them, and where they were going."""
    request.session[_PROVING] = [channel, to]


def proving(request: HttpRequest) -> tuple[str, str] | None:
    """What `keep_proving` remembered, or nothing."""
    kept: Any = request.session.get(_PROVING)
    if isinstance(kept, list) and len(kept) == 2 and all(isinstance(one, str) for one in kept):
        return kept[0], kept[1]
    return None


def joining(request: HttpRequest) -> Joining:
    """How far the visitor has come; a fresh start when nothing, or nothing readable, is kept."""
    kept: Any = request.session.get(_JOINING)
    try:
        return _read(kept) if time.time() - float(kept["at"]) < PATIENCE_SECONDS else Joining()
    except (TypeError, KeyError, ValueError):
        return Joining()


def keep_joining(request: HttpRequest, progress: Joining) -> None:
    """Remember how far the visitor has come."""
    request.session[_JOINING] = {**asdict(progress), "at": time.time()}


def forget_joining(request: HttpRequest) -> None:
    """Forget what was typed while joining."""
    request.session.pop(_JOINING, None)


def keep_address(request: HttpRequest, where: Reach) -> None:
    """Remember the address that a member is about to prove."""
    request.session[_ADDRESS] = [where.channel, where.address]


def address(request: HttpRequest, channel: str) -> Reach | None:
    """The address of a channel that the member is about to prove, or nothing."""
    kept: Any = request.session.get(_ADDRESS)
    try:
        kept_channel, typed = kept
        return rules.reach(channel, typed) if kept_channel == channel else None
    except (TypeError, ValueError, AttributeError):
        return None


def drop_address(request: HttpRequest) -> None:
    """Forget the address that was to be proved."""
    request.session.pop(_ADDRESS, None)


def keep_source(request: HttpRequest, code: str) -> None:
    """Remember the poster or form that brought the visitor."""
    request.session[_SOURCE] = code


def source(request: HttpRequest) -> str:
    """The code of the poster or form that brought the visitor, or nothing."""
    kept = request.session.get(_SOURCE)
    return kept if isinstance(kept, str) else ""


def _read(kept: Any) -> Joining:
    """A Joining from what `keep_joining` wrote; TypeError, KeyError or ValueError when it is something else."""
    spot = kept["spot"]
    addresses = tuple(
        Typed(str(one["channel"]), str(one["address"]), one["proved"] is True, float(one["proved_at"]))
        for one in kept["addresses"]
    )
    for one in addresses:
        rules.reach(one.channel, one.address)
    return Joining(
        spot=None if spot is None else Spot(float(spot["lon"]), float(spot["lat"]), spot["label"], spot["postcode"]),
        addresses=addresses,
        email_kinds=_words(kept["email_kinds"]),
        sms_kinds=_words(kept["sms_kinds"]),
        groups=None if kept["groups"] is None else [int(number) for number in kept["groups"]],
    )


def _words(kept: Any) -> list[str] | None:
    return None if kept is None else [str(word) for word in kept]
