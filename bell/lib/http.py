"""The one outbound HTTP client: an overall deadline, and an honest word on whether a request may have arrived.

A vendor that took a message and then went silent must not be sent it again as if nothing had happened. So a failure is
either `NotSent` (no connection stood: the server cannot have accepted anything) or `Unsure` (everything later).
Redirects are not followed, proxies of the environment are not used, bodies beyond a limit are cut.
"""

import functools
import ipaddress
import json as json_module
import os
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpcore
import httpx

LARGEST_BODY = 1024 * 1024
_SLICE = 64 * 1024


class HttpError(Exception):
    """A request that got no answer; the message names the reason without the address or the body."""


class NotSent(HttpError):
    """The server surely accepted nothing: refused, not found, no connection in time."""


class Unsure(HttpError):
    """The server may have accepted: silence, loss or nonsense after the connection stood."""


@dataclass(frozen=True)
class Reply:
    """What the server answered; header names in lower case."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def post(
    url: str,
    *,
    json: Any = None,
    form: Mapping[str, str] | None = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    deadline: float,
) -> Reply:
    """POST a JSON value, a form or plain bytes; wait at most `deadline` seconds in all, even while a server drips.

    Plain bytes are for bodies that were signed: they arrive as they are, with the Content-Type of `headers`.
    Every status is a Reply, errors too. Raises NotSent or Unsure. (Only name look-up has the resolver's own bound.)
    """
    request_headers = {"Accept-Encoding": "identity", **(headers or {})}
    if json is not None:
        body = json_module.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
        request_headers["Content-Type"] = "application/json"
    elif form is not None:
        body = urlencode(form).encode()
        request_headers["Content-Type"] = "application/x-www-form-urlencoded"
    return _ask("POST", url, body, request_headers, deadline)


def get(url: str, *, headers: Mapping[str, str] | None = None, deadline: float) -> Reply:
    """GET; the same deadline, limit and errors as `post` (Unsure here means no more than: no answer)."""
    return _ask("GET", url, b"", {"Accept-Encoding": "identity", **(headers or {})}, deadline)


def _ask(method: str, url: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Reply:
    """One request, and an honest word on what became of it."""
    _limit.ends_at = time.monotonic() + deadline
    try:
        with _client(os.getpid()).stream(method, url, content=body, headers=headers) as response:
            return Reply(response.status_code, _read(response), dict(response.headers))
    except (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.UnsupportedProtocol,
        httpx.LocalProtocolError,
        httpx.InvalidURL,
    ) as error:
        raise NotSent(_words(error)) from error
    except httpx.HTTPError as error:
        raise Unsure(_words(error)) from error
    finally:
        _limit.ends_at = None


def is_loopback(url: str) -> bool:
    """Whether an address ("http://127.0.0.1:8025/x", "smtp://localhost", "[::1]:25") stays on this machine.

    Only "localhost" and literal loopback addresses count: any other name may point elsewhere tomorrow.
    """
    try:
        host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(response: httpx.Response) -> bytes:
    """The body, at most LARGEST_BODY bytes of it."""
    kept = bytearray()
    for piece in response.iter_raw():
        kept += piece
        if len(kept) >= LARGEST_BODY:
            break
    return bytes(kept[:LARGEST_BODY])


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, httpx.HTTPError) else type(error).__name__


class _Limit(threading.local):
    """When this thread's present request must be over (monotonic seconds)."""

    ends_at: float | None = None

    def left(self) -> float | None:
        """Seconds left; a hair above zero when none are, so that sockets time out and do not turn non-blocking."""
        return None if self.ends_at is None else max(self.ends_at - time.monotonic(), 0.001)


_limit = _Limit()


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the request's deadline (a plain time-out starts anew with each byte)."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self.inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if _limit.ends_at is not None and time.monotonic() >= _limit.ends_at:
            raise httpcore.ReadTimeout("the deadline passed")
        return self.inner.read(max_bytes, _limit.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _SLICE):
            if _limit.ends_at is not None and time.monotonic() >= _limit.ends_at:
                raise httpcore.WriteTimeout("the deadline passed")
            self.inner.write(buffer[start : start + _SLICE], _limit.left())

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(self.inner.start_tls(ssl_context, server_hostname, _limit.left()))

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


class _DeadlineBackend(httpcore.SyncBackend):
    """Opens connections that know the deadline."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        inner = super().connect_tcp(host, port, _limit.left(), local_address, socket_options)
        return _DeadlineStream(inner)


class _Transport(httpx.HTTPTransport):
    """httpx's own transport over a pool that opens connections with a deadline."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        # httpx has no public way to hand a network backend down; the test with a dripping server holds this line.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=20,
            max_keepalive_connections=20,
            keepalive_expiry=15.0,
            network_backend=_DeadlineBackend(),
        )


@functools.lru_cache(maxsize=1)
def _client(process: int) -> httpx.Client:
    """One client a process: connections must not be shared with a forked child."""
    return httpx.Client(transport=_Transport(), timeout=None, follow_redirects=False, trust_env=False)
