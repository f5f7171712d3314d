"""A real mail server between us and the world: out through its queue, back by LMTP, by its pipe, and as a bounce."""

import email
import email.policy
import smtplib
import time

import pytest

from bell.api import lmtp
from bell.api.lmtp import Door
from bell.delivery import blocking, inbound, outbox, post
from bell.delivery.models import Delivery, Inbound
from tests.delivery.conftest import emails, filled
from tests.delivery.mails import a_mail, reply_address
from tests.delivery.postfix import Postfix, Runner, mail_in, missing
from tests.delivery.servers import Relay
from tests.delivery.test_crash import child_command

pytestmark = pytest.mark.django_db(transaction=True)
TO = reply_address


@pytest.fixture
def environment(settings):
    """That of a command in a process of its own, on the tests' database."""
    _, found = child_command("settle", "")
    var = str(settings.VAR_DIR)
    return {**found, "DJANGO_SETTINGS_MODULE": "tests.settings", "BELL_VAR_DIR": var, "CRASHPOINT": ""}


def until(said, what):
    """Ask until there is an answer, half a minute at most."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if found := said():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come")


def row(**about):
    """The one Inbound row of this kind, when it is there, settled."""
    inbound.settle()
    return Inbound.objects.filter(**about).exclude(state="new").first()


# The command of a pipe


def test_the_pipe_keeps_a_mail_once_whichever_way_the_envelope_is_said(environment):
    mail = a_mail()
    assert mail_in(["--sender=MAILER-DAEMON", "--", TO(7), TO(8).upper()], mail, environment) == 0
    assert mail_in([], mail, {**environment, "RECIPIENT": TO(7), "SENDER": "ann@mail.example"}) == 0  # the same again
    rows = set(Inbound.objects.values_list("gateway", "envelope_from", "envelope_to"))
    assert rows == {("pipe", "", TO(7)), ("pipe", "", TO(8).upper())}
    assert {bytes(kept.raw) for kept in Inbound.objects.all()} == {mail}


def test_codes_of_the_pipe_send_back_only_what_is_not_ours(environment):
    mail = a_mail()
    to = ["--sender=ann@mail.example", "--", TO(7)]
    assert mail_in([*to[:-1], "ann@elsewhere.example"], mail, environment) == 67
    assert mail_in(to, b"x" * (lmtp.LARGEST + 1), environment) == 65
    for fault in ({"DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"}, {"DATABASE_URL": "what is this"}):
        assert mail_in(to, mail, {**environment, **fault}) == 75, fault
    assert mail_in(["--no-such-option", *to], mail, environment) == 75
    assert not Inbound.objects.exists()


# Postfix itself


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_out_through_a_real_relay_and_back_by_every_way(environment, settings):
    filled(emails(3))
    by_lmtp, by_pipe, refused = Delivery.objects.order_by("id")
    door = Door("127.0.0.1", 0).start()
    says = {"RCPT": lambda line: "550 5.1.1 nobody of that name" if refused.address in line else None}
    with (
        Relay(says=says, offers=()) as world,
        Runner(environment) as runner,
        Postfix(lmtp=door.port, next_hop=world.port, piped=[TO(by_pipe.pk)], command=runner.script) as postfix,
    ):
        try:
            settings.SMTP_URL = f"smtp://127.0.0.1:{postfix.port}"
            while outbox.run_once("test"):
                pass
            outbox.close()
            assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}  # Postfix took all three
            until(lambda: len(world.spool) == 2, "the mail at the next hop")
            for one in world.spool:
                mail = email.message_from_bytes(one.data, policy=email.policy.default)
                assert one.sender.startswith("b-") and mail["To"] == one.recipient
                with smtplib.SMTP("127.0.0.1", postfix.port, timeout=10) as server:
                    server.sendmail("ann@mail.example", [mail["Reply-To"]], a_mail(f"I am {one.recipient}."))
            for gateway, delivery in (("lmtp", by_lmtp), ("pipe", by_pipe)):
                reply = until(lambda: row(gateway=gateway, what="human"), f"the reply by {gateway}")  # noqa: B023
                read = inbound.read_mail(reply)
                assert (reply.state, read.delivery_id) == ("settled", delivery.pk)
                assert read.text == f"I am {delivery.address}."
            assert until(lambda: runner.codes, "the pipe's exit code") == [0]
            assert runner.commands == [["--sender=ann@mail.example", "--", TO(by_pipe.pk)]]
            until(lambda: row(what="bounce"), "the bounce")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{postfix.log()}") from error
        finally:
            door.stop()
    refused.refresh_from_db()
    assert refused.state == "bounced" and refused.reason.startswith("bounce 5.1.1 smtp; 550 5.1.1 nobody")
    assert post.suppressed(address_key=refused.address_key, channel="email") == blocking.HARD_BOUNCE
    assert Inbound.objects.count() == 3
