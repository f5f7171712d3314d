"""The SMTP client against relays that refuse, drop, drip and lie at every verb: the result is always the truth."""

import itertools
import time
from contextlib import contextmanager

import pytest
from aiosmtpd.controller import Controller

from bell.delivery.email import smtp
from bell.delivery.email.render import Letter
from bell.delivery.email.replies import Reply
from bell.delivery.email.smtp import Relay as Client
from bell.delivery.results import Outcome, Watch
from tests.delivery.servers import DRIP, DROP, NONSENSE, SILENT, Relay, closed_port

ALWAYS = Watch(lambda: True, lambda: None)


def letters(count=1):
    return [(n, Letter("b-x@in.alert.example", f"p{n}@mail.example", b"Subject: x\r\n\r\n.hello\r\n..\r\n"))
            for n in range(1, count + 1)]  # fmt: skip


@contextmanager
def client(relay, deadline=5.0):
    made = Client(relay.url, name="alert.example", deadline=deadline)
    try:
        yield made
    finally:
        made.close()


def outcome(says, deadline=5.0, count=1):
    """(result of the first letter, the relay)."""
    with Relay(says) as relay, client(relay, deadline) as sender:
        done = sender.send(letters(count), ALWAYS)
        return done.results.get(1), done, relay


def test_a_batch_goes_over_one_connection_one_recipient_a_transaction():
    with Relay() as relay, client(relay) as sender:
        first = sender.send(letters(3), ALWAYS)
        second = sender.send(letters(3), ALWAYS)
        assert [r.outcome for r in [*first.results.values(), *second.results.values()]] == [Outcome.ACCEPTED] * 6
        assert relay.connections == 1
        assert relay.to() == ["p1@mail.example", "p2@mail.example", "p3@mail.example"] * 2
        assert relay.spool[0].data == b"Subject: x\r\n\r\n.hello\r\n..\r\n"
        assert relay.spool[0].sender == "b-x@in.alert.example"
        assert "RSET" not in relay.lines


def test_a_real_server_of_somebody_else_takes_it_too():
    class Handler:
        def __init__(self):
            self.kept = []

        async def handle_DATA(self, server, session, envelope):
            self.kept.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
            return "250 kept"

    handler = Handler()
    controller = Controller(handler, hostname="127.0.0.1", port=closed_port())
    controller.start()
    try:
        sender = Client(f"smtp://127.0.0.1:{controller.port}", name="alert.example", deadline=5)
        done = sender.send(letters(2), ALWAYS)
        sender.close()
    finally:
        controller.stop()
    assert [r.outcome for r in done.results.values()] == [Outcome.ACCEPTED] * 2
    assert handler.kept[1] == ("b-x@in.alert.example", ["p2@mail.example"], b"Subject: x\r\n\r\n.hello\r\n..\r\n")


@pytest.mark.parametrize(
    ("verb", "reply", "expected", "dead"),
    [
        ("MAIL", "451 4.3.0 later", Outcome.TEMPORARY, False),
        ("MAIL", "550 5.7.1 not you", Outcome.OURS, False),
        ("MAIL", "553 bad sender", Outcome.OURS, False),
        ("RCPT", "450 4.2.1 greylisted", Outcome.TEMPORARY, False),
        ("RCPT", "550 5.1.1 nobody", Outcome.PERMANENT, True),
        ("RCPT", "550 5.1.10 null MX", Outcome.PERMANENT, True),
        ("RCPT", "550 no such user", Outcome.PERMANENT, False),
        ("RCPT", "550 4.1.1 lies", Outcome.PERMANENT, False),
        ("RCPT", "552 5.2.2 full", Outcome.PERMANENT, False),
        ("RCPT", "550 5.7.1 spam", Outcome.OURS, False),
        ("RCPT", "554 5.4.14 loop", Outcome.OURS, False),
        ("RCPT", "550-first\r\n550 5.1.1 nobody", Outcome.PERMANENT, True),
        ("DATA", "451 4.3.0 later", Outcome.TEMPORARY, False),
        ("DATA", "554 5.5.1 no", Outcome.PERMANENT, False),
        ("DATA", "250 what", Outcome.TEMPORARY, False),
        ("DOT", "452 4.3.1 full", Outcome.TEMPORARY, False),
        ("DOT", "554 5.6.0 bad", Outcome.PERMANENT, False),
        ("DOT", "550 5.1.1 nobody", Outcome.PERMANENT, False),
        ("DOT", "550 5.7.26 DMARC", Outcome.OURS, False),
        ("DOT", "354 what", Outcome.UNCERTAIN, False),
    ],
)
def test_a_refusal_at_each_verb_and_the_next_message_still_goes(verb, reply, expected, dead):
    _, done, relay = outcome({verb: [reply]}, count=2)
    assert (done.results[1].outcome, done.results[1].dead) == (expected, dead)
    assert done.results[2].outcome is Outcome.ACCEPTED
    assert relay.to() == ["p2@mail.example"]
    if reply[0] in "45" and verb in ("MAIL", "RCPT"):
        assert "RSET" in relay.lines


def test_lost_in_the_middle_of_the_data_is_surely_unsent():
    with Relay({"BODY": DROP}) as relay, client(relay) as sender:
        big = Letter("b-x@in.alert.example", "p1@mail.example", b"x" * 70 + b"\r\n" + b"y\r\n" * 8_000_000)
        result = sender.send([(1, big)], ALWAYS).results[1]
    assert result.outcome is Outcome.TEMPORARY
    assert relay.spool == []


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_lost_before_the_final_dot_is_surely_unsent(verb):
    result, _, relay = outcome({verb: DROP})
    assert result.outcome is Outcome.TEMPORARY
    assert relay.spool == []


@pytest.mark.parametrize("said", [DROP, "accept then drop", NONSENSE])
def test_lost_after_the_final_dot_is_uncertain(said):
    result, _, _ = outcome({"DOT": said} if said != NONSENSE else {"DOT": [NONSENSE]})
    assert result.outcome is Outcome.UNCERTAIN


@pytest.mark.parametrize(("verb", "expected"), [("MAIL", "t"), ("RCPT", "t"), ("DOT", "u")])
@pytest.mark.parametrize("said", [SILENT, DRIP])
def test_the_deadline_holds_against_silence_and_drips(verb, expected, said):
    started = time.monotonic()
    result, _, _ = outcome({verb: said}, deadline=0.5)
    assert time.monotonic() - started < 15  # of the 30 that the relay keeps silent
    assert result.outcome is (Outcome.UNCERTAIN if expected == "u" else Outcome.TEMPORARY)


@pytest.mark.parametrize(
    "says",
    [{"CONNECT": "421 busy"}, {"CONNECT": "554 no"}, {"CONNECT": DROP}, {"CONNECT": NONSENSE}, {"EHLO": DROP},
     {"EHLO": "421 no"}, {"MAIL": "421 4.7.0 slow down"}, {"CONNECT": SILENT}, {"CONNECT": DRIP},
     {"CONNECT": "220-" + "\r\n220-".join("x" * 200)}, {"CONNECT": "220 " + "x" * 10000}],
)  # fmt: skip
def test_a_relay_without_a_session_harms_no_message(says):
    result, done, relay = outcome(says, deadline=0.6)
    assert result is None and done.pause > 0 and done.why
    assert relay.spool == []


def test_nobody_listening_pauses_and_pauses_grow_to_a_bound():
    sender = Client(f"smtp://127.0.0.1:{closed_port()}", name="a.example", deadline=5)
    pauses = [sender.send(letters(), ALWAYS).pause for _ in range(8)]
    assert pauses[0] < 2 < pauses[-1] <= 18


def test_a_kept_connection_that_died_meanwhile_costs_nothing():
    with Relay({"MAIL": [None, DROP, None, "421 4.4.2 idle too long"]}) as relay, client(relay) as sender:
        for _ in range(3):
            done = sender.send(letters(), ALWAYS)
            assert done.results[1].outcome is Outcome.ACCEPTED
        assert relay.connections == 3 and len(relay.spool) == 3


def test_421_in_the_middle_closes_and_the_next_message_gets_a_new_connection():
    _, done, relay = outcome({"RCPT": ["421 4.7.0 too many"]}, count=2)
    assert [r.outcome for r in done.results.values()] == [Outcome.TEMPORARY, Outcome.ACCEPTED]
    assert relay.connections == 2


def test_an_old_relay_gets_helo():
    result, _, relay = outcome({"EHLO": "502 never heard of it"})
    assert result.outcome is Outcome.ACCEPTED
    assert any(line.startswith("HELO") for line in relay.lines)


def test_nothing_starts_after_the_watch_says_no_and_the_heart_beats_while_waiting():
    beats = []
    starts = iter([True, False])
    with Relay({"DOT": lambda to: time.sleep(1.2) or None}) as relay, client(relay) as sender:
        done = sender.send(letters(3), Watch(lambda: next(starts), lambda: beats.append(time.monotonic())))
    assert list(done.results) == [1]
    assert any(b - a >= 0.9 for a, b in itertools.pairwise(beats))


def test_a_password_never_goes_where_there_is_no_login_and_goes_on_loopback():
    with Relay(offers=("AUTH PLAIN LOGIN",)) as relay:
        relay.says["AUTH"] = "235 welcome"
        sender = Client(f"smtp://me:p%40ss@127.0.0.1:{relay.port}", name="a.example", deadline=5)
        assert sender.send(letters(), ALWAYS).results[1].outcome is Outcome.ACCEPTED
        sender.close()
        assert any(line.startswith("AUTH PLAIN AG1lAHBAc3M=") for line in relay.lines)
    for refusing in (Relay(), Relay({"AUTH": "535 5.7.8 wrong"}, offers=("AUTH PLAIN",))):
        with refusing as relay:
            sender = Client(f"smtp://me:p@127.0.0.1:{relay.port}", name="a.example", deadline=5)
            assert sender.send(letters(), ALWAYS).pause
            assert relay.spool == []


def test_a_relay_that_must_be_here_is_checked_when_connecting(monkeypatch):
    with Relay() as relay:
        sender = Client(relay.url, name="a.example", deadline=5, loopback_only=True)
        assert sender.send(letters(), ALWAYS).results
        sender.close()
        monkeypatch.setattr(smtp.Session, "peer_is_loopback", lambda self: False)
        assert sender.send(letters(), ALWAYS).pause
        assert len(relay.spool) == 1


def test_what_a_relay_says_is_kept_short_and_without_addresses():
    result, _, _ = outcome({"RCPT": "550 5.1.1 <p1@mail.example>: " + "x " * 400 + "\x07"})
    assert "@" not in result.words() and len(result.words()) <= 160
    assert result.words().startswith("550 5.1.1 (address)")


@pytest.mark.parametrize(("line", "status"), [("5.1.1 no", "5.1.1"), ("5.1.1", "5.1.1"), ("4.1.1 x", ""), ("5.1", ""),
                                              ("5.a.1", ""), ("", ""), ("5.1.1234 x", "")])  # fmt: skip
def test_an_enhanced_status_must_agree_with_its_code(line, status):
    assert Reply(550, ("5.7.1 first", line)).enhanced == status


@pytest.mark.parametrize("url", ["http://a", "smtp://", "127.0.0.1:25"])
def test_a_strange_url_is_refused(url):
    with pytest.raises(ValueError):
        Client(url, name="a.example", deadline=5)
