"""Is this message genuine? What went out is known, however typed; what did not is never told apart from nothing."""

import pytest

from bell.alerts import actions
from bell.alerts.models import Alert, Relation, State
from bell.lib import links
from tests.public.conftest import send

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(client):
    """Asks the page about a code."""

    def asked(code):
        reply = client.get("/genuine/", {"code": code})
        assert reply.status_code == 200
        return reply.content.decode()

    return asked


@pytest.fixture
def sent(cast):
    cast.resident()
    return send(cast, title="Sheds near the canal")


def test_what_went_out_is_genuine_however_it_is_typed(sent, ask):
    letters = sent.reference.removeprefix("TP-")
    for typed in (sent.reference, sent.reference.lower(), f" tp {letters} ", f"TP{letters}", f"Ref: TP-{letters}"[5:]):
        page = ask(typed)
        assert f"Yes, we sent {sent.reference}" in page and "Sheds near the canal" in page and "Current" in page


def test_a_message_links_to_its_own_answer(sent, client):
    mailing = sent.versions.last().mailing
    path = links.genuine(sent.reference)
    assert path in mailing.content["text"] and path in mailing.content["html"]
    assert "Yes, we sent" in client.get(path).content.decode()


@pytest.mark.parametrize("code", ["TP-22222", "TP-", "DA-7K3PQ", "x", "' OR 1=1 --", "TP-" + "A" * 50, "💥", "%00"])
def test_what_is_not_known_is_said_not_to_be_ours(sent, ask, code):
    assert "We have sent no message with this reference" in ask(code)


@pytest.mark.parametrize("state", [one for one in State.values if one not in ("sending", "sent", "stopped", "closed")])
def test_what_was_not_published_looks_like_what_never_was(cast, ask, state):
    alert = cast.draft(title="A secret plan")
    held = {"hold_until": alert.created_at} if state in ("held", "scheduled") else {}
    Alert.objects.filter(pk=alert.pk).update(state=state, **held)
    known, never = ask(alert.reference), ask("TP-22222")
    assert "secret" not in known
    assert known.replace(alert.reference, "X") == never.replace("TP-22222", "X")


def test_practice_is_not_known_here(cast, ask, sent):
    Alert.objects.filter(pk=sent.pk).update(practice=True)
    assert "We have sent no message" in ask(sent.reference)


def test_something_newer_is_named(cast, sent, ask):
    update = actions.follow_up(sent, relation=Relation.UPDATE, by=cast.author)
    update = send(cast, alert=actions.edit(update, by=cast.author, title="Two more sheds", body="Two more sheds."))
    page = ask(sent.reference)
    assert "Updated" in page and f'href="/a/{update.reference}/"' in page and "Two more sheds" in page
    assert "Current" in ask(update.reference)


def test_what_is_over_or_stopped_says_so(cast, sent, ask):
    outcome = actions.follow_up(sent, relation=Relation.OUTCOME, by=cast.author)
    send(cast, alert=actions.edit(outcome, by=cast.author, title="A man was charged", body="Thank you."))
    assert "This matter is over" in ask(sent.reference)
    Alert.objects.filter(pk=sent.pk).update(state=State.STOPPED)
    assert "We stopped sending it" in ask(sent.reference)


def test_nothing_typed_is_asked_for_in_words(client):
    page = client.get("/genuine/", {"code": ""}).content.decode()
    assert "Enter the reference" in page and "We never ask for a password" in page
    assert "only that" in client.get("/genuine/", {"code": "A" * 61}).content.decode()
