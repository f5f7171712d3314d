"""A real gunicorn for a benchmark: ours, or a bare Django beside it, in a process of its own on a free port."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlencode

_START_SECONDS = 60.0
_HOST = "127.0.0.1"
VISITORS = 4
"""At once, as many as a worker has threads: while one waits for the disk, another is served."""


class Broken(Exception):
    """A page answered something that a benchmark must not count."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as held:
        held.bind((_HOST, 0))
        return int(held.getsockname()[1])


@contextmanager
def gunicorn(application: str, workers: int = 1, **environment: str) -> Iterator[int]:
    """`workers` with four threads each serving `application`; yields their port once one answers."""
    port = free_port()
    words = ["-m", "gunicorn", application, "--bind", f"{_HOST}:{port}", "--workers", str(workers)]
    words += ["--threads", str(VISITORS)]
    given = {**os.environ, "BELL_LOG_LEVEL": "ERROR", **environment}
    running = subprocess.Popen(
        [sys.executable, *words, "--log-level", "error", "--no-control-socket", "--keep-alive", "30"], env=given
    )
    try:
        wait_for(port, running)
        yield port
    finally:
        running.terminate()
        running.wait(30)


def wait_for(port: int, running: "subprocess.Popen[bytes]") -> None:
    """Wait until a process that was started listens; Broken when it does not."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and running.poll() is None:
        try:
            socket.create_connection((_HOST, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise Broken("a server did not start")


def at_once(act: Callable[[int], object], things: int) -> None:
    """Share so many things among the visitors, who act at the same time; the first that fails is raised."""
    shares = [things // VISITORS + (one < things % VISITORS) for one in range(VISITORS)]
    with ThreadPoolExecutor(VISITORS) as pool:
        list(pool.map(act, [share for share in shares if share]))


class Visitor:
    """One browser: a kept connection, cookies, forms with their CSRF token."""

    def __init__(self, port: int) -> None:
        self.line = http.client.HTTPConnection(_HOST, port, timeout=30)
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, form: dict[str, str | list[str]] | None = None) -> tuple[int, bytes]:
        """One request; the status and the body."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if form is not None:
            token = self.cookies.get("bell-csrf", "")
            body = urlencode({**form, "csrfmiddlewaretoken": token}, doseq=True)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": token}
        self.line.request(method, path, body=body, headers=headers)
        reply = self.line.getresponse()
        content = reply.read()
        for name, value in reply.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
        return reply.status, content

    def get(self, path: str) -> bytes:
        """A page that must be there."""
        status, body = self.ask("GET", path)
        if status != 200:
            raise Broken(f"{path} answered {status}")
        return body

    def post(self, path: str, **form: str | list[str]) -> None:
        """A form that must be taken."""
        status, _ = self.ask("POST", path, form)
        if status != 302:
            raise Broken(f"{path} answered {status} to its form")
