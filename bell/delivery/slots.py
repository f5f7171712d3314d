"""Places in a text that each person's own tokens take: fixed length, so that a mailing is drawn once and only cut.

A slot has a 0, 1, 8 or 9 in it, which no token has (base32), and nothing that Markdown, HTML, a URL or quoted-printable
would change. Writers put them where the token belongs: links.absolute(links.answer(slots.ANSWER)).
"""

import functools
import re
from collections.abc import Iterator

ANSWER = "slot0answer0000000000000"
"""24 characters: becomes tokens.sign_int("answer", delivery id)."""

UNSUBSCRIBE = "slot0unsubscribe" + "0" * 48
"""64 characters: becomes unsubscribe.token(recipient key, stream)."""

# Of the frame of a mail; writers have no use for them.
REPLY = "slot0reply00000000000000"
MESSAGE = "slot0message000000000000"
ADDRESS = "slot0address@slot0address.invalid"

IN_TEXT = (ANSWER, UNSUBSCRIBE)
EVERY = (ANSWER, UNSUBSCRIBE, REPLY, MESSAGE, ADDRESS)

MOST_ITEMS = 100
"""A digest has so many items at most."""

_ITEM = "slot0item[0-9]{2}0{13}|slot0stop[0-9]{2}0{53}"


def answer_item(place: int) -> str:
    """24 characters: becomes the answer token of a digest's item, the first has place 0."""
    return f"slot0item{_two(place)}{'0' * 13}"


def stop_item(place: int) -> str:
    """64 characters: becomes the token that stops the stream of a digest's item."""
    return f"slot0stop{_two(place)}{'0' * 53}"


def _two(place: int) -> str:
    if not 0 <= place < MOST_ITEMS:
        raise ValueError(f"A digest has {MOST_ITEMS} items at most")
    return f"{place:02}"


@functools.lru_cache(maxsize=8)
def _pattern(at: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join([*map(re.escape, at), _ITEM]))


def is_one(piece: str) -> bool:
    """Whether a piece that `split` gave is a slot."""
    return _pattern(EVERY).fullmatch(piece) is not None


def split(text: str, at: tuple[str, ...]) -> Iterator[str]:
    """The text cut before and after each of these slots and those of a digest's items, the slots among the pieces."""
    start = 0
    for found in _pattern(at).finditer(text):
        if found.start() > start:
            yield text[start : found.start()]
        yield found[0]
        start = found.end()
    if start < len(text):
        yield text[start:]
