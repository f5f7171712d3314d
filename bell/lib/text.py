"""Text messages: which alphabet they need, into how many segments they fall, and what was replaced to keep them short.

Rules of 3GPP TS 23.038 (GSM 03.38): the default alphabet packs 7 bits a character, 160 septets alone or 153 in a chain;
characters of the extension table take two septets (an escape and a code) that never stand in different segments. Any
other character turns the whole message into UCS-2: 70 UTF-16 units alone or 67 in a chain; surrogate pairs stay whole.
"""

import re
import unicodedata
from dataclasses import dataclass

GSM_7 = "GSM-7"
UCS_2 = "UCS-2"

# 3GPP TS 23.038, 6.2.1, in the order of the codes; the escape itself (0x1B) is left out, it is no character.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# 3GPP TS 23.038, 6.2.1.1: form feed and the nine signs that cost two septets.
EXTENSION = "\f^{}\\[~]|€"

_COST = dict.fromkeys(BASIC, 1) | dict.fromkeys(EXTENSION, 2)
_ROOM = {GSM_7: (160, 153), UCS_2: (70, 67)}

# What word processors and phones put in place of plain signs, and the plain sign that says the same.
REPLACEMENTS = {
    **dict.fromkeys("‘’‚‛′ʼ`´‹›", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−•·", "-"),
    **dict.fromkeys("\t\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))), " "),
    **dict.fromkeys("\u2028\u2029\u0085\v", "\n"),
    **dict.fromkeys("\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff", ""),
    "…": "...",
    "⁄": "/",
    "×": "x",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "ﬁ": "fi",
    "ﬂ": "fl",
    "™": "(TM)",
    "©": "(C)",
    "®": "(R)",
}
# Control characters and halves of surrogate pairs cannot be sent at all; a form feed can.
_UNSENDABLE = re.compile("[\x00-\x09\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_PLAIN = re.compile(f"[{re.escape(BASIC)}]*")


@dataclass(frozen=True)
class Segments:
    """How a text message will travel; `text` is what is sent, after the replacements."""

    encoding: str
    """"GSM-7" or "UCS-2"."""
    units: int
    """Septets (GSM-7) or UTF-16 units (UCS-2) of the whole text."""
    count: int
    """Segments, each of which is charged; none for an empty text."""
    left: int
    """Units that still fit without another segment."""
    replaced: tuple[tuple[str, str], ...]
    """Pairs (typed, sent), each once, in the order they first appear."""
    unusual: tuple[str, ...]
    """The characters that force UCS-2, each once."""
    text: str


def segments(message: str) -> Segments:
    """Measure a text message as it will be sent, that is after `to_gsm`."""
    text, replaced = to_gsm(message)
    unusual = tuple(dict.fromkeys(character for character in text if character not in _COST))
    encoding = UCS_2 if unusual else GSM_7
    costs = [_cost(character, encoding) for character in text]
    count, left = _pack(costs, *_ROOM[encoding])
    return Segments(encoding, sum(costs), count, left, replaced, unusual, text)


def measure(text: str) -> tuple[str, int]:
    """(encoding, segments) of a text that `to_gsm` made plain already: quick, for the moment of sending."""
    if _PLAIN.fullmatch(text):  # one septet a character: nearly every text
        alone, chained = _ROOM[GSM_7]
        return GSM_7, (1 if text else 0) if len(text) <= alone else -(-len(text) // chained)
    found = segments(text)
    return found.encoding, found.count


def shortened(words: str, most: int) -> tuple[str, bool]:
    """(the first `most` characters or so of a text, cut between two words and ended by "…"; whether it was cut)."""
    whole = words.strip()
    if len(whole) <= most:
        return whole, False
    cut = whole[: most + 1]
    kept = cut.rsplit(None, 1)[0] if any(character.isspace() for character in cut) else cut[:most]
    return f"{kept.rstrip(' ,;:-–—.')}…", True


def to_gsm(message: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text with typographic signs made plain, and the pairs (typed, sent) of what changed, each once.

    Letters that GSM-7 lacks stay as they are (a name keeps its accents; the message becomes UCS-2); nothing turns into
    a question mark. Accents typed as separate marks are first joined to their letters (Unicode NFC), looking the same.
    """
    text = unicodedata.normalize("NFC", message.replace("\r\n", "\n").replace("\r", "\n"))
    replaced: dict[str, str] = {}
    out: list[str] = []
    for character in text:
        plain = _plain(character)
        if plain != character:
            replaced[character] = plain
        out.append(plain)
    return "".join(out), tuple(replaced.items())


def _plain(character: str) -> str:
    if character in _COST:
        return character
    plain = REPLACEMENTS.get(character)
    if plain is not None:
        return plain
    if _UNSENDABLE.match(character):
        # Half a surrogate pair was a character once: show that one is missing. Control characters never showed.
        return "\ufffd" if "\ud800" <= character <= "\udfff" else ""
    return character


def _cost(character: str, encoding: str) -> int:
    if encoding == GSM_7:
        return _COST[character]
    return 2 if ord(character) > 0xFFFF else 1


def _pack(costs: list[int], alone: int, chained: int) -> tuple[int, int]:
    """(segments, units left in the last) when no character may straddle two segments."""
    total = sum(costs)
    if total <= alone:
        return (1 if costs else 0), alone - total
    count, left = 1, chained
    for cost in costs:
        if cost > left:
            count, left = count + 1, chained
        left -= cost
    return count, left


# Control characters, halves of surrogate pairs, line and paragraph separators: none may stand in a header's line.
_BREAKS = ("Cc", "Cs", "Zl", "Zp")


def is_one_line(words: str) -> bool:
    """Whether words may stand as one line, as a subject must (RFC 5322): a tab or an unseen line break may not."""
    return not any(unicodedata.category(sign) in _BREAKS for sign in words)


def one_line(words: str) -> str:
    """Words as one line: what was pasted with tabs or unseen line breaks, as from a spreadsheet, gets spaces there."""
    return " ".join("".join(" " if unicodedata.category(sign) in _BREAKS else sign for sign in words).split())
