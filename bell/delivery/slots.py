"""Places in a text that each person's own tokens take: fixed length, so that a mailing is drawn once and only cut.

A slot has a 0, 1, 8 or 9 in it, which no token has (base32), and nothing that Markdown, HTML, a URL or quoted-printable
would change. Writers put them where the token belongs: links.absolute(links.answer(slots.ANSWER)).
"""

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


def split(text: str, at: tuple[str, ...]) -> Iterator[str]:
    """The text cut before and after each of these slots, the slots among the pieces."""
    start = 0
    while start < len(text):
        found = [(text.find(slot, start), slot) for slot in at]
        place, slot = min(((p, s) for p, s in found if p >= 0), default=(-1, ""))
        if place < 0:
            break
        if place > start:
            yield text[start:place]
        yield slot
        start = place + len(slot)
    if start < len(text):
        yield text[start:]
