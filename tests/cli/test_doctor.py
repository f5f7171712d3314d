"""The doctor: each question against real servers on loopback, and the whole against a real process."""

import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from bell.cli.doctor import doors, house, names
from bell.cli.doctor.finding import Check, Tone, answers, right
from bell.delivery import health
from bell.delivery.models import Heartbeat
from bell.lib import clock

ZONE = {
    ("in.police.uk.", "TXT"): ['"v=spf1 include:relay.example -all"', '"something else"'],
    ("s1._domainkey.police.uk.", "TXT"): ['"v=DKIM1; k=rsa; p=MIGf" "MA0G"'],
    ("_dmarc.police.uk.", "TXT"): ['"v=DMARC1; p=reject; rua=mailto:d@police.uk"'],
    ("in.police.uk.", "MX"): ["10 mx.police.uk."],
    ("mx.police.uk.", "A"): ["192.0.2.7"],
    ("7.2.0.192.in-addr.arpa.", "PTR"): ["mx.police.uk."],
}


@contextmanager
def dns_server(zone, *, rcode=None):
    """A DNS server of our own on loopback, over UDP; its address as BELL_DNS_RESOLVER has it."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            data, line = self.request
            asked = dns.message.from_wire(data)
            reply = dns.message.make_response(asked)
            reply.flags |= dns.flags.RA
            question = asked.question[0]
            kind = question.rdtype.name
            records = zone.get((question.name.to_text().lower(), kind), [])
            if rcode is not None:
                reply.set_rcode(rcode)
            elif records:
                reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
            elif not any(name == question.name.to_text().lower() for name, _ in zone):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            line.sendto(reply.to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def real(settings):
    """An installation with domains of its own."""
    settings.MAIL_DOMAIN, settings.REPLY_DOMAIN = "police.uk", "in.police.uk"
    settings.DKIM_SELECTORS, settings.DKIM_DOMAIN = ["s1"], "police.uk"
    return settings


def tones(found):
    return {one.about: one.tone for one in found}


def test_mail_names_that_are_right(real):
    with dns_server(ZONE) as real.DNS_RESOLVER:
        found = names.mail()
        assert tones(found) == dict.fromkeys(("SPF", "DKIM", "DMARC", "replies"), Tone.RIGHT), found
        assert names.reverse("192.0.2.7")[0].tone is Tone.RIGHT
        assert names.reverse("192.0.2.8")[0].tone is Tone.WRONG
        assert names.reverse("no address")[0].tone is Tone.WRONG


@pytest.mark.parametrize(
    ("key", "records", "about", "tone"),
    [
        (("in.police.uk.", "TXT"), [], "SPF", Tone.WRONG),
        (("in.police.uk.", "TXT"), ['"v=spf1 -all"', '"v=spf1 ~all"'], "SPF", Tone.WRONG),
        (("in.police.uk.", "TXT"), ['"v=spf1 +all"'], "SPF", Tone.WRONG),
        (("in.police.uk.", "TXT"), ['"v=spf1 mx"'], "SPF", Tone.WRONG),
        (("in.police.uk.", "TXT"), ['"v=spf10 -all"'], "SPF", Tone.WRONG),
        (("in.police.uk.", "TXT"), ['"v=spf1 redirect=spf.relay.example"'], "SPF", Tone.RIGHT),
        (("s1._domainkey.police.uk.", "TXT"), ['"v=DKIM1; p="'], "DKIM", Tone.WRONG),
        (("s1._domainkey.police.uk.", "TXT"), [], "DKIM", Tone.WRONG),
        (("_dmarc.police.uk.", "TXT"), [], "DMARC", Tone.WRONG),
        (("_dmarc.police.uk.", "TXT"), ['"v=DMARC1; p=none"'], "DMARC", Tone.NOTE),
        (("_dmarc.police.uk.", "TXT"), ['"v=DMARC1; p=quarantine; aspf=s"'], "DMARC", Tone.NOTE),
        (("_dmarc.police.uk.", "TXT"), ['"v=DMARC1; p=maybe"'], "DMARC", Tone.WRONG),
        (("in.police.uk.", "MX"), [], "replies", Tone.WRONG),
        (("in.police.uk.", "MX"), ["0 ."], "replies", Tone.WRONG),
        (("mx.police.uk.", "A"), [], "replies", Tone.WRONG),
    ],
)
def test_mail_names_that_are_not(real, key, records, about, tone):
    with dns_server({**ZONE, key: records}) as real.DNS_RESOLVER:
        found = next(one for one in names.mail() if one.about == about)
        assert found.tone is tone, found
        assert found.todo or tone is Tone.RIGHT


def test_a_policy_above_holds_below(real):
    real.MAIL_DOMAIN = "alerts.police.uk"
    with dns_server(ZONE) as real.DNS_RESOLVER:
        assert names.dmarc().tone is Tone.RIGHT


def test_each_selector_needs_its_key(real):
    real.DKIM_SELECTORS = ["s1", "s2"]
    with dns_server(ZONE) as real.DNS_RESOLVER:
        found = names.dkim()
    assert found.tone is Tone.WRONG and "s2._domainkey.police.uk" in found.words


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_who_cannot_look_up_says_so(real, rcode):
    with dns_server(ZONE, rcode=rcode) as real.DNS_RESOLVER:
        found = names.mail()
    assert {one.tone for one in found} == {Tone.UNKNOWN}
    assert all("Could not look up" in one.words for one in found)


def test_offline_is_not_an_error(real, monkeypatch):
    monkeypatch.setattr(names, "_SECONDS", 0.5)
    real.DNS_RESOLVER = "127.0.0.1:9"
    assert {one.tone for one in names.mail()} == {Tone.UNKNOWN}


def test_invented_domains_are_not_looked_up(settings):
    settings.DNS_RESOLVER = "127.0.0.1:9"
    assert [one.tone for one in names.mail()] == [Tone.NOTE]


@contextmanager
def tcp(answer):
    """A TCP server that does `answer(line)` with each connection; its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            answer(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def smtp(said, *, refuse=b""):
    """A relay that writes down what it hears."""

    def answer(line):
        line.sendall(b"220 relay ESMTP\r\n")
        while block := line.recv(1024):
            said.append(block)
            word = block[:4].upper()
            if word == b"EHLO":
                line.sendall(b"250-relay\r\n250 AUTH PLAIN LOGIN\r\n")
            elif word == b"AUTH" and refuse:
                line.sendall(refuse)
            else:
                line.sendall(b"221 bye\r\n" if word == b"QUIT" else b"235 ok\r\n")

    return answer


def test_the_relay_is_greeted_and_nothing_is_sent(settings):
    said: list[bytes] = []
    with tcp(smtp(said)) as port:
        settings.SMTP_URL = f"smtp://127.0.0.1:{port}"
        assert doors.relay()[0].tone is Tone.RIGHT
    heard = b"".join(said).upper()
    assert b"EHLO" in heard and b"MAIL" not in heard and b"RCPT" not in heard


def test_a_provider_instead_of_a_relay_is_only_named(settings):
    settings.EMAIL_PROVIDER, settings.SMTP_URL = "postmark", "smtp://127.0.0.1:9"
    assert doors.relay()[0].tone is Tone.NOTE


def test_a_relay_that_refuses_us_or_is_away(settings):
    with tcp(smtp([], refuse=b"535 no\r\n")) as port:
        settings.SMTP_URL = f"smtp://user:word@127.0.0.1:{port}"
        found = doors.relay()[0]
        assert found.tone is Tone.WRONG and "user name" in found.words and "word" not in found.words.split()
    assert doors.relay()[0].tone is Tone.WRONG


def test_a_relay_without_tls_elsewhere_is_wrong():
    assert doors._relay_finding("relay.police.uk:25", True).tone is Tone.RIGHT


def test_the_gateway_is_asked_for_its_health_only(settings):
    said: list[bytes] = []

    def answer(line):
        said.append(line.recv(2048))
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    with tcp(answer) as port:
        settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{port}"
        assert doors.gateway()[0].tone is Tone.RIGHT
    assert said[0].startswith(b"GET /healthz ")
    assert doors.gateway()[0].tone is Tone.WRONG


def test_the_mail_door(settings):
    with tcp(lambda line: line.sendall(b"220 hello\r\n250 bell\r\n221 bye\r\n")) as port:
        settings.LMTP_LISTEN = f"127.0.0.1:{port}"
        assert doors.lmtp()[0].tone is Tone.RIGHT
    assert doors.lmtp()[0].tone is Tone.WRONG
    with tcp(lambda line: line.sendall(b"SSH-2.0-x\r\n")) as port:
        settings.LMTP_LISTEN = f"127.0.0.1:{port}"
        assert doors.lmtp()[0].tone is Tone.WRONG


def test_the_virus_scanner(settings):
    settings.CLAMD = ""
    assert doors.scanner()[0].tone is Tone.NOTE
    with tcp(lambda line: line.sendall(b"PONG\0")) as port:
        settings.CLAMD = f"127.0.0.1:{port}"
        assert doors.scanner()[0].tone is Tone.RIGHT
    assert doors.scanner()[0].tone is Tone.WRONG
    settings.CLAMD = "nonsense"
    assert doors.scanner()[0].tone is Tone.WRONG


def test_a_question_that_hangs_is_an_answer():
    started = time.monotonic()
    found = answers(Check("slow", lambda: time.sleep(30) or [], 0.2))
    assert found[0].tone is Tone.WRONG and time.monotonic() - started < 5
    broken = answers(Check("broken", lambda: [right("x", str(1 / 0))]))
    assert broken[0].tone is Tone.WRONG and "ZeroDivisionError" in broken[0].words


@pytest.mark.django_db
def test_the_worker_is_alive_late_or_silent():
    assert house.worker()[0].tone is Tone.WRONG
    health.beat()
    assert house.worker()[0].tone is Tone.RIGHT
    Heartbeat.objects.update(at=clock.now() - timedelta(minutes=5))
    assert house.worker()[0].tone is Tone.WRONG


@pytest.mark.django_db
def test_database_tables_and_clock():
    assert house.database()[0].tone is Tone.RIGHT
    assert house.tables()[0].tone is Tone.RIGHT
    assert house.clocks()[0].tone is Tone.RIGHT
    assert house.clock_finding(3600).tone is Tone.WRONG


def test_old_postgres_is_wrong():
    assert house._postgres(14).tone is Tone.WRONG and house._postgres(17).tone is Tone.RIGHT


def test_folders(tmp_path, settings):
    settings.VAR_DIR = settings.PAPER_DIR = settings.EVIDENCE_DIR = tmp_path / "new" / "deep"
    assert {one.tone for one in house.writable_folders()} == {Tone.RIGHT}
    assert not (tmp_path / "new").exists()
    settings.UPLOAD_KEEP_FREE_BYTES = 10**18
    assert Tone.WRONG in {one.tone for one in house.writable_folders()}
    taken = tmp_path / "file"
    taken.write_text("x")
    settings.VAR_DIR = taken
    assert house.writable_folders()[0].tone is Tone.WRONG


@pytest.fixture
def installation(tmp_path):
    """An environment of its own, with nothing running; `bell` in it as a real process."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("BELL_", "DATABASE_", "DJANGO"))}
    environment = kept | {
        "BELL_DEMO": "1",
        "BELL_VAR_DIR": str(tmp_path),
        "BELL_SMTP_URL": "smtp://127.0.0.1:9",
        "BELL_SMS_GATEWAY_URL": "http://127.0.0.1:9",
        "BELL_LMTP_LISTEN": "127.0.0.1:9",
    }

    def bell(*words):
        return subprocess.run(
            [sys.executable, "-m", "bell.cli", *words],
            env=environment,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            timeout=120,
        )

    return bell


def test_a_new_installation_is_told_what_to_do(installation):
    done = installation("doctor", "--json")
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    wrong = {one["about"]: one for one in said["findings"] if one["tone"] == "wrong"}
    assert not said["ok"] and {"tables", "static files", "worker", "relay", "text gateway", "mail door"} <= set(wrong)
    assert all(one["todo"] for one in wrong.values())
    assert "bell migrate" in wrong["tables"]["todo"]
    assert installation("migrate", "--verbosity", "0").returncode == 0
    assert installation("createcachetable").returncode == 0
    told = installation("doctor")
    assert told.returncode == 1 and "thing(s) to put right" in told.stdout
    assert "WRONG  tables" not in told.stdout and "WRONG  relay: 127.0.0.1:9 does not answer" in told.stdout
