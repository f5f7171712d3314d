"""A person's browser that sends footage: tus 1.0 as tus-js-client speaks it, and the plain form, over real sockets."""

import base64
import http.client
import re
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings

from bell.proving.rehearse.visitor import NotTaken

_DEADLINE = 30.0
_TUS = {"Tus-Resumable": "1.0.0"}
_BODY = "application/offset+octet-stream"
_PAGE = re.compile(r'action="(?P<send>[^"]+)"[^>]*data-create="(?P<create>[^"]+)" data-sent="(?P<sent>[^"]+)"')
_HASH = re.compile(r'upload-hash">([0-9a-f]{64})<')
_LOOK = 0.2
_BLOCK = 32 * 1024


@dataclass(frozen=True)
class Page:
    """The paths that one visit of the upload page was given: one sitting."""

    create: str
    send: str
    sent: str


@dataclass(frozen=True)
class Answer:
    """What the site answered; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def _ask(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    """One request on a connection of its own, as after a change of network."""
    connection = http.client.HTTPConnection(urlsplit(settings.SITE_URL).netloc, timeout=_DEADLINE)
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        reply = connection.getresponse()
        return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def _taken(answer: Answer, wanted: int, what: str) -> Answer:
    if answer.status != wanted:
        raise NotTaken(f"{what} answered {answer.status}")
    return answer


def visit(path: str) -> Page:
    """Open the upload page."""
    found = _PAGE.search(_taken(_ask("GET", path, {}), 200, "the upload page").body.decode())
    if found is None:
        raise NotTaken("the upload page has no form")
    return Page(found["create"], found["send"], found["sent"])


def create(page: Page, name: str, size: int) -> str:
    """Make room for a file; the path of its upload."""
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": metadata, "Content-Length": "0"}
    return _taken(_ask("POST", page.create, headers), 201, "creating an upload").headers["location"]


def send(path: str, data: bytes, *, at: int = 0, piece: int) -> None:
    """The bytes from an offset on, some in each request."""
    while at < len(data):
        part = data[at : at + piece]
        headers = {**_TUS, "Content-Type": _BODY, "Upload-Offset": str(at)}
        reply = _taken(_ask("PATCH", path, headers, part), 204, "a piece of an upload")
        at = int(reply.headers["upload-offset"])


def break_off(path: str, data: bytes, *, after: int, seconds: float) -> None:
    """Announce all of it, send so many bytes, and lose the connection some seconds later."""
    site = urlsplit(settings.SITE_URL)
    lines = [
        f"PATCH {path} HTTP/1.1", f"Host: {site.netloc}", "Tus-Resumable: 1.0.0", f"Content-Type: {_BODY}",
        "Upload-Offset: 0", f"Content-Length: {len(data)}", "", "",
    ]  # fmt: skip
    with socket.create_connection((site.hostname or "", site.port or 80), timeout=_DEADLINE) as line:
        line.sendall("\r\n".join(lines).encode())
        for start in range(0, after, _BLOCK):
            line.sendall(data[start : min(start + _BLOCK, after)])
        time.sleep(seconds)  # what is still on its way when a connection is reset is lost, and nothing would be there
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def offset(path: str) -> int:
    """How far it came, asked until the site has noticed the loss; 0 when nothing of it came within five seconds."""
    end = time.monotonic() + 5.0
    while True:
        found = int(_taken(_ask("HEAD", path, _TUS), 200, "asking how far it came").headers["upload-offset"])
        if found or time.monotonic() > end:
            return found
        time.sleep(_LOOK)


def plain(page: Page, name: str, data: bytes) -> None:
    """The form without JavaScript (RFC 7578)."""
    frame = uuid4().hex
    parts = f'--{frame}\r\nContent-Disposition: form-data; name="when"\r\n\r\nabout two in the morning\r\n'
    parts += f'--{frame}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
    parts += "Content-Type: application/octet-stream\r\n\r\n"
    body = parts.encode() + data + f"\r\n--{frame}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={frame}", "Content-Length": str(len(body))}
    _taken(_ask("POST", page.send, headers, body), 302, "the plain form")


def receipt(page: Page) -> list[str]:
    """The SHA-256 of each file on the receipt, asked until one stands there or twenty seconds are over."""
    end = time.monotonic() + 20.0
    while True:
        found = _HASH.findall(_taken(_ask("GET", page.sent, {}), 200, "the receipt").body.decode())
        if found or time.monotonic() > end:
            return found
        time.sleep(_LOOK)
