"""HTTP: an overall deadline, and the truth about whether a request may have been accepted. Against real sockets."""

import contextlib
import json
import socket
import threading
import time

import pytest

from bell.lib import http


@contextlib.contextmanager
def serving(talk):
    """A real server on loopback; `talk(connection)` serves each connection in a thread. Yields (url, connections)."""
    listener = socket.create_server(("127.0.0.1", 0))
    met = []

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            met.append(connection)
            threading.Thread(target=run, args=(connection,), daemon=True).start()

    def run(connection):
        with contextlib.suppress(OSError), connection:
            talk(connection)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/send", met
    finally:
        listener.close()
        for connection in met:
            with contextlib.suppress(OSError):
                connection.close()


def take(connection):
    """One whole request: (head, body)."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise OSError("gone")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    size = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0
    )
    while len(body) < size:
        body += connection.recv(65536)
    return head, body


def answer(connection, status="200 OK", body=b"ok", more=""):
    connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)


def test_json_goes_out_and_the_answer_comes_back():
    heard = []

    def talk(connection):
        heard.append(take(connection))
        answer(connection, "202 Accepted", b'{"id": 7}', "X-Thing: One\r\n")

    with serving(talk) as (url, _):
        reply = http.post(url, json={"text": "Zoë"}, headers={"Authorization": "Bearer s"}, deadline=5)
    head, body = heard[0]
    assert (reply.status, json.loads(reply.body), reply.headers["x-thing"]) == (202, {"id": 7}, "One")
    assert json.loads(body) == {"text": "Zoë"}
    assert b"Bearer s" in head and b"application/json" in head and head.startswith(b"POST /send ")


def test_a_form_goes_out():
    heard = []

    def talk(connection):
        heard.append(take(connection))
        answer(connection)

    with serving(talk) as (url, _):
        http.post(url, form={"to": "+44 7", "text": "a&b=é"}, deadline=5)
    assert heard[0][1] == b"to=%2B44+7&text=a%26b%3D%C3%A9"
    assert b"application/x-www-form-urlencoded" in heard[0][0]


@pytest.mark.parametrize("status", ["400 Bad", "429 Too Many", "500 Broken", "503 Busy"])
def test_every_status_is_a_reply(status):
    def talk(connection):
        take(connection)
        answer(connection, status, b"", "Retry-After: 3\r\n")

    with serving(talk) as (url, _):
        reply = http.post(url, json={}, deadline=5)
    assert reply.status == int(status[:3]) and reply.headers["retry-after"] == "3"


def test_redirects_are_not_followed():
    def talk(connection):
        take(connection)
        answer(connection, "307 Elsewhere", b"", "Location: http://elsewhere.invalid/\r\n")

    with serving(talk) as (url, met):
        assert http.post(url, json={}, deadline=5).status == 307
        assert len(met) == 1


def test_a_connection_is_kept():
    def talk(connection):
        while True:
            take(connection)
            answer(connection)

    with serving(talk) as (url, met):
        for _ in range(5):
            assert http.post(url, json={}, deadline=5).status == 200
        assert len(met) == 1


def test_nobody_there_is_surely_not_sent():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(http.NotSent, match="Connect"):
        http.post(f"http://127.0.0.1:{port}/", json={}, deadline=2)


@pytest.mark.parametrize("url", ["http://name.invalid/", "ftp://127.0.0.1/", "not a url", "http://", "", "http://[x/"])
def test_addresses_that_lead_nowhere_are_surely_not_sent(url):
    with pytest.raises(http.NotSent):
        http.post(url, json={}, deadline=5)


def _silent(connection):
    take(connection)
    time.sleep(5)


def _gone(connection):
    take(connection)


def _half(connection):
    take(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")


def _nonsense(connection):
    take(connection)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def _drip_head(connection):
    take(connection)
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def _drip_body(connection):
    take(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("talk", [_silent, _gone, _half, _nonsense, _drip_head, _drip_body])
def test_silence_loss_and_dripping_leave_us_unsure_and_in_time(talk):
    with serving(talk) as (url, _):
        began = time.monotonic()
        with pytest.raises(http.Unsure):
            http.post(url, json={"a": 1}, deadline=0.6)
        assert time.monotonic() - began < 4.5


def test_a_server_that_never_reads_does_not_hold_us():
    def talk(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        time.sleep(5)

    with serving(talk) as (url, _):
        began = time.monotonic()
        with pytest.raises(http.Unsure):
            http.post(url, json={"a": "x" * 20_000_000}, deadline=0.6)
        assert time.monotonic() - began < 4.5


def test_an_endless_body_is_cut():
    def talk(connection):
        take(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with serving(talk) as (url, _):
        reply = http.post(url, json={}, deadline=5)
    assert reply.status == 200 and len(reply.body) == http.LARGEST_BODY


def test_a_deadline_ends_with_its_request():
    def quick(connection):
        while True:
            take(connection)
            answer(connection)

    with serving(quick) as (url, _):
        http.post(url, json={}, deadline=1.5)
        time.sleep(1.6)
        assert http.post(url, json={}, deadline=5).status == 200


def test_threads_have_deadlines_of_their_own():
    def slow(connection):
        take(connection)
        time.sleep(0.7)
        answer(connection)

    results = {}

    def call(name, url, deadline):
        try:
            results[name] = http.post(url, json={}, deadline=deadline).status
        except http.HttpError as error:
            results[name] = type(error)

    with serving(slow) as (url, _):
        threads = [threading.Thread(target=call, args=(name, url, name)) for name in (0.2, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == {0.2: http.Unsure, 5: 200}


def test_the_environments_proxy_is_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    http._kept.cache_clear()

    def talk(connection):
        take(connection)
        answer(connection)

    with serving(talk) as (url, _):
        assert http.post(url, json={}, deadline=5).status == 200
    http._kept.cache_clear()


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8025/send", True),
        ("http://localhost:8025", True),
        ("http://LOCALHOST/", True),
        ("http://[::1]:25/", True),
        ("smtp://127.0.0.9:2525", True),
        ("127.0.0.1:2525", True),
        ("localhost", True),
        ("http://127.0.0.1@evil.example/", False),
        ("http://127.0.0.1\\@evil.example/", False),
        ("http://localhost.evil.example/", False),
        ("http://evil.example/#@127.0.0.1", False),
        ("http://evil.example?@127.0.0.1", False),
        ("http://10.0.0.1/", False),
        ("http://0.0.0.0/", False),
        ("http://169.254.169.254/", False),
        ("http://[::]/", False),
        ("http://[x", False),
        ("", False),
        ("http://", False),
    ],
)
def test_what_stays_on_this_machine(url, loopback):
    assert http.is_loopback(url) is loopback
