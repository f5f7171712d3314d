"""A process that serves until it is told to end."""

import signal
import threading
from types import FrameType

ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def ending() -> threading.Event:
    """An event that is set when this process is asked to end (SIGTERM, SIGINT, a closed terminal)."""
    told = threading.Event()

    def tell(number: int, frame: FrameType | None) -> None:
        told.set()

    for name in ENDINGS:
        signal.signal(name, tell)
    return told
