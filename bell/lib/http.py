"""The one outbound HTTP client: an overall deadline, and an honest word on whether a request may have arrived.

A vendor that took a message and then went silent must not be sent it again as if nothing had happened. So a failure is
either `NotSent` (no connection stood: the server cannot have accepted anything) or `Unsure` (everything later).
Redirects are not followed, proxies of the environment are not used, bodies beyond a limit are cut; certificates are
checked against the system's. `post` and `get` wait; whoever has many requests under way uses a `Client`.
"""

import asyncio
import functools
import ipaddress
import json as json_module
import os
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bell.lib.wire import LARGEST_BODY, HttpError, Line, NotSent, Reply, Unsure

__all__ = [
    "LARGEST_BODY", "Client", "HttpError", "NotSent", "Reply", "Request", "Unsure",
    "form", "get", "is_loopback", "json", "post",
]  # fmt: skip

_MOST_IDLE = 50  # kept connections to one server
_IN_TARGETS = "%/:=&?~#+!$,;'@()*[]"  # what a target may hold as it stands (RFC 3986)


@dataclass(frozen=True)
class Request:
    """What to ask: a method, an address, headers, a body."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


def json(url: str, value: Any, headers: Mapping[str, str] | None = None) -> Request:
    """A POST of a JSON value."""
    body = json_module.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Request("POST", url, {"Content-Type": "application/json", **(headers or {})}, body)


def form(url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Request:
    """A POST of a form."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", url, {**kind, **(headers or {})}, urlencode(fields).encode())


class Client:
    """Kept connections for the requests of one event loop, as many at once as the caller starts."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str, int], list[Line]] = {}

    async def ask(self, request: Request, *, deadline: float) -> Reply:
        """Wait at most `deadline` seconds in all, even while a server drips. Every status is a Reply, errors too.

        Raises NotSent or Unsure.
        """
        where, target, headers = _read(request)
        line: Line | None = None
        try:
            async with asyncio.timeout(deadline):
                line = self._kept(where) or await _connect(*where)
                reply = await line.ask(request.method, target, headers, request.body)
        except TimeoutError as error:
            if line is None:
                raise NotSent("ConnectTimeout: no connection in time") from error
            raise Unsure("ReadTimeout: the deadline passed") from error
        idle = self._idle.setdefault(where, [])
        if len(idle) < _MOST_IDLE and line.usable():
            idle.append(line)
        else:
            line.close()
        return reply

    def close(self) -> None:
        """Close every kept connection."""
        for lines in self._idle.values():
            for line in lines:
                line.close()
        self._idle.clear()

    def _kept(self, where: tuple[str, str, int]) -> Line | None:
        """A connection that stands already, the one used last first."""
        idle = self._idle.get(where, [])
        while idle:
            line = idle.pop()
            if line.usable():
                return line
            line.close()
        return None


def post(
    url: str,
    *,
    json: Any = None,
    form: Mapping[str, str] | None = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    deadline: float,
) -> Reply:
    """POST a JSON value, a form or plain bytes, and wait for the answer; errors as `Client.ask`.

    Plain bytes are for bodies that were signed: they arrive as they are, with the Content-Type of `headers`.
    """
    if json is not None:
        return _wait(_json(url, json, headers), deadline)
    if form is not None:
        return _wait(_form(url, form, headers), deadline)
    return _wait(Request("POST", url, headers or {}, body), deadline)


def get(url: str, *, headers: Mapping[str, str] | None = None, deadline: float) -> Reply:
    """GET; the same deadline, limit and errors as `post` (Unsure here means no more than: no answer)."""
    return _wait(Request("GET", url, headers or {}), deadline)


_json, _form = json, form  # `post` has arguments of these names


def close() -> None:
    """Close the connections that `post` and `get` keep in this process; the next request opens new ones."""
    kept = _kept(os.getpid())
    closed = threading.Event()

    def act() -> None:
        kept.client.close()
        closed.set()

    kept.loop.call_soon_threadsafe(act)
    closed.wait(5.0)


def is_loopback(url: str) -> bool:
    """Whether an address ("http://127.0.0.1:8025/x", "smtp://localhost", "[::1]:25") stays on this machine.

    Only "localhost" and literal loopback addresses count: any other name may point elsewhere tomorrow.
    """
    try:
        host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(request: Request) -> tuple[tuple[str, str, int], str, dict[str, str]]:
    """((scheme, host, port), target, headers) of a request; NotSent when its address leads nowhere."""
    try:
        parts = urlsplit(request.url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        host.encode("idna" if "[" not in parts.netloc else "ascii")
    except ValueError as error:
        raise NotSent("InvalidURL: not an address") from error
    if parts.scheme not in ("http", "https") or not host:
        raise NotSent("UnsupportedProtocol: the address must begin with http:// or https://")
    target = quote(parts.path or "/", safe=_IN_TARGETS)
    if parts.query:
        target += "?" + quote(parts.query, safe=_IN_TARGETS)
    headers = {
        "Host": parts.netloc.rpartition("@")[2],
        "User-Agent": "bell",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        **request.headers,
    }
    if request.body or request.method != "GET":
        headers["Content-Length"] = str(len(request.body))
    return (parts.scheme, host, port), target, headers


async def _connect(scheme: str, host: str, port: int) -> Line:
    """A new connection; NotSent when none stands."""
    loop = asyncio.get_running_loop()
    try:
        _, line = await loop.create_connection(Line, host, port, ssl=_tls() if scheme == "https" else None)
    except (OSError, UnicodeError) as error:
        words = "no such name" if not isinstance(error, OSError) else error.strerror or type(error).__name__
        raise NotSent(f"ConnectError: {words}") from error
    return line


@functools.lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Certificates and names are checked, against the system's authorities."""
    return ssl.create_default_context()


def _wait(request: Request, deadline: float) -> Reply:
    """One request from any thread, over this process's own loop."""
    kept = _kept(os.getpid())
    return asyncio.run_coroutine_threadsafe(kept.client.ask(request, deadline=deadline), kept.loop).result()


class _Kept:
    """A loop in a thread of its own, with the connections that `post` and `get` keep."""

    def __init__(self) -> None:
        self.client = Client()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="http", daemon=True).start()


@functools.lru_cache(maxsize=1)
def _kept(process: int) -> _Kept:
    """One a process: connections and threads must not be shared with a forked child."""
    return _Kept()
