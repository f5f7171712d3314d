"""The privacy promise: every sentence has a proof that exists, and the page shows exactly these sentences."""

import ast
import html
import re
from datetime import timedelta
from pathlib import Path

import pytest

from bell.delivery import slots, unsubscribe
from bell.delivery.models import Delivery, Mailing
from bell.organisations.kinds import FACTS, Kind, of_bits
from bell.public.promise import PROMISES
from bell.residents import actions, codes, rules
from bell.residents.models import Code, Contact, GroupMember, Place, Resident
from tests.public.conftest import NEW, send, the_code

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence[:40])
def test_every_proof_is_a_test_that_runs(promise):
    path, name = promise.proof.split("::")
    file = ROOT / path
    assert path.startswith("tests/") and file.name.startswith("test_") and name.startswith("test_")
    found = [node for node in ast.parse(file.read_text()).body if getattr(node, "name", "") == name]
    assert len(found) == 1 and isinstance(found[0], ast.FunctionDef), f"{promise.proof} does not exist"
    marks = " ".join(ast.unparse(one) for one in found[0].decorator_list)
    assert "skip" not in marks and "xfail" not in marks
    assert any(isinstance(node, ast.Assert | ast.With | ast.Call) for node in ast.walk(found[0]))


def test_the_page_shows_exactly_these_sentences(client, db):
    page = client.get("/privacy/").content.decode()
    shown = [html.unescape(words) for words in re.findall(r"<span data-promise>(.*?)</span>", page)]
    assert shown == [promise.sentence for promise in PROMISES]
    assert len(set(shown)) == len(shown) >= 12


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind != Kind.OUTCOME])
def test_the_link_of_every_alert_stops_its_kind(client, cast, meg, kind):
    given = dict.fromkeys(FACTS[kind].fields, "today") | {"choices": "Speeding\nParking", "find_out": "Call 101"}
    alert = send(cast, kind=kind, fields=given)
    mailing = Mailing.objects.get(reference=alert.reference)
    assert slots.UNSUBSCRIBE in mailing.content["html"] and slots.UNSUBSCRIBE in mailing.content["text"]
    assert mailing.content["unsubscribe"]  # the header for mail programs
    link = f"/u/{unsubscribe.token(meg.key, mailing.stream)}/"
    assert client.post(f"{link}stop/").status_code == 302
    assert kind not in of_bits(Resident.objects.get(pk=meg.pk).email_kinds)


def test_leaving_withdraws_what_waits_and_deletes_what_you_gave(cast, meg):
    actions.set_choices(
        meg, actions.Choices(list(Kind.values), list(Kind.values), [cast.cctv.pk], [cast.force.pk]), by=meg
    )
    send(cast, by_sms=True)
    Delivery.objects.filter(recipient_key=meg.key).update(state="queued")
    actions.leave(meg, by=meg, how="web")
    assert {one.state for one in Delivery.objects.filter(recipient_key=meg.key)} == {"suppressed"}
    assert not (Place.objects.exists() or GroupMember.objects.exists() or Contact.objects.exists())


def test_a_code_works_once_and_for_thirty_minutes(cast):
    where = rules.reach("email", NEW)
    codes.send_code(where, name="Alert")
    assert "30 minutes" in Mailing.objects.get().content["text"]
    code = Code.objects.get()
    assert code.expires_at - code.made_at == timedelta(minutes=30)
    Code.objects.update(expires_at=code.made_at)
    assert not codes.check_code(where, the_code(NEW))
    Code.objects.update(expires_at=code.expires_at)
    assert codes.check_code(where, the_code(NEW)) and not codes.check_code(where, the_code(NEW))
