"""Which of two ways is faster with this relay: found by trying, since some relays are fifty times slower with BDAT."""

import statistics

_LEAST = 12  # a smaller slice says nothing
_ROUNDS = 3
_CLEARLY = 1.15  # BDAT leaves more messages uncertain when a connection breaks: it must be worth that


class Trial:
    """Takes turns between PIPELINING and BDAT for the first slices, then keeps to the faster."""

    def __init__(self) -> None:
        self.offered = False
        self._rates: dict[str, list[float]] = {"pipelined": [], "chunks": []}

    def mode(self) -> str:
        """The mode of the next slice: "pipelined" or "chunks"."""
        if not self.offered:
            return "pipelined"
        tried, other = self._rates["pipelined"], self._rates["chunks"]
        if len(other) < _ROUNDS:
            return "chunks" if len(other) < len(tried) else "pipelined"
        return "chunks" if statistics.median(other) > _CLEARLY * statistics.median(tried) else "pipelined"

    def note(self, mode: str, messages: int, seconds: float) -> None:
        """How long a whole slice took."""
        if self.offered and messages >= _LEAST and len(self._rates[mode]) < _ROUNDS:
            self._rates[mode].append(messages / max(seconds, 1e-6))
