"""The permission matrix: every address of the whole site, asked by everybody, answers what the table says."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any, NamedTuple

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from bell.audit.models import Entry
from tests.staff.matrix_table import LOOKS, REFUSED, TABLE
from tests.staff.matrix_world import PEOPLE, World, people, routes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folders(settings, tmp_path):
    settings.EVIDENCE_DIR, settings.PAPER_DIR = tmp_path / "evidence", tmp_path / "paper"
    settings.UPLOAD_KEEP_FREE_BYTES, settings.CLAMD = 0, ""
    # A provider of identities that is away: its addresses exist, and lead nowhere.
    away = {"name": "keycloak", "label": "Our Keycloak", "issuer": "http://127.0.0.1:1/realms/force"}
    settings.OIDC_PROVIDERS = json.dumps([{**away, "client_id": "bell", "client_secret": "a secret"}])


@pytest.fixture
def world(cast, settings) -> World:
    cache.clear()
    made = World(cast)
    settings.SECOND_FACTOR = True
    return made


class Asked(NamedTuple):
    """What came of one request."""

    route: str
    who: str
    sign: str
    written: set[str]


def mark(response: HttpResponse) -> str:
    """One sign for what an answer means."""
    status, where = response.status_code, response.headers.get("Location", "")
    if status in (301, 302, 303):
        for start, sign in {"/accounts/login/": "i", "/accounts/2fa/": "f", "/sign-in/": "s"}.items():
            if where.startswith(start):
                return sign
        return ">"
    return {200: ".", 204: ".", 403: "x", 404: "0", 405: "m", 400: "4"}.get(status, "#")


_WRITE = re.compile(r"\b(?:INSERT INTO|(?<!FOR )UPDATE|DELETE FROM)\s+[\"`]?(\w+)")


@contextmanager
def watched() -> Iterator[set[str]]:
    """The tables that anything writes to meanwhile."""
    written: set[str] = set()

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        written.update(_WRITE.findall(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield written


def ask(client: Client, method: str, path: str, data: dict[str, str] | None = None) -> tuple[str, set[str]]:
    """The sign of the answer and the tables written to; afterwards everything is as it was."""
    cookies = SimpleCookie(client.cookies.output(header="", sep=";"))
    cache.clear()
    with transaction.atomic(), watched() as written:
        response = getattr(client, method)(path, data if method == "post" else None)
        if response.streaming:
            b"".join(response.streaming_content)
        transaction.set_rollback(True)
    client.cookies = cookies
    return mark(response), written - {"django_session"}


def walk(world: World, method: str, chosen: list[str], clients: dict[str, Client]) -> Iterator[Asked]:
    """Everybody asks for each of the addresses."""
    for route in chosen:
        for who in set(clients).intersection(people(route)):
            sign, written = ask(clients[who], method, world.path(route), world.data(route))
            yield Asked(route, who, sign, written)


def expected(route: str, method: str, who: str) -> str:
    """What the table says."""
    return TABLE[route].split()[method == "post"][people(route).index(who)]


def wrong(found: Iterable[Asked], method: str) -> list[str]:
    """Where an answer is not what the table says, or something was written that may not be."""
    lines = []
    for one in found:
        said = expected(one.route, method, one.who)
        if one.sign != said:
            lines.append(f"{method} {one.route or '/'} by {one.who}: {one.sign}, the table says {said}")
        allowed = LOOKS.get(one.route, set()) if said == "." else set()
        if (method != "post" or said in REFUSED) and one.written - allowed:
            lines.append(f"{method} {one.route or '/'} by {one.who} writes {', '.join(sorted(one.written))}")
    return lines


PARTS = {
    "alerts": [one for one in TABLE if one.startswith("desk/alerts")],
    "people": [one for one in TABLE if one.startswith(("desk/privacy", "desk/agree", "desk/paper", "desk/inbox"))],
    "accounts": [one for one in TABLE if one.startswith("accounts/")],
    "public": [one for one in TABLE if not one.startswith(("desk/", "accounts/"))],
}
_TAKEN = {one for part in PARTS.values() for one in part}
PARTS["desk"] = [one for one in TABLE if one not in _TAKEN]


def test_every_address_has_a_row_and_every_row_an_address():
    """A new page without a row fails here: say who may open it, and look twice at the strangers' columns."""
    assert sorted(routes()) == sorted(TABLE)
    for route, row in TABLE.items():
        assert [len(part) for part in row.split()] == [len(people(route))] * 2, route


def test_nobody_without_a_session_and_a_second_factor_reaches_the_desk():
    """The table itself: its first columns are the same on every page of the desk."""
    for route, row in TABLE.items():
        if route.startswith("desk/"):
            assert all(part.startswith("iiif") for part in row.split()), route


@pytest.mark.parametrize("part", PARTS)
def test_everybody_is_answered_as_the_table_says(world, part):
    """HEAD is answered like GET and changes as little, but where machines ask: uploads, gateways, metrics."""
    assert PARTS[part]
    clients = {who: world.client(who) for who in PEOPLE}
    found = [*wrong(walk(world, "get", PARTS[part], clients), "get")]
    found += wrong(walk(world, "post", PARTS[part], clients), "post")
    some = {who: clients[who] for who in ("anonymous", "resident", "author", "administrator", "dpo")}
    heads = [one for one in PARTS[part] if not one.startswith(("upload/file/", "gateways/", "metrics"))]
    found += wrong(walk(world, "head", heads, some), "head")
    assert not found, "\n".join(found)


def test_the_walk_sees_a_guard_that_is_gone(world, monkeypatch):
    """So that a table which is right by accident is noticed: with one rule broken the same walk complains."""
    monkeypatch.setattr("bell.organisations.rules.may_protect", lambda officer: True)
    clients = {who: world.client(who) for who in ("author", "stranger")}
    found = wrong(walk(world, "get", ["desk/privacy/"], clients), "get")
    assert sorted(line.split(": ")[0] for line in found) == [f"get desk/privacy/ by {who}" for who in clients]


def test_every_look_at_a_person_is_written_down(world):
    """Where a table of looks stands beside an address, opening it writes there: the list is no mere permission."""
    clients = {who: world.client(who) for who in ("author", "dpo")}
    for route, tables in LOOKS.items():
        who = next(who for who in clients if expected(route, "get", who) == ".")
        (found,) = walk(world, "get", [route], {who: clients[who]})
        assert found.written == tables, route
        assert clients[who].get(world.path(route)).status_code == 200
        entry = Entry.objects.latest("pk")
        assert entry.why and entry.by_key == str(world.officer(who).key), f"{route}: why, and by whom"
        assert entry.facts.get("team"), f"{route}: for which team, as the person sees it"
