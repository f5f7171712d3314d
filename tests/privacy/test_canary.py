"""The whole database, scanned: an export finds every row of a person; an erasure leaves nothing undeclared."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bell.audit.models import Entry
from bell.audit.record import seal, verify
from bell.conversations import actions as talk
from bell.conversations.models import Conversation, Turn
from bell.delivery.models import Delivery, Inbound, Suppression
from bell.evidence import custody
from bell.privacy import access, actions, erase, holdings, sessions
from bell.privacy import person as persons
from bell.privacy.models import Restriction, today
from bell.privacy.rules import NotAllowed
from bell.residents import paper
from bell.residents.models import Resident
from tests.privacy.conftest import EMAIL, Canary, mail, reply_to, scan

pytestmark = pytest.mark.django_db

# Rows that tell of the person and are no part of an export, each for a reason.
_SECRET = {"django_session"}  # told as "signed in": the row itself is the key to the door


def _exported(canary: Canary) -> set[tuple[str, str]]:
    found = access.everything(canary.resident)
    return {tuple(row["row"].split(" ")) for section in found["held"] for row in section["rows"]}


def test_the_canary_stands_in_every_model_of_the_table(canary: Canary) -> None:
    canary.seal()
    found = persons.of(canary.resident)
    talk.close(Conversation.objects.filter(resident=canary.resident).first(), by=canary.cast.author)
    actions.hold(
        canary.talk, person_key=canary.resident.key, reason="an inquiry", review_on=today() + timedelta(30),
        by=canary.cast.dpo,
    )  # fmt: skip
    empty = [one.model.__name__ for one in holdings.HOLDINGS if not one.rows(found).exists()]
    assert empty == []


def test_the_export_has_every_row_of_the_person(canary: Canary) -> None:
    canary.seal()
    rows = {where for where in scan(canary.marks) if where[0] not in _SECRET}
    missing = rows - _exported(canary)
    assert not missing
    assert len(rows) > 30
    assert any(sessions.of(persons.of(canary.resident)))


def test_the_export_has_nothing_of_anybody_else(canary: Canary) -> None:
    words = json.dumps(access.everything(canary.resident))
    for mark in ("other@home.example", "7700900888", str(canary.other.key), "Somebody else"):
        assert mark not in words
    for officer in (canary.cast.author, canary.cast.approver):
        looks = json.dumps(access.everything(canary.resident)["looks"])
        assert officer.name not in looks and officer.email not in words and str(officer.key) not in words


def test_internal_notes_are_named_but_not_told_without_a_person_who_decides(canary: Canary) -> None:
    assert "sounds sure" not in json.dumps(access.everything(canary.resident))
    assert "sounds sure" in json.dumps(access.everything(canary.resident, notes=True))


def _closed(canary: Canary, *, useful: bool | None) -> None:
    for one in Conversation.objects.all():
        talk.close(one, by=canary.cast.author, useful=useful) if one.team == canary.cast.team else None
    Conversation.objects.update(state="closed", useful=useful)


def _left(canary: Canary, marks: list[str]) -> dict[tuple[str, str], str]:
    """What a scan finds after the erasure, without the record, whose keys lead to nobody."""
    return {where: column for where, column in scan(marks).items() if where[0] != Entry._meta.db_table}


def test_after_an_erasure_nothing_is_left_but_the_silence(canary: Canary) -> None:
    _closed(canary, useful=None)
    marks = canary.marks
    done = erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    assert done.held == () and done.conversations >= 2 and done.messages >= 4
    left = _left(canary, marks)
    silent = {("delivery_suppression", str(one.pk)) for one in Suppression.objects.filter(reason="erased")}
    assert set(left) == silent and len(silent) == 2
    assert not Resident.objects.filter(pk=canary.resident.pk).exists()
    words = " ".join(str(one.facts) + one.why for one in Entry.objects.all()).lower()
    assert "canary" not in words and "7700900777" not in words


def test_counts_and_other_people_survive_an_erasure(canary: Canary) -> None:
    _closed(canary, useful=None)
    before = Delivery.objects.filter(mailing__reference=canary.alert.reference).count()
    other = set(scan(["other@home.example", str(canary.other.key)]))
    answers = canary.alert.answers.count()
    erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    assert Delivery.objects.filter(mailing__reference=canary.alert.reference).count() == before
    assert canary.alert.answers.count() == answers
    assert set(scan(["other@home.example", str(canary.other.key)])) == other
    assert b"Somebody else saw it too" in bytes(Inbound.objects.get(envelope_from="other@home.example").raw)
    seal()
    assert verify().broken == ""


def test_what_matters_to_a_case_is_restricted_and_nothing_else_stays(canary: Canary) -> None:
    _closed(canary, useful=None)
    Conversation.objects.filter(pk=canary.talk.pk).update(useful=True)
    marks = canary.marks
    preview = erase.preview(canary.resident)
    done = erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    assert list(done.held) == preview and len(preview) == 1
    assert "useful" in preview[0].reason and preview[0].review_on > today()
    kept = Restriction.objects.get()
    assert (kept.target_type, kept.target_key) == ("conversation", str(canary.talk.key))
    declared = {("privacy_restriction", str(kept.pk)), ("conversations_conversation", str(canary.talk.pk))}
    declared |= {("conversations_turn", str(one.pk)) for one in Turn.objects.filter(conversation=canary.talk)}
    declared |= {("delivery_suppression", str(one.pk)) for one in Suppression.objects.filter(reason="erased")}
    assert set(_left(canary, marks)) <= declared
    # Released at its review, it goes like the rest.
    erase.release(kept, by=canary.cast.dpo)
    left = {table for table, _ in _left(canary, marks)}
    assert left == {"delivery_suppression", "privacy_restriction"}


def test_footage_that_was_sealed_is_held_with_what_was_said_about_it(canary: Canary) -> None:
    _closed(canary, useful=None)
    canary.seal()
    marks = canary.marks
    done = erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    assert [one.target_type for one in done.held] == ["exhibit"]
    kept = Restriction.objects.get()
    upload = canary.exhibit.upload
    left = {where for where in _left(canary, marks) if where[0] != "delivery_suppression"}
    assert left == {("privacy_restriction", str(kept.pk)), ("evidence_upload", str(upload.pk))}
    upload.refresh_from_db()
    assert upload.resident is None and upload.said_contact == EMAIL
    with pytest.raises(NotAllowed):
        erase.release(kept, by=canary.cast.dpo)
    assert custody.verify(canary.exhibit).broken == ()


def test_the_scan_of_a_signed_form_is_deleted_from_the_disk(
    canary: Canary, django_capture_on_commit_callbacks: Any
) -> None:
    scan_file = paper.scan_path("canary-scan")
    assert scan_file.exists()
    with django_capture_on_commit_callbacks(execute=True):
        erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    assert not scan_file.exists()


def test_an_open_conversation_is_kept_until_its_review(canary: Canary) -> None:
    reasons = {one.reason for one in erase.preview(canary.resident)}
    assert reasons == {"The police are still working on it."}


def test_what_came_in_and_waits_is_found_too(canary: Canary) -> None:
    _closed(canary, useful=None)
    delivery = Delivery.objects.filter(recipient_key=canary.resident.key, channel="email").earliest("pk")
    mail(reply_to(delivery), "canary, one last word")
    marks = canary.marks
    done = erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    # The word that just came in is one the police have not read: kept for that, and said so.
    assert len(done.held) == 1
    assert "delivery_inbound" not in {table for table, _ in _left(canary, marks)}


def test_an_address_that_moved_on_is_its_new_owners(canary: Canary) -> None:
    Resident.objects.get(pk=canary.resident.pk).contacts.filter(channel="email").delete()
    owner = canary.cast.resident(email=EMAIL)
    assert EMAIL not in persons.of(canary.resident).texts
    _closed(canary, useful=None)
    erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    assert owner.contacts.get().address == EMAIL
    assert not Suppression.objects.filter(address_key=canary.keys[0], reason="erased").exists()


def test_who_was_erased_may_join_again(canary: Canary) -> None:
    _closed(canary, useful=None)
    erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    again = canary.cast.resident(email=EMAIL)
    assert persons.at("email", EMAIL) == again
    assert not Suppression.objects.filter(address_key=canary.keys[0]).exists()
