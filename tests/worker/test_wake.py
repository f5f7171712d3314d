"""Waking: on PostgreSQL a waiting sender hears of a message when it is committed, in whichever process that was."""

import threading
import time

import pytest
from django.db import connection, transaction

from bell.delivery import post
from bell.delivery.models import Lane
from bell.delivery.wake import Ear
from tests.delivery.conftest import a_content

pytestmark = pytest.mark.django_db(transaction=True)


def post_a_code():
    return post.post(
        a_content(), authority=post.Authority("code", "1"), stream="code", lane=Lane.NOW,
        to=post.Address(1, "email", "a@mail.example"),
    )  # fmt: skip


@pytest.fixture
def listening():
    """An ear that listens in a thread, as in a worker."""
    ear, told = Ear(), threading.Event()

    def listen():
        try:
            ear.listen(told)
        finally:
            connection.close()

    thread = threading.Thread(target=listen)
    thread.start()
    until = time.monotonic() + 10
    while connection.vendor == "postgresql" and not ear.hears and time.monotonic() < until:
        time.sleep(0.01)
    yield ear, told
    told.set()
    ear.shout()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has NOTIFY; elsewhere workers look")
def test_a_sender_is_woken_when_a_message_is_committed_and_not_before(listening):
    ear, told = listening
    time.sleep(0.2)
    heard = ear.mark()
    woken = []

    def wait():
        ear.wait(heard, told, seconds=20)
        woken.append(ear.mark() > heard)

    waiting = threading.Thread(target=wait)
    waiting.start()
    with transaction.atomic():
        post_a_code()
        time.sleep(0.3)
        assert woken == []
    waiting.join(10)
    assert woken == [True]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has NOTIFY; elsewhere workers look")
def test_a_lost_line_is_opened_anew(listening, monkeypatch):
    monkeypatch.setattr("bell.delivery.wake._AGAIN_SECONDS", 0.1)
    ear, _ = listening
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database() AND query LIKE 'LISTEN%%'"
        )
        assert cursor.fetchone()[0] >= 1
    before = ear.mark()
    until = time.monotonic() + 10
    while ear.mark() == before and time.monotonic() < until:
        time.sleep(0.02)
    assert ear.mark() > before  # it listens again, and says so: something may have been missed
    post_a_code()
    until = time.monotonic() + 10
    while ear.mark() < before + 2 and time.monotonic() < until:
        time.sleep(0.02)
    assert ear.mark() >= before + 2


def test_where_nobody_rings_one_looks_by_oneself(listening):
    ear, told = listening
    started = time.monotonic()
    ear.wait(ear.mark(), told)
    assert time.monotonic() - started < 5
    told.set()
    ear.wait(ear.mark(), told, seconds=60)  # told to end: no waiting
    assert time.monotonic() - started < 10
