"""Single sign-on over real HTTP: a mock identity provider on loopback, linked once, then a way in; no other way."""

import json
from urllib.parse import parse_qs, quote, urlsplit

import oidc_provider_mock
import pytest
import requests
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.core import checks
from django.test import Client

from bell.audit.models import Entry
from bell.cli.doctor import doors
from bell.lib import oidc
from bell.organisations import officers, sso
from bell.organisations.actions import NotAllowed
from bell.organisations.models import Officer, Role, SignOnLink
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db

NAME = "/accounts/sso/ours/"
# What Entra ID and Keycloak put beside the subject; the email is the chief's on purpose: nobody may look at it.
ENTRA = {"tid": "11111111-2222-3333-4444-555555555555", "oid": "66f3", "amr": ["pwd", "mfa"], "ver": "2.0",
         "email": "ada.admin@police.example", "preferred_username": "ada.admin@police.example"}  # fmt: skip
KEYCLOAK = {"acr": "1", "typ": "ID", "email": "ada.admin@police.example", "email_verified": True}


@pytest.fixture(scope="module")
def server():
    with oidc_provider_mock.run_server_in_thread() as running:
        yield f"http://localhost:{running.server_port}"


@pytest.fixture(autouse=True)
def ours(server, settings):
    """The provider in the settings; tests put more into it."""
    settings.SECOND_FACTOR = True
    settings.SITE_URL = "http://testserver"
    given = {"name": "ours", "label": "Force account", "issuer": server, "client_id": "bell", "client_secret": "s&:/"}

    def set_up(**more):
        settings.OIDC_PROVIDERS = json.dumps([given | more])
        oidc.forget()

    set_up()
    yield set_up
    oidc.forget()


def there(url, subject, claims, server):
    """What the browser does at the provider: the address to which it is sent back."""
    requests.put(f"{server}/users/{quote(subject)}", json=claims, timeout=5).raise_for_status()
    reply = requests.post(url, data={"sub": subject}, allow_redirects=False, timeout=5)
    return reply.headers["Location"].removeprefix("http://testserver")


def come(client, server, subject="ana", claims=KEYCLOAK):
    """Sign in by the provider; the last answer."""
    url = client.get(NAME).headers["Location"]
    assert url.startswith(f"{server}/oauth2/authorize?")
    return client.get(there(url, subject, claims, server))


def linked(officer, server, subject="ana"):
    return sso.link(oidc.Identity(server, subject, False), by=officer)


def with_factor(officer):
    """A client of the officer that passed the second factor."""
    Authenticator.objects.create(user=officer, type=Authenticator.Type.TOTP, data={"secret": ""})
    client = Client()
    client.force_login(officer, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "at": 4e9, "type": "totp"}]
    session["_account_authentication_methods_user"] = str(officer.pk)
    session["account_authentication_methods_user"] = str(officer.pk)
    session.save()
    return client


def is_in(client):
    return "_auth_user_id" in client.session


def test_a_linked_officer_comes_in_and_our_second_factor_is_asked_for(cast, server):
    Authenticator.objects.create(user=cast.author, type=Authenticator.Type.TOTP, data={"secret": ""})
    linked(cast.author, server)
    client = Client()
    assert come(client, server).headers["Location"].startswith("/accounts/2fa/authenticate/")
    assert not is_in(client) and client.get("/desk/").status_code == 302


def test_without_a_factor_of_ours_one_is_set_up_first(cast, server):
    linked(cast.author, server)
    client = Client()
    come(client, server)
    assert is_in(client) and client.get("/desk/").headers["Location"] == "/accounts/2fa/"


@pytest.mark.parametrize(("mfa", "inside"), [(["mfa"], True), ([], False), (["another"], False)])
def test_their_second_factor_counts_only_where_it_is_agreed(cast, server, ours, mfa, inside):
    ours(mfa=mfa)
    Authenticator.objects.create(user=cast.author, type=Authenticator.Type.TOTP, data={"secret": ""})
    linked(cast.author, server)
    client = Client()
    come(client, server, claims=ENTRA)
    assert (client.get("/desk/").status_code == 200) is inside


def test_nobody_is_found_by_email_and_nobody_is_made(cast, server):
    """The claims carry the administrator's address; the account there is a stranger's."""
    before = Officer.objects.count()
    for claims in (ENTRA, KEYCLOAK):
        client = Client()
        page = client.get(come(client, server, "thief", claims).headers["Location"])
        assert "Nobody here is linked to this account" in page.content.decode() and not is_in(client)
    assert Officer.objects.count() == before and not SignOnLink.objects.exists()


def test_a_disabled_officer_stays_out(cast, server, ours):
    linked(cast.author, server)
    Officer.objects.filter(pk=cast.author.pk).update(is_active=False)
    for mfa in ([], ["mfa"]):
        ours(mfa=mfa)
        client = Client()
        assert come(client, server, claims=ENTRA).headers["Location"] == "/accounts/inactive/"
        assert not is_in(client)


def test_opening_again_and_switching_on_take_links_away(cast, server):
    second = cast.officer("Bo Second-Admin", cast.team, Role.ADMINISTRATOR)
    linked(cast.author, server)
    officers.switch_off(cast.author, by=second, why="Left")
    officers.switch_on(cast.author, by=second, why="Back")
    client = Client()
    come(client, server)
    assert not is_in(client)


def test_linking_from_a_session_and_coming_in_with_it(cast, server):
    client = with_factor(cast.author)
    page = client.get("/accounts/2fa/").content.decode()
    assert "Link it once" in page
    page = client.post(f"{NAME}link/").content.decode().replace("&amp;", "&")
    url = page.partition('href="' + server)[2].partition('"')[0]
    assert "prompt=login" in url
    done = client.get(there(server + url, "ana", KEYCLOAK, server), follow=True).content.decode()
    assert "You can sign in that way from now on" in done and "Take the link away" in done
    assert SignOnLink.objects.get().officer == cast.author and Entry.objects.filter(verb="sign-on linked").exists()
    other = Client()
    assert come(other, server).headers["Location"].startswith("/accounts/2fa/authenticate/")
    client.post(f"{NAME}link/", {"do": "unlink"})
    assert not SignOnLink.objects.exists()


def test_a_link_begun_by_one_officer_is_not_finished_by_another(cast, server):
    client = with_factor(cast.author)
    page = client.post(f"{NAME}link/").content.decode().replace("&amp;", "&")
    back = there(server + page.partition('href="' + server)[2].partition('"')[0], "ana", KEYCLOAK, server)
    session = client.session
    kept = dict(session["oidc-pending"])
    other = with_factor(cast.approver)
    session = other.session
    session["oidc-pending"] = kept
    session.save()
    other.get(back)
    assert not SignOnLink.objects.exists()


def test_linking_needs_a_session_a_recent_factor_and_a_form_of_ours(cast, server):
    assert Client().post(f"{NAME}link/").headers["Location"].startswith("/accounts/login/")
    client = Client()
    client.force_login(cast.author, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(f"{NAME}link/").headers["Location"] == "/accounts/2fa/"
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = with_factor(cast.author).cookies
    assert strict.post(f"{NAME}link/").status_code == 403


def test_one_account_there_is_one_officer_here(cast, server):
    linked(cast.author, server)
    assert linked(cast.author, server) == SignOnLink.objects.get(), "twice links once"
    with pytest.raises(NotAllowed, match="linked to another officer"):
        linked(cast.approver, server)
    with pytest.raises(NotAllowed, match="Another account there"):
        linked(cast.author, server, "somebody else")


def test_an_answer_is_used_once_and_only_by_the_browser_that_asked(cast, server):
    linked(cast.author, server)
    client, thief = Client(), Client()
    back = there(client.get(NAME).headers["Location"], "ana", KEYCLOAK, server)
    assert thief.get(back).headers["Location"] == "/accounts/login/" and not is_in(thief)
    thief.get(NAME)  # now it has a question of its own, with another state
    thief.get(back)
    assert not is_in(thief)
    client.get(back)
    assert is_in(client)
    client.post("/accounts/logout/")
    client.get(back)
    assert not is_in(client)


@pytest.mark.parametrize("answer", ["", "?state=x&code=y", "?error=access_denied", "?code=%00&state=%FF", "?iss=x"])
def test_hostile_answers_lead_to_the_sign_in_in_words(cast, server, answer):
    client = Client()
    url = client.get(NAME).headers["Location"]
    state = parse_qs(urlsplit(url).query)["state"][0]
    page = client.get(f"{NAME}back/{answer.replace('state=x', f'state={state}')}", follow=True)
    assert "That did not work" in page.content.decode() and not is_in(client)


def test_signing_out_says_that_the_provider_still_knows_one(cast, server, ours):
    ours(mfa=["mfa"])
    linked(cast.author, server)
    client = Client()
    come(client, server, claims=ENTRA)
    assert client.get("/desk/").status_code == 200
    out = client.post("/accounts/logout/")
    assert out.headers["Location"] == "/accounts/signed-out/ours/" and not is_in(client)
    page = client.get("/accounts/signed-out/ours/").content.decode()
    assert f"{server}/oauth2/end_session?client_id=bell" in page.replace("&amp;", "&")


def test_ways_in_are_shown_only_where_there_are_any(cast, server, settings):
    assert f'href="{NAME}"' in Client().get("/accounts/login/").content.decode()
    settings.OIDC_PROVIDERS = ""
    assert NAME not in Client().get("/accounts/login/").content.decode()
    for path in (NAME, f"{NAME}back/", "/accounts/signed-out/ours/"):
        assert Client().get(path).status_code == 404


def test_a_provider_that_is_away_leaves_the_password(cast, ours):
    ours(issuer="http://localhost:1")
    page = Client().get(NAME, follow=True).content.decode()
    assert "Force account does not answer" in page
    client = Client()
    client.post("/accounts/login/", {"login": cast.author.email, "password": PASSWORD})
    assert is_in(client)


def test_the_doctor_says_whether_it_answers(server, ours):
    (good,) = doors.identity()
    assert good.tone == "right" and server in good.words
    ours(issuer="http://localhost:1")
    (bad,) = doors.identity()
    assert bad.tone == "wrong" and "cannot be used" in bad.words


@pytest.mark.parametrize(
    ("more", "words"),
    [({"issuer": "https://id.force.example"}, "must be on this machine"), ({"client_secret": ""}, "no client_secret")],
)
def test_a_wrong_deployment_does_not_start(ours, more, words):
    ours(**more)
    found = [one for one in checks.run_checks() if one.id == "bell.E010"]
    assert len(found) == 1 and words in found[0].msg
    ours()
    assert not [one for one in checks.run_checks() if one.id == "bell.E010"]
