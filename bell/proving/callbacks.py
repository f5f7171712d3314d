"""What the phone simulator tells the site: signed as a vendor signs, tried again while the site does not answer."""

import hashlib
import heapq
import hmac
import itertools
import json
import logging
import threading
import time
from typing import Any

from bell.lib import http

log = logging.getLogger(__name__)

_TRIES = 10
_DEADLINE = 10.0
_THREADS = 2


def post(url: str, body: dict[str, Any], *, secret: str) -> http.Reply:
    """One callback: JSON, X-Signature the hex HMAC-SHA256 of the raw body. Raises http.NotSent or http.Unsure."""
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Signature": signature}
    return http.post(url, body=raw, headers=headers, deadline=_DEADLINE)


def wait_after(tries: int) -> float:
    """Seconds until the next try: 0.5, 1, 2, 4 and so on, at most 30."""
    return min(0.5 * 2.0 ** (tries - 1), 30.0)


class Queue:
    """Callbacks that are due now or soon, sent by threads of its own. Kept in memory: a simulator may forget."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret
        self._heap: list[tuple[float, int, int, dict[str, Any]]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin sending."""
        self._threads = [threading.Thread(target=self._run, name="receipts", daemon=True) for _ in range(_THREADS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send nothing more; what is under way may end."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=_DEADLINE + 1)

    def add(self, body: dict[str, Any], *, after: float, tries: int = 0) -> None:
        """Send this after so many seconds."""
        with self._changed:
            heapq.heappush(self._heap, (time.monotonic() + after, next(self._number), tries, body))
            self._changed.notify()

    def _next(self) -> tuple[int, dict[str, Any]] | None:
        """Wait for the next that is due; None at the end."""
        with self._changed:
            while not self._stopped:
                left = self._heap[0][0] - time.monotonic() if self._heap else None
                if left is not None and left <= 0:
                    _, _, tries, body = heapq.heappop(self._heap)
                    return tries, body
                self._changed.wait(left)
        return None

    def _run(self) -> None:
        while (found := self._next()) is not None:
            tries, body = found[0] + 1, found[1]
            try:
                reply = post(self._url, body, secret=self._secret)
                words, again = f"answered {reply.status}", reply.status >= 500 or reply.status == 429
            except http.HttpError as error:
                words, again = str(error), True
            if again and tries < _TRIES:
                self.add(body, after=wait_after(tries), tries=tries)
            elif again or words != "answered 200":
                log.warning("a receipt was given up after %s tries: the site %s", tries, words)
