"""A copy of one's data, and an erasure, end where other people's words and an inquiry begin."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from bell.conversations import receive
from bell.delivery import forget
from bell.delivery.models import Inbound
from bell.evidence import actions as evidence
from bell.organisations.kinds import Kind
from bell.privacy import actions as protect
from bell.privacy import looks
from bell.privacy.models import Withheld, today
from tests.evidence.conftest import exhibit
from tests.privacy.conftest import delivery_of, mail, reply_to
from tests.public.conftest import KNOWN, send, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    cache.clear()
    settings.EVIDENCE_DIR, settings.UPLOAD_KEEP_FREE_BYTES, settings.CLAMD = tmp_path / "evidence", 0, ""


def copy_of(client):
    got = client.post("/account/data/download/")
    return json.loads(zipfile.ZipFile(io.BytesIO(got.content)).read("data.json"))


def test_what_witnesses_write_of_a_person_is_not_that_persons(cast):
    cast.resident(email="ann@mail.example", mobile="07700 900555")
    similar, witness = cast.resident(email="joann@mail.example"), cast.resident(email="wilf@home.example")
    alert = send(cast)
    mail(reply_to(delivery_of(alert, similar)), "My neighbour sells it from her garage", sender="joann@mail.example")
    mail(
        reply_to(delivery_of(alert, witness)),
        "It was ann@mail.example. She rang me from 07700900555 and threatened me",
        sender="wilf@home.example",
    )
    receive.run()
    # Two more that nobody has read when she asks: one names her, one is her own.
    mail("hello@in.alert.example", "ann@mail.example did it", sender="wilf@home.example")
    mail("hello@in.alert.example", "I saw nothing myself", sender="ann@mail.example")
    client = signed_in(Client(), "ann@mail.example")
    said = json.dumps(copy_of(client))
    assert "I saw nothing myself" in said
    for words in ("threatened me", "her garage", "did it", "wilf@home", "joann@"):
        assert words not in said
    client.post("/account/erase/")
    kept = b" ".join(bytes(one.raw) for one in Inbound.objects.all())
    assert b"threatened me" in kept and b"her garage" in kept
    assert b"I saw nothing" not in kept


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"From: Ann <ann@mail.example>", True),
        (b'{"to":"ann@mail.example"}', True),
        (b"to:ANN@mail.example.", True),
        (b"From: joann@mail.example", False),
        (b"From: jo.ann@mail.example", False),
        (b"From: ann@mail.example.com", False),
        (b"From: ann@mail.examples", False),
        (b"From=%2B447700900555&Body=x", True),
        (b'"to": "07700900555"', True),
        (b"00447700900555", True),
        (b"id=91447700900555", False),
        (b"+4477009005551", False),
    ],
)
def test_an_address_is_found_whole(db, raw, named):
    Inbound.objects.create(gateway="x", kind="receipt", raw=raw, external_id="1", received_at="2026-11-01T00:00:00Z")
    assert forget.inbound_naming(["ann@mail.example", "+447700900555"]).exists() == named


def test_a_look_at_an_exhibit_that_is_withheld_is_in_no_list(cast):
    meg = cast.resident(email=KNOWN)
    appeal = send(cast, kind=Kind.FOOTAGE, fields={"from_time": "1am", "to_time": "3am", "look_for": "A van"})
    one = exhibit(appeal, delivery=delivery_of(appeal, meg).pk)
    evidence.download(one, by=cast.author, why="Meg is the suspect").close()
    evidence.download(one, by=cast.author, why="For the case file").close()
    entry = looks.entries(meg).filter(verb="exhibit downloaded", why="Meg is the suspect").get()
    client = signed_in(Client())
    assert "Meg is the suspect" in json.dumps(copy_of(client))
    protect.withhold(entry.pk, of=meg, reason="Tipping off", review_on=today() + timedelta(30), by=cast.dpo)
    held = copy_of(client)
    said = json.dumps(held)
    assert "Meg is the suspect" not in said and "For the case file" in said
    (ledger,) = [section["rows"] for section in held["held"] if section["model"] == "evidence.CustodyEntry"]
    assert not any("position" in row for row in ledger)
    Withheld.objects.all().delete()
    assert "Meg is the suspect" in json.dumps(copy_of(client))
