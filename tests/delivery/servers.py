"""A relay and a gateway that misbehave on demand: real servers on loopback, each with a spool of its own."""

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

# What a relay may do instead of answering.
DROP, SILENT, DRIP, NONSENSE = "drop", "silent", "drip", "nonsense"


@dataclass
class Spooled:
    """One accepted mail, dots unstuffed."""

    sender: str
    recipient: str
    data: bytes
    at: float = field(default_factory=time.monotonic)


@dataclass
class Relay:
    """An SMTP server. `says` maps a verb (CONNECT, EHLO, MAIL, RCPT, DATA, DOT, RSET) to a reply or an act.

    A value may be a callable of the command line, a list (used up one by one), or text. Accepts everything else.
    """

    says: dict[str, Any] = field(default_factory=dict)
    offers: tuple[str, ...] = ("PIPELINING",)
    spool: list[Spooled] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    connections: int = 0
    on_accept: Callable[[Spooled], None] = lambda mail: None

    def __enter__(self) -> "Relay":
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.over = False
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over = True
        self.listening.close()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self) -> list[str]:
        return [mail.recipient for mail in self.spool]

    def _listen(self) -> None:
        while not self.over:
            try:
                sock, _ = self.listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _says(self, verb: str, line: str) -> str | None:
        said = self.says.get(verb)
        if isinstance(said, list):
            said = said.pop(0) if said else None
        return said(line) if callable(said) else said

    def _answer(self, sock: socket.socket, verb: str, line: str, otherwise: str) -> bool:
        """Reply; False when the conversation is over."""
        said = self._says(verb, line) or otherwise
        if said == DROP:
            return False
        if said == SILENT:
            time.sleep(30)
            return False
        if said == DRIP:
            for _ in range(300):
                sock.sendall(b"2")
                time.sleep(0.05)
            return False
        if said == NONSENSE:
            said = "I would rather not"
        sock.sendall(said.encode() + b"\r\n")
        return not said.startswith("421")

    def _talk(self, sock: socket.socket) -> None:
        try:
            self._session(sock)
        except OSError:
            pass
        finally:
            sock.close()

    def _session(self, sock: socket.socket) -> None:
        stream = sock.makefile("rb")
        if not self._answer(sock, "CONNECT", "", "220 relay ready"):
            return
        sender, recipient, begun, to = "", "", False, False
        while raw := stream.readline():
            line = raw.decode().strip()
            self.lines.append(line)
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "QUIT":
                sock.sendall(b"221 bye\r\n")
                return
            if verb == "EHLO":
                rest = "".join(
                    f"\r\n250{' ' if n == len(self.offers) - 1 else '-'}{o}" for n, o in enumerate(self.offers)
                )
                if not self._answer(sock, "EHLO", line, f"250{'-' if self.offers else ' '}relay{rest}"):
                    return
            elif verb == "MAIL":
                said = self._says("MAIL", line) or "250 ok"
                begun, to = said.startswith("2"), False
                sender, recipient = line[11:-1], ""
                if not self._answer(sock, "MAIL-SAID", line, said):
                    return
            elif verb == "RCPT":
                recipient = line[9:-1]
                said = self._says("RCPT", line) or ("250 ok" if begun else "503 5.5.1 MAIL first")
                to = to or said.startswith("2")
                if not self._answer(sock, "RCPT-SAID", line, said):
                    return
            elif verb == "DATA":
                said = self._says("DATA", line) or ("354 go on" if to else "554 5.5.1 no valid recipients")
                if said in (DROP,):
                    return
                sock.sendall(said.encode() + b"\r\n")
                if not said.startswith("354"):
                    continue
                if self.says.get("BODY") == DROP:
                    stream.read(10)
                    return
                if not self._data(sock, stream, sender, recipient):
                    return
            elif verb == "BDAT":
                if not self._chunk(sock, stream, line, sender, recipient if to else ""):
                    return
            elif not self._answer(sock, verb, line, "250 ok"):
                return

    def _chunk(self, sock: socket.socket, stream: Any, line: str, sender: str, recipient: str) -> bool:
        """BDAT n LAST (RFC 3030): the bytes come with the command, whatever it is answered."""
        size = int(line.split()[1])
        if self.says.get("BODY") == DROP:
            stream.read(size // 2)
            return False
        data = stream.read(size)
        if len(data) < size:
            return False
        if not recipient:
            return self._answer(sock, "DOT-SAID", recipient, "503 5.5.1 no valid recipients")
        return self._keep(sock, Spooled(sender, recipient, data))

    def _data(self, sock: socket.socket, stream: Any, sender: str, recipient: str) -> bool:
        kept = []
        while (raw := stream.readline()) != b".\r\n":
            if not raw:
                return False
            kept.append(raw[1:] if raw.startswith(b".") else raw)
        return self._keep(sock, Spooled(sender, recipient, b"".join(kept)))

    def _keep(self, sock: socket.socket, mail: Spooled) -> bool:
        """Accept a message, or do with it what we were told."""
        recipient = mail.recipient
        said = self._says("DOT", recipient)
        if said == "accept then drop":
            self.spool.append(mail)
            return False
        if said in (None, "") or str(said).startswith("2"):
            self.spool.append(mail)
            self.on_accept(mail)
        return self._answer(sock, "DOT-SAID", recipient, said or "250 kept")


@dataclass
class Gateway:
    """A text gateway: POST /send, GET /messages/REFERENCE. `says` gives (status, body, headers), or None for yes."""

    says: Callable[[dict[str, Any]], tuple[int, Any, dict[str, str]] | str | None] = lambda request: None
    spool: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)

    def __enter__(self) -> "Gateway":
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                """A look-up: what was kept under a reference."""
                found = [one for one in gateway.spool if one["reference"] == self.path.rpartition("/")[2]]
                data = json.dumps({"messages": found}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                gateway.authorizations.append(self.headers["Authorization"])
                said = gateway.says(request)
                if said == DROP:
                    gateway.spool.append(request)
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if said is None:
                    gateway.spool.append(request)
                    said = (202, {"id": f"g{len(gateway.spool)}"}, {})
                status, body, headers = said
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass
class Web:
    """An HTTP server that keeps each request and says what it is told: (status, body, headers), or DROP."""

    says: Callable[[Asked], tuple[int, Any, dict[str, str]] | str]
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> "Web":
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, path, dict(parse_qsl(query)), dict(self.headers), body)
                web.asked.append(asked)
                said = web.says(asked)
                if isinstance(said, str):
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, value, headers = said
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                for name, words in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, words)
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
