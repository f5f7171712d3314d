"""A second factor on every path in, recent before what matters, and never the last one lost by accident."""

import re

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver

from bell.alerts import actions as alert_actions
from bell.alerts.models import Alert, State
from bell.audit.models import Entry
from bell.organisations import signin
from bell.organisations.actions import NotAllowed
from bell.organisations.recovery import open_again
from tests.cast import PASSWORD
from tests.totp import six_digits

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _asked_for(settings):
    settings.SECOND_FACTOR = True


def sign_in(client, officer):
    given = {"login": officer.email, "password": PASSWORD}
    return client.post("/accounts/login/", given, follow=True)


def set_up(client) -> str:
    """Set up an app; its secret."""
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    secret = re.search(r"app-qr__secret\">([A-Z2-7]+)<", page)[1]
    client.post("/accounts/2fa/totp/activate/", {"code": six_digits(secret)})
    return secret


@pytest.fixture
def ben(cast):
    """(a client of the approver who has set up an app, its secret)."""
    client = Client()
    sign_in(client, cast.approver)
    return client, set_up(client)


def passed_ago(client, seconds):
    """As if the session's second factor had been given so long ago."""
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {**one, "at": one["at"] - seconds} for one in session[AUTHENTICATION_METHODS_SESSION_KEY]
    ]
    session.save()


def test_a_password_alone_opens_nothing(cast):
    client = Client()
    page = sign_in(client, cast.approver)
    assert page.redirect_chain[-1][0] == "/accounts/2fa/" and "Set up one of the two" in page.content.decode()
    assert client.get("/desk/").headers["Location"] == "/accounts/2fa/"


def test_every_page_of_the_desk_is_behind_it(cast):
    """Every address of the desk, whatever stands in it: the door comes before anything is looked up."""
    client = Client()
    sign_in(client, cast.approver)
    desk = next(one for one in get_resolver().url_patterns if str(one.pattern) == "desk/")
    seen = 0
    for pattern in desk.url_patterns:
        path = "/desk/" + re.sub(r"<[^>]*reference>", "TP-22222", str(pattern.pattern))
        path = re.sub(r"<slug:[^>]*>", "x", re.sub(r"<int:[^>]*>", "1", path))
        path = re.sub(r"<[^>]*>", "1", path)
        reply = client.get(path)
        assert reply.status_code in (302, 404, 405), path
        if reply.status_code == 302:
            assert reply.headers["Location"].startswith("/accounts/"), path
            seen += 1
    assert seen > 40


def test_setting_up_an_app_opens_the_desk_and_gives_recovery_codes(ben):
    client, _ = ben
    assert client.get("/desk/").status_code == 200
    codes = client.get("/accounts/2fa/recovery-codes/").content.decode()
    assert "10 of 10 are left" in codes


def test_the_next_time_the_code_is_asked_for(cast, ben):
    _, secret = ben
    client = Client()
    page = sign_in(client, cast.approver)
    assert page.redirect_chain[-1][0].startswith("/accounts/2fa/authenticate/")
    assert client.get("/desk/").headers["Location"].startswith("/accounts/login/")
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "Incorrect code" in wrong.content.decode()
    client.post("/accounts/2fa/authenticate/", {"code": six_digits(secret, later=1)})
    assert client.get("/desk/").status_code == 200


def test_a_code_works_once(cast, ben):
    _, secret = ben
    code = six_digits(secret, later=1)
    first, second = Client(), Client()
    for client in (first, second):
        sign_in(client, cast.approver)
        client.post("/accounts/2fa/authenticate/", {"code": code})
    assert first.get("/desk/").status_code == 200
    assert second.get("/desk/").status_code == 302


def test_a_recovery_code_works_once(cast, ben):
    client, _ = ben
    page = client.get("/accounts/2fa/recovery-codes/").content.decode()
    code = re.search(r"<li>([0-9a-z-]{8,})</li>", page)
    if code is None:  # only shown after proving again
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        code = re.search(r"<li>([0-9a-z-]{8,})</li>", client.get("/accounts/2fa/recovery-codes/").content.decode())
    assert code is not None
    for expected in (200, 302):
        other = Client()
        sign_in(other, cast.approver)
        other.post("/accounts/2fa/authenticate/", {"code": code[1]})
        assert other.get("/desk/").status_code == expected


def test_a_session_that_never_passed_it_is_stopped_although_a_factor_is_set_up(cast, ben):
    client = Client()
    client.force_login(cast.approver, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/desk/").headers["Location"].startswith("/accounts/2fa/reauthenticate/?next=")


def test_before_approving_it_must_be_recent(cast, ben):
    client, secret = ben
    cast.resident()
    version = alert_actions.submit(cast.draft(), by=cast.author)
    path = f"/desk/alerts/{version.alert.reference}/approve/"
    given = {"do": "approve", "number": version.number, "digest": version.digest, "reason": ""}
    passed_ago(client, signin.FRESH_SECONDS + 1)
    assert client.get("/desk/").status_code == 200
    assert client.get(path).headers["Location"].startswith("/accounts/2fa/reauthenticate/?next=%2Fdesk%2Falerts")
    client.post(path, given)
    assert Alert.objects.get().state == State.SUBMITTED
    back = client.post(
        f"/accounts/2fa/reauthenticate/?next={path}", {"code": six_digits(secret, later=1), "next": path}
    )
    assert back.headers["Location"] == path
    assert client.get(path).status_code == 200
    client.post(path, given)
    assert Alert.objects.get().state == State.HELD


def test_nothing_stands_before_stop(cast, ben):
    client, _ = ben
    cast.resident()
    alert, _ = cast.approved()
    passed_ago(client, signin.FRESH_SECONDS + 1)
    client.post(f"/desk/alerts/{alert.reference}/do/undo/")
    assert Alert.objects.get().state == State.APPROVED
    client.post(f"/desk/alerts/{alert.reference}/do/send/")
    assert Alert.objects.get().state == State.APPROVED


def test_the_last_factor_is_not_taken_away(ben):
    client, secret = ben
    passed_ago(client, 60)
    client.post("/accounts/2fa/reauthenticate/", {"code": six_digits(secret, later=1)})
    page = client.post("/accounts/2fa/totp/deactivate/").content.decode()
    assert "cannot deactivate" in page
    assert Authenticator.objects.filter(type="totp").exists()


def test_secrets_are_not_readable_in_the_tables(ben):
    _, secret = ben
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept and "gAAAA" in kept  # how a Fernet token begins


def test_a_stolen_session_cannot_add_its_own_key(ben):
    client, _ = ben
    passed_ago(client, 3600)
    assert client.get("/accounts/2fa/webauthn/add/").headers["Location"].startswith("/accounts/")
    assert client.get("/accounts/2fa/totp/deactivate/").headers["Location"].startswith("/accounts/")


def test_a_disabled_officer_is_out_at_once(cast, ben):
    client, _ = ben
    type(cast.approver).objects.filter(pk=cast.approver.pk).update(is_active=False)
    assert client.get("/desk/").status_code == 302


def test_who_lost_everything_is_let_in_by_an_administrator_who_saw_them(cast, ben):
    old, secret = ben
    with pytest.raises(NotAllowed):
        open_again(cast.approver, by=cast.author, why="I know him")
    with pytest.raises(NotAllowed):
        open_again(cast.administrator, by=cast.administrator, why="It is me")
    with pytest.raises(NotAllowed):
        open_again(cast.approver, by=cast.administrator, why=" ")
    password = open_again(cast.approver, by=cast.administrator, why="Saw him and his warrant card at Ripley station")
    assert old.get("/desk/").status_code == 302, "the old session is over"
    client = Client()
    sign_in(client, cast.approver)
    assert client.get("/desk/").headers["Location"].startswith("/accounts/login/"), "the old password is over"
    client.post("/accounts/login/", {"login": cast.approver.email, "password": password})
    assert client.get("/desk/").headers["Location"] == "/accounts/2fa/"
    client.post("/accounts/2fa/authenticate/", {"code": six_digits(secret, later=1)})
    assert client.get("/desk/").status_code == 302, "the lost phone opens nothing"
    assert Entry.objects.filter(verb="officer opened again").exists()


def test_the_administrator_types_their_own_password_at_the_shell(cast, monkeypatch, capsys):
    words = ["officer", "again", cast.approver.email, "--by", cast.administrator.email, "--why", "Saw his warrant card"]
    monkeypatch.setattr("getpass.getpass", lambda prompt: "a guess")
    with pytest.raises(CommandError, match="not the administrator's password"):
        call_command(*words)
    monkeypatch.setattr("getpass.getpass", lambda prompt: PASSWORD)
    call_command(*words)
    told = capsys.readouterr().out.strip().rpartition(" ")[2]
    client = Client()
    client.post("/accounts/login/", {"login": cast.approver.email, "password": told})
    assert client.get("/desk/").headers["Location"] == "/accounts/2fa/"
    with pytest.raises(CommandError, match="There is no officer"):
        call_command("officer", "again", "nobody@x.example", "--by", cast.administrator.email, "--why", "x")
