"""Parts of a page that keep themselves fresh: asked for every three seconds, swapped only when they changed.

A part carries two marks in the address that it asks: `have`, a hash of what is shown, and `news`, which changes only
when something came in. So a clock that moves on redraws quietly, and only news is announced.
"""

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

SECONDS = 3


@dataclass(frozen=True)
class Part:
    """One live part: its id on the page, where it asks, what it shows. Holds no CSRF token: that differs each time."""

    id: str
    url: str
    inner: SafeString
    news: str = ""
    says: str = ""
    tag: str = "span"

    @property
    def mark(self) -> str:
        """A hash of what is shown."""
        return hashlib.sha256(self.inner.encode()).hexdigest()[:16]

    def html(self, said: str = "") -> SafeString:
        """What stands in the page: the one that asks, and what is shown."""
        joint = "&" if "?" in self.url else "?"
        ask = f"{self.url}{joint}{urlencode({'have': self.mark, 'news': self.news})}"
        return render_to_string("staff/parts/part.html", {"part": self, "ask": ask, "said": said, "every": SECONDS})

    def __str__(self) -> str:
        """Safe HTML, so that {{ part }} stands as it is in a template."""
        return self.html()

    def reply(self, request: HttpRequest) -> HttpResponse:
        """The answer to a part that asks: nothing (204) when it shows the same already."""
        if request.GET.get("have") == self.mark and request.GET.get("news", "") == self.news:
            return HttpResponse(status=204)
        came = "news" in request.GET and request.GET["news"] != self.news
        return HttpResponse(self.html(self.says if came else ""))


def part(id: str, url: str, template: str, context: dict[str, Any], **more: str) -> Part:
    """Draw a part from its template."""
    return Part(id, url, render_to_string(template, context), **more)
