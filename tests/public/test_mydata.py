"""A member's rights as pages: who looked, why me, what was agreed, a copy, erasure; each asked as a thief too."""

import io
import json
import time
import zipfile
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from bell.audit.models import Entry
from bell.conversations import actions as talk
from bell.conversations import web
from bell.conversations.models import Conversation
from bell.delivery import blocking, post
from bell.delivery.models import Delivery, Suppression
from bell.lib import clock, tokens
from bell.organisations.kinds import Kind
from bell.privacy import actions as protect
from bell.privacy import rules
from bell.privacy.models import today
from bell.residents.models import Code, Resident
from tests.public.conftest import KNOWN, NEW, answer_link, send, signed_in, the_code, wrong

PAGES = ["/account/looks/", "/account/sent/", "/account/agreed/", "/account/data/", "/account/erase/"]


def stale(client: Client) -> None:
    """Sixteen minutes pass since the last code."""
    session = client.session
    session["proved_at"] = time.time() - 16 * 60
    session.save()


def looked(cast: Any, meg: Resident, why: str = "answering a reply") -> Conversation:
    """Meg answered an alert, and an officer opened what she wrote."""
    alert = send(cast)
    web.answer(answer_link(alert, meg).split("/")[2], text="A white van")
    one = Conversation.objects.get(resident=meg)
    talk.look(one, by=cast.author, why=why)
    return one


@pytest.mark.parametrize("path", [*PAGES, "/account/prove/", "/account/prove/code/"])
def test_nobody_but_the_member_gets_in(client, cast, path):
    assert client.get(path).headers["Location"] == "/sign-in/"
    for way in ("post", "put", "delete"):
        assert getattr(client, way)(path).status_code in (302, 405)
    assert Resident.objects.count() == 0


@pytest.mark.parametrize("path", PAGES)
def test_an_officer_who_is_signed_in_is_no_member(cast, path):
    client = Client()
    client.force_login(cast.author, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(path).headers["Location"] == "/sign-in/"


def test_a_member_reads_who_looked_by_team_and_purpose_never_by_name(member, cast, meg):
    looked(cast, meg)
    page = member.get("/account/looks/").content.decode()
    assert "Opened your conversation" in page and "Heanor SNT, Testshire Police" in page
    assert "answering a reply" in page and "today at" in page
    for secret in (cast.author.name, cast.author.email, str(cast.author.key)):
        assert secret not in page


def test_another_member_sees_nothing_of_it(member, cast, meg):
    looked(cast, meg)
    other = Client()
    cast.resident(email="eve@home.example")
    signed_in(other, "eve@home.example")
    page = other.get("/account/looks/").content.decode()
    assert "Nobody has looked" in page and "Heanor SNT" not in page
    assert "white van" not in json.dumps(_copy(other)).lower().replace("did you see a white van", "")


def test_what_is_withheld_is_simply_absent_until_its_day(member, cast, meg):
    looked(cast, meg, why="a quiet inquiry")
    looked_entry = Entry.objects.get(verb="conversation read")
    hidden = protect.withhold(
        looked_entry.pk, of=meg, reason="It would tip them off", review_on=today() + rules.OPEN_REVIEW, by=cast.dpo
    )
    page = member.get("/account/looks/").content.decode()
    assert "Nobody has looked" in page
    words = json.dumps(_copy(member))
    assert "quiet inquiry" not in words and "tip them off" not in words and "withheld" not in words
    type(hidden).objects.update(review_on=today())
    assert "a quiet inquiry" in member.get("/account/looks/").content.decode()
    assert protect.review() == 1 and protect.review() == 0
    assert Entry.objects.get(pk=looked_entry.pk).facts == looked_entry.facts


def test_why_me_names_the_place_the_group_and_the_choice(member, cast, meg):
    meg.memberships.create(group=cast.cctv)
    send(cast, audience={"areas": [cast.west.pk], "shapes": [], "groups": [cast.cctv.pk]})
    page = member.get("/account/sent/").content.decode()
    assert "Your place Home lies in West Ward." in page and "You are in the group CCTV owners." in page
    assert "You chose “crime alert” by email from Testshire Police." in page
    assert "You asked for a code." in page


def test_why_me_of_a_drawn_shape_and_of_a_place_that_is_gone(member, cast, meg):
    circle = {"type": "Feature", "properties": {"radius_m": 900},
              "geometry": {"type": "Point", "coordinates": [-1.375, 53.02]}}  # fmt: skip
    send(cast, audience={"areas": [], "shapes": [circle], "groups": []})
    assert "lies in the area that the officer drew" in member.get("/account/sent/").content.decode()
    meg.places.all().delete()
    assert "A place you had then" in member.get("/account/sent/").content.decode()


def test_the_ledger_shows_the_words_that_were_agreed_to(member, meg):
    page = member.get("/account/agreed/").content.decode()
    assert meg.consents.get().wording in page and "You agreed: messages" in page


def _copy(client: Client) -> Any:
    response = client.post("/account/data/download/")
    assert response.status_code == 200, response.headers
    assert response.headers["Content-Type"] == "application/zip"
    assert "no-store" in response.headers["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert sorted(archive.namelist()) == ["README.txt", "data.html", "data.json"]
        assert b"<script" not in archive.read("data.html")
        return json.loads(archive.read("data.json"))


def test_a_copy_holds_places_contacts_choices_words_and_reasons(member, cast, meg):
    looked(cast, meg)
    found = _copy(member)
    titles = {section["title"]: section["rows"] for section in found["held"]}
    assert titles["Your places"][0]["postcode"] == "" and titles["Your places"][0]["lon"] == pytest.approx(-1.375)
    assert {row["address"] for row in titles["Your email address and mobile number"]} == {KNOWN, "+447700900123"}
    assert any("A white van" in row["text"] for row in titles["What was said in them"])
    assert found["looks"][0]["team"].startswith("Heanor SNT")
    assert any("West Ward" in words for one in found["sent"] for words in one["why"])


def test_what_a_person_wrote_cannot_run_in_the_page_of_the_copy(member, cast, meg):
    alert = send(cast)
    web.answer(answer_link(alert, meg).split("/")[2], text="<script>alert(1)</script><img src=x onerror=y>")
    response = member.post("/account/data/download/")
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        page = archive.read("data.html").decode()
    assert "<script" not in page and "<img" not in page and "&lt;script&gt;" in page


def test_a_copy_and_an_erasure_need_a_fresh_code(member, meg):
    stale(member)
    assert member.get("/account/data/").headers["Location"] == "/account/prove/?to=data"
    assert member.post("/account/data/download/").headers["Location"] == "/account/prove/?to=data"
    assert member.post("/account/erase/").headers["Location"] == "/account/prove/?to=erase"
    assert Resident.objects.filter(pk=meg.pk).exists()
    Code.objects.all().delete()
    assert member.post("/account/prove/?to=erase", {"channel": "email"}).headers["Location"] == "/account/prove/code/"
    code = the_code(KNOWN)
    assert member.post("/account/prove/code/", {"email": wrong(code)}).status_code == 200
    assert member.get("/account/data/").status_code == 302
    assert member.post("/account/prove/code/", {"email": code}).headers["Location"] == "/account/erase/"
    assert member.get("/account/erase/").status_code == 200


THIEF = "07700 900999"


def test_who_finds_a_browser_signed_in_cannot_add_their_own_address_and_prove_by_it(member, meg):
    stale(member)
    Code.objects.all().delete()
    for path in ("mobile/", "mobile/code/", "mobile/code/again/", "mobile/remove/", "email/", "email/remove/"):
        answer = member.post(f"/account/{path}", {"address": THIEF, "sms": "123456"})
        assert answer.headers["Location"].startswith("/account/prove/?to="), path
    assert member.get("/account/mobile/").headers["Location"] == "/account/prove/?to=mobile"
    assert not Code.objects.exists() and not Delivery.objects.filter(address="+447700900999").exists()
    assert {one.address for one in meg.contacts.all()} == {KNOWN, "+447700900123"}
    assert THIEF not in member.get("/account/prove/").content.decode()


def test_a_change_that_was_begun_cannot_be_finished_later_by_whoever_finds_it(member, meg):
    member.post("/account/mobile/", {"address": THIEF})
    stale(member)
    late = member.post("/account/mobile/code/", {"sms": the_code("+447700900999")})
    assert late.headers["Location"] == "/account/prove/?to=mobile-code"
    assert meg.contacts.get(channel="sms").address == "+447700900123"
    # A code of one's own, and the change goes on where it was.
    Code.objects.filter(address_key=meg.contacts.get(channel="email").address_key).delete()
    member.post("/account/prove/?to=mobile-code", {"channel": "email"})
    back = member.post("/account/prove/code/", {"email": the_code(KNOWN)})
    assert back.headers["Location"] == "/account/mobile/code/"
    member.post("/account/mobile/code/", {"sms": the_code("+447700900999")})
    assert meg.contacts.get(channel="sms").address == "+447700900999"


def test_the_code_of_a_new_address_is_no_proof_of_the_person(member, meg):
    member.post("/account/mobile/", {"address": THIEF})
    session = member.session
    session["proved_at"] = time.time() - 14 * 60
    session.save()
    member.post("/account/mobile/code/", {"sms": the_code("+447700900999")})
    assert meg.contacts.get(channel="sms").address == "+447700900999"
    assert member.session["proved_at"] < time.time() - 13 * 60


def test_an_email_address_that_died_is_repaired_by_a_text(client, meg):
    dead = meg.contacts.get(channel="email").address_key
    post.suppress(address_key=dead, channel="email", reason=blocking.HARD_BOUNCE)
    client.post("/sign-in/", {"address": "07700 900123"})
    client.post("/sign-in/code/", {"sms": the_code("+447700900123")})
    assert client.get("/account/email/").status_code == 200  # a code was right just now: no second one
    stale(client)
    Code.objects.all().delete()
    assert client.post("/account/email/", {"address": NEW}).headers["Location"] == "/account/prove/?to=email"
    # Who chose the dead one by mistake chooses again, and is not led elsewhere for it.
    client.post("/account/prove/?to=email", {"channel": "email"})
    assert 'href="/account/prove/?to=email"' in client.get("/account/prove/code/").content.decode()
    client.post("/account/prove/?to=email", {"channel": "sms"})
    back = client.post("/account/prove/code/", {"sms": the_code("+447700900123")})
    assert back.headers["Location"] == "/account/email/"
    client.post("/account/email/", {"address": NEW})
    client.post("/account/email/code/", {"email": the_code(NEW)})
    assert meg.contacts.get(channel="email").address == NEW


def test_who_can_have_no_code_any_more_is_told_what_to_do(member, meg):
    stale(member)
    assert "/account/leave/" in member.get("/account/prove/?to=email").content.decode()
    assert member.post("/account/leave/").headers["Location"] == "/left/"


def test_a_fresh_code_cannot_be_read_in_the_account_itself(member, meg):
    copied = _copy(member)
    stale(member)
    Code.objects.all().delete()
    member.post("/account/prove/?to=erase", {"channel": "email"})
    digits = the_code(KNOWN)
    for path in ["/account/", *PAGES, "/account/prove/code/"]:
        assert digits not in member.get(path).content.decode(), path
    words = json.dumps(copied)
    assert "is your" not in words and "a secret even here" in words


def test_the_code_goes_only_to_an_address_that_is_theirs_already(member, meg):
    stale(member)
    Code.objects.all().delete()
    member.post("/account/prove/", {"channel": "post"})
    member.post("/account/prove/", {"channel": NEW})
    assert not Code.objects.exists()
    assert member.get("/account/prove/?to=//evil.example/").status_code == 200


def test_five_copies_a_day(member, meg):
    for _ in range(rules.DOWNLOADS_A_DAY):
        _copy(member)
    assert member.post("/account/data/download/").headers["Location"] == "/account/data/"
    assert "five copies" in member.get("/account/data/").content.decode()
    old = clock.now() - rules.LOOK_UP_LIFE * 25
    Entry.objects.filter(verb="data downloaded").update(at=old)
    _copy(member)


def test_erasing_shows_what_is_kept_and_why_and_signs_out_everywhere(member, cast, meg):
    looked(cast, meg)
    elsewhere = Client()
    Code.objects.all().delete()
    signed_in(elsewhere)
    page = member.get("/account/erase/").content.decode()
    assert "The police are still working on it." in page and "Looked at again on" in page
    done = member.post("/account/erase/")
    assert done.status_code == 200 and "Your data is erased" in done.content.decode()
    assert "The police are still working on it." in done.content.decode()
    assert not Resident.objects.filter(pk=meg.pk).exists()
    for client in (member, elsewhere):
        assert client.get("/account/").headers["Location"] == "/sign-in/"
    assert str(meg.key) not in " ".join(json.dumps(one.get_decoded()) for one in Session.objects.all())
    assert set(Suppression.objects.values_list("reason", flat=True)) == {"erased"}


def test_old_links_of_an_erased_person_lead_to_nobody(member, cast, meg, client):
    alert = send(cast, kind=Kind.CRIME)
    link = answer_link(alert, meg)
    member.post("/account/erase/")
    assert client.get(link).status_code == 200
    client.post(link, {"choice": "saw"})
    assert not Conversation.objects.exclude(resident=None).exists()
    assert not Conversation.objects.exclude(reply_address="").exists()
    assert tokens.read_int("answer", link.split("/")[2])
