"""Every vendor of texts by one table: what is sent, each answer, each look-up, each callback, genuine and forged."""

import base64
import hashlib
import hmac
import json
import logging
import time
from urllib.parse import urlencode

import pytest
from django.db import OperationalError
from django.test import Client

from bell.delivery import inbound, outbox, sms
from bell.delivery.models import Delivery, Inbound, Suppression
from bell.delivery.results import Outcome, Watch
from bell.delivery.sms import answers
from bell.delivery.sms.render import reference
from tests.delivery.conftest import a_content, filled
from tests.delivery.servers import DROP, Web

pytestmark = pytest.mark.django_db
ONE = [(1, "sms", "+447700900101")]
KEY = "derby-11111111-2222-3333-4444-555555555555-66666666-7777-8888-9999-000000000000"
SECRETS = {
    "KANNEL_USER": "bell", "KANNEL_PASSWORD": "kannel-pass-word", "KANNEL_SECRET": "kannel secret & more",
    "NOTIFY_API_KEY": KEY, "NOTIFY_TEMPLATE": "a-template", "NOTIFY_CALLBACK_TOKEN": "notify-callback-token",
    "TWILIO_ACCOUNT": "AC0123", "TWILIO_AUTH_TOKEN": "twilio-auth-token",
    "VONAGE_API_KEY": "abcd", "VONAGE_API_SECRET": "vonage-api-secret", "VONAGE_SIGNATURE_SECRET": "vonage-signature",
    "SMS_GATEWAY_SECRET": "the simulators secret",
}  # fmt: skip
YES = {
    "kannel": (202, b"0: Accepted for delivery", {}),
    "notify": (201, {"id": "n-1", "reference": None}, {}),
    "simulator": (202, {"id": "s-1"}, {}),
    "twilio": (201, {"sid": "SM1", "status": "queued"}, {}),
    "vonage": (202, {"message_uuid": "v-1"}, {}),
}
THEIR_NAME = {"kannel": "", "notify": "n-1", "simulator": "s-1", "twilio": "SM1", "vonage": "v-1"}
EVERY = sorted(YES)


@pytest.fixture
def vendor(request, settings):
    """(name, fake server): the only vendor in use, with everything set."""
    name = request.param
    for key, value in SECRETS.items():
        setattr(settings, key, value)
    with Web(lambda asked: YES[name]) as web:
        at = {"kannel": "KANNEL_URL", "simulator": "SMS_GATEWAY_URL"}.get(name, f"{name.upper()}_URL")
        setattr(settings, at, web.url + ("/cgi-bin/sendsms" if name == "kannel" else ""))
        settings.SMS_GATEWAYS = [name]
        yield name, web


def each(names=EVERY):
    return pytest.mark.parametrize("vendor", names, indirect=True)


def drain():
    while outbox.run_once("w1"):
        pass


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def jwt(claims, secret):
    def part(value):
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    signed = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}"
    return f"{signed}.{part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


@each()
def test_a_text_goes_out_with_our_number_and_our_reference(vendor, settings):
    name, web = vendor
    filled(ONE, a_content(sms="Lock your bicycle’s wheel – today [€5]"))
    drain()
    row = Delivery.objects.get()
    assert (row.state, row.provider_ref) == ("sent", THEIR_NAME[name])
    (asked,) = web.asked
    ours, words = reference(row.pk), "Lock your bicycle's wheel - today [€5]"
    if name == "kannel":
        assert (asked.method, asked.path, asked.body) == ("GET", "/cgi-bin/sendsms", b"")
        assert asked.query == {
            "username": "bell", "password": "kannel-pass-word", "from": settings.SMS_NUMBER, "to": "+447700900101",
            "text": words, "charset": "UTF-8", "coding": "0", "dlr-mask": "31",
            "dlr-url": f"{settings.SITE_URL}/gateways/kannel/receipt/?ref={ours}&state=%d&answer=%A",
        }  # fmt: skip
    elif name == "notify":
        assert (asked.method, asked.path) == ("POST", "/v2/notifications/sms")
        assert asked.json == {
            "phone_number": "+447700900101", "template_id": "a-template",
            "personalisation": {"body": words}, "reference": ours,
        }  # fmt: skip
        claims = answers.read_jwt(asked.headers["Authorization"].removeprefix("Bearer "), KEY[-36:])
        assert claims["iss"] == KEY[6:42] and abs(claims["iat"] - time.time()) < 60
    elif name == "simulator":
        assert asked.json == {"reference": ours, "from": settings.SMS_NUMBER, "to": "+447700900101", "text": words}
    elif name == "twilio":
        assert asked.path == "/2010-04-01/Accounts/AC0123/Messages.json"
        assert asked.headers["Authorization"] == basic("AC0123", "twilio-auth-token")
        assert asked.form == {
            "From": settings.SMS_NUMBER, "To": "+447700900101", "Body": words, "SmartEncoded": "false",
            "StatusCallback": f"{settings.SITE_URL}/gateways/twilio/receipt/?ref={ours}",
        }  # fmt: skip
    else:
        assert asked.path == "/v1/messages" and asked.headers["Authorization"] == basic("abcd", "vonage-api-secret")
        assert asked.json == {
            "message_type": "text", "channel": "sms", "from": settings.SMS_NUMBER[1:], "to": "447700900101",
            "text": words, "client_ref": ours, "sms": {"encoding_type": "text"},
        }  # fmt: skip


@each(["kannel", "vonage"])
def test_what_gsm_lacks_goes_as_ucs_2(vendor):
    name, web = vendor
    filled(ONE, a_content(sms="Dzień dobry"))
    drain()
    (asked,) = web.asked
    said = asked.query["coding"] if name == "kannel" else asked.json["sms"]["encoding_type"]
    assert said == {"kannel": "2", "vonage": "unicode"}[name]
    assert "Dzień dobry" in (asked.query["text"] if name == "kannel" else asked.json["text"])


def notify_error(status, error, message):
    return (status, {"status_code": status, "errors": [{"error": error, "message": message}]}, {})


def twilio_error(status, code):
    return (status, {"code": code, "message": "The number +447700900101 ...", "status": status}, {})


# What a vendor says, what becomes of the row, and the beginning of its reason.
ANSWERS = [
    *[(name, DROP, "uncertain", "ReadError") for name in EVERY],
    *[(name, (429, {}, {"Retry-After": "7"}), "deferred", "refused: 429") for name in EVERY],
    *[(name, (503, b"", {}), "deferred", "refused: 503") for name in EVERY],
    *[(name, (500, b"<html>", {}), "deferred", "refused: 500") for name in EVERY],
    *[(name, (504, b"", {}), "uncertain", "504") for name in EVERY],
    *[(name, (401, {}, {}), "deferred", "our side: 401") for name in EVERY],
    *[(name, (400, {}, {}), "failed", "refused: 400") for name in EVERY],
    *[(name, (302, b"", {"Location": "/"}), "deferred", "our side: 302") for name in EVERY],
    *[(name, (200, b"ok?", {}), "uncertain", "200") for name in EVERY],
    ("kannel", (202, b"3: Queued for later delivery", {}), "sent", ""),
    ("kannel", (403, b"Authorization failed for sendsms", {}), "deferred", "our side: 403 Authorization failed"),
    ("notify", notify_error(400, "ValidationError", "phone_number Not a UK mobile number"), "failed",
     "refused: 400 ValidationError: phone_number"),
    ("notify", notify_error(400, "BadRequestError", "Template not found"), "deferred", "our side: 400 BadRequestError"),
    ("notify", notify_error(400, "BadRequestError", "Can't send to this recipient using a team-only API key"),
     "deferred", "our side: 400"),
    ("notify", notify_error(403, "AuthError", "Invalid token: API key not found"), "deferred", "our side: 403"),
    ("notify", notify_error(429, "RateLimitError", "Exceeded rate limit"), "deferred", "refused: 429 RateLimitError"),
    ("twilio", twilio_error(400, 21211), "failed", "refused: 400 21211 not a valid number"),
    ("twilio", twilio_error(400, 21610), "failed", "refused: 400 21610 this number said STOP"),
    ("twilio", twilio_error(400, 21606), "deferred", "our side: 400 21606"),
    ("twilio", twilio_error(400, 21611), "deferred", "refused: 400 21611"),
    ("vonage", (402, {"title": "Low balance"}, {}), "deferred", "our side: 402 Low balance"),
    ("vonage", (422, {"title": "Invalid params"}, {}), "failed", "refused: 422 Invalid params"),
    ("vonage", (422, {"title": "Invalid sender"}, {}), "deferred", "our side: 422 Invalid sender"),
]  # fmt: skip


@pytest.mark.parametrize(("vendor", "said", "state", "reason"), ANSWERS, indirect=["vendor"])
def test_each_answer(vendor, said, state, reason, caplog):
    _, web = vendor
    web.says = lambda asked: said
    filled(ONE)
    with caplog.at_level(logging.DEBUG):
        drain()
    row = Delivery.objects.get()
    assert (row.state, row.reason[: len(reason)]) == (state, reason) and len(web.asked) == 1
    assert not Suppression.objects.exists()
    for secret in SECRETS.values():
        assert len(secret) < 8 or (secret not in caplog.text and secret not in row.reason)


def look_up(name, **changes):
    """The result of a text that may have been accepted by this vendor."""
    given = {"reference": reference(7), "sender": "+447700900100", "to": "+447700900101", "text": "Lock it"}
    text = sms.Text(**given, maybe=True, provider=name, **changes)
    done = sms.chosen().send([(7, text)], Watch(lambda: True, lambda: None))
    return done.results[7]


def twilio_list(*bodies):
    return {"messages": [{"to": "+447700900101", "body": body} for body in bodies]}


LOOK_UPS = [
    ("kannel", None, ""),
    ("vonage", None, ""),
    ("notify", {"notifications": [{"id": "n-1", "reference": "OURS"}]}, "kept"),
    ("notify", {"notifications": []}, "lost"),
    ("notify", {"notifications": [{"id": "n-1", "reference": "another"}]}, ""),
    ("notify", {}, ""),
    ("simulator", {"messages": [{"id": "s-1"}]}, "kept"),
    ("simulator", {"messages": []}, "lost"),
    ("simulator", [], ""),
    ("twilio", twilio_list("Lock it"), "kept"),
    ("twilio", twilio_list("Lock it", "Lock it"), ""),
    ("twilio", twilio_list("Trial account - Lock it"), ""),
    ("twilio", twilio_list(), "lost"),
]


@pytest.mark.parametrize(("vendor", "said", "first"), LOOK_UPS, indirect=["vendor"])
def test_what_may_have_been_accepted_is_looked_up_and_sent_again_only_when_it_is_lost(vendor, said, first):
    name, web = vendor
    answer = json.loads(json.dumps(said).replace("OURS", reference(7)))
    web.says = lambda asked: (200, answer, {}) if asked.method == "GET" else YES[name]
    result = look_up(name, provider_ref="theirs")
    wanted = {"kept": Outcome.ACCEPTED, "lost": Outcome.ACCEPTED, "": Outcome.UNCERTAIN}[first]
    assert (result.outcome, result.first, result.provider) == (wanted, first, name)
    assert result.reference == {"kept": "theirs", "lost": THEIR_NAME[name], "": ""}[first]
    assert [asked.method for asked in web.asked] == ([] if said is None else ["GET"]) + ["POST"] * (first == "lost")


@each(["notify", "simulator", "twilio"])
@pytest.mark.parametrize("said", [DROP, (503, b"", {}), (500, b"", {}), (401, b"", {})])
def test_a_look_up_without_an_answer_is_asked_again_later_and_nothing_is_sent(vendor, said):
    name, web = vendor
    web.says = lambda asked: said
    result = look_up(name)
    assert (result.outcome, result.first, result.wait) == (Outcome.TEMPORARY, "", 60)
    assert [asked.method for asked in web.asked] == ["GET"]


@each(["simulator"])
def test_a_vendor_that_nobody_knows_cannot_be_asked(vendor):
    assert look_up("pigeon").outcome is Outcome.UNCERTAIN and not vendor[1].asked


def call(name, kind, fields, *, secret="", ref="", forge=lambda signature: signature):
    """A callback as that vendor makes it; `secret` another than its own, `forge` changes what proves it."""
    client, path = Client(enforce_csrf_checks=True), f"/gateways/{name}/{'inbound' if kind == 'sms' else 'receipt'}/"
    if name == "kannel":
        proof = {"ref": forge(ref)} if kind == "receipt" else {"key": forge(secret or SECRETS["KANNEL_SECRET"])}
        return client.get(f"{path}?{urlencode({**fields, **proof})}")
    if name == "twilio":
        path, body = path + (f"?ref={ref}" if ref else ""), urlencode(fields)
        signed = "http://localhost:8000" + path + "".join(f"{key}{fields[key]}" for key in sorted(fields))
        digest = hmac.new((secret or SECRETS["TWILIO_AUTH_TOKEN"]).encode(), signed.encode(), hashlib.sha1).digest()
        headers = {"X-Twilio-Signature": forge(base64.b64encode(digest).decode())}
        return client.post(path, body, content_type="application/x-www-form-urlencoded", headers=headers)
    raw = json.dumps(fields).encode()
    if name == "notify":
        headers = {"Authorization": f"Bearer {forge(secret or SECRETS['NOTIFY_CALLBACK_TOKEN'])}"}
    elif name == "vonage":
        claims = {"iat": time.time(), "payload_hash": hashlib.sha256(raw).hexdigest()}
        headers = {"Authorization": f"Bearer {forge(jwt(claims, secret or SECRETS['VONAGE_SIGNATURE_SECRET']))}"}
    else:
        digest = hmac.new((secret or SECRETS["SMS_GATEWAY_SECRET"]).encode(), raw, hashlib.sha256).hexdigest()
        headers = {"X-Signature": forge(digest)}
    return client.post(path, raw, content_type="application/json", headers=headers)


def a_receipt(name, word, ref):
    """The fields of a receipt."""
    return {
        "kannel": {"state": word, "answer": "NACK/0x0000000b/Invalid Dest Addr +447700900101"},
        "notify": {"id": "n-1", "reference": ref, "to": "+447700900101", "status": word, "notification_type": "sms"},
        "simulator": {"id": "s-1", "reference": ref, "status": word, "reason": "+447700900101 gone"},
        "twilio": {"MessageSid": "SM1", "MessageStatus": word, "To": "+447700900101", "ErrorCode": "30003"},
        "vonage": {"message_uuid": "v-1", "client_ref": ref, "status": word, "error": {"title": "1340 gone"}},
    }[name]


RECEIPTS = {
    "kannel": {"1": "delivered", "2": "failed", "4": "sent", "8": "sent", "16": "failed"},
    "notify": {
        "sending": "sent", "delivered": "delivered", "permanent-failure": "failed", "temporary-failure": "failed",
        "technical-failure": "failed",
    },
    "simulator": {"accepted": "sent", "delivered": "delivered", "failed": "failed"},
    "twilio": {
        "queued": "sent", "sent": "sent", "delivered": "delivered", "read": "delivered", "undelivered": "failed",
        "failed": "failed",
    },
    "vonage": {"submitted": "sent", "delivered": "delivered", "rejected": "failed", "undeliverable": "failed"},
}  # fmt: skip
TABLE = [(name, word, state) for name, words in RECEIPTS.items() for word, state in words.items()]


@pytest.mark.parametrize(("vendor", "word", "state"), TABLE, indirect=["vendor"])
def test_each_receipt_moves_its_row(vendor, word, state):
    name, _ = vendor
    filled(ONE)
    drain()
    row = Delivery.objects.get()
    ref = reference(row.pk)
    for _ in range(2):
        answer = call(name, "receipt", a_receipt(name, word, ref), ref=ref)
        assert (answer.status_code, answer.content) == (200, b"")
    kept = Inbound.objects.get()
    assert not any(secret.encode() in bytes(kept.raw) for secret in SECRETS.values() if len(secret) > 8)
    inbound.settle()
    row.refresh_from_db()
    assert row.state == state and "447700900101" not in row.reason
    assert Inbound.objects.get().what == "receipt"


@each()
def test_a_delivered_text_stays_so_whatever_comes_later(vendor):
    name, _ = vendor
    filled(ONE)
    drain()
    ref = reference(Delivery.objects.get().pk)
    words = RECEIPTS[name]
    last = [word for word, state in words.items() if state == "delivered"][:1]
    for word in [*last, *words]:  # Kannel's 1 comes before its 8 now and then
        call(name, "receipt", a_receipt(name, word, ref), ref=ref)
        inbound.settle()
    assert Delivery.objects.get().state == "delivered"


FORGERIES = [lambda proof: "", lambda proof: proof[:-1], lambda proof: proof.swapcase() + "x", lambda proof: "é" * 24]


@each()
@pytest.mark.parametrize("kind", ["sms", "receipt"])
def test_a_forged_callback_is_refused_and_nothing_is_kept(vendor, kind):
    name, _ = vendor
    ref = reference(1)
    fields = a_receipt(name, "delivered", ref) if kind == "receipt" else a_text(name, "hello")
    for forge in FORGERIES:
        if name == "notify" and forge("é") == "é" * 24:
            continue  # such a header cannot be sent
        assert call(name, kind, fields, ref=ref, forge=forge).status_code == 403
    if (name, kind) != ("kannel", "receipt"):
        assert call(name, kind, fields, ref=ref, secret="another secret").status_code == 403
    assert not Inbound.objects.exists()


@each(["vonage"])
def test_vonages_token_is_of_now_of_this_body_and_of_this_algorithm(vendor):
    raw = json.dumps(a_text("vonage", "hello")).encode()
    good = {"iat": time.time(), "payload_hash": hashlib.sha256(raw).hexdigest()}
    bare = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    signed = jwt(good, SECRETS["VONAGE_SIGNATURE_SECRET"])
    tokens = {
        signed: 200,
        jwt({**good, "iat": time.time() - 3600}, SECRETS["VONAGE_SIGNATURE_SECRET"]): 403,
        jwt({**good, "payload_hash": "0" * 64}, SECRETS["VONAGE_SIGNATURE_SECRET"]): 403,
        jwt({"iat": time.time()}, SECRETS["VONAGE_SIGNATURE_SECRET"]): 403,
        f"{bare}.{signed.split('.')[1]}.": 403,
    }
    for token, status in tokens.items():
        answer = Client().post(
            "/gateways/vonage/inbound/", raw, content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        assert answer.status_code == status


def test_twilios_signature_is_the_one_of_its_documentation(settings):
    """The example of Twilio's page on request validation."""
    settings.TWILIO_ACCOUNT, settings.TWILIO_AUTH_TOKEN = "AC", "12345"
    body = b"Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE"
    headers = {"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    asked = sms.Call("sms", "https://mycompany.com/myapp.php?foo=1&bar=2", "foo=1&bar=2", headers, body)
    assert sms.named("twilio").verify(asked)


def a_text(name, words, number="+447700900101"):
    """The fields of a text that came in."""
    return {
        "kannel": {"from": number, "to": "60777", "text": words, "id": "k-1", "coding": "0", "charset": "UTF-8"},
        "notify": {"id": "n-9", "source_number": number[1:], "destination_number": "447700900100", "message": words},
        "simulator": {"id": "s-9", "from": number, "to": "+447700900100", "text": words},
        "twilio": {"MessageSid": "SM9", "From": number, "To": "+447700900100", "Body": words, "NumMedia": "0"},
        "vonage": {
            "message_uuid": "v-9", "from": number[1:], "to": "447700900100", "text": words, "channel": "sms",
            "message_type": "text",
        },
    }[name]  # fmt: skip


@each()
def test_a_text_that_comes_in_is_heard_once(vendor):
    name, _ = vendor
    for _ in range(2):
        assert call(name, "sms", a_text(name, "A red Ford – I saw it & a bike\nZoë")).status_code == 200
    inbound.settle()
    (waiting,) = inbound.waiting()
    text = inbound.read_text(waiting)
    assert (text.sender, text.text) == ("+447700900101", "A red Ford – I saw it & a bike\nZoë")
    assert SECRETS["KANNEL_SECRET"].encode() not in bytes(waiting.raw) and b"key=" not in bytes(waiting.raw)


@each()
def test_stop_stops(vendor):
    name, _ = vendor
    call(name, "sms", a_text(name, "Stop."))
    inbound.settle()
    assert Suppression.objects.count() == 1


@each(["kannel"])
def test_kannels_text_is_read_in_the_character_set_that_it_names(vendor):
    raw = urlencode({"from": "+447700900101", "text": "Zoë ✓".encode("utf-16-be"), "charset": "UTF-16BE"}).encode()
    assert sms.named("kannel").parse_inbound(raw).text == "Zoë ✓"
    assert sms.named("kannel").parse_inbound(raw.replace(b"UTF-16BE", b"pigeon")).text


@each()
@pytest.mark.parametrize("raw", [b"", b"[" * 100_000, b"\xff\xfe", b"{}", b"null", b"a=b", b'{"reference": 5}'])
def test_nonsense_is_unreadable_and_kept(vendor, raw):
    name, _ = vendor
    for parse in (sms.named(name).parse_inbound, sms.named(name).parse_receipt):
        with pytest.raises(sms.Unreadable):
            parse(raw)


@each()
def test_our_own_trouble_is_never_a_no(vendor, settings, monkeypatch):
    name, _ = vendor

    def failing(*args, **kwargs):
        raise OperationalError("locked")

    with monkeypatch.context() as broken:
        broken.setattr(inbound, "store", failing)
        assert call(name, "sms", a_text(name, "hello")).status_code == 503
    wrong = Client().post if name == "kannel" else Client().get
    assert wrong(f"/gateways/{name}/inbound/").status_code == 405
    assert Client().head(f"/gateways/{name}/inbound/").status_code == 405
    assert not Inbound.objects.exists()
    for key in SECRETS:
        setattr(settings, key, "")
    assert call(name, "sms", a_text(name, "hello")).status_code == 404
