"""One mailing in several languages: each gets their own, with our own as the fallback; one hash binds all of it."""

import email
import email.policy

import pytest

from bell.delivery import outbox, post, slots
from bell.delivery.content import BadContent, Content
from bell.delivery.models import Delivery, Mailing
from tests.delivery.conftest import a_content, filled
from tests.delivery.servers import Gateway, Relay

pytestmark = pytest.mark.django_db

POLISH = {
    "subject": "Kradzieże rowerów",
    "text": f"Zabezpiecz rower. https://alert.example/r/{slots.ANSWER}/",
    "html": "<p>Zabezpiecz rower.</p>",
    "sms": "Zabezpiecz rower",
}
PEOPLE = [
    (1, "email", "english@mail.example"), (2, "email", "polish@mail.example"), (3, "email", "brazil@mail.example"),
    (4, "email", "nobody-speaks-it@mail.example"), (5, "sms", "+447700900105"),
]  # fmt: skip
READS = {1: "", 2: "pl", 3: "pt-BR", 4: "tlh", 5: "pl"}


def test_each_reads_their_own_and_the_others_ours(settings):
    said = a_content(languages={"pl": POLISH, "pt": {"subject": "Bicicletas", "text": "Tranque a bicicleta."}})
    mailing = filled(PEOPLE, said)
    for key, language in READS.items():
        Delivery.objects.filter(recipient_key=key).update(language=language)
    with Relay() as relay, Gateway() as gateway:
        settings.SMTP_URL, settings.SMS_GATEWAY_URL = relay.url, gateway.url
        while outbox.run_once("w1"):
            pass
        outbox.close()
    mails = {mail.recipient: email.message_from_bytes(mail.data, policy=email.policy.default) for mail in relay.spool}
    assert {to: (mail["Subject"], mail["Content-Language"]) for to, mail in mails.items()} == {
        "english@mail.example": ("Bicycle thefts in Belper", None),
        "polish@mail.example": ("Kradzieże rowerów", "pl"),
        "brazil@mail.example": ("Bicicletas", "pt-BR"),
        "nobody-speaks-it@mail.example": ("Bicycle thefts in Belper", None),
    }
    # A version without HTML is sent without: never a Portuguese text beside an English page.
    assert mails["brazil@mail.example"].get_content_type() == "text/plain"
    assert "/r/" in mails["polish@mail.example"].get_body(("plain",)).get_content()
    assert [text["text"] for text in gateway.spool] == ["Zabezpiecz rower"]
    assert post.tally(mailing) == {"email": {"sent": 4}, "sms": {"sent": 1}}


def test_a_translation_changed_after_approval_does_not_leave(settings):
    mailing = filled(PEOPLE[:1], a_content(languages={"pl": POLISH}))
    changed = a_content(languages={"pl": {**POLISH, "text": "Co innego"}}).as_json()
    Mailing.objects.filter(pk=mailing.pk).update(content=changed)
    with Relay() as relay:
        settings.SMTP_URL = relay.url
        outbox.run_once("w1")
    assert relay.spool == [] and Delivery.objects.get().reason == outbox.NOT_APPROVED


def test_what_was_approved_before_there_were_languages_stays_approved():
    stored = a_content().as_json()
    del stored["languages"], stored["language"]
    assert Content.from_json(stored).digest() == a_content().digest() != a_content(languages={"pl": POLISH}).digest()


@pytest.mark.parametrize(
    "languages",
    [{"Polish": POLISH}, {"": POLISH}, {"pl": {"body": "x"}}, {"pl": {"subject": "two\nlines"}}, {"pl": {"sms": "\0"}}],
)
def test_a_translation_that_could_not_be_sent_is_refused(languages):
    with pytest.raises(BadContent):
        post.open_mailing(
            a_content(languages=languages), authority=post.Authority("approval", "1"), stream="1.crime", lane=2
        )
