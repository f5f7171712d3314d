"""From a message that may leave to a phone or mailbox, and back in from there: through real doors."""

import time

import pytest
from django.db import connection

from bell.alerts.models import Alert
from bell.alerts.models import State as AlertState
from bell.audit.models import Entry
from bell.conversations.models import Conversation
from bell.delivery import post
from bell.delivery.models import Delivery, Inbound, Lane, State
from bell.delivery.post import Address, Authority, Content
from bell.worker import loop
from tests.cast import Cast
from tests.waiting import until
from tests.worker.conftest import House

CODE = Content(
    sender_name="Testshire Alert", subject="Your code", text="Your code is 123456", sms="Your code is 123456"
)


def post_code(channel: str, address: str) -> Delivery:
    return post.post(
        CODE, authority=Authority("code", "c-1"), stream="code", lane=Lane.NOW, to=Address(1, channel, address)
    )


def state_of(delivery: Delivery) -> str:
    return Delivery.objects.get(pk=delivery.pk).state


def test_a_mail_goes_out_by_itself(house: House) -> None:
    house.work()
    time.sleep(0.5)  # so that the worker has found nothing before, and must find out
    delivery = post_code("email", "ann@home.example")
    (mail,) = until(lambda: house.mail_to("ann@home.example"))
    assert mail["subject"] == "Your code" and "Your code is 123456" in mail["text"]
    until(lambda: state_of(delivery) == State.SENT)


def test_a_text_goes_out_and_its_receipt_makes_it_delivered(house: House) -> None:
    delivery = post_code("sms", "+447700900123")
    house.work()
    until(lambda: state_of(delivery) == State.DELIVERED)
    (text,) = house.phones.texts()
    assert text["to"] == "+447700900123" and text["text"] == "Your code is 123456"
    assert Inbound.objects.get(kind="receipt").state == Inbound.State.DONE


def test_stop_by_text_is_stored_settled_and_confirmed(house: House) -> None:
    post_code("sms", "+447700900123")
    house.work()
    until(lambda: list(house.phones.texts()))
    house.reply_by_text("+447700900123", "Stop.")
    until(lambda: len(list(house.phones.texts())) == 2)
    assert "no more texts" in list(house.phones.texts())[1]["text"]
    assert Inbound.objects.get(kind="sms").what == Inbound.What.STOP


def test_an_alert_goes_out_and_its_answers_come_back(house: House, cast: Cast) -> None:
    cast.resident(email="ann@home.example", mobile="07700 900123")
    cast.resident(email="bob@home.example")
    cast.approved(by_sms=True)
    house.work()

    (mail,) = until(lambda: house.mail_to("ann@home.example"))
    (text,) = until(lambda: list(house.phones.texts()))
    assert mail["subject"] and text["to"] == "+447700900123"
    until(lambda: house.mail_to("bob@home.example"))
    until(lambda: Alert.objects.get().state == AlertState.SENT)
    until(lambda: Delivery.objects.get(channel="sms", address="+447700900123").state == State.DELIVERED)

    house.reply_by_mail("ann@home.example", mail["message_id"], "A white van, about 9.\n\nAnn")
    house.reply_by_text("+447700900123", "It came back just now")
    until(lambda: Inbound.objects.filter(kind="mail", state="done").exists())
    until(lambda: Inbound.objects.filter(kind="sms", state="done").exists())
    outcomes = dict(Inbound.objects.exclude(kind="receipt").values_list("kind", "outcome"))
    assert outcomes == {"mail": "threaded", "sms": "threaded"}
    turns = [turn.text for one in Conversation.objects.order_by("id") for turn in one.turns.order_by("id")]
    assert "A white van, about 9.\n\nAnn" in turns and "It came back just now" in turns
    until(lambda: not Entry.objects.filter(position__isnull=True).exists())


def test_nothing_is_sent_twice_by_two_workers(house: House, settings) -> None:
    settings.BATCH_SIZE = 5
    for number in range(60):
        post_code("email", f"person{number}@home.example")
    house.work(senders=3)
    until(lambda: Delivery.objects.filter(state=State.SENT).count() == 60)
    house.stop_work()
    assert sorted(line["to"][0] for line in house.mails.mails()) == sorted(f"person{n}@home.example" for n in range(60))


def test_told_to_end_it_ends_soon_and_leaves_no_lease(house: House) -> None:
    for number in range(50):
        post_code("email", f"person{number}@home.example")
    house.work()
    until(lambda: Delivery.objects.filter(state=State.SENT).exists())
    started = time.monotonic()
    house.stop_work()
    assert time.monotonic() - started < 10
    assert not Delivery.objects.filter(batch__state="leased").exists()
    sent = Delivery.objects.filter(state=State.SENT).count()
    assert sent == len(list(house.mails.mails()))
    loop.once()
    assert len(list(house.mails.mails())) == 50


def test_once_does_what_is_due_and_ends(house: House, cast: Cast) -> None:
    cast.resident(email="ann@home.example")
    cast.approved()
    done = loop.once()
    assert done["dispatch"] and done["send"] and done["seal"]
    assert len(house.mail_to("ann@home.example")) == 1
    assert loop.once()["send"] == 0


@pytest.mark.parametrize("what", ["relay", "database"])
def test_a_fault_passes_and_the_mail_goes_out(house: House, settings, what: str) -> None:
    if what == "relay":
        url = settings.SMTP_URL
        settings.SMTP_URL = "smtp://127.0.0.1:1"
    else:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE delivery_batch RENAME TO delivery_batch_away")
    house.work()
    try:
        time.sleep(1)
    finally:
        if what == "relay":
            settings.SMTP_URL = url
        else:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE delivery_batch_away RENAME TO delivery_batch")
    delivery = post_code("email", "ann@home.example")
    until(lambda: state_of(delivery) == State.SENT)
    assert len(house.mail_to("ann@home.example")) == 1
