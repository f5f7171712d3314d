"""What every vendor of text messages promises; a vendor is one file that keeps it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bell.delivery.results import Slice, Watch


class Unreadable(ValueError):
    """A callback that makes no sense; the raw bytes are kept."""


@dataclass(frozen=True)
class Text:
    """One text message to send; numbers in E.164. `reference` is ours, and the same at every attempt.

    `maybe`: vendor `provider` may have accepted it before, as `provider_ref` if that is known: it is looked up there
    first, and sent only if it surely never arrived.
    """

    reference: str
    sender: str
    to: str
    text: str
    maybe: bool = False
    provider: str = ""
    provider_ref: str = ""


@dataclass(frozen=True)
class Heard:
    """A text message that came in. `sender` is what the vendor said: a number, or a name."""

    external_id: str
    sender: str
    to: str
    text: str


@dataclass(frozen=True)
class Receipt:
    """What a vendor says became of a message: state is "sent", "delivered" or "failed"."""

    reference: str
    state: str
    reason: str = ""


class Gateway(Protocol):
    """A vendor."""

    name: str
    url: str

    def send(self, texts: Iterable[tuple[int, Text]], watch: Watch) -> Slice:
        """Send each text while `watch.may_start()`; results by delivery id."""

    def verify(self, headers: Mapping[str, str], raw: bytes) -> bool:
        """Whether a callback is really the vendor's."""

    def parse_receipt(self, raw: bytes) -> list[Receipt]:
        """The receipts in a callback; raises Unreadable."""

    def parse_inbound(self, raw: bytes) -> Heard:
        """The text message in a callback; raises Unreadable."""
