"""Pages that everybody asks for at once, kept in the process for a moment: a hit renders nothing.

A page says itself that it may be kept (`keep`), and of which alerts it tells: its line. At every hit one small question
sees whether that line still stands as it stood before the page was drawn, so an update, a stand-down, an outcome or a
stop shows at once. Whatever else a page shows (a route, an area's name) may be a second old, no more.
Kept is only what is the same for everybody: an answer with a cookie, or one that varies by cookie, is not.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from bell.alerts.find import Line

_Response = TypeVar("_Response", bound=HttpResponseBase)

SECONDS = 1.0
MOST_PAGES = 256
_LARGEST = 512 * 1024
# Made for each answer by the middleware outside of this one.
_NOT_KEPT = {"x-request-id", "date"}


@dataclass(frozen=True)
class _Page:
    """One answer as it left the inner middleware, its line, and until when it serves (monotonic seconds)."""

    body: bytes
    headers: list[tuple[str, str]]
    etag: str
    line: Line
    until: float

    def serves(self) -> bool:
        """Whether it may still be given out."""
        return time.monotonic() < self.until and self.line.stands()

    def answer(self, request: HttpRequest) -> HttpResponseBase:
        """The page again, or 304 for a browser that has it (RFC 9110, 13.1.2)."""
        response = HttpResponse(self.body)
        for name, value in self.headers:
            response.headers[name] = value
        return get_conditional_response(request, etag=self.etag, response=response) or response


_pages: dict[str, _Page] = {}
_lock = threading.Lock()


def keep(response: _Response, line: Line) -> _Response:
    """Mark an answer as one to keep while its line stands; the line was read before anything that the page shows."""
    response.kept_line = line  # type: ignore[attr-defined]  # read by Kept
    return response


def forget() -> None:
    """Keep nothing any more."""
    with _lock:
        _pages.clear()


class Kept:
    """Middleware: answers from what is kept, and keeps what says that it may be."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """A kept page, or the answer of all that lies within."""
        if request.method != "GET":
            return self.get_response(request)
        page = _pages.get(request.path)
        if page is not None:
            request.get_host()  # refuses a foreign Host header, as CommonMiddleware would
            if page.serves():
                return page.answer(request)
        response = self.get_response(request)
        page = _page(response)
        if page is None:
            return response
        with _lock:
            _pages.pop(request.path, None)
            if len(_pages) >= MOST_PAGES:
                del _pages[next(iter(_pages))]  # the one that was drawn longest ago
            _pages[request.path] = page
        return page.answer(request)


def _page(response: HttpResponseBase) -> _Page | None:
    """The answer as a page to keep; None where it must not be kept."""
    line: Line | None = getattr(response, "kept_line", None)
    if line is None or not isinstance(response, HttpResponse) or response.status_code != 200 or response.cookies:
        return None
    if "cookie" in response.get("Vary", "").lower() or len(response.content) > _LARGEST:
        return None
    body = response.content
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    response.headers["ETag"] = etag
    headers = [(name, value) for name, value in response.items() if name.lower() not in _NOT_KEPT]
    return _Page(body, headers, etag, line, time.monotonic() + SECONDS)
