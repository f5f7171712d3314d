"""What a relay or a gateway made of one message: the whole retry policy hangs on this one word."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

LONGEST_TEXT = 160


class Outcome(Enum):
    """Accepted; refused for now, for good, or because of us and not of the address; perhaps accepted; not tried."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNCERTAIN = "uncertain"
    OURS = "ours"
    HELD = "held"  # its turn has not come: costs no attempt


class Result(NamedTuple):
    """One message's result. `dead` means: this address surely takes no mail (RFC 3463 X.1.1 and its like).

    `first` is what a look-up says of an earlier try that was uncertain: "kept" (accepted: nothing was sent again),
    "lost" (never arrived: this is the result of a new sending), "" (not found out).
    """

    outcome: Outcome
    code: str = ""
    text: str = ""
    reference: str = ""  # the vendor's own name for the message, where it is needed later
    dead: bool = False
    wait: float | None = None  # seconds that the vendor asked us to wait for this message
    provider: str = ""  # which vendor took it, or may have taken it, where there are several
    first: str = ""

    @property
    def status(self) -> str:
        """The enhanced status at the beginning of the text, such as "5.7.26", or "" (RFC 3463)."""
        word = self.text.split(" ", 1)[0]
        return word if word.count(".") == 2 and word.replace(".", "").isdigit() else ""

    def words(self) -> str:
        """Code and text in one line, without addresses, fit to be kept for years."""
        return tidy(f"{self.code} {self.text}")


@dataclass
class Slice:
    """Results by delivery id. A message without one was never begun. `pause`: leave the whole channel alone so long."""

    results: dict[int, Result] = field(default_factory=dict)
    pause: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Watch:
    """How a sender asks its worker while it works."""

    may_start: Callable[[], bool]  # before each message: is the lease still ours, is the time not up?
    beat: Callable[[], None]  # while waiting, at least once a second: so that the lease can be renewed


def tidy(text: str) -> str:
    """One line of printable text of at most LONGEST_TEXT characters; words that hold an address are taken out."""
    words = "".join(c if c.isprintable() else " " for c in text[: LONGEST_TEXT * 4]).split()
    kept = " ".join("(address)" if "@" in word or _is_number(word) else word for word in words)
    return kept[:LONGEST_TEXT]


def _is_number(word: str) -> bool:
    """Whether a word looks like a telephone number."""
    return sum(c.isdigit() for c in word) >= 9 and word.strip("<>\"'()[],;:.").startswith(("+", "0", "4"))
