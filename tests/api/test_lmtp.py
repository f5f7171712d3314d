"""The mail door, spoken to by a real LMTP client."""

import smtplib
import socket
import threading
import time

import pytest
from django.db import OperationalError, connections

from bell.api import lmtp
from bell.api.lmtp import Door
from bell.delivery import inbound
from bell.delivery.models import Inbound
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

REPLY = b"From: ann@home.example\r\nSubject: Re: Sheds\r\nMessage-ID: <a1@home.example>\r\n\r\nI saw a van.\r\n"
TRIAGE = "hello@in.alert.example"


@pytest.fixture
def door():
    door = Door("127.0.0.1", 0).start()
    yield door
    door.stop()


@pytest.fixture
def client(door):
    with smtplib.LMTP("127.0.0.1", door.port, timeout=20) as client:
        client.ehlo_or_helo_if_needed()
        yield client


def talk(client, *commands: bytes) -> list[int]:
    """Codes of the answers to commands sent one by one."""
    codes = []
    for command in commands:
        client.send(command + b"\r\n")
        codes.append(client.getreply()[0])
    return codes


def after_data(client, raw: bytes, recipients: list[str], sender: str = "ann@home.example") -> list[int]:
    """Send a message and read exactly one answer a recipient; then the door must still be in step."""
    assert client.mail(sender)[0] == 250
    accepted = [one for one in recipients if client.rcpt(one)[0] == 250]
    client.putcmd("DATA")
    assert client.getreply()[0] == 354
    client.send(smtplib._quote_periods(raw) + (b"" if raw.endswith(b"\r\n") else b"\r\n") + b".\r\n")
    codes = [client.getreply()[0] for _ in accepted]
    assert client.noop()[0] == 250, "an answer too many or too few"
    return codes


def rows() -> list[tuple[str, str]]:
    return list(Inbound.objects.order_by("id").values_list("envelope_from", "envelope_to"))


def test_a_reply_is_kept_raw(client) -> None:
    raw = REPLY + b".a line that begins with a dot\r\n..two\r\n" + bytes(range(128, 256)) + b"\r\n"
    assert after_data(client, raw, [TRIAGE]) == [250]
    row = Inbound.objects.get()
    assert bytes(row.raw) == raw
    assert (row.gateway, row.kind, row.state) == ("lmtp", "mail", "new")
    assert (row.envelope_from, row.envelope_to) == ("ann@home.example", TRIAGE)


def test_one_answer_for_each_recipient(client) -> None:
    recipients = ["a@in.alert.example", "b@elsewhere.example", "c@IN.Alert.Example", "d@in.alert.example"]
    assert after_data(client, REPLY, recipients) == [250, 250, 250]
    assert [to for _, to in rows()] == ["a@in.alert.example", "c@IN.Alert.Example", "d@in.alert.example"]


def test_the_same_mail_again_is_one_reply(client) -> None:
    for _ in range(3):
        assert after_data(client, REPLY, [TRIAGE]) == [250]
    assert len(rows()) == 1
    assert after_data(client, REPLY.replace(b"<a1@", b"<a2@"), [TRIAGE]) == [250]
    assert len(rows()) == 2


@pytest.mark.parametrize(
    "recipient",
    ["ann@home.example", "a@in.alert.example.evil.example", "a@alert.example", "a", "@in.alert.example", "x" * 330],
)
def test_nobody_elses_mail_is_taken(client, recipient) -> None:
    client.mail("ann@home.example")
    client.putcmd(f"RCPT TO:<{recipient}>")
    assert client.getreply()[0] in (500, 501, 550, 553)
    assert client.docmd("DATA")[0] == 503
    assert rows() == []


def test_a_bounce_has_no_sender(client) -> None:
    assert talk(client, b"MAIL FROM:<>", b"RCPT TO:<b-x@in.alert.example>", b"DATA") == [250, 250, 354]
    client.send(b"Subject: Undelivered\r\n\r\nSorry\r\n.\r\n")
    assert client.getreply()[0] == 250
    assert rows() == [("", "b-x@in.alert.example")]


def test_too_large_is_said_once_a_recipient_and_early_when_announced(client, monkeypatch) -> None:
    client.putcmd(f"MAIL FROM:<ann@home.example> SIZE={lmtp.LARGEST + 1}")
    assert client.getreply()[0] == 552
    line = b"x" * 998 + b"\r\n"
    huge = REPLY + line * (lmtp.LARGEST // 1000 + 10)
    assert after_data(client, huge, [TRIAGE, "b@in.alert.example"]) == [552, 552]
    assert rows() == []
    assert after_data(client, REPLY, [TRIAGE]) == [250]


def test_long_lines_are_kept(client) -> None:
    raw = REPLY + b"word " * 40_000 + b"\r\n"
    assert after_data(client, raw, [TRIAGE]) == [250]
    assert bytes(Inbound.objects.get().raw) == raw
    endless = REPLY + b"x" * (3 * 1024 * 1024) + b"\r\n"
    assert after_data(client, endless, [TRIAGE, "b@in.alert.example"]) == [500, 500]


def test_a_database_in_trouble_is_later_and_never_no(client, monkeypatch) -> None:
    real, calls = inbound.store, []

    def failing(*args, **kwargs):
        calls.append(kwargs["envelope_to"])
        if len(calls) in (2, 4):
            raise OperationalError("the disk is full")
        return real(*args, **kwargs)

    monkeypatch.setattr(inbound, "store", failing)
    three = [f"{name}@in.alert.example" for name in "abc"]
    assert after_data(client, REPLY, three) == [250, 451, 250]
    assert [to for _, to in rows()] == [three[0], three[2]]
    assert after_data(client, REPLY, three[1:2]) == [451]
    assert after_data(client, REPLY, three[1:2]) == [250]
    assert len(rows()) == 3


def test_a_real_database_failure_is_later(door, client) -> None:
    """The table is away, in the database itself; then it is back and the next try is kept."""
    rename = 'ALTER TABLE "delivery_inbound" RENAME TO "delivery_inbound_away"'
    with connections["default"].cursor() as cursor:
        cursor.execute(rename)
    try:
        assert after_data(client, REPLY, [TRIAGE]) == [451]
    finally:
        with connections["default"].cursor() as cursor:
            cursor.execute('ALTER TABLE "delivery_inbound_away" RENAME TO "delivery_inbound"')
    assert after_data(client, REPLY, [TRIAGE]) == [250]
    assert len(rows()) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"\x00\x00\r\n\x00",
        b"From: \xff\xfe\r\nMessage-ID: <\x00>\r\n\r\n\xff",
        b"Content-Type: multipart/mixed; boundary=" + b"x" * 5000 + b"\r\n\r\n",
        b"Subject: " + b"=?utf-8?b?" * 3000 + b"\r\n\r\nx",
        b"To: " + b"(" * 30_000 + b"\r\n\r\nx",
        b"Message-ID: " + b"<" * 30_000 + b"\r\n\r\nx",
    ],
)
def test_hostile_bytes_are_kept_as_they_are(client, raw) -> None:
    assert after_data(client, raw, [TRIAGE]) == [250]
    row = Inbound.objects.get()
    assert bytes(row.raw).rstrip(b"\r\n") == raw.rstrip(b"\r\n")


def test_strange_commands_end_nothing(client) -> None:
    assert talk(client, b"EHLO x", b"HELO x", b"NONSENSE", b"MAIL x", b"RCPT TO:<>", b"\xff\xfe", b"") == [
        500, 500, 500, 501, 503, 500, 500,
    ]  # fmt: skip
    assert after_data(client, REPLY, [TRIAGE]) == [250]


def test_a_sender_with_strange_characters_is_no_trouble(client) -> None:
    sender = b'MAIL FROM:<"a\x01b"@h\xc3\xb6me.example> SMTPUTF8'
    codes = talk(client, sender)
    assert codes[0] in (250, 553)
    talk(client, b"RSET")
    assert after_data(client, REPLY, [TRIAGE]) == [250]


def test_too_many_recipients_come_again(client) -> None:
    client.mail("ann@home.example")
    codes = [client.rcpt(f"r{n}@in.alert.example")[0] for n in range(lmtp.MOST_RECIPIENTS + 2)]
    assert codes == [250] * lmtp.MOST_RECIPIENTS + [452, 452]


def test_a_connection_cut_in_the_middle_keeps_nothing(door) -> None:
    client = smtplib.LMTP("127.0.0.1", door.port, timeout=10)
    client.ehlo_or_helo_if_needed()
    client.mail("ann@home.example")
    client.rcpt(TRIAGE)
    client.docmd("DATA")
    client.send(REPLY)
    client.close()
    until(lambda: door.connections == 0)
    assert rows() == [] and door.taking == 0


def test_too_many_connections_are_turned_away_and_forgotten(door, monkeypatch) -> None:
    monkeypatch.setattr(lmtp, "MOST_CONNECTIONS", 3)
    held = [socket.create_connection(("127.0.0.1", door.port), timeout=5) for _ in range(3)]
    assert all(one.recv(100).startswith(b"220") for one in held)
    with socket.create_connection(("127.0.0.1", door.port), timeout=5) as one:
        assert one.recv(100).startswith(b"421")
        assert one.recv(100) == b""
    held[0].close()
    until(lambda: door.connections < 3)
    with socket.create_connection(("127.0.0.1", door.port), timeout=5) as one:
        assert one.recv(100).startswith(b"220")
    for each in held:
        each.close()


@pytest.mark.parametrize("name", ["COMMAND_SECONDS", "CONNECTION_SECONDS"])
def test_every_connection_has_an_end(name, monkeypatch) -> None:
    monkeypatch.setattr(lmtp, name, 0.3)
    door = Door("127.0.0.1", 0).start()
    try:
        with socket.create_connection(("127.0.0.1", door.port), timeout=5) as one:
            one.recv(200)
            started = time.monotonic()
            one.sendall(b"LHLO x\r\n")
            while one.recv(1000):
                if name == "CONNECTION_SECONDS":
                    time.sleep(0.05)
                    one.sendall(b"NOOP\r\n")
            assert time.monotonic() - started < 15
    except ConnectionError:
        pass
    finally:
        door.stop()


def test_the_door_answers_for_a_message_it_has_before_it_closes(monkeypatch) -> None:
    real = inbound.store
    begun = threading.Event()

    def slow(*args, **kwargs):
        begun.set()
        time.sleep(0.5)
        return real(*args, **kwargs)

    monkeypatch.setattr(inbound, "store", slow)
    door = Door("127.0.0.1", 0).start()
    codes: list[int] = []

    def send() -> None:
        with smtplib.LMTP("127.0.0.1", door.port, timeout=10) as client:
            client.ehlo_or_helo_if_needed()
            client.mail("ann@home.example")
            client.rcpt(TRIAGE)
            codes.append(client.data(REPLY)[0])

    thread = threading.Thread(target=send)
    thread.start()
    begun.wait(5)
    door.stop()
    thread.join(10)
    assert codes == [250] and len(rows()) == 1


def test_many_at_once(door) -> None:
    def send(number: int) -> None:
        with smtplib.LMTP("127.0.0.1", door.port, timeout=30) as client:
            client.sendmail("ann@home.example", [TRIAGE], REPLY.replace(b"<a1", b"<m%d" % number))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows()) == 20
