"""The stage: real catchers behind it; what is typed there comes in by the real doors."""

from email.message import EmailMessage
from smtplib import SMTP

import pytest
from django.urls import reverse

from bell.proving import catchers
from bell.proving.mailcatcher import MailCatcher
from bell.proving.phones import Phones

NUMBER = "+447700900123"


@pytest.fixture
def running(tmp_path, settings):
    """The two catchers on ports of their own, with nothing behind them: this is about the stage."""
    mail = MailCatcher("127.0.0.1", 0, tmp_path)
    mail.start()
    phones = Phones("127.0.0.1", 0, tmp_path, "http://127.0.0.1:9", settings.SMS_GATEWAY_SECRET, "127.0.0.1:9")
    phones.start()
    settings.CATCHER_HTTP = f"127.0.0.1:{phones.port}"
    yield mail
    phones.stop()
    mail.stop()


@pytest.fixture
def person(cast):
    return cast.resident(email="meg@home.example", mobile=NUMBER)


def arrive(mail, *, subject="Shed burglaries", html="<p>Hello</p><script>x</script>"):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "alerts@alert.example", "meg@home.example", subject
    message["Message-ID"] = "<one@alert.example>"
    message.set_content("Hello")
    message.add_alternative(html, subtype="html")
    with SMTP("127.0.0.1", mail.port) as smtp:
        smtp.send_message(message)


def test_the_stage_shows_a_person_with_mail_and_phone(client, running, person):
    arrive(running)
    page = client.get(reverse("stage"), {"who": person.key})
    assert page.status_code == 200
    assert b"Shed burglaries" in page.content and b"07700 900123" in page.content


def test_residents_are_found_by_a_part_of_their_address(client, running, person):
    assert str(person.key) in client.get(reverse("stage"), {"find": "meg@"}).content.decode()
    assert "Nobody by that name" in client.get(reverse("stage"), {"find": "nobody-at-all"}).content.decode()


@pytest.mark.parametrize("asked", ["0", "x", "9" * 30, "\0", "-1"])
def test_strange_keys_are_no_error(client, running, person, asked):
    assert client.get(reverse("stage"), {"who": asked}).status_code in (200, 404)


def test_fragments_come_only_when_something_arrived(client, running, person):
    url = reverse("stage_mailbox", args=[person.key])
    assert client.get(url, {"seen": "0"}).status_code == 204
    arrive(running)
    fresh = client.get(url, {"seen": "0"})
    assert fresh.status_code == 200 and b"Shed burglaries" in fresh.content
    assert client.get(reverse("stage_phone", args=[person.key]), {"seen": "0"}).status_code == 204


def test_a_letter_is_shown_in_a_sandbox(client, running, person):
    arrive(running)
    page = client.get(reverse("stage_mail", args=[person.key]), {"id": "<one@alert.example>"})
    policy = page.headers["Content-Security-Policy"]
    assert "sandbox" in policy and "allow-scripts" not in policy and "default-src 'none'" in policy
    assert client.get(reverse("stage_mail", args=[person.key]), {"id": "<other>"}).status_code == 404


def test_sitting_down_at_a_desk(client, running, cast):
    client.post(reverse("stage_sit"), {"officer": cast.author.pk, "who": ""})
    assert client.session["_auth_user_id"] == str(cast.author.pk)
    assert client.get(reverse("stage_sit")).status_code == 405


def test_sitting_down_without_the_demo_is_nowhere(client, cast, settings):
    settings.DEMO = False
    assert client.post(reverse("stage_sit"), {"officer": cast.author.pk}).status_code == 404
    assert "_auth_user_id" not in client.session


def test_silent_catchers_are_said_so(client, person, settings):
    settings.CATCHER_HTTP = "127.0.0.1:9"
    assert "not running" in client.get(reverse("stage"), {"who": person.key}).content.decode()
    assert client.post(reverse("stage_say", args=[person.key]), {"by": "sms", "text": "x"}).status_code == 302


def test_typing_goes_to_the_catchers(client, running, person, monkeypatch):
    typed = []
    monkeypatch.setattr(catchers, "type_text", lambda number, text: typed.append((number, text)))
    client.post(reverse("stage_say", args=[person.key]), {"by": "sms", "text": " white van "})
    client.post(reverse("stage_say", args=[person.key]), {"by": "sms", "text": "  "})
    assert typed == [(NUMBER, "white van")]
