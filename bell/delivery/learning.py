"""What the answers of a slice teach about the ways that its messages took: slower, stopped, or well again.

"Slow down" (421, 4.7.x) halves a domain's rate. A domain that refuses us five times in a row is left alone and a person
called; refusals of our own authentication (RFC 7372, and 5.7.515) stop the whole channel, because one slip in DNS would
else be learned by every mailbox of a county. A mailing that fails for too many is held until somebody has looked.
"""

import threading
import time
from collections.abc import Iterable, Mapping

from bell.delivery import limits
from bell.delivery.leasing import Lease
from bell.delivery.limits import Board
from bell.delivery.models import Channel
from bell.delivery.results import Outcome, Result
from bell.delivery.settling import Row

# No passing or valid DKIM signature, SPF failed, reverse DNS failed, several checks failed (RFC 7372); and Microsoft's
# names for the same.
AUTHENTICATION = ("5.7.20", "5.7.21", "5.7.22", "5.7.23", "5.7.24", "5.7.25", "5.7.26", "5.7.509", "5.7.515")
DOMAIN_STRIKES = 5
CHANNEL_STRIKES = 3
LEAST_TRIED = 200
FAILURE_SHARE = 0.25
_WELL_EVERY = 5.0
_FORGOTTEN = 600.0  # seconds after which a strike counts no more
_MOST_KEPT = 1000


class _Seen(threading.local):
    """What this sender saw lately; what is decided stands in the tables."""

    def __init__(self) -> None:
        self.strikes: dict[str, int] = {}
        self.struck_at: dict[str, float] = {}
        self.tried: dict[int, int] = {}
        self.failed: dict[int, int] = {}
        self.well_at: dict[str, float] = {}


_seen = _Seen()


def learn(lease: Lease, board: Board, rows: Iterable[Row], results: Mapping[int, Result]) -> None:
    """Learn from one slice. Costs nothing while everything is accepted and nothing is limited."""
    odd = any(result.outcome is not Outcome.ACCEPTED for result in results.values())
    _count(lease, results, odd=odd)
    if lease.channel != Channel.EMAIL:
        return  # gateways learn by their own names
    if not odd and not board.limits and not _seen.strikes:
        _well(lease.channel)
        return
    for row in rows:
        if (result := results.get(row.id)) is not None:
            _one(lease, board, limits.domain(lease.channel, row.address), result)
    if odd:
        board.look(force=True)


def _one(lease: Lease, board: Board, way: str, result: Result) -> None:
    """What one answer says about the way to a domain, or about the channel."""
    if result.outcome is Outcome.ACCEPTED:
        _seen.strikes.pop(way, None)  # not the channel's: our authentication is as bad where nobody looks at it
        _well(lease.channel)
        if way in board.limits:
            _well(way)
    elif result.outcome is Outcome.TEMPORARY and (result.code == "421" or result.status.startswith("4.7.")):
        limits.slow_down(way, why=result.words())
    elif result.outcome is Outcome.OURS:
        everywhere = result.status in AUTHENTICATION
        name, most = (lease.channel, CHANNEL_STRIKES) if everywhere else (way, DOMAIN_STRIKES)
        now = time.monotonic()
        if now - _seen.struck_at.get(name, now) > _FORGOTTEN:
            _seen.strikes.pop(name, None)
        _seen.struck_at[name] = now
        _seen.strikes[name] = _seen.strikes.get(name, 0) + 1
        if _seen.strikes[name] >= most:
            _seen.strikes.pop(name)
            limits.trip(name, result.words())
        if len(_seen.strikes) > _MOST_KEPT:
            _seen.strikes.clear()
            _seen.struck_at.clear()


def _well(name: str) -> None:
    """A way took something; the table is told every few seconds."""
    now = time.monotonic()
    if now - _seen.well_at.get(name, -_WELL_EVERY) >= _WELL_EVERY:
        _seen.well_at[name] = now
        limits.went_well(name)
        if len(_seen.well_at) > _MOST_KEPT:
            _seen.well_at.clear()


def _count(lease: Lease, results: Mapping[int, Result], *, odd: bool) -> None:
    """Whether a mailing fails for too many of those it was tried for: then it is held, for a person to look."""
    number = lease.mailing.pk
    _seen.tried[number] = _seen.tried.get(number, 0) + len(results)
    if odd:
        bad = sum(result.outcome is Outcome.PERMANENT and bool(result.code) for result in results.values())
        _seen.failed[number] = _seen.failed.get(number, 0) + bad
        if _seen.tried[number] >= LEAST_TRIED and _seen.failed[number] > FAILURE_SHARE * _seen.tried[number]:
            words = f"{_seen.failed[number]} of {_seen.tried[number]} messages were refused for good"
            limits.trip(limits.mailing(number), words, seconds=None)
            del _seen.tried[number], _seen.failed[number]
    if len(_seen.tried) > _MOST_KEPT:
        _seen.tried.clear()
        _seen.failed.clear()


def forget() -> None:
    """Begin anew, as a new process does."""
    for seen in (_seen.strikes, _seen.struck_at, _seen.tried, _seen.failed, _seen.well_at):
        seen.clear()
