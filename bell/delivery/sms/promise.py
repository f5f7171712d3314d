"""What every vendor of text messages promises; a vendor is one file that keeps it.

A vendor's file does no input or output: it says what to ask and reads what was answered (sending.py asks). So every
vendor has the same deadline, the same word on what may have arrived, and the same table of tests.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from bell.delivery.results import Result
from bell.lib import http


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


@dataclass(frozen=True)
class Call:
    """A request that came to one of our webhooks. `url` is the address as the vendor knows it, with its query."""

    kind: str  # "sms" or "receipt"
    url: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    def header(self, name: str) -> str:
        """A header's value whatever its case, "" when it is missing."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


class Found(Enum):
    """What a look-up says about a message that may have been accepted."""

    KEPT = "kept"
    LOST = "lost"
    UNKNOWN = ""


class Gateway(ABC):
    """A vendor. What it needs is read from the settings when it is made."""

    name: str
    url: str
    """The address of its interface: invented people are only written to when that is on this machine."""
    method: str = "POST"
    """How its callbacks come."""

    @abstractmethod
    def request(self, text: Text) -> http.Request:
        """What to ask so that a text is sent."""

    @abstractmethod
    def judge(self, reply: http.Reply) -> Result:
        """What the answer means. TEMPORARY with `wait` and OURS are about the vendor, not about this text."""

    def question(self, text: Text) -> http.Request | None:
        """What to ask about a text that may have been accepted; None where the vendor cannot tell."""
        return None

    def found(self, text: Text, reply: http.Reply) -> Found:
        """What the answer to `question` says; LOST only when the vendor surely never had it."""
        return Found.UNKNOWN

    @abstractmethod
    def verify(self, call: Call) -> bool:
        """Whether a callback is really the vendor's."""

    def kept(self, call: Call) -> bytes:
        """What of a genuine callback is stored and read later, without secrets."""
        return call.body

    @abstractmethod
    def parse_receipt(self, raw: bytes) -> list[Receipt]:
        """The receipts in what was kept; raises Unreadable."""

    @abstractmethod
    def parse_inbound(self, raw: bytes) -> Heard:
        """The text message in what was kept; raises Unreadable."""
