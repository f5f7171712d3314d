"""Footage of a seeded share of those who tapped "I have footage": whole, broken off and resumed, plain, and a virus.

The virus is EICAR's test file, which harms nothing and which every scanner reports.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from bell.conversations.models import Choice
from bell.proving.rehearse import uploader
from bell.proving.rehearse.answers import Said
from bell.proving.rehearse.uploader import Page

_SHARE = 0.6
_PIECE = 64 * 1024
_SMALLEST, _LARGEST = 400_000, 900_000  # the site keeps what came of a broken request in blocks of 64 KiB
_LOSSES = (0.2, 1.0, 4.0)
# In two parts, so that no scanner takes this file for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class Parcel:
    """One file as its sender knows it. `resumed_at` is where it went on, for one that was broken off."""

    way: str
    key: int
    sha256: str
    size: int
    receipt: list[str] = field(default_factory=list)
    resumed_at: int = 0


@dataclass
class Footage:
    """How many said that they have some, and what was sent."""

    tapped: int = 0
    parcels: list[Parcel] = field(default_factory=list)

    def senders(self) -> set[int]:
        """The keys of those who sent."""
        return {one.key for one in self.parcels}


def give(said: list[Said], rng: random.Random) -> Footage:
    """Each way at least once; a few people send several files, each by a visit of its own."""
    tapped = [one for one in said if one.choice == Choice.FOOTAGE]
    if not tapped:
        return Footage()
    senders = rng.sample(tapped, max(1, round(len(tapped) * _SHARE)))
    ways = list(_WAYS)
    numbers = range(max(len(ways), len(senders)))
    # There is one virus: a second file of the same bytes could not be told from the first.
    ways += ["whole", "broken off", "plain"] * len(senders)
    parcels = [_send(senders[number % len(senders)], ways[number], number, rng) for number in numbers]
    return Footage(len(tapped), parcels)


def _send(one: Said, way: str, number: int, rng: random.Random) -> Parcel:
    """One file by one way, and the receipt that its sender is shown."""
    data = EICAR if way == "virus" else rng.randbytes(rng.randint(_SMALLEST, _LARGEST))
    page = uploader.visit(f"{one.link}footage/")
    parcel = Parcel(way, one.key, hashlib.sha256(data).hexdigest(), len(data))
    parcel.resumed_at = _WAYS[way](page, f"camera {number}.dav", data)
    parcel.receipt = uploader.receipt(page)
    return parcel


def _whole(page: Page, name: str, data: bytes) -> int:
    uploader.send(uploader.create(page, name, len(data)), data, piece=_PIECE)
    return 0


def _broken_off(page: Page, name: str, data: bytes) -> int:
    """The connection is cut in the middle; the browser asks how far it came and goes on there."""
    path = uploader.create(page, name, len(data))
    at = 0
    for seconds in _LOSSES:  # a busy site may not have looked at anything by the time it was lost
        uploader.break_off(path, data, after=len(data) // 2, seconds=seconds)
        if at := uploader.offset(path):
            break
    uploader.send(path, data, at=at, piece=len(data))
    return at


def _plain(page: Page, name: str, data: bytes) -> int:
    uploader.plain(page, name, data)
    return 0


_WAYS: dict[str, Callable[[Page, str, bytes], int]] = {
    "whole": _whole,
    "broken off": _broken_off,
    "plain": _plain,
    "virus": _whole,
}
