"""The catchers are real servers: what a mail program or a gateway's client sees of them, and what they refuse."""

import asyncio
import hashlib
import hmac
import http.client
import json
import smtplib
import threading
import time
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from aiosmtpd.lmtp import LMTP

from bell.api.listening import Listener, host_and_port
from bell.proving import letters
from bell.proving.mailcatcher import MailCatcher
from bell.proving.phones import Phones
from bell.proving.spool import Index, NotLoopback, Spool
from tests.waiting import until

SECRET = "secret-of-this-test"


class Site:
    """A stand-in for the site: keeps the callbacks it gets, answers what it is told to."""

    def __init__(self) -> None:
        site = self
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                site.calls.append((self.path, dict(self.headers), raw))
                self.send_response(site.answers.pop(0) if site.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


class Door:
    """A stand-in for the site's mail door: keeps what it is given."""

    mails: ClassVar[list] = []

    async def handle_DATA(self, server, session, envelope) -> str:
        Door.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 OK"


@pytest.fixture
def site():
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def door():
    Door.mails = []
    listener = Listener(lambda loop: LMTP(Door(), loop=loop, hostname="door"), "127.0.0.1", 0, busy=lambda: 0)
    listener.start()
    yield listener
    listener.stop()


@pytest.fixture
def catcher(tmp_path):
    catcher = MailCatcher("127.0.0.1", 0, tmp_path).start()
    yield catcher
    catcher.stop()


@pytest.fixture
def phones(tmp_path, site, door):
    phones = Phones("127.0.0.1", 0, tmp_path, site.url, SECRET, f"127.0.0.1:{door.port}", receipt_after=0.01).start()
    yield phones
    phones.stop()


def ask(phones: Phones, method: str, path: str, body=None, **headers):
    """One request: (status, JSON)."""
    connection = http.client.HTTPConnection("127.0.0.1", phones.port, timeout=10)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    connection.request(method, path, raw, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    return answer.status, found


def send(phones: Phones, to="+447700900123", reference="ref-1", text="Lock your shed", key=SECRET):
    body = {"reference": reference, "from": "+447700900100", "to": to, "text": text}
    return ask(phones, "POST", "/send", body, Authorization=f"Bearer {key}")


def a_mail(to="ann@home.example", subject="Sheds", message_id="<d1@alert.example>") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Testshire Alert <alerts@alert.example>"
    mail["To"] = to
    mail["Reply-To"] = "r-abc@in.alert.example"
    mail["Subject"] = subject
    mail["Date"] = "Fri, 20 Nov 2026 09:15:00 +0000"
    mail["Message-ID"] = message_id
    mail["List-Unsubscribe"] = "<https://alert.example/u/token/>"
    mail.set_content("Two sheds.\n\nDid you see a van? £5")
    mail.add_alternative("<p>Two sheds.</p>", subtype="html")
    return mail


def post(catcher: MailCatcher, mail: EmailMessage, to="ann@home.example") -> None:
    with smtplib.SMTP("127.0.0.1", catcher.port, timeout=10) as client:
        client.send_message(mail, from_addr="b-1@in.alert.example", to_addrs=[to])


# The mail catcher.


def test_a_mail_is_caught_with_its_envelope_and_its_bytes(catcher) -> None:
    raw = b"Subject: caf\xe9\r\n\r\n.dots\r\n..more\r\n" + b"x" * 5000 + b"\r\n\xff\xfe\r\n"
    with smtplib.SMTP("127.0.0.1", catcher.port, timeout=10) as client:
        client.sendmail("", ["ann@home.example"], raw)
    (line,) = catcher.mails()
    assert line["from"] == "" and line["to"] == ["ann@home.example"]
    assert line["data"].encode("latin-1") == raw


def test_a_real_address_is_refused(catcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.port, timeout=10) as client:
        client.ehlo()
        client.mail("a@alert.example")
        assert client.rcpt("someone@gmail.com")[0] == 550
        assert client.rcpt("someone@example.com")[0] == 250
    assert list(catcher.mails()) == []


def test_a_spool_that_cannot_be_written_refuses_for_now(tmp_path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    catcher = MailCatcher("127.0.0.1", 0, tmp_path / "spool").start()
    try:
        with (
            smtplib.SMTP("127.0.0.1", catcher.port, timeout=10) as client,
            pytest.raises(smtplib.SMTPDataError) as refused,
        ):
            client.sendmail("a@alert.example", ["ann@home.example"], b"Subject: x\r\n\r\nx")
        assert refused.value.smtp_code == 452
    finally:
        catcher.stop()


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.1.4", "alert.example", "127.0.0.1.example"])
def test_catchers_refuse_to_listen_beyond_this_machine(host, tmp_path) -> None:
    with pytest.raises(NotLoopback):
        MailCatcher(host, 0, tmp_path)
    with pytest.raises(NotLoopback):
        Phones(host, 0, tmp_path, "http://localhost:8000", SECRET, "127.0.0.1:2424")


@pytest.mark.parametrize(
    ("site_url", "lmtp"), [("https://police.example", "127.0.0.1:2424"), ("http://localhost", "mx.example:24")]
)
def test_phones_speak_to_this_machine_only(site_url, lmtp, tmp_path) -> None:
    with pytest.raises(ValueError, match="this machine only"):
        Phones("127.0.0.1", 0, tmp_path, site_url, SECRET, lmtp)


def test_a_taken_port_is_an_error_and_not_a_silence(catcher, tmp_path) -> None:
    with pytest.raises(OSError):
        MailCatcher("127.0.0.1", catcher.port, tmp_path).start()


# The gateway.


def test_a_text_is_taken_spooled_and_its_receipt_is_signed(phones, site) -> None:
    status, answer = send(phones)
    assert status == 202
    (line,) = phones.texts()
    assert (line["id"], line["reference"], line["to"]) == (answer["id"], "ref-1", "+447700900123")
    assert line["text"] == "Lock your shed" and line["from"] == "+447700900100"
    path, headers, raw = until(lambda: site.calls)[0]
    assert path == "/gateways/simulator/receipt/"
    assert json.loads(raw) == {"id": answer["id"], "reference": "ref-1", "status": "delivered"}
    assert headers["X-Signature"] == hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()


def test_a_catcher_that_never_starts_leaves_nothing_open(monkeypatch, tmp_path) -> None:
    """Else a command that refuses its words complains of that, now and then, as it ends."""

    def refuse() -> None:
        raise AssertionError("nothing is opened before it starts")

    monkeypatch.setattr(asyncio, "new_event_loop", refuse)
    MailCatcher("127.0.0.1", 0, tmp_path)


def test_a_receipt_is_sent_again_until_the_site_takes_it(phones, site) -> None:
    site.answers = [503, 500]
    send(phones)
    until(lambda: len(site.calls) >= 3)
    time.sleep(0.3)
    assert len(site.calls) == 3
    assert len({raw for _, _, raw in site.calls}) == 1


def test_a_refused_receipt_is_not_repeated(phones, site) -> None:
    site.answers = [403]
    send(phones)
    until(lambda: site.calls)
    time.sleep(0.8)
    assert len(site.calls) == 1


@pytest.mark.parametrize("key", ["", "wrong", SECRET + "x", "é"])
def test_a_wrong_key_sends_nothing(phones, key) -> None:
    assert send(phones, key=key)[0] == 401
    assert list(phones.texts()) == []


@pytest.mark.parametrize("to", ["+447911123456", "07911 123456", "+33612345678", "sam", "", "+447700900123\r\nX: y"])
def test_only_invented_numbers_get_texts(phones, to) -> None:
    assert send(phones, to=to)[0] == 400
    assert list(phones.texts()) == []


def test_numbers_beyond_the_drama_range_get_texts(phones) -> None:
    assert send(phones, to="+9991234567")[0] == 202


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'{"to": 1}', b"[" * 100_000, b"\xff\xfe", b'{"reference": "a"}']
)
def test_strange_bodies_are_refused_and_the_server_lives(phones, body) -> None:
    status, _ = ask(phones, "POST", "/send", body, Authorization=f"Bearer {SECRET}")
    assert status == 400
    assert ask(phones, "GET", "/healthz") == (200, {"ok": True})


def test_a_web_page_elsewhere_cannot_use_it(phones) -> None:
    body = {"to": "+447700900100", "text": "hello"}
    path = "/phones/+447700900123/reply"
    assert ask(phones, "POST", path, body, **{"Content-Type": "text/plain"})[0] == 415
    assert ask(phones, "POST", path, body, Host="rebound.example")[0] == 403
    assert ask(phones, "GET", "/phones/+447700900123", Host="rebound.example:8025")[0] == 403


def test_what_is_not_there_is_said(phones) -> None:
    assert ask(phones, "GET", "/nothing")[0] == 404
    assert ask(phones, "GET", "/send")[0] == 405
    assert ask(phones, "POST", "/phones/+447700900123")[0] == 405
    assert ask(phones, "GET", "/phones/+447911123456")[0] == 404
    assert ask(phones, "GET", "/mailboxes/someone@gmail.com")[0] == 404
    big = b'{"text": "' + b"x" * 300_000 + b'"}'
    assert ask(phones, "POST", "/send", big, Authorization=f"Bearer {SECRET}")[0] == 413


def test_a_phone_shows_what_came_and_what_was_typed(phones, site) -> None:
    send(phones, text="first")
    send(phones, text="second", reference="ref-2")
    send(phones, to="+447700900124", text="for another")
    status, answer = ask(phones, "POST", "/phones/07700%20900123/reply", {"text": "I saw a van £ ünï"})
    assert status == 200 and answer["accepted"]
    path, headers, raw = next(call for call in site.calls if "inbound" in call[0])
    assert path == "/gateways/simulator/inbound/"
    assert headers["X-Signature"] == hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    heard = json.loads(raw)
    assert heard == {"id": answer["id"], "from": "+447700900123", "to": "+447700900100", "text": "I saw a van £ ünï"}
    _, shown = ask(phones, "GET", "/phones/%2B447700900123")
    assert [(line["direction"], line["text"]) for line in shown] == [
        ("out", "I saw a van £ ünï"),
        ("in", "second"),
        ("in", "first"),
    ]


def test_a_reply_that_the_site_refuses_says_so(phones, site) -> None:
    site.answers = [403]
    body = {"to": "+447700900100", "text": "hello"}
    status, answer = ask(phones, "POST", "/phones/+447700900123/reply", body)
    assert status == 502 and answer["status"] == 403 and not answer["accepted"]


# Mailboxes.


def test_a_mailbox_shows_its_mail_newest_first(catcher, phones) -> None:
    post(catcher, a_mail())
    post(catcher, a_mail(subject="Bicycles", message_id="<d2@alert.example>"))
    post(catcher, a_mail(to="bob@home.example"), to="bob@home.example")
    status, mails = ask(phones, "GET", "/mailboxes/Ann@home.example")
    assert status == 200 and [mail["subject"] for mail in mails] == ["Bicycles", "Sheds"]
    sheds = mails[1]
    assert sheds["from"] == "Testshire Alert <alerts@alert.example>" and sheds["reply_to"] == "r-abc@in.alert.example"
    assert "Did you see a van? £5" in sheds["text"] and "<p>Two sheds.</p>" in sheds["html"]
    assert sheds["message_id"] == "<d1@alert.example>" and sheds["at"]
    assert sheds["list_unsubscribe"] == "<https://alert.example/u/token/>"


def test_a_reply_to_a_mail_is_a_real_mail_at_the_door(catcher, phones) -> None:
    post(catcher, a_mail())
    body = {"message_id": "<d1@alert.example>", "text": "Yes, a white van.\n\nAnn"}
    status, answer = ask(phones, "POST", "/mailboxes/ann@home.example/reply", body)
    assert status == 200 and answer["accepted"] and answer["status"] == 250
    ((sender, recipients, raw),) = Door.mails
    assert (sender, recipients) == ("ann@home.example", ["r-abc@in.alert.example"])
    mail = letters.parse({"data": raw.decode("latin-1")})
    assert mail["Subject"] == "Re: Sheds" and mail["In-Reply-To"] == "<d1@alert.example>"
    assert mail["Message-ID"] == answer["id"]
    words = mail.get_content().replace("\r\n", "\n")
    assert words.startswith("Yes, a white van.\n\nAnn\n\nOn Fri, 20 Nov 2026 at 09:15, Testshire Alert")
    assert "> Two sheds.\n>\n> Did you see a van? £5" in words


def test_a_mail_can_be_written_without_one_to_reply_to(phones) -> None:
    body = {"to": "hello@in.alert.example", "text": "Who is there?", "subject": "A question"}
    status, _ = ask(phones, "POST", "/mailboxes/ann@home.example/reply", body)
    assert status == 200 and Door.mails[0][1] == ["hello@in.alert.example"]
    assert ask(phones, "POST", "/mailboxes/ann@home.example/reply", {"text": "to whom?"})[0] == 400
    nobody = {"message_id": "<none@x>", "text": "x"}
    assert ask(phones, "POST", "/mailboxes/ann@home.example/reply", nobody)[0] == 404
    broken = {**body, "subject": "two\r\nBcc: everyone@home.example"}
    assert ask(phones, "POST", "/mailboxes/ann@home.example/reply", broken)[0] == 400


def test_a_door_that_is_shut_is_said(catcher, phones, door) -> None:
    post(catcher, a_mail())
    door.stop()
    body = {"message_id": "<d1@alert.example>", "text": "Yes"}
    status, answer = ask(phones, "POST", "/mailboxes/ann@home.example/reply", body)
    assert status == 502 and answer["status"] == 0 and "did not answer" in answer["words"]


def test_what_was_caught_before_a_restart_is_still_shown(catcher, phones, tmp_path, site) -> None:
    post(catcher, a_mail())
    send(phones)
    again = Phones("127.0.0.1", 0, tmp_path, site.url, SECRET, "127.0.0.1:1").start()
    try:
        assert len(ask(again, "GET", "/mailboxes/ann@home.example")[1]) == 1
        assert len(ask(again, "GET", "/phones/07700900123")[1]) == 1
    finally:
        again.stop()


# The spool.


def test_a_torn_line_spoils_no_other(tmp_path) -> None:
    spool = Spool(tmp_path / "x.jsonl")
    spool.append({"n": 1})
    with spool.path.open("ab") as file:
        file.write(b'{"n": 2, "te')
    assert [line["n"] for line in spool.all()] == [1]
    spool.append({"n": 3})
    assert [line["n"] for line in spool.all()] == [1, 3]


def test_an_index_keeps_the_newest_only_and_sees_a_new_beginning(tmp_path) -> None:
    spool = Spool(tmp_path / "x.jsonl")
    index = Index(spool, lambda line: [line["to"]], most=10)
    assert index.of("a") == []
    for n in range(30):
        spool.append({"to": "a" if n % 2 else "b", "n": n})
    assert [line["n"] for line in index.of("a")] == [29, 27, 25, 23, 21]
    spool.path.unlink()
    assert index.of("a") == []
    spool.append({"to": "a", "n": 99})
    assert [line["n"] for line in index.of("a")] == [99]


def test_many_writers_tear_no_line(tmp_path) -> None:
    spools = [Spool(tmp_path / "x.jsonl") for _ in range(4)]
    threads = [
        threading.Thread(target=lambda s=spool, k=k: [s.append({"k": k, "x": "y" * 3000}) for _ in range(100)])
        for k, spool in enumerate(spools)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line["k"] for line in spools[0].all()) == sorted([0, 1, 2, 3] * 100)


@pytest.mark.parametrize("text", ["", "2525", "localhost:", ":25", "localhost:x", "localhost:70000", "localhost:²"])
def test_addresses_that_are_none(text) -> None:
    with pytest.raises(ValueError):
        host_and_port(text)


def test_addresses() -> None:
    assert host_and_port("127.0.0.1:2525") == ("127.0.0.1", 2525)
    assert host_and_port("[::1]:25") == ("::1", 25)
