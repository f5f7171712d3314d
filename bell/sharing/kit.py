"""The share kit: one message as a post for each network, within its limit. Pure functions: no database, no clock.

Whatever is cut, the title's beginning, the reference and the link to our own page always survive: the page is where
people see whether the message is real, and whether it still holds.
"""

import bisect
import re
from collections.abc import Callable
from dataclasses import dataclass

from bell.sharing import measure

# A title is shortened to so many code points before anything else gives way.
_TITLE_MOST = 100
_MORE = "…"
_ASK = "Please do not answer in the comments, we may not see them. Answer us here:"


@dataclass(frozen=True)
class Message:
    """What a kit is made of, as plain words; `link` is the address of our own page, `routes` other ways to reach us."""

    reference: str
    link: str
    title: str
    body: str = ""
    banner: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    sender: str = ""
    routes: tuple[str, ...] = ()
    answers: bool = False


@dataclass(frozen=True)
class Network:
    """A network: how it counts, how much it takes, and whether its posts are long enough for facts and routes."""

    key: str
    name: str
    limit: int
    count: Callable[[str], int]
    long: bool
    note: str


# Limits as the networks publish them; where one publishes none that we could find, ours, and the note says so.
NETWORKS = (
    Network("x", "X", 280, measure.weighted, False, "280, a link counts 23"),
    Network("mastodon", "Mastodon", 500, measure.linked_points, False, "500, a link counts 23"),
    Network("bluesky", "Bluesky", 300, measure.points, False, "300 visible characters"),
    Network("facebook", "Facebook", 5000, measure.points, True, "our own limit, 5,000"),
    Network("instagram", "Instagram caption", 2200, measure.points, True, "2,200; links in captions cannot be tapped"),
    Network("nextdoor", "Nextdoor", 2000, measure.points, True, "our own limit, 2,000"),
    Network("whatsapp", "WhatsApp channel", 1024, measure.points, True, "1,024, as the caption of the card"),
)


@dataclass(frozen=True)
class Post:
    """The text for one network, what it costs there, and whether the message had to be shortened."""

    network: Network
    text: str
    used: int
    shortened: bool


def posts(message: Message) -> list[Post]:
    """The message as a post for every network, in the order of NETWORKS."""
    return [post(message, network) for network in NETWORKS]


def post(message: Message, network: Network) -> Post:
    """One network's post. ValueError when the network is too small even for reference and link."""
    tail = _tail(message, network)
    whole = _middle(message, network)
    title = fit(_title(message), _TITLE_MOST, measure.points)

    def assembled(head: str, middle: str) -> str:
        return "\n\n".join(part for part in (head, middle, tail) if part)

    def cost_of_middle(words: str) -> int:
        return network.count(assembled(title, words))

    while title and network.count(assembled(title, "")) > network.limit:
        title = fit(title.removesuffix(_MORE), len(title) - 2, measure.points)
    if network.count(tail) > network.limit:
        raise ValueError(f"{network.name} is too small for a reference and a link")
    middle = fit(whole, network.limit, cost_of_middle)
    text = assembled(title, middle)
    return Post(network, text, network.count(text), middle != whole or title != _title(message))


def fit(words: str, limit: int, cost: Callable[[str], int]) -> str:
    """The longest beginning of a text that costs no more than `limit`: whole, or cut between words with an ellipsis.

    A first word that is too long is cut between visible characters. Nothing when not even that fits.
    """
    if cost(words) <= limit:
        return words
    between = [found.start() for found in re.finditer(r"(?<=\S)\s", words)]
    return _longest(words, between, limit, cost) or _longest(words, _cuts(words, limit), limit, cost)


def _cuts(words: str, limit: int) -> list[int]:
    """Positions between visible characters, from the first letter on; beyond `limit` nothing can fit."""
    start = len(words) - len(words.lstrip())
    most = min(len(words), start + limit + 1)
    return [at for at in range(start + 1, most) if measure.may_cut(words, at)]


def _longest(words: str, ends: list[int], limit: int, cost: Callable[[str], int]) -> str:
    """The longest cut at one of these positions that costs no more than `limit`."""

    def cut(at: int) -> str:
        return words[: ends[at]].rstrip() + _MORE

    # Costs grow with the text, save where a cut makes or breaks an address: so search, then make sure.
    at = bisect.bisect_right(range(len(ends)), limit, key=lambda number: cost(cut(number))) - 1
    while at >= 0 and cost(cut(at)) > limit:
        at -= 1
    return cut(at) if at >= 0 else ""


def _line(words: str) -> str:
    """Words on one line, without control characters."""
    return " ".join("".join(one if one.isprintable() or one in _KEPT else " " for one in words).split())


# Not "printable" to Python, yet parts of visible characters: the joiner of emoji, and tags of flags.
_KEPT = frozenset("\u200d\u200c") | frozenset(map(chr, range(0xE0020, 0xE0080)))


def _paragraphs(words: str) -> str:
    """Paragraphs apart by one empty line, lines kept, control characters gone."""
    parts = re.split(r"\n\s*\n", words.replace("\r\n", "\n").replace("\r", "\n"))
    cleaned = ("\n".join(line for line in map(_line, part.split("\n")) if line) for part in parts)
    return "\n\n".join(part for part in cleaned if part)


def _title(message: Message) -> str:
    banner = f"{message.banner}: " if message.banner else ""
    return _line(f"{banner}{message.title}")


def _middle(message: Message, network: Network) -> str:
    """The body, and on long networks the facts."""
    parts = [_paragraphs(message.body)]
    facts = "\n".join(f"{_line(label)}: {_line(value)}" for label, value in message.facts if _line(value))
    if facts:
        parts = [*parts, facts] if network.long else [facts, *parts]
    return "\n\n".join(part for part in parts if part)


def _tail(message: Message, network: Network) -> str:
    """What always stays: on long networks who sends it and the other routes, always the reference and the link."""
    if not network.long:
        return f"{message.reference} {message.link}"
    routes = ". ".join(_line(route) for route in message.routes)
    lines = [_ASK if message.answers else "", f"{message.link}\nReference {message.reference}", routes, message.sender]
    return "\n".join(_line(line) if "\n" not in line else line for line in lines if line)


def alt(message: Message, where: str) -> str:
    """The words that stand for the picture card (at most 420 code points)."""
    place = f" A small map shows {_line(where)}." if where else ""
    words = f"Card from {_line(message.sender)}: “{_title(message)}”. Reference {message.reference}.{place}"
    return fit(words, 420, measure.points)
