"""One HTTP request to the phone simulator: JSON in, JSON out, from this machine only."""

import json
import logging
import re
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from bell.lib import http

log = logging.getLogger(__name__)

_LARGEST = 256 * 1024


class Refusal(Exception):
    """A request that is answered with an error: status and words (or a code that machines read)."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class Server(ThreadingHTTPServer):
    """One thread a connection, on IPv4 or IPv6 loopback."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class Server6(Server):
    """The same on ::1."""

    address_family = AF_INET6


class Handler(BaseHTTPRequestHandler):
    """Finds the route of a request and answers it. `routes`: (method, pattern of the path, function)."""

    routes: ClassVar[Sequence[tuple[str, re.Pattern[str], Any]]] = ()
    protocol_version = "HTTP/1.1"
    server_version = "BellPhones"
    timeout = 30.0  # a silent connection is closed

    def do_GET(self) -> None:
        """Answer a look."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Answer an act."""
        self._answer("POST")

    def body(self) -> dict[str, Any]:
        """The request's JSON object. Only as application/json, so that no web page elsewhere can send one unasked."""
        if self.headers.get_content_type() != "application/json":
            raise Refusal(415, "application/json is expected")
        try:
            found = json.loads(self._raw)
        except (ValueError, RecursionError) as error:
            raise Refusal(400, "This is not JSON") from error
        if not isinstance(found, dict):
            raise Refusal(400, "A JSON object is expected")
        return found

    def log_message(self, format: str, *args: Any) -> None:
        """No access log: it would hold numbers and addresses."""

    def _answer(self, method: str) -> None:
        try:
            self._raw = self._read()
            if not http.is_loopback(self.headers.get("Host", "")):  # a name that was made to point here
                raise Refusal(403, "This machine only")
            status, value = self._route(method)
        except Refusal as error:
            status, value = error.status, {"error": error.words}
        except Exception:
            log.exception("the phone simulator failed")
            status, value = 500, {"error": "internal"}
        raw = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _read(self) -> bytes:
        """The whole body, so that the connection can be kept; too large or of unknown length ends it."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _LARGEST or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise Refusal(413, "The body is too large, or does not say how large it is")
        return self.rfile.read(int(length))

    def _route(self, method: str) -> tuple[int, Any]:
        path = urlsplit(self.path).path
        found = [(name, match, answer) for name, pattern, answer in self.routes if (match := pattern.fullmatch(path))]
        for name, match, answer in found:
            if name == method:
                return answer(self, *(unquote(part) for part in match.groups()))  # type: ignore[no-any-return]
        raise Refusal(405 if found else 404, "No such method here" if found else "No such page")
