"""The three ways of speaking SMTP (plain, pipelined, in chunks) against relays that fail anywhere: never a lie."""

import ipaddress
import random
import socket
import ssl
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bell.delivery.email import smtp
from bell.delivery.email.render import Letter
from bell.delivery.email.smtp import Relay as Client
from bell.delivery.email.trial import Trial
from bell.delivery.results import Outcome, Watch
from tests.delivery.servers import DROP, NONSENSE, Relay, closed_port

ALWAYS = Watch(lambda: True, lambda: None)
OFFERS = {"plain": (), "pipelined": ("PIPELINING",), "chunks": ("PIPELINING", "CHUNKING")}
BODY = b"Subject: x\r\n\r\n.hello\r\n..\r\nFrom here\r\n"


def letters(count, first=1):
    return [
        (n, Letter("b-x@in.alert.example", f"p{n}@mail.example", BODY + b"%d\r\n" % n))
        for n in range(first, first + count)
    ]


def client(relay, mode, connections=1, deadline=5.0):
    made = Client(relay.url, name="alert.example", deadline=deadline, connections=connections)
    made._trial.mode = lambda: mode  # which is quicker is not the question here
    return made


@pytest.mark.parametrize("mode", OFFERS)
@pytest.mark.parametrize("connections", [1, 5])
def test_everyone_gets_one_whole_copy(mode, connections):
    with Relay(offers=OFFERS[mode]) as relay:
        sender = client(relay, mode, connections)
        done = [sender.send(letters(60), ALWAYS), sender.send(letters(60, 61), ALWAYS)]
        sender.close()
    assert {r.outcome for one in done for r in one.results.values()} == {Outcome.ACCEPTED}
    assert Counter(relay.to()) == {f"p{n}@mail.example": 1 for n in range(1, 121)}
    assert {mail.data for mail in relay.spool} == {letter.data for _, letter in letters(120)}
    assert {mail.sender for mail in relay.spool} == {"b-x@in.alert.example"}
    assert relay.connections <= connections
    used = {line.split(" ")[0] for line in relay.lines}
    assert ("BDAT" in used) == (mode == "chunks") and ("DATA" in used) == (mode != "chunks")


def fault(rng):
    """What a relay does now and then at each verb."""

    def says(verb):
        refusals = {
            "MAIL": ["451 4.3.0 later", "550 5.7.1 not you"],
            "RCPT": ["450 4.2.1 greylisted", "550 5.1.1 nobody"],
            "DATA": ["451 4.3.0 later", "554 5.5.1 no"],
            "DOT": ["452 4.3.1 full", "554 5.6.0 bad", "accept then drop"],
        }
        anywhere = [DROP, NONSENSE, "421 4.7.0 slow down"]

        def say(line):
            return rng.choice(refusals[verb] + anywhere) if rng.random() < 0.06 else None

        return say

    return {verb: says(verb) for verb in ("MAIL", "RCPT", "DATA", "DOT")}


@pytest.mark.parametrize("mode", OFFERS)
@pytest.mark.parametrize("seed", range(6))
def test_whatever_goes_wrong_the_results_are_true(mode, seed):
    rng = random.Random(f"{mode} {seed}")
    told: dict[int, list[Outcome]] = {}
    with Relay(fault(rng), offers=OFFERS[mode]) as relay:
        sender = client(relay, mode, connections=rng.randint(1, 4))
        for first in range(1, 241, 40):
            waiting = letters(40, first)
            for _ in range(30):  # what was not begun is handed in again, as the outbox does after a pause
                done = sender.send(waiting, ALWAYS)
                for number, result in done.results.items():
                    told.setdefault(number, []).append(result.outcome)
                waiting = [one for one in waiting if one[0] not in done.results]
                if not waiting:
                    break
            assert not waiting
        sender.close()
    assert len(told) == 240 and all(len(results) == 1 for results in told.values())
    copies = Counter(int(address[1:].split("@")[0]) for address in relay.to())
    for number, (outcome,) in told.items():
        if outcome is Outcome.ACCEPTED:
            assert copies[number] == 1
        elif outcome is Outcome.UNCERTAIN:
            assert copies[number] <= 1
        else:
            assert copies[number] == 0, f"{number} was said to be {outcome} and was accepted"
    # A dropped connection leaves a message or four uncertain, never a whole slice.
    uncertain = sum(results == [Outcome.UNCERTAIN] for results in told.values())
    assert uncertain < (120 if mode == "chunks" else 50)
    assert Outcome.ACCEPTED in {results[0] for results in told.values()}


def test_lost_while_a_chunk_is_on_its_way_is_not_called_sent():
    with Relay({"BODY": DROP}, offers=OFFERS["chunks"]) as relay:
        sender = client(relay, "chunks")
        done = sender.send(letters(3), ALWAYS)
        sender.close()
    assert relay.spool == []
    assert Outcome.ACCEPTED not in {result.outcome for result in done.results.values()}


def test_bdat_is_only_used_where_it_is_clearly_quicker():
    trial = Trial()
    assert trial.mode() == "pipelined"
    trial.offered = True
    seconds = {"pipelined": 1.0, "chunks": 4.0}
    for _ in range(12):
        mode = trial.mode()
        trial.note(mode, 100, seconds[mode])
    assert trial.mode() == "pipelined"
    quick = Trial()
    quick.offered = True
    seconds["chunks"] = 0.2
    tried = set()
    for _ in range(12):
        tried.add(mode := quick.mode())
        quick.note(mode, 100, seconds[mode])
    assert tried == {"pipelined", "chunks"} and quick.mode() == "chunks"


def test_a_relay_that_takes_one_connection_gets_one():
    crowd = {"now": 0, "refused": 0}

    def greet(line):
        crowd["now"] += 1
        if crowd["now"] > 1:
            crowd["refused"] += 1
            return "421 4.7.0 too many connections"
        return None

    with Relay({"CONNECT": greet}) as relay:
        sender = client(relay, "pipelined", connections=8)
        done = [sender.send(letters(80), ALWAYS), sender.send(letters(80, 81), ALWAYS)]
        sender.close()
    assert {r.outcome for one in done for r in one.results.values()} == {Outcome.ACCEPTED}
    assert len(relay.spool) == 160 and done[0].pause is done[1].pause is None
    assert crowd["refused"] <= 8  # it learned: the second slice opens none


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of 127.0.0.1 and its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "relay.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class Keeping:
    """A mail server's handler that keeps what comes, and whether it came over TLS."""

    def __init__(self):
        self.kept = []

    async def handle_DATA(self, server, session, envelope):
        self.kept.append((envelope.rcpt_tos[0], session.ssl is not None))
        return "250 kept"


def knock(port, *, tls):
    """Connect, hear the greeting, and leave."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        spoken = anyone.wrap_socket(line) if tls else line
        spoken.recv(1024)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("trusted", [True, False])
def test_tls_from_the_first_byte_or_by_starttls_and_nothing_without_trust(scheme, trusted, certificate, monkeypatch):
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate)
    handler = Keeping()
    how = {"ssl_context": served} if scheme == "smtps" else {"tls_context": served, "require_starttls": True}
    controller = Controller(handler, hostname="127.0.0.1", port=closed_port(), **how)
    # aiosmtpd looks whether it is up by connecting; with its own context it cannot speak TLS as a client.
    monkeypatch.setattr(controller, "_trigger_server", lambda: knock(controller.port, tls=scheme == "smtps"))
    controller.start()
    real = ssl.create_default_context
    cafile = str(certificate) if trusted else None
    monkeypatch.setattr(smtp.ssl, "create_default_context", lambda: real(cafile=cafile))
    monkeypatch.setattr(smtp.Session, "peer_is_loopback", lambda self: False)
    try:
        sender = Client(f"{scheme}://127.0.0.1:{controller.port}", name="a.example", deadline=5)
        done = sender.send(letters(3), ALWAYS)
        sender.close()
    finally:
        controller.stop()
    if trusted:
        # aiosmtpd marks STARTTLS only; a server that speaks nothing but TLS has no other way in.
        assert handler.kept == [(f"p{n}@mail.example", scheme == "smtp") for n in (1, 2, 3)]
        assert {result.outcome for result in done.results.values()} == {Outcome.ACCEPTED}
    else:
        assert handler.kept == [] and done.results == {} and done.pause
