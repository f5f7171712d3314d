"""A whole story of the desk in a process of its own, every socket watched: python -m tests.alerts.practice_story FILE.

The cast stands in the tests' database. Every call that could leave this process is written to FILE as a JSON line.
"""

import json
import sys
from pathlib import Path
from typing import Any

# What Python reports before it connects, sends without a connection, looks a name up or starts a program.
_WATCHED = {
    "socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
    "socket.gethostbyaddr", "socket.getnameinfo", "subprocess.Popen", "os.system", "os.posix_spawn",
}  # fmt: skip
_seen: list[list[Any]] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _WATCHED:
        _seen.append([event, [one if isinstance(one, int | str) else repr(one) for one in _flat(arguments)]])


def _flat(things: Any) -> list[Any]:
    found: list[Any] = []
    for one in things:
        found += _flat(one) if isinstance(one, list | tuple) else [one]
    return found


sys.addaudithook(_watch)

import django  # noqa: E402 (nothing is imported before the watch stands)

django.setup()

from django.test import Client  # noqa: E402

from bell.alerts import actions, closing, together  # noqa: E402
from bell.alerts.models import Alert, State  # noqa: E402
from bell.conversations import actions as conversations  # noqa: E402
from bell.conversations.actions import Words  # noqa: E402
from bell.organisations.models import Officer, Organisation  # noqa: E402
from bell.worker import loop  # noqa: E402

ROUNDS = 3


def desk(name: str) -> tuple[Client, Officer]:
    """An officer of the cast, signed in."""
    officer = Officer.objects.get(name=name)
    client = Client(SERVER_NAME="localhost")
    client.force_login(officer, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client, officer


def press(client: Client, alert: Alert, path: str, **given: Any) -> None:
    """Press a button of the desk."""
    reply = client.post(f"/desk/alerts/{alert.reference}/{path}", given)
    assert reply.status_code == 302, (path, reply.status_code)


def decide(client: Client, alert: Alert, do: str) -> None:
    """Decide on the newest version by the approver's page."""
    version = alert.versions.last()
    assert version is not None
    page = client.get(f"/desk/alerts/{alert.reference}/approve/")
    assert page.status_code == 200
    press(client, alert, "approve/", do=do, number=version.number, digest=version.digest, reason="Looked at.")


def work() -> None:
    """What the worker does, a few rounds of it."""
    for _ in range(ROUNDS):
        loop.once()


def tell() -> None:
    """Draft, return, approve, carry, send, answer, update, stop, share, close: through the pages where there are."""
    (author, ana), (approver, ben), (_, olu) = desk("Ana Author"), desk("Ben Approver"), desk("Olu Outsider")
    areas = [str(number) for number in ana.grants.get().team.patch.values_list("pk", flat=True)]
    author.post("/desk/new/", {"kind": "information", "team": str(ana.grants.get().team_id)})
    alert = Alert.objects.get()
    partner = Organisation.objects.get(slug="council")
    content = {
        "title": "Did you see a van?", "body": "A white van, **last night**.", "channels": ["email", "sms"],
        "sms_text": "A white van, last night?", "areas": areas, "carriers": [str(partner.pk)], "whole": "1",
    }  # fmt: skip
    for path in ("count/", "preview/"):
        assert author.post(f"/desk/alerts/{alert.reference}/{path}", content).status_code == 200
    press(author, alert, "edit/", do="submit", seen="0", **content)
    decide(approver, alert, "return")
    press(author, alert, "edit/", do="submit", seen="1", **content)
    version = alert.versions.last()
    assert version is not None
    together.decide(version.carriers.get(), by=olu, digest=version.digest, agree=True)
    decide(approver, alert, "approve")
    work()
    alert.refresh_from_db()
    words = Words("I saw it", "email", reply_channel="email", reply_address="ann@home.example")
    talk = conversations.hear(words, team=alert.team, alert=alert).conversation
    conversations.answer(talk, text="Thank you", by=ana)
    for page in ("", "share/", "share/card.png", "live/"):
        author.get(f"/desk/alerts/{alert.reference}/{page}")
    press(author, alert, "follow/", relation="update")
    update = Alert.objects.get(follows=alert)
    actions.edit(update, by=ana, body="The van was found.")
    actions.submit(update, by=ana)
    decide(approver, update, "approve")
    work()
    if Alert.objects.get(pk=update.pk).state == State.SENDING:
        actions.stop(update, by=ben)
    alert.refresh_from_db()
    if alert.state != State.SENT:
        actions.stop(alert, by=ben)
    closing.close(alert, by=ana, outcome="Two were charged.")
    decide(approver, Alert.objects.get(follows=alert, relation="outcome"), "approve")
    work()


if __name__ == "__main__":
    try:
        tell()
    finally:
        Path(sys.argv[1]).write_text("".join(json.dumps(line) + "\n" for line in _seen))
