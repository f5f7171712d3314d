"""How long a text is to a network, and where it may be cut: never between the parts of one visible character.

Lengths are counted at least as strictly as the network counts them: a code point is at least one, and a visible
character (grapheme cluster, UAX #29) is never less than one code point. So what fits here fits there.
"""

import re
import unicodedata
from collections.abc import Callable

Measure = Callable[[str], int]

# An address costs 23 on X and on Mastodon, whatever its length (docs.x.com "Counting characters"; Mastodon's
# StatusLengthValidator). X links bare names such as bbc.co.uk too, so a short one is counted as 23 as well.
ADDRESS_COST = 23
_ADDRESS = re.compile(r"https?://\S+|(?<![^\s/@])[^\s/@]+\.[^\W\d_]{2,}(?:/\S*)?", re.IGNORECASE)
_WEB = re.compile(r"https?://[\w.-]+\.[^\W\d_]{2,}(?::\d+)?(?:/\S*)?", re.IGNORECASE)
# twitter-text's configuration v3: these code points weigh one, all others two.
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_JOINER = "\u200d"


def points(text: str) -> int:
    """Unicode code points: an upper bound of the visible characters."""
    return len(text)


def bytes_of(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text.encode())


def linked_points(text: str) -> int:
    """Code points, with each address at its fixed cost (Mastodon)."""
    return _with_addresses(text, points)


def weighted(text: str) -> int:
    """X's weighted length: two for most emoji and for scripts beyond the light ranges; each address at its cost."""
    return _with_addresses(unicodedata.normalize("NFC", text), _weight)


def _weight(text: str) -> int:
    return sum(1 if any(low <= ord(one) <= high for low, high in _LIGHT) else 2 for one in text)


def _with_addresses(text: str, measure: Measure) -> int:
    total, end = 0, 0
    for found in _ADDRESS.finditer(text):
        total += measure(text[end : found.start()]) + _address(found.group(), measure)
        end = found.end()
    return total + measure(text[end:])


def _address(words: str, measure: Measure) -> int:
    """An address with a real host has the fixed cost; what only looks like one costs whichever is more."""
    return ADDRESS_COST if _WEB.fullmatch(words) else max(ADDRESS_COST, measure(words))


def may_cut(text: str, at: int) -> bool:
    """Whether a text may end before position `at` without splitting a visible character."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if after.isspace():
        return not (before == "\r" and after == "\n")
    if before == _JOINER or after == _JOINER or _extends(after):
        return False
    return not (_is_flag(after) and _flags_before(text, at) % 2)


def _extends(character: str) -> bool:
    """Marks, variation selectors, skin tones and tags belong to the character before them."""
    return (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
        or "\u1160" <= character <= "\u11ff"
    )


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flags_before(text: str, at: int) -> int:
    """How many regional indicators stand in a row before a position: two of them are one flag."""
    count = 0
    while at - count > 0 and _is_flag(text[at - count - 1]):
        count += 1
    return count
