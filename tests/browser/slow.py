"""A slow line between the site and the browser: what a journey asks before its page has come fails for certain.

`BELL_SLOW_PAGES=300 make browser` holds back every answer for 300 ms, and then the second half of each page for as
long again. On a fast machine a journey that looks too early passes nearly always, and fails on another day.
"""

import os
import time
from collections.abc import Callable, Iterator

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

SECONDS = float(os.environ.get("BELL_SLOW_PAGES", "0")) / 1000


class SlowPages:
    """Middleware, outermost: pages, fragments and redirects come late, and pages in two halves."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answered = self.answer(request)
        if request.path.startswith("/static/"):
            return answered
        time.sleep(SECONDS)
        page = not answered.streaming and answered.headers.get("Content-Type", "").startswith("text/html")
        if not page or not answered.content:
            return answered
        slow = StreamingHttpResponse(
            _halves(answered.content), status=answered.status_code, reason=answered.reason_phrase
        )
        slow.headers = answered.headers
        slow.cookies = answered.cookies
        return slow


def _halves(content: bytes) -> Iterator[bytes]:
    """The page in two halves, with a wait between them."""
    half = len(content) // 2
    yield content[:half]
    time.sleep(SECONDS)
    yield content[half:]
