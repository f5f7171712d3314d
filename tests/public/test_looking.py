"""GET and HEAD change nothing, on any page, with any token: not by people, not by scanners that open every link."""

import re

from django.apps import apps
from django.test import Client

from bell.public.urls import urlpatterns
from tests.public.conftest import answer_link, send, signed_in, stop_link

# Signing in is kept in the session's own table; whoever looks without a cookie makes no row there either.
_NOT_OURS = {"sessions.session"}


def everything():
    """Every row of every table, as plain values."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        name = model._meta.label_lower
        if name not in _NOT_OURS:
            found[name] = sorted(map(repr, model._default_manager.order_by().values_list()))
    return found


def addresses(values):
    """Every address of this face, filled in."""
    for pattern in urlpatterns:
        route = str(pattern.pattern)
        for token in values["token"] if "<str:token>" in route else [""]:
            path = route.replace("<str:token>", token)
            for name in ("reference", "way", "number", "kind", "code", "tag"):
                path = re.sub(rf"<(?:str|int|path):{name}>", str(values.get(name, "")), path)
            assert "<" not in path, f"tell this test how to fill {route}"
            yield f"/{path}"


def look(client, paths):
    for path in paths:
        for query in ("", "?choice=saw&text=x&postcode=DE75+7AB&page=1&List-Unsubscribe=One-Click"):
            for method in (client.get, client.head, client.options):
                assert method(f"{path}{query}").status_code in (200, 302, 404, 405), path


def test_looking_at_every_page_changes_nothing(cast, meg):
    alert = send(cast, by_sms=True)
    values = {
        "token": [answer_link(alert, meg)[3:-1], stop_link(meg, cast.force)[3:-1], "nonsense"],
        "reference": alert.reference,
        "way": "email",
        "kind": "ward",
        "code": "W1",
        "tag": "pl",
        "number": meg.places.get().pk,
    }
    paths = list(addresses(values))
    assert len(paths) > 50
    member = signed_in(Client())
    member.post("/account/email/", {"address": "fresh@home.example"})
    halfway = Client()
    halfway.post("/join/place/", {"postcode": "DE75 7AB"})
    halfway.post("/join/contact/", {"email": "new@home.example", "mobile": "07700 900456"})

    before = everything()
    assert before["residents.resident"] and before["delivery.delivery"] and before["audit.entry"]
    for client in (Client(), member, halfway):
        look(client, paths)
    after = everything()
    assert [name for name in before if before[name] != after[name]] == []
    # And nobody was signed in or out by looking.
    assert member.get("/account/").status_code == 200
    assert halfway.get("/join/code/").status_code == 200


def test_looking_without_a_cookie_leaves_no_session(cast, meg):
    alert = send(cast)
    values = {
        "token": [answer_link(alert, meg)[3:-1], stop_link(meg, cast.force)[3:-1]],
        "reference": alert.reference,
        "way": "email",
        "kind": "ward",
        "code": "W1",
        "tag": "pl",
        "number": 1,
    }
    look(Client(), addresses(values))
    assert not apps.get_model("sessions", "session").objects.exists()
