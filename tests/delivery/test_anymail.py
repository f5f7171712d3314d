"""Other mail providers: the same mail over their real request shapes, their answers, their webhooks with signatures."""

import base64
import email
import email.policy
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.checks import run_checks
from django.db import OperationalError

from bell.delivery import hooks, inbound, outbox, post
from bell.delivery.email import events
from bell.delivery.email.anymail import Provider
from bell.delivery.email.render import Form, Person
from bell.delivery.models import Delivery, Inbound, Suppression
from bell.delivery.results import Outcome, Watch
from tests.delivery.conftest import a_content, emails, filled
from tests.delivery.mails import a_mail, reply_address
from tests.delivery.servers import closed_port

pytestmark = [
    pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning"),
    pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailInsecureWebhookWarning"),
]
PERSON = Person(delivery_id=77, recipient_key=5, address="person1@mail.example")
SECRET = "user:a-long-shared-word"
BASIC = {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(SECRET.encode()).decode()}


class Api:
    """A provider's API on loopback: keeps each request; `says` gives (status, body, headers), or None for yes."""

    def __init__(self, yes):
        self.yes, self.says, self.requests = yes, lambda request: None, []

    def __enter__(self):
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                api.requests.append((self.path, dict(self.headers), body))
                said = api.says(body) or api.yes(body)
                if said == "drop":
                    self.close_connection = True
                    return
                if said == "drip":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                    while not api.over.wait(0.05):
                        self.wfile.write(b" ")
                    return
                status, answer, headers = said
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        self.over = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        return self

    def __exit__(self, *_):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
KEYS = {
    "postmark": {"POSTMARK_SERVER_TOKEN": "t", "WEBHOOK_SECRET": SECRET},
    "mailgun": {
        "MAILGUN_API_KEY": "k", "MAILGUN_SENDER_DOMAIN": "alert.example", "MAILGUN_WEBHOOK_SIGNING_KEY": "sign",
    },
    "sendgrid": {
        "SENDGRID_API_KEY": "k", "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": PUBLIC, "WEBHOOK_SECRET": SECRET,
    },
}  # fmt: skip
YES = {
    "postmark": lambda body: (
        200, {"To": json.loads(body)["To"], "MessageID": "b7bc2f4a", "ErrorCode": 0, "Message": "OK"}, {},
    ),
    "mailgun": lambda body: (200, {"id": "<m1@alert.example>", "message": "Queued. Thank you."}, {}),
    "sendgrid": lambda body: (202, b"", {}),
}  # fmt: skip
NAMES = sorted(KEYS)


@pytest.fixture(params=NAMES)
def provider(request):
    return request.param


@pytest.fixture
def api(provider, settings):
    """The provider in use, with its API on loopback."""
    with Api(YES[provider]) as api:
        settings.EMAIL_PROVIDER = provider
        settings.ANYMAIL = {
            "REQUESTS_TIMEOUT": (2, 2), f"{provider.upper()}_API_URL": api.url, **KEYS[provider],
        }  # fmt: skip
        yield api
        outbox.close()


def said(provider, body):
    """What a request said, whichever provider's shape it has: subject, text, html, to, reply-to, headers, token."""
    if provider == "mailgun":
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        headers = {name[2:].lower(): value for name, value in form.items() if name.startswith("h:")}
        return {
            "subject": form["subject"], "text": form["text"], "html": form["html"], "to": form["to"],
            "from": form["from"], "reply": headers["reply-to"], "headers": headers,
            "token": form.get(f"v:{events.METADATA}"), "pixels": form["o:tracking-opens"],
            "links": form["o:tracking-clicks"],
        }  # fmt: skip
    sent = json.loads(body)
    if provider == "postmark":
        return {
            "subject": sent["Subject"], "text": sent["TextBody"], "html": sent["HtmlBody"], "to": sent["To"],
            "from": sent["From"], "reply": sent["ReplyTo"], "token": sent["Metadata"][events.METADATA],
            "headers": {one["Name"].lower(): one["Value"] for one in sent["Headers"]},
            "pixels": "no" if sent["TrackOpens"] is False else "yes",
            "links": "no" if sent["TrackLinks"] == "None" else "yes",
        }  # fmt: skip
    text, html = sent["content"]
    person = sent["personalizations"][0]
    return {
        "subject": sent["subject"], "text": text["value"], "html": html["value"], "to": person["to"][0]["email"],
        "from": f"{sent['from']['name']} <{sent['from']['email']}>", "token": sent["custom_args"][events.METADATA],
        "reply": sent["reply_to_list"][0]["email"],
        "headers": {name.lower(): value for name, value in sent["headers"].items()},
        "pixels": "no" if sent["tracking_settings"]["open_tracking"]["enable"] is False else "yes",
        "links": "no" if sent["tracking_settings"]["click_tracking"]["enable"] is False else "yes",
    }  # fmt: skip


def sending(provider, letters=None, deadline=5.0, watch=None):
    """The slice of one letter, or of these."""
    letter = Form(a_content(subject="Diebstähle – Belper"), stream="1.crime", reference="DA-1").letter(PERSON)
    transport = Provider(provider, deadline=deadline)
    try:
        return transport.send(letters or [(77, letter)], watch or Watch(lambda: True, lambda: None)), letter
    finally:
        transport.close()


def test_the_provider_is_told_the_same_mail_as_a_relay(api, provider):
    done, letter = sending(provider)
    mail = email.message_from_bytes(letter.data, policy=email.policy.default)
    text, html = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    asked = said(provider, api.requests[0][2])
    assert (asked["subject"], asked["text"], asked["html"]) == (str(mail["Subject"]), text, html)
    assert (asked["to"], asked["reply"]) == (PERSON.address, str(mail["Reply-To"]))
    assert asked["from"] == str(mail["From"])
    for name in ("Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "X-Alert-Reference"):
        assert asked["headers"][name.lower()] == mail[name], name
    assert events.tokens.read_int("event", asked["token"]) == 77
    assert (asked["pixels"], asked["links"]) == ("no", "no")
    result = done.results[77]
    assert (result.outcome, result.provider, done.pause) == (Outcome.ACCEPTED, provider, None)
    assert result.reference


@pytest.mark.parametrize(
    ("says", "outcome", "wait"),
    [
        ((429, {"Message": "slow down", "ErrorCode": 1}, {"Retry-After": "7"}), Outcome.TEMPORARY, 7.0),
        ((503, {"message": "x"}, {}), Outcome.TEMPORARY, 5.0),
        ((500, {"message": "x"}, {}), Outcome.TEMPORARY, None),
        ((502, b"<html>bad gateway", {}), Outcome.UNCERTAIN, None),
        ((401, {"message": "forbidden"}, {}), Outcome.OURS, None),
        ((403, {"message": "domain not verified"}, {}), Outcome.OURS, None),
        ((400, {"message": "domain alert.example is not allowed to send"}, {}), Outcome.OURS, None),
        ((400, {"message": "'to' parameter is not a valid address"}, {}), Outcome.PERMANENT, None),
        ((400, {"errors": [{"field": "personalizations.0.to.0.email", "message": "?"}]}, {}), Outcome.PERMANENT, None),
        ((302, b"", {"Location": "/elsewhere"}), Outcome.OURS, None),
        ("drop", Outcome.UNCERTAIN, None),
    ],
)
def test_answers_and_what_they_mean(api, provider, says, outcome, wait):
    api.says = lambda body: says
    done, _ = sending(provider)
    result = done.results[77]
    assert (result.outcome, result.wait, result.dead, result.provider) == (outcome, wait, False, provider)
    assert done.pause == wait and len(api.requests) == 1 and "@" not in result.words()


def test_a_yes_that_nobody_can_read_is_uncertain(api, provider):
    api.says = lambda body: (200, b"<html>welcome", {})
    expected = Outcome.ACCEPTED if provider == "sendgrid" else Outcome.UNCERTAIN  # its yes has no words
    assert sending(provider)[0].results[77].outcome is expected


def test_silence_and_dripping_are_uncertain_and_the_lease_is_kept_alive(api, provider, settings):
    api.says = lambda body: "drip"
    beats = []
    done, _ = sending(provider, deadline=0.6, watch=Watch(lambda: True, lambda: beats.append(1)))
    assert done.results[77].outcome is Outcome.UNCERTAIN and len(beats) > 1


def test_who_cannot_be_reached_was_not_begun(api, provider, settings):
    settings.ANYMAIL[f"{provider.upper()}_API_URL"] = f"http://127.0.0.1:{closed_port()}/"
    done, _ = sending(provider)
    assert done.results == {} and done.pause > 0 and done.why
    settings.ANYMAIL[f"{provider.upper()}_API_URL"] = "http://no.such.host.invalid/"
    done, _ = sending(provider)
    assert done.results == {} and done.pause > 0


def test_a_pause_starts_nothing_more_and_keeps_what_was_under_way(api, provider):
    _, letter = sending(provider)
    api.requests.clear()
    api.says = lambda body: (429, {"Message": "x", "ErrorCode": 1}, {"Retry-After": "3"})
    done, _ = sending(provider, letters=[(number, letter) for number in range(1, 101)])
    assert 1 <= len(done.results) == len(api.requests) <= 16 and done.pause == 3.0
    done, _ = sending(provider, watch=Watch(lambda: False, lambda: None))
    assert done.results == {} and done.pause is None


def test_postmarks_own_no_is_about_the_recipient(settings):
    with Api(lambda body: (422, {"ErrorCode": 406, "Message": (
        "You tried to send to a recipient that has been marked as inactive. Found inactive addresses: "
        f"{PERSON.address}. Inactive recipients are ones that have generated a hard bounce."
    )}, {})) as api:  # fmt: skip
        settings.ANYMAIL = {**KEYS["postmark"], "POSTMARK_API_URL": api.url}
        result = sending("postmark")[0].results[77]
    assert (result.outcome, result.dead) == (Outcome.PERMANENT, False)


@pytest.mark.django_db(transaction=True)
def test_an_outbox_goes_out_by_the_provider_once_each(api, provider, settings):
    mailing = filled(emails(30))
    while outbox.run_once("test"):
        pass
    assert post.tally(mailing) == {"email": {"sent": 30}}
    asked = sorted(said(provider, body)["to"] for _, _, body in api.requests)
    assert asked == sorted(Delivery.objects.values_list("address", flat=True))
    assert Delivery.objects.exclude(provider_ref="").count() == 30


@pytest.mark.django_db
def test_invented_people_are_told_to_nobody_elsewhere(settings):
    settings.EMAIL_PROVIDER, settings.ANYMAIL = "postmark", KEYS["postmark"]
    mailing = filled(emails(2))
    while outbox.run_once("test"):
        pass
    outbox.close()
    assert post.tally(mailing) == {"email": {"failed": 2}}


# Webhooks


def tracking_call(provider, event, delivery):
    """(body, content type, headers) of an event as the provider sends it: delivered, bounced or complained."""
    mark = {events.METADATA: events.token(delivery.pk)}
    if provider == "postmark":
        body = {
            "delivered": {"RecordType": "Delivery", "DeliveredAt": "2026-11-24T10:00:00Z", "Details": "250 ok"},
            "bounced": {
                "RecordType": "Bounce", "Type": "HardBounce", "ID": 42, "Email": delivery.address,
                "Details": "smtp;550 5.1.1 nobody", "Description": "no", "BouncedAt": "2026-11-24T10:00:00Z",
            },
            "complained": {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "ID": 43, "Email": delivery.address,
                           "BouncedAt": "2026-11-24T10:00:00Z"},
        }[event]  # fmt: skip
        return json.dumps({"MessageID": "b7bc2f4a", "Metadata": mark, **body}).encode(), "application/json", BASIC
    if provider == "mailgun":
        told = {
            "delivered": {"event": "delivered", "delivery-status": {"code": 250, "message": "OK"}},
            "bounced": {"event": "failed", "severity": "permanent", "reason": "bounce",
                        "delivery-status": {"code": 550, "message": "5.1.1 nobody", "enhanced-code": "5.1.1"}},
            "complained": {"event": "complained"},
        }[event]  # fmt: skip
        stamp, token = "1700000000", f"token-{event}"
        signature = hmac.new(b"sign", (stamp + token).encode(), hashlib.sha256).hexdigest()
        body = {
            "signature": {"timestamp": stamp, "token": token, "signature": signature},
            "event-data": {
                "id": "x", "timestamp": 1700000000.5, "recipient": delivery.address, "user-variables": mark,
                "message": {"headers": {"message-id": "m1@alert.example"}}, **told,
            },
        }  # fmt: skip
        return json.dumps(body).encode(), "application/json", {}
    told = {
        "delivered": {"event": "delivered", "response": "250 OK"},
        "bounced": {"event": "bounce", "status": "5.1.1", "reason": "550 5.1.1 nobody", "type": "bounce"},
        "complained": {"event": "spamreport"},
    }[event]
    body = json.dumps(
        [
            {
                "email": delivery.address,
                "timestamp": 1700000000,
                "sg_event_id": f"e-{event}",
                "anymail_id": "u",
                **mark,
                **told,
            }
        ]
    ).encode()
    stamp = "1700000000"
    signature = base64.b64encode(KEY.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    headers = {"X_TWILIO_EMAIL_EVENT_WEBHOOK_SIGNATURE": signature, "X_TWILIO_EMAIL_EVENT_WEBHOOK_TIMESTAMP": stamp}
    return body, "application/json", {**{f"HTTP_{name}": value for name, value in headers.items()}, **BASIC}


def spoiled(provider, body, headers):
    """The same call by somebody who does not know the secret."""
    if provider == "postmark":
        return body, {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"user:guess").decode()}
    if provider == "mailgun":
        return body.replace(b'"token": "token', b'"token": "other'), headers
    return body.replace(b"person1", b"person2"), headers


@pytest.fixture
def sent(settings, provider):
    """One mail that the provider took."""
    settings.EMAIL_PROVIDER, settings.ANYMAIL = provider, KEYS[provider]
    filled(emails(1))
    Delivery.objects.update(state="sent", provider_ref="b7bc2f4a")
    return Delivery.objects.get()


def call(client, provider, body, kind, headers, what="tracking"):
    return client.post(f"/gateways/email/{provider}/{what}/", body, content_type=kind, **headers).status_code


@pytest.mark.django_db
@pytest.mark.parametrize("event", ["delivered", "bounced", "complained"])
def test_events_are_kept_once_and_move_their_row(client, sent, provider, event):
    body, kind, headers = tracking_call(provider, event, sent)
    assert [call(client, provider, body, kind, headers) for _ in range(2)] == [200, 200]
    row = Inbound.objects.get()
    assert (row.gateway, row.kind, row.state) == (f"email:{provider}", "receipt", "new")
    inbound.settle()
    sent.refresh_from_db()
    row.refresh_from_db()
    assert (row.state, row.what) == ("done", "receipt")
    assert sent.state == {"delivered": "delivered", "bounced": "bounced", "complained": "delivered"}[event]
    found = list(Suppression.objects.values_list("stream", "reason"))
    assert found == {
        "delivered": [], "bounced": [("", "hard bounce")], "complained": [("1.crime", "complaint")],
    }[event]  # fmt: skip
    assert bool(sent.complained_at) == (event == "complained")
    if event == "bounced":
        assert sent.reason.startswith("bounce 5.1.1 ")


@pytest.mark.django_db
def test_who_does_not_know_the_secret_is_turned_away_with_403_and_keeps_nothing(client, sent, provider):
    body, kind, headers = tracking_call(provider, "bounced", sent)
    forged, others = spoiled(provider, body, headers)
    assert call(client, provider, forged, kind, others) == 403
    assert not Inbound.objects.exists()
    assert call(client, "brevo", body, kind, headers) == 404  # not in use
    assert call(client, "smtp", body, kind, headers) == 404


@pytest.mark.django_db
def test_our_own_faults_are_never_403_or_406(client, sent, provider, monkeypatch):
    body, kind, headers = tracking_call(provider, "bounced", sent)

    def broken(*_, **__):
        raise OperationalError("disk full")

    monkeypatch.setattr(inbound, "store", broken)
    assert call(client, provider, body, kind, headers) == 503
    monkeypatch.undo()
    monkeypatch.setattr(hooks, "event_bytes", broken)
    assert call(client, provider, body, kind, headers) == 503
    monkeypatch.undo()
    assert call(client, provider, body, kind, headers) == 200


def inbound_call(provider, raw, to):
    """(body, content type, headers) of a mail that came, in the provider's raw form."""
    if provider == "postmark":
        body = {
            "FromFull": {"Email": "ann@mail.example", "Name": "Ann"}, "OriginalRecipient": to, "MessageID": "pm-1",
            "Headers": [{"Name": "Return-Path", "Value": "<ann@mail.example>"}], "RawEmail": raw.decode(),
        }  # fmt: skip
        return json.dumps(body).encode(), "application/json", BASIC
    if provider == "mailgun":
        stamp, token = "1700000000", "token-in"
        signature = hmac.new(b"sign", (stamp + token).encode(), hashlib.sha256).hexdigest()
        form = {"recipient": to, "sender": "ann@mail.example", "body-mime": raw.decode(), "timestamp": stamp,
                "token": token, "signature": signature}  # fmt: skip
    else:
        form = {"email": raw.decode(), "envelope": json.dumps({"from": "ann@mail.example", "to": [to]})}
    return urlencode(form).encode(), "application/x-www-form-urlencoded", {} if provider == "mailgun" else BASIC


@pytest.mark.django_db
def test_what_the_library_cannot_read_is_kept_if_it_is_the_providers(client, sent, provider, monkeypatch):
    body, kind, headers = tracking_call(provider, "bounced", sent)
    forged, others = spoiled(provider, body, headers)
    call_to = inbound_call(provider, a_mail(), reply_address(sent.pk))

    def broken(*_, **__):
        raise UnicodeEncodeError("ascii", "x", 0, 1, "hostile")

    monkeypatch.setattr(hooks, "event_bytes", broken)
    monkeypatch.setattr("anymail.inbound.AnymailInboundMessage.as_bytes", broken)
    assert call(client, provider, forged, kind, others) == 403
    assert call(client, provider, body, kind, headers) == 200
    assert call(client, provider, *call_to, "inbound") == 200
    inbound.settle()
    assert [bytes(raw) for raw in Inbound.objects.order_by("id").values_list("raw", flat=True)] == [body, call_to[0]]
    assert list(Inbound.objects.order_by("id").values_list("state", "what")) == [
        ("unreadable", "unknown"), ("settled", "human"),
    ]  # fmt: skip


@pytest.mark.django_db
def test_mail_that_comes_by_the_provider_is_a_reply_like_any_other(client, sent, provider):
    size = 2_200_000 if provider == "postmark" else 10  # more than Django takes of a form
    raw = a_mail("I saw a red Ford. " + "x" * 70 + "\n" + ("long line of words\n" * (size // 19)))
    body, kind, headers = inbound_call(provider, raw, reply_address(sent.pk))
    assert [call(client, provider, body, kind, headers, "inbound") for _ in range(2)] == [200, 200]
    inbound.settle()
    row = Inbound.objects.get()
    mail = inbound.read_mail(row)
    assert (row.gateway, row.state, row.what) == (f"email:{provider}", "settled", "human")
    assert (mail.delivery_id, mail.sender, row.envelope_from) == (sent.pk, "Ann@mail.example", "ann@mail.example")
    assert mail.text.startswith("I saw a red Ford. ")


@pytest.mark.django_db
def test_forged_mail_is_turned_away(client, sent, provider):
    body, kind, headers = inbound_call(provider, a_mail(), reply_address(sent.pk))
    if provider == "mailgun":
        body = body.replace(b"token-in", b"token-no")
    else:
        headers = {}
    assert call(client, provider, body, kind, headers, "inbound") == 403
    assert not Inbound.objects.exists()


# A wrong deployment does not start


@pytest.mark.parametrize(
    ("name", "keys", "said"),
    [
        ("smtp", {}, None),
        ("postmark", KEYS["postmark"], None),
        ("mailgun", KEYS["mailgun"], None),
        ("postmark", {"POSTMARK_SERVER_TOKEN": "t"}, "BELL_ANYMAIL_WEBHOOK_SECRET is missing"),
        ("postmark", {"WEBHOOK_SECRET": SECRET}, "BELL_ANYMAIL_POSTMARK_SERVER_TOKEN"),
        ("sendgrid", {**KEYS["sendgrid"], "WEBHOOK_SECRET": ""}, "BELL_ANYMAIL_WEBHOOK_SECRET is missing"),
        ("brevo", {"BREVO_API_KEY": "k"}, "BELL_ANYMAIL_WEBHOOK_SECRET is missing"),
        ("mailersend", {"MAILERSEND_API_TOKEN": "k"}, "BELL_ANYMAIL_MAILERSEND_SIGNING_SECRET"),
        ("mailersend", {"MAILERSEND_API_TOKEN": "k", "MAILERSEND_SIGNING_SECRET": "s"}, None),
        ("test", {}, "no provider of mail"),
        ("pigeon", {}, "no provider of mail"),
        ("../smtp", {}, "no provider of mail"),
    ],
)
def test_a_provider_without_keys_or_verification_does_not_start(settings, name, keys, said):
    settings.EMAIL_PROVIDER, settings.ANYMAIL = name, keys
    found = [one.msg for one in run_checks() if one.id in ("bell.E006", "bell.E007")]
    assert len(found) == (1 if said else 0) and (said is None or said in found[0]), found
