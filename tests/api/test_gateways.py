"""Webhooks: what a gateway may tell us, and what anyone else may not."""

import hashlib
import hmac
import json

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client

from bell.api import views
from bell.delivery import inbound
from bell.delivery.models import Inbound

pytestmark = pytest.mark.django_db

TEXT = {"id": "m-1", "from": "+447700900123", "to": "+447700900100", "text": "I saw a van"}
RECEIPT = {"id": "m-1", "reference": "abc", "status": "delivered"}
URLS = {"sms": "/gateways/simulator/inbound/", "receipt": "/gateways/simulator/receipt/"}


def sign(raw: bytes, secret: str = "") -> str:
    return hmac.new((secret or settings.SMS_GATEWAY_SECRET).encode(), raw, hashlib.sha256).hexdigest()


def call(url: str, raw: bytes | dict, signature: str | None = None):
    raw = json.dumps(raw).encode() if isinstance(raw, dict) else raw
    headers = {"X-Signature": sign(raw) if signature is None else signature}
    # enforce_csrf_checks: a gateway has no cookie and no token.
    return Client(enforce_csrf_checks=True).post(url, raw, content_type="application/json", headers=headers)


@pytest.mark.parametrize(("kind", "body"), [("sms", TEXT), ("receipt", RECEIPT)])
def test_a_signed_callback_is_kept_raw_and_once(kind, body) -> None:
    for _ in range(3):
        assert call(URLS[kind], body).status_code == 200
    row = Inbound.objects.get()
    assert (row.gateway, row.kind, row.state) == ("simulator", kind, "new")
    assert bytes(row.raw) == json.dumps(body).encode()


def test_a_text_and_a_receipt_of_one_id_are_two() -> None:
    call(URLS["sms"], TEXT)
    call(URLS["receipt"], RECEIPT)
    assert Inbound.objects.count() == 2


@pytest.mark.parametrize("kind", ["sms", "receipt"])
@pytest.mark.parametrize(
    "signature", ["", "0" * 64, "é", "x" * 10_000, sign(b"another body", "s"), sign(json.dumps(TEXT).encode(), "wrong")]
)
def test_a_forged_callback_is_refused_and_not_kept(kind, signature) -> None:
    assert call(URLS[kind], TEXT, signature).status_code == 403
    assert not Inbound.objects.exists()


def test_a_changed_body_is_refused() -> None:
    raw = json.dumps(TEXT).encode()
    assert call(URLS["sms"], raw.replace(b"van", b"cat"), sign(raw)).status_code == 403


@pytest.mark.parametrize("kind", ["sms", "receipt"])
@pytest.mark.parametrize("raw", [b"{", b"[]", b"[" * 50_000, b"\x00\xff", b'{"id": {}}', b'"text"'])
def test_strange_but_signed_bytes_are_kept(kind, raw) -> None:
    assert call(URLS[kind], raw).status_code == 200
    assert bytes(Inbound.objects.get().raw) == raw


def test_a_body_of_unknown_length_is_asked_for_it() -> None:
    assert call(URLS["sms"], b"").status_code == 411


def test_an_unknown_gateway_is_not_there() -> None:
    for name in ("nobody", "lmtp", "simulator%00", "..%2f"):
        assert call(f"/gateways/{name}/inbound/", TEXT).status_code == 404
    assert not Inbound.objects.exists()


def test_too_large_is_said_before_it_is_read() -> None:
    assert call(URLS["sms"], b"x" * (views.LARGEST + 1)).status_code == 413
    assert call(URLS["sms"], b"x" * (3 * 1024 * 1024)).status_code == 413
    assert not Inbound.objects.exists()


@pytest.mark.parametrize("url", [*URLS.values()])
@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_only_post_does_anything(url, method) -> None:
    assert getattr(Client(), method)(url).status_code == 405
    assert not Inbound.objects.exists()


@pytest.mark.parametrize("kind", ["sms", "receipt"])
def test_our_own_trouble_is_5xx_so_that_the_gateway_tries_again(kind, monkeypatch) -> None:
    def failing(*args, **kwargs):
        raise OperationalError("locked")

    with monkeypatch.context() as broken:
        broken.setattr(inbound, "store", failing)
        assert call(URLS[kind], TEXT).status_code == 503
    assert call(URLS[kind], TEXT).status_code == 200


def test_health_asks_the_database(client, monkeypatch) -> None:
    assert client.get("/gateways/health/").json() == {"ok": True}
    assert client.post("/gateways/health/").status_code == 405

    def failing(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "cursor", failing)
    answer = client.get("/gateways/health/")
    assert answer.status_code == 503 and answer.json() == {"ok": False}
