"""Who is merely named: other people's words are theirs, whole addresses count, and machines' rows still go."""

import json
from typing import Any

import pytest

from bell.conversations import receive
from bell.conversations.models import Conversation, Turn
from bell.delivery import inbound
from bell.delivery.models import Inbound
from bell.privacy import access, erase
from bell.residents.models import Resident
from tests.privacy.conftest import EMAIL, MOBILE, Canary, delivery_of, mail, reply_to, text

pytestmark = pytest.mark.django_db

WITNESS = "other@home.example"
THREAT = f"She rang me from 07700900777, wrote from {EMAIL} and threatened me"


def _copy(resident: Resident) -> str:
    return json.dumps(access.everything(resident))


def _raw(sender: str) -> list[bytes]:
    return [bytes(one.raw) for one in Inbound.objects.filter(envelope_from=sender).order_by("pk")]


def _closed() -> None:
    Conversation.objects.update(state="closed", useful=None)


def _callback(raw: str) -> Inbound:
    """A gateway's callback, as it was stored: it tells of a text that was never ours."""
    return inbound.store("simulator", raw[:100], "receipt", raw.encode())[0]


def _holds(resident: Resident, row: Inbound) -> bool:
    return f'"delivery_inbound {row.pk}"' in _copy(resident)


def test_a_witness_who_names_a_member_is_not_in_the_members_copy(canary: Canary) -> None:
    mail(reply_to(delivery_of(canary.alert, canary.other)), THREAT, sender=WITNESS)
    text("0 7700900777 is her number: 07700900777", sender="+447700900888")
    receive.run()
    assert Turn.objects.filter(conversation__resident=canary.other, text__contains="threatened").exists()
    words = _copy(canary.resident)
    assert "threatened me" not in words and "is her number" not in words and "7700900888" not in words
    assert "threatened me" in _copy(canary.other) and "is her number" in _copy(canary.other)


def test_what_a_witness_said_survives_the_erasure_of_whom_they_named(canary: Canary) -> None:
    _closed()
    mail(reply_to(delivery_of(canary.alert, canary.other)), THREAT, sender=WITNESS)
    receive.run()
    before = _raw(WITNESS)
    own = Inbound.objects.filter(envelope_from=EMAIL)
    assert own.count() >= 2
    erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    assert _raw(WITNESS) == before and b"threatened me" in b"".join(before)
    assert not own.exists()
    assert not any(b"canary" in bytes(one.raw) for one in Inbound.objects.exclude(envelope_from=WITNESS))


def test_words_that_nobody_has_taken_yet_are_their_senders(canary: Canary) -> None:
    mail(reply_to(delivery_of(canary.alert, canary.other)), THREAT, sender=WITNESS)
    mail("hello@replies.example", "canary, still waiting")
    assert "threatened me" not in _copy(canary.resident) and "still waiting" in _copy(canary.resident)
    inbound.settle()
    assert Inbound.objects.filter(state="settled", envelope_from=WITNESS).exists()
    assert "threatened me" not in _copy(canary.resident) and "still waiting" in _copy(canary.resident)


def test_an_address_within_a_longer_one_is_somebody_elses(canary: Canary, cast: Any) -> None:
    ann = cast.resident(email="ann@mail.example")
    for sender in ("joann@mail.example", "jo.ann@mail.example", "ann@mail.example.org"):
        mail("hello@replies.example", f"Words of {sender}", sender=sender)
    mail("hello@replies.example", "Words of Ann herself", sender="ann@mail.example")
    receive.run()
    words = _copy(ann)
    assert "Words of Ann herself" in words and "joann" not in words and "jo.ann" not in words
    assert "ann@mail.example.org" not in words
    _closed()
    erase.erase(ann, by=ann, why="asked on the web")
    for sender in ("joann@mail.example", "jo.ann@mail.example", "ann@mail.example.org"):
        assert sender.encode() in _raw(sender)[0]
    assert not any(b"Ann herself" in bytes(one.raw) for one in Inbound.objects.all())


@pytest.mark.parametrize(
    "written",
    [
        "{0}", "<{0}>", "rfc822;{0}", "mailto:{0}?subject=x", "to={0}&x=1", '"{0}"', "'{0}'.", "*{0}*", "=3C{0}=3E",
        "%3C{0}%3E", '{{"text": "To:\\n{0}"}}', "\\u003c{0}\\u003e", "“{0}”", "Write to {0}.", "(joann@x, {0})",
        "xann@mail.example {0}",
    ],
)  # fmt: skip
def test_a_machine_that_names_an_address_is_found_however_it_writes(cast: Any, written: str) -> None:
    ann = cast.resident(email="ann@mail.example")
    for address in ("ann@mail.example", "Ann@Mail.Example"):
        assert _holds(ann, _callback(written.format(address)))


@pytest.mark.parametrize(
    "address",
    ["joann@mail.example", "o'ann@mail.example", "x-ann@mail.example", "jo+ann@mail.example", "ann@mail.example.org",
     "ann@mail.examples", "ann@mail.example-1.org"],
)  # fmt: skip
def test_a_machine_that_names_another_address_is_not(cast: Any, address: str) -> None:
    assert not _holds(cast.resident(email="ann@mail.example"), _callback(f"To: <{address}>"))


@pytest.mark.parametrize(
    "written",
    ["07700900777", "+447700900777", "447700900777", "00447700900777", "to=447700900777&x=1", "to=%2B447700900777",
     "%2007700900777", '"7700900777"', "\\u002b447700900777"],
)  # fmt: skip
def test_a_gateway_that_names_a_number_is_found_and_emptied(canary: Canary, written: str) -> None:
    _closed()
    row = _callback(written)
    assert _holds(canary.resident, row)
    erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    row.refresh_from_db()
    assert bytes(row.raw) == b""


@pytest.mark.parametrize("other", ["077009007771", "+4477009007770", "1237700900777", "9907700900777"])
def test_a_longer_number_is_another(canary: Canary, other: str) -> None:
    assert not _holds(canary.resident, _callback(other))


def test_a_stop_by_text_and_texts_of_their_own_are_theirs(canary: Canary) -> None:
    text("STOP", sender=MOBILE)
    text("HELP", sender=MOBILE)
    receive.run()
    found = _copy(canary.resident)
    assert "STOP" in found and "HELP" in found
    _closed()
    erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    assert not any(b"7700900777" in bytes(one.raw) for one in Inbound.objects.all())
