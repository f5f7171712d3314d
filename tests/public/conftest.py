"""What the tests of the public face share: alerts that went out, links from messages, codes from the post room."""

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from bell.alerts import dispatch
from bell.alerts.models import Alert
from bell.delivery import unsubscribe
from bell.delivery.models import Delivery
from bell.lib import clock, tokens
from bell.residents.actions import stream
from bell.residents.models import Resident

NEW = "new@home.example"
KNOWN = "meg@home.example"


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Limits are counted in the cache: each test starts without any."""
    cache.clear()


def send(cast: Any, **changes: Any) -> Alert:
    """An alert that went out to everybody it means, its rows marked as the post room would."""
    alert, _ = cast.approved(**changes)
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent", state_at=clock.now())
    dispatch.run_due()
    return Alert.objects.get(pk=alert.pk)


def answer_link(alert: Alert, person: Resident, channel: str = "email") -> str:
    """The answer link in a person's message."""
    delivery = Delivery.objects.get(mailing__reference=alert.reference, recipient_key=person.key, channel=channel)
    return f"/r/{tokens.sign_int('answer', delivery.pk)}/"


def stop_link(person: Resident, organisation: Any, kind: str = "crime") -> str:
    """The unsubscribe link in a person's mail."""
    return f"/u/{unsubscribe.token(person.key, stream(organisation.pk, kind))}/"


def the_code(address: str) -> str:
    """The digits in the newest message to an address."""
    newest = Delivery.objects.filter(address=address, mailing__stream="code").order_by("-pk").first()
    assert newest is not None, f"no code went to {address}"
    return str(newest.mailing.content["subject"][:6])


def wrong(digits: str) -> str:
    """Six digits that are another code."""
    return "000000" if digits != "000000" else "111111"


def plain(html: bytes) -> str:
    """A page without what differs from request to request."""
    words = html.decode()
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "csrf", words)


def signed_in(client: Client, address: str = KNOWN) -> Client:
    """The client after signing in by a code."""
    client.post("/sign-in/", {"address": address})
    found = client.post("/sign-in/code/", {"sms" if address.startswith("0") else "email": the_code(address)})
    assert found.status_code == 302, found.content.decode()
    return client


@pytest.fixture
def meg(cast: Any) -> Resident:
    """A member with an email address and a mobile, in the west ward."""
    return cast.resident(email=KNOWN, mobile="07700 900123")


@pytest.fixture
def member(client: Client, meg: Resident) -> Client:
    """A browser in which Meg is signed in."""
    return signed_in(client)


@pytest.fixture
def at_desk_of(cast: Any) -> Any:
    """A signed-in client for an officer of the cast, by name: for what the desk shows of a public alert."""

    def sign_in(who: str) -> Client:
        client = Client()
        client.force_login(getattr(cast, who), backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in
