"""Stopping by the link in a mail: RFC 8058 for programs, a button for people, and never by looking."""

import pytest
from django.test import Client

from bell.delivery import post, unsubscribe
from bell.delivery.models import Delivery, Suppression
from bell.organisations.kinds import Kind, of_bits
from bell.organisations.models import Organisation
from bell.residents import actions
from bell.residents.actions import stream
from bell.residents.models import Consent, Place, Resident
from tests.public.conftest import send, stop_link


@pytest.fixture
def link(cast, meg):
    return stop_link(meg, cast.force)


def wants(person, kind=Kind.CRIME):
    return kind in of_bits(Resident.objects.get(pk=person.pk).email_kinds)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        ("", "application/x-www-form-urlencoded"),
        ("", ""),
        (
            '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        ("broken", "multipart/form-data; boundary="),
        ("{]", "application/json"),
    ],
)
def test_one_post_without_cookie_or_token_stops_that_kind(meg, link, body, kind):
    strict = Client(enforce_csrf_checks=True)
    found = strict.generic("POST", link, body, content_type=kind, headers={"origin": "null"})
    assert found.status_code == 200 and found["Content-Type"].startswith("text/plain") and not found.cookies
    assert "no more crime alert messages" in found.content.decode()
    assert not wants(meg) and wants(meg, Kind.SCAM)
    assert Suppression.objects.get().channel == "email"


def test_again_and_again_is_once(client, meg, link):
    for _ in range(3):
        assert client.post(link).status_code == 200
    assert Suppression.objects.count() == 1 and Consent.objects.filter(given=False).count() == 1


def test_in_capitals_too(client, meg, link):
    assert client.post(f"/u/{link[3:-1].upper()}/").status_code == 200
    assert not wants(meg)


def test_the_page_has_a_button_and_does_not_press_it_itself(client, meg, link):
    page = client.get(link)
    words = page.content.decode()
    assert "Stop crime alert messages by email?" in words and "Stop these emails" in words
    assert "Leave altogether" in words
    assert "autosubmit" not in words and ".submit" not in words and 'http-equiv="refresh"' not in words.lower()
    assert wants(meg)


def test_the_button_leads_to_a_page_that_says_what_was_done(client, meg, link):
    assert client.get(f"{link}stop/")["Location"] == link  # not pressed yet: the question again
    found = client.post(f"{link}stop/")
    assert found.status_code == 302
    assert "You will get no more crime alert messages by email" in client.get(found["Location"]).content.decode()
    assert not wants(meg)


def test_leaving_altogether_takes_one_press_without_signing_in(client, cast, meg, link):
    send(cast, by_sms=True)
    Delivery.objects.filter(recipient_key=meg.key).update(state="queued")
    assert client.get(f"{link}left/")["Location"] == f"{link}leave/"
    assert "Leave altogether?" in client.get(f"{link}leave/").content.decode()
    assert Resident.objects.get().left_at is None
    assert client.post(f"{link}leave/")["Location"] == f"{link}left/"
    assert "You have left" in client.get(f"{link}left/").content.decode()
    assert Resident.objects.get().left_at and not Place.objects.exists()
    assert not Delivery.objects.filter(recipient_key=meg.key, state="queued").exists()
    assert client.post(f"{link}leave/").status_code == 302  # twice is once
    assert client.post(link).status_code == 200 and client.post(f"{link}stop/").status_code == 302


def test_nothing_that_waits_is_sent_after_the_press(client, cast, meg, link):
    send(cast, by_sms=True)
    Delivery.objects.filter(recipient_key=meg.key).update(state="queued")
    client.post(link)
    states = dict(Delivery.objects.filter(recipient_key=meg.key).values_list("channel", "state"))
    assert states == {"email": "suppressed", "sms": "queued"}


def test_it_works_when_the_mail_is_long_gone(client, cast, meg, link):
    assert not Delivery.objects.exists()
    assert client.post(link).status_code == 200 and not wants(meg)


def test_it_works_for_nobody_we_know(client, cast):
    path = f"/u/{unsubscribe.token(123456789, stream(cast.force.pk, Kind.CRIME))}/"
    assert client.post(path).status_code == 200
    assert client.post(f"{path}stop/").status_code == 302 and client.get(f"{path}stop/").status_code == 200
    assert client.post(f"{path}leave/").status_code == 302 and client.get(f"{path}left/").status_code == 200


@pytest.mark.parametrize("name", ["", "odd", "999.nonsense", "é.crime", "."])
def test_streams_we_do_not_know_are_stopped_all_the_same(client, meg, name):
    path = f"/u/{unsubscribe.token(meg.key, name)}/"
    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 200


@pytest.mark.parametrize("token", ["x", "a" * 64, "slot0unsubscribe" + "0" * 48, "é" * 64, "a" * 5000, "%00"])
def test_links_that_are_not_ours_get_a_friendly_page_and_change_nothing(client, meg, token):
    for path in ("", "stop/", "leave/", "left/"):
        for found in (client.get(f"/u/{token}/{path}"), client.post(f"/u/{token}/{path}")):
            assert found.status_code in (404, 405)
    if token != "%00":
        assert "Nothing was changed" in client.get(f"/u/{token}/").content.decode()
    assert wants(meg) and not Suppression.objects.exists()


def test_headers_keep_the_link_secret(client, link):
    for path in ("", "stop/", "leave/", "left/"):
        found = client.get(f"{link}{path}")
        assert found["Referrer-Policy"] == "no-referrer"
        assert "noindex" in found["X-Robots-Tag"] and "no-store" in found["Cache-Control"]


def test_what_was_stopped_can_be_chosen_again(client, cast, meg, link):
    client.post(link)
    key = meg.contacts.get(channel="email").address_key
    assert post.suppressed(address_key=key, channel="email", stream=stream(cast.force.pk, Kind.CRIME))
    wanted = actions.Choices(email_kinds=[Kind.CRIME], organisations=[cast.force.pk])
    actions.set_choices(meg, wanted, by=meg)
    assert not post.suppressed(address_key=key, channel="email", stream=stream(cast.force.pk, Kind.CRIME))


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("number", [9_999, 10_000, 58_000_115])
def test_however_many_organisations_there_were_each_kind_can_be_stopped(client, cast, number, kind):
    late = Organisation.objects.create(pk=number, sort=Organisation.Sort.PARTNER, name="Late Council", slug="late")
    person = cast.resident(organisations=(late,))
    assert len(stream(number, kind).encode()) <= 16
    page = client.get(stop_link(person, late, kind)).content.decode()
    assert f"{Kind(kind).label.lower()} messages" in page
    client.post(stop_link(person, late, kind))
    left = set(of_bits(Resident.objects.get(pk=person.pk).email_kinds))
    assert left == set(Kind.values) - {kind}
