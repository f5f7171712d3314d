"""Signing in by a code, out again, and that nobody learns from outside who is a member."""

from datetime import timedelta

import pytest
from django.test import Client

from bell.delivery.models import Delivery
from bell.residents import actions
from bell.residents.models import Code, Resident
from tests.public.conftest import KNOWN, NEW, plain, signed_in, the_code, wrong


def test_a_code_is_all_one_needs(client, meg):
    signed_in(client)
    page = client.get("/account/").content.decode()
    assert KNOWN in page and "07700 900123" in page and "DE75" not in page  # Meg gave a pin


def test_by_mobile_too(client, meg):
    client.post("/sign-in/", {"address": "07700 900123"})
    assert client.post("/sign-in/code/", {"sms": the_code("+447700900123")})["Location"] == "/account/"


def test_the_session_gets_a_new_name(client, meg):
    client.post("/sign-in/", {"address": KNOWN})
    before = client.session.session_key
    client.post("/sign-in/code/", {"email": the_code(KNOWN)})
    assert client.session.session_key != before
    assert Client(headers={"cookie": f"bell-session={before}"}).get("/account/").status_code == 302


def test_signing_out(member):
    assert member.get("/sign-out/").status_code == 405
    assert member.post("/sign-out/")["Location"] == "/"
    assert member.get("/account/")["Location"] == "/sign-in/"


def test_an_officer_in_the_same_browser_stays_signed_in(client, cast, meg):
    client.force_login(cast.author)
    signed_in(client)
    client.post("/sign-out/")
    assert client.session["_auth_user_id"] == str(cast.author.pk)


def test_an_address_without_an_account_goes_on_to_join(client, cast):
    client.post("/sign-in/", {"address": NEW})
    assert client.post("/sign-in/code/", {"email": the_code(NEW)})["Location"] == "/join/place/"
    page = client.get("/join/place/").content.decode()
    assert "No account uses it yet" in page
    assert client.post("/join/place/", {"postcode": "DE75 7AB"})["Location"] == "/join/kinds/"


def _walk(client, address, channel):
    """Every page a stranger can see on the way to the code, joining and signing in, as words."""
    seen = []
    client.post("/join/place/", {"postcode": "DE75 7AB"})
    field = "email" if channel == "email" else "mobile"
    asked = [
        client.post("/join/contact/", {field: address}),
        client.get("/join/code/"),
        client.post("/join/code/again/"),
        client.get("/join/code/"),
        *[client.post("/join/code/", {channel: "999999"}) for _ in range(6)],
        client.post("/sign-in/", {"address": address}),
        client.get("/sign-in/code/"),
        client.post("/sign-in/code/again/"),
        client.get("/sign-in/code/"),
        client.post("/sign-in/code/", {channel: "999999"}),
    ]
    for one in asked:
        # The request's own number is random for everyone.
        own = ("Set-Cookie", "Content-Length", "X-Request-Id")
        headers = {name: value for name, value in one.headers.items() if name not in own}
        seen.append((one.status_code, headers, plain(one.content).replace(address, "ADDRESS"), sorted(one.cookies)))
    return seen


@pytest.mark.parametrize(
    ("known", "unknown", "channel"),
    [(KNOWN, "sam@home.example", "email"), ("07700 900123", "07700 900999", "sms")],
)
def test_known_and_unknown_addresses_look_the_same(cast, meg, known, unknown, channel):
    assert _walk(Client(), known, channel) == _walk(Client(), unknown, channel)


def test_someone_who_left_looks_the_same_too(cast, meg):
    actions.leave(meg, by=meg, how="web")
    assert _walk(Client(), KNOWN, "email") == _walk(Client(), "sam@home.example", "email")


def test_the_same_work_is_done_for_both(cast, meg, django_assert_num_queries):
    """One code, one message: no shorter way for strangers."""
    for address in (KNOWN, "sam@home.example"):
        Client().post("/sign-in/", {"address": address})
    assert Code.objects.count() == 2 == Delivery.objects.filter(mailing__stream="code").count()


@pytest.mark.parametrize(
    "typed", ["", " ", "x", "@", "07", "a@b", "x" * 400, "\0", "a@home.example, b@home.example", "\u202e"]
)
def test_bad_addresses_are_refused_in_words(client, cast, typed):
    page = client.post("/sign-in/", {"address": typed})
    assert page.status_code == 200 and "There is a problem" in page.content.decode()
    assert not Delivery.objects.exists()


def test_no_code_no_page(client, cast):
    for path in ("/sign-in/code/", "/join/code/"):
        assert client.get(path).status_code == 302
    assert client.post("/sign-in/code/again/")["Location"] == "/sign-in/"


def test_a_code_dies_after_five_wrong_guesses(client, meg):
    client.post("/sign-in/", {"address": KNOWN})
    digits = the_code(KNOWN)
    for _ in range(5):
        client.post("/sign-in/code/", {"email": wrong(digits)})
    assert client.post("/sign-in/code/", {"email": digits}).status_code == 200
    assert client.get("/account/").status_code == 302


def test_an_old_code_is_replayed_in_vain(client, meg):
    signed_in(client)
    digits = the_code(KNOWN)
    Code.objects.update(made_at=Code.objects.get().made_at - timedelta(hours=2))
    other = Client()
    other.post("/sign-in/", {"address": KNOWN})
    if the_code(KNOWN) != digits:
        assert other.post("/sign-in/code/", {"email": digits}).status_code == 200
    assert other.get("/account/").status_code == 302


def test_a_member_who_left_elsewhere_is_out_here(member, meg):
    actions.leave(meg, by=meg, how="text")
    assert member.get("/account/")["Location"] == "/sign-in/"
    assert Resident.objects.get().left_at


def test_forms_need_their_token(meg):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/sign-in/", {"address": KNOWN}).status_code == 403
    assert not Code.objects.exists()
