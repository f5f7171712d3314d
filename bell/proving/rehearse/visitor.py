"""A person's browser and phone, as far as a rehearsal needs them: pages with forms, one-click links, texts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import quote, urljoin

from django.conf import settings

from bell.lib import http, links

_DEADLINE = 20.0
_COOKIE = re.compile(r"(?:^|,\s*)([A-Za-z_-]+)=([^;,\s]+)(?=;|$)")


class NotTaken(Exception):
    """The site did not take what a person did; the message says what it answered."""


@dataclass
class Form:
    """One form of a page: where it goes, what it holds already, which names it asks for."""

    action: str = ""
    method: str = "get"
    hidden: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class _Forms(HTMLParser):
    """Finds the forms of a page and their fields."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("action", ""), given.get("method", "get").lower()))
            self._open = True
        elif self._open and tag in ("input", "textarea", "button", "select") and given.get("name"):
            if given.get("type") == "hidden":
                self.found[-1].hidden[given["name"]] = given.get("value", "")
            else:
                self.found[-1].names.add(given["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


def fill_in(path: str, answers: Mapping[str, str], *, wants: str = "") -> None:
    """Open a page, fill in its POST form (the one that asks for `wants`) and send it, with the page's cookie."""
    page = http.get(links.absolute(path), deadline=_DEADLINE)
    if page.status != 200:
        raise NotTaken(f"{_kind(path)} answered {page.status}")
    parser = _Forms()
    parser.feed(page.body.decode())
    form = next((one for one in parser.found if one.method == "post" and (not wants or wants in one.names)), None)
    if form is None:
        raise NotTaken(f"{_kind(path)} has no form for this")
    url = urljoin(links.absolute(path), form.action or path)
    cookies = "; ".join(f"{name}={value}" for name, value in _cookies(page))
    headers = {"Cookie": cookies, "Referer": links.absolute(path), "Origin": settings.SITE_URL}
    reply = http.post(url, form={**form.hidden, **answers}, headers=headers, deadline=_DEADLINE)
    if reply.status not in (200, 302, 303):
        raise NotTaken(f"{_kind(path)} answered {reply.status} to its form")
    if reply.status == 200 and b"govuk-error-summary" in reply.body:
        raise NotTaken(f"{_kind(path)} found a mistake in its form")


def _cookies(page: http.Reply) -> list[tuple[str, str]]:
    """The names and values that a page set."""
    attributes = {"expires", "max-age", "path", "samesite", "domain"}
    found = _COOKIE.findall(page.headers.get("set-cookie", ""))
    return [(name, value) for name, value in found if name.lower() not in attributes]


def one_click(url: str) -> None:
    """What a mail program sends when one presses its own "unsubscribe" (RFC 8058): no cookie, no page before it."""
    reply = http.post(url, form={"List-Unsubscribe": "One-Click"}, deadline=_DEADLINE)
    if reply.status != 200:
        raise NotTaken(f"one-click unsubscribe answered {reply.status}")


def text(number: str, words: str) -> None:
    """Type a text message on a simulated phone; it reaches the site as any gateway's callback does."""
    url = f"{settings.SMS_GATEWAY_URL}/phones/{quote(number, safe='')}/reply"
    reply = http.post(url, json={"to": settings.SMS_NUMBER, "text": words}, deadline=_DEADLINE)
    if reply.status != 200:
        raise NotTaken(f"the phone simulator answered {reply.status}")


def _kind(path: str) -> str:
    """A path without the token in it."""
    return "/".join(part if len(part) < 20 else "…" for part in path.split("/"))
