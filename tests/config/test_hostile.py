"""Hostile input at every door: each address of the URLconf, each form on it, each of the cast who gets in.

Nothing may end in an error of ours, and nothing that was typed may come back as markup. What a request changes is
rolled back, so that the next one finds the same town.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from bell.alerts import actions
from bell.conversations import actions as conversation_actions
from bell.conversations.actions import Words
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.residents import paper
from tests.cast import Cast
from tests.public.conftest import answer_link, send, signed_in, stop_link
from tests.residents.test_areas import checked

MARKUP = "<script>alert(1)</script>"
WORDS = [
    "",
    "\x00\x01",
    MARKUP + "'\"--",
    "x" * 20_000,
    "\u202e\u2066\u200f\ufeff rtl \U0001f3f4\u200d\u2620\ufe0f",
    "-1",
    "9" * 40,
    "1e400",
    "NaN",
    "../../../etc/passwd",
    "{{ 7*7 }}%s%n${x}",
    "2026-02-30T25:61",
    "0001-01-01T00:00",
    "[" * 3000,
    '{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Polygon",'
    '"coordinates":[[[1e999,null],[{},[]],"x"]]},"properties":null}]}',
    "DE75 7AB",
    "a@b@c\r\nBcc: everyone@home.example",
]
QUERY = ("q", "page", "next", "sort", "team", "kind", "postcode", "from", "code")
# Signing out ends the session that the walk needs; the desk's own tests cover it.
_LEAVE_OUT = {"accounts/logout/", "sign-out/", "static/"}


@dataclass
class Form:
    """One form of a page: where it goes, how, and its fields with what stands in them."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


class Forms(HTMLParser):
    """All forms of a page, htmx's own requests included."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.forms: list[Form] = []
        self.open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Forms, and their fields."""
        got = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = Form(urljoin(self.path, got.get("action", "")), got.get("method", "get").lower())
            self.forms.append(self.open)
        for verb in ("post", "get"):
            if f"hx-{verb}" in got and tag != "form":
                inside = self.open.fields if self.open else {}
                self.forms.append(Form(urljoin(self.path, got[f"hx-{verb}"]), verb, inside))
        if self.open and tag in ("input", "textarea", "select", "button") and got.get("name"):
            if got.get("type") == "file":
                self.open.files.append(got["name"])
            elif got["name"] != "csrfmiddlewaretoken":
                self.open.fields.setdefault(got["name"], got.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        """The end of a form."""
        if tag == "form":
            self.open = None


def patterns(found: list[Any], before: str = "") -> Iterator[str]:
    """Every address of the URLconf, as a pattern."""
    for one in found:
        if isinstance(one, URLResolver):
            yield from patterns(one.url_patterns, before + str(one.pattern))
        elif isinstance(one, URLPattern):
            yield before + str(one.pattern)


@dataclass
class Town:
    """Real objects for the arguments of addresses, and a browser for each of the cast who may get in."""

    known: dict[str, list[str]]
    clients: dict[str, Client]

    def addresses(self) -> Iterator[str]:
        """Every address with real things in it, and once with nonsense in each place."""
        for pattern in patterns(get_resolver().url_patterns):
            if pattern in _LEAVE_OUT or pattern.startswith(("demo/", "ui/", "static/")):
                continue
            names = re.findall(r"<(?:\w+:)?(\w+)>", pattern)
            most = max([len(self._values(name, pattern)) for name in names], default=1)
            for number in range(most):
                yield self._filled(pattern, number)
            if "<str:" in pattern or "<path:" in pattern:
                for words in (MARKUP, "\x00", "..", "x" * 3000):
                    yield "/" + re.sub(r"<(?:\w+:)?\w+>", quote(words, safe=""), pattern)

    def _values(self, name: str, pattern: str) -> list[str]:
        if name == "token":
            return self.known["unsubscribe" if pattern.startswith("u/") else "answer"]
        return self.known.get(name, ["1"])

    def _filled(self, pattern: str, number: int) -> str:
        def value(match: re.Match[str]) -> str:
            values = self._values(match[1], pattern)
            return values[number % len(values)]

        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", value, pattern)


@pytest.fixture
def town(cast: Cast) -> Town:
    """A town in which something has happened: alerts in each state, an answer, a group, a bundle of paper."""
    meg = cast.resident(email="meg@home.example", mobile="07700 900123")
    sent = send(cast, by_sms=True)
    draft = cast.draft(kind=Kind.FOOTAGE)
    waiting = cast.draft()
    actions.submit(waiting, by=cast.author)
    words = Words("A van.", "email", reply_channel="email", reply_address="meg@home.example", verified=True)
    talk = conversation_actions.hear(words, team=cast.team, alert=sent, resident=meg).conversation
    bundle = paper.open_bundle(team=cast.team, by=cast.author, received_on=clock.local(clock.now()).date(), size=2)
    token = answer_link(sent, meg).split("/")[2]
    stop = stop_link(meg, cast.force).split("/")[2]
    clients = {"nobody": Client(), "meg": signed_in(Client())}
    for who in ("author", "media", "administrator", "dpo", "outsider"):
        clients[who] = Client()
        clients[who].force_login(getattr(cast, who), backend="allauth.account.auth_backends.AuthenticationBackend")
    areas = checked(cast)
    known = {
        "reference": [draft.reference, waiting.reference, sent.reference],
        "key": [str(talk.key), str(meg.key), str(bundle.key)],
        "answer": [token],
        "unsubscribe": [stop],
        "number": [str(cast.dog_walkers.pk), str(cast.partner.pk), str(meg.places.get().pk), str(areas.pk)],
        "name": ["inbox", "kannel"],
        "provider": ["mailgun", "postmark"],
        "verb": ["undo", "withdraw", "stop", "send"],
        "way": ["email", "sms"],
        "kind": ["ward"],
        "code": ["W1"],
        "tag": ["pl"],
        "talk": [str(talk.key)],
    }
    return Town(known, clients)


def _shape(path: str) -> str:
    """An address without what names one thing of many."""
    return re.sub(r"[0-9]{4,}|[A-Z]{1,4}-[A-Z0-9]{5}|[a-z2-7]{24,}", "…", path)


class Undo(Exception):
    """What the request changed is taken back."""


@dataclass
class Walk:
    """One of the cast on their way round. `troubles` are all that went wrong, `seen` the forms that were tried."""

    client: Client
    seen: set[tuple[str, str]]
    troubles: list[str] = field(default_factory=list)
    asked: int = 0
    status: int = 0
    """Of the last answer."""

    def ask(self, method: str, path: str, data: Any = None, **more: Any) -> str:
        """The page that one request gets; all that it changed is undone."""
        cache.clear()
        self.asked += 1
        page = ""
        try:
            with transaction.atomic():
                answer = getattr(self.client, method)(path, data, **more)
                self.status = answer.status_code
                if not answer.streaming and "html" in answer.headers.get("Content-Type", ""):
                    page = answer.content.decode("utf-8", "replace")
                if answer.status_code >= 500:
                    self.troubles.append(f"{method} {path[:200]}: {answer.status_code}")
                raise Undo
        except Undo:
            pass
        except Exception as error:  # all of them are what this looks for
            self.troubles.append(f"{method} {path[:200]}: {type(error).__name__}: {error}"[:400])
        if MARKUP in page:
            self.troubles.append(f"{method} {path[:200]}: gives markup back")
        return page

    def see(self, path: str) -> None:
        """One address: looked at, with a hostile query, with two hostile bodies, and by each form on its page."""
        page = self.ask("get", path)
        shape = _shape(path)
        if self.status in (302, 403, 404) and ("", shape) in self.seen:  # refused like others: the door is the same
            return
        self.seen.add(("", shape))
        query = quote(MARKUP + "\x00")
        self.ask("get", f"{path}?" + "&".join(f"{name}={query}" for name in QUERY))
        body = "%ff%00=%fe&a[]=" + quote("\x00")
        self.ask("post", path, body, content_type="application/x-www-form-urlencoded")
        self.ask("post", path, b'{"a": [' * 500, content_type="application/json")
        forms = Forms(path)
        forms.feed(page)
        for one in forms.forms:
            self.fill_in(one)

    def fill_in(self, one: Form) -> None:
        """All hostile ways to fill in one form that was not met before."""
        path = one.action.partition("?")[0]
        mark = (_shape(path), ",".join(sorted(one.fields)))
        if mark in self.seen or path.strip("/") + "/" in _LEAVE_OUT or not path.startswith("/"):
            return
        self.seen.add(mark)
        for data in hostile(one):
            self.ask(one.method, path, data)


def hostile(one: Form) -> Iterator[dict[str, Any]]:
    """A third of the things, another third for the next form, each typed into all fields; then one thing into one
    field after the other, the rest as the page had it.
    """
    turn = zlib.crc32(",".join(sorted(one.fields)).encode()) % 3
    for words in WORDS[turn::3]:
        yield dict.fromkeys(one.fields, words) | {
            name: SimpleUploadedFile(words[:40].replace("\x00", "") or "x", words.encode()) for name in one.files
        }
    for number, name in enumerate(one.fields):
        yield one.fields | {name: WORDS[number % len(WORDS)]}


@pytest.mark.parametrize(
    "people", [("nobody", "meg"), ("author", "media", "administrator", "dpo", "outsider")], ids=["public", "desk"]
)
def test_nothing_typed_at_any_door_is_an_error_of_ours(people: tuple[str, ...], town: Town) -> None:
    seen: set[tuple[str, str]] = set()
    troubles, asked = [], 0
    for who in people:
        walk = Walk(town.clients[who], seen)
        for path in dict.fromkeys(town.addresses()):
            walk.see(path)
        troubles += [f"{who}: {words}" for words in walk.troubles]
        asked += walk.asked
    assert len(seen) > 20 and asked > 1_000
    assert not troubles, "\n".join(troubles)
