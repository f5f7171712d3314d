"""Mail that comes in: people's words are kept whatever happens, machines are told apart, bounces follow the rules."""

import pytest

from bell.delivery import inbound
from bell.delivery.email import reading
from bell.delivery.models import Delivery
from tests.delivery.conftest import emails, filled
from tests.delivery.mails import a_mail, bounce_address, reply_address, settled, store

pytestmark = pytest.mark.django_db


def test_a_reply_is_threaded_by_its_token_whatever_its_case():
    filled(emails(1))
    sent = Delivery.objects.get()
    row = settled(a_mail(), reply_address(sent.pk).upper())
    assert (row.state, row.what) == ("settled", "human")
    mail = inbound.read_mail(row)
    assert (mail.delivery_id, mail.token_kind, mail.sender) == (sent.pk, "reply", "Ann@mail.example")
    assert (mail.subject, mail.text, mail.message_id) == ("Re: Bicycle thefts", "I saw a red Ford.", "<1@mail.example>")
    assert inbound.waiting() == [row]
    inbound.finish(row, outcome="threaded")
    assert inbound.waiting() == []


@pytest.mark.parametrize("to", ["r-" + "a" * 24 + "@in.alert.example", "alerts@in.alert.example", "r-@in.alert.example",
                                reply_address(5).replace("in.alert", "evil"), reply_address(5).replace("r-", "b-"),
                                "x" * 5000, "\0é@"])  # fmt: skip
def test_without_a_genuine_token_a_persons_mail_is_kept_for_triage(to):
    row = settled(a_mail(), to)
    assert (row.state, row.what) == ("settled", "human")
    assert inbound.read_mail(row).delivery_id is None


def test_the_same_mail_again_is_one_reply_and_another_is_another():
    raw = a_mail()
    to = reply_address(1)
    _, first = store(raw, to)
    _, again = store(b"Received: by another relay\r\n" + raw, to)
    _, other_words = store(a_mail("No, it was blue."), to)
    _, other_person = store(raw, reply_address(2))
    assert [first, again, other_words, other_person] == [True, False, True, True]


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        ({"Auto_Submitted": "auto-replied"}, "a@mail.example"),
        ({"Auto_Submitted": "auto-generated; x=y"}, "a@mail.example"),
        ({"X_Autoreply": "yes"}, "a@mail.example"),
        ({"Precedence": "bulk"}, "a@mail.example"),
        ({"Precedence": "Auto_Reply"}, "a@mail.example"),
        ({"Precedence": "junk"}, "a@mail.example"),
        ({"From": "Mail system <MAILER-DAEMON@mail.example>"}, "a@mail.example"),
        ({}, "MAILER-DAEMON@mail.example"),
        ({}, ""),
        ({}, "<>"),
    ],
)
def test_machines_never_become_replies(headers, sender):
    row = settled(a_mail(**headers), reply_address(1), sender)
    assert (row.state, row.what) == ("done", "auto")
    assert inbound.waiting() == []


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "no"}, {"Precedence": "first-class"}, {"X_Autoreply": "no"}])
def test_people_whose_mail_only_looks_odd_are_heard(headers):
    assert settled(a_mail(**headers), reply_address(1)).what == "human"


def test_a_person_who_answers_the_return_path_is_heard_too():
    row = settled(a_mail(), bounce_address(4))
    assert row.what == "human" and inbound.read_mail(row).delivery_id == 4


def test_one_message_that_nobody_foresaw_does_not_stop_the_others(monkeypatch):
    bad, _ = store(a_mail("bad"), reply_address(1))
    good, _ = store(a_mail("good"), reply_address(2))
    machine = reading.machine

    def broken(raw, **envelope):
        if raw == bytes(bad.raw):
            raise MemoryError("unforeseen")
        return machine(raw, **envelope)

    monkeypatch.setattr(reading, "machine", broken)
    for _ in range(25):
        inbound.settle()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (good.state, good.what) == ("settled", "human")
    assert (bad.state, bad.attempts) == ("unreadable", 20) and bytes(bad.raw)
