"""Two writers, dead connections and other networks: over real sockets, and threads that race."""

import hashlib
import os
import socket
import threading
import time

import pytest
from django.db import connections

from bell.evidence import intake, rules, store
from bell.evidence.intake import Declared, Writer, WrongOffset
from bell.evidence.models import Exhibit, Upload
from tests.evidence.conftest import Bytes, Phone, sha, ticket

pytestmark = pytest.mark.django_db(transaction=True)
DATA = os.urandom(400_000)


def _ask(live, request):
    """Send, and read until the server closes."""
    with socket.create_connection(live, timeout=20) as line:
        line.sendall(request)
        return _all(line)


def _all(line):
    found = b""
    while block := line.recv(4096):
        found += block
    return found.decode()


def _offset(path, live):
    """HEAD over a fresh connection, as from another network."""
    head = _ask(
        live, f"HEAD {path} HTTP/1.1\r\nHost: {live[0]}\r\nTus-Resumable: 1.0.0\r\nConnection: close\r\n\r\n".encode()
    )
    return int(next(row.partition(":")[2] for row in head.splitlines() if row.lower().startswith("upload-offset")))


def _patch_head(path, live, at, size):
    return (
        f"PATCH {path} HTTP/1.1\r\nHost: {live[0]}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {at}\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    ).encode()


def _patch(path, live, at, data):
    return _ask(live, _patch_head(path, live, at, len(data)) + data).splitlines()[0]


def test_cut_in_the_middle_and_resumed_from_another_network(appeal, live, monkeypatch):
    monkeypatch.setattr(intake, "PIECE_SECONDS", 0.0)
    phone = Phone(appeal)
    phone.create(len(DATA))
    with socket.create_connection(live, timeout=10) as line:
        line.sendall(_patch_head(phone.path, live, 0, len(DATA)) + DATA[:250_123])
        time.sleep(0.3)
    for _ in range(100):
        at = _offset(phone.path, live)
        if at == 250_123:
            break
        time.sleep(0.05)
    assert at == 250_123
    assert "204" in _patch(phone.path, live, at, DATA[at:])
    assert Exhibit.objects.get().sha256 == sha(DATA)


def test_a_connection_that_hangs_does_not_keep_the_phone_out(appeal, live, monkeypatch):
    """The old connection is open and silent; the new one takes over at once, and the old one's bytes are refused."""
    monkeypatch.setattr(intake, "PIECE_SECONDS", 0.0)
    phone = Phone(appeal)
    phone.create(len(DATA))
    with socket.create_connection(live, timeout=10) as dead:
        dead.sendall(_patch_head(phone.path, live, 0, len(DATA)) + DATA[:131_072])
        deadline = time.monotonic() + 10
        while _offset(phone.path, live) < 65_536 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        at = _offset(phone.path, live)
        assert 0 < at <= 131_072
        assert "204" in _patch(phone.path, live, at, DATA[at:])
        dead.sendall(b"Z" * 200_000)
        answer = dead.recv(4096).decode().splitlines()[0]
        assert "409" in answer or "403" in answer, answer
    exhibit = Exhibit.objects.get()
    assert exhibit.sha256 == sha(DATA) and store.open_original(exhibit.upload.key).read() == DATA


def test_a_newer_writer_shuts_out_the_older(appeal):
    made = intake.begin(ticket(appeal), Declared(name="a"), length=30)
    old = Writer(made.key, 0)
    old.write(b"o" * 10)
    old.flush()
    new = Writer(made.key, 10)
    old.write(b"o" * 10)
    with pytest.raises(WrongOffset):
        old.flush()
    new.write(b"n" * 20)
    new.flush()
    assert store.incoming(made.key).read_bytes() == b"o" * 10 + b"n" * 20


def test_racing_writers_never_interleave(appeal, monkeypatch):
    """Four threads push their own letter at whatever offset they are told; every acknowledged piece is whole."""
    monkeypatch.setattr(intake, "PIECE", 1000)
    made = intake.begin(ticket(appeal), Declared(name="a"), length=60_000)

    def push(letter: bytes) -> None:
        try:
            for _ in range(400):
                at = Upload.objects.get(pk=made.pk).offset
                if at == 60_000:
                    return
                try:
                    intake.append(made.key, at, Bytes(letter * min(3000, 60_000 - at)), expected=min(3000, 60_000 - at))
                except (WrongOffset, intake.Ended, intake.TooLarge):
                    continue
        finally:
            connections.close_all()

    threads = [threading.Thread(target=push, args=(letter,)) for letter in (b"A", b"B", b"C", b"D")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    whole = store.incoming(made.key).read_bytes()
    assert len(whole) == 60_000
    at = 0
    for piece in made.pieces.order_by("start"):
        part = whole[at : at + piece.length]
        assert piece.start == at and hashlib.sha256(part).hexdigest() == piece.sha256
        assert len(set(part)) == 1, "one piece holds the bytes of two writers"
        at += piece.length
    assert at == 60_000 and rules.token_of(made)
