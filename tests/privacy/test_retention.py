"""Retention: each rule takes what is due and nothing else, in bounded parts, with a count in the record."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command

from bell.alerts.models import CountAsked
from bell.audit.models import Entry
from bell.conversations import actions as talk
from bell.conversations.models import Conversation, Turn
from bell.delivery.models import Delivery, Inbound, Mailing
from bell.evidence import store
from bell.evidence.models import Piece, Upload
from bell.lib import clock
from bell.privacy import actions, erase, retention
from bell.privacy.models import Restriction, RetentionRun, today
from bell.residents import actions as resident_actions
from bell.residents.models import Code, Resident
from tests.privacy.conftest import EMAIL, Canary

pytestmark = pytest.mark.django_db

RULES = {rule.name: rule for rule in retention.RULES}


def days_ago(days: float) -> Any:
    return clock.now() - timedelta(days=days)


def run(name: str) -> int:
    """One rule to its end."""
    done = 0
    while part := retention.step(RULES[name]):
        done += part
    return done


def test_the_table_is_data_with_words_and_days() -> None:
    names = [rule.name for rule in retention.RULES]
    assert len(set(names)) == len(names) >= 10
    assert all(rule.days >= 1 and rule.words.endswith(".") and rule.chunk <= 1000 for rule in retention.RULES)


def test_nothing_is_due_on_the_first_day(canary: Canary) -> None:
    assert {rule.name: retention.due(rule) for rule in retention.RULES} == dict.fromkeys(RULES, 0)


def test_addresses_go_thirty_days_after_the_end_and_not_before(canary: Canary) -> None:
    Delivery.objects.update(state_at=days_ago(31), state="sent")
    waiting, fresh = Delivery.objects.order_by("pk")[:2]
    Delivery.objects.filter(pk=waiting.pk).update(state="deferred", batch=Delivery.objects.exclude(batch=None)[0].batch)
    Delivery.objects.filter(pk=fresh.pk).update(state_at=days_ago(29))
    counts = Delivery.objects.count()
    assert run("addresses") == counts - 2
    kept = set(Delivery.objects.exclude(address="").values_list("pk", flat=True))
    assert kept == {waiting.pk, fresh.pk} and Delivery.objects.count() == counts
    emptied = Delivery.objects.filter(address="")
    assert not emptied.exclude(provider_ref="").exists() and not emptied.filter(reason__contains="@").exists()
    assert not emptied.filter(address_key=None).exists()  # the keyed hash still finds replies and bounces


def test_a_later_run_begins_where_something_is_left(canary: Canary) -> None:
    Delivery.objects.update(state_at=days_ago(31), state="sent")
    last = Delivery.objects.latest("pk")
    Delivery.objects.filter(pk=last.pk).update(state_at=days_ago(1))
    run("addresses")
    assert RetentionRun.objects.get(rule="addresses").start_after == last.pk - 1
    Delivery.objects.filter(pk=last.pk).update(state_at=days_ago(31))
    assert run("addresses") == 1 and not Delivery.objects.exclude(address="").exists()


def test_raw_bytes_go_once_read_unless_they_are_held(canary: Canary) -> None:
    Inbound.objects.update(received_at=days_ago(31))
    actions.hold(
        canary.talk, person_key=None, reason="a court asked", review_on=today() + timedelta(5), by=canary.cast.dpo
    )
    unread = Inbound.objects.create(gateway="lmtp", external_id="x", kind="mail", raw=b"x", received_at=days_ago(99))
    run("raw")
    kept = {one.pk for one in Inbound.objects.all() if bytes(one.raw)}
    held = set(Turn.objects.filter(conversation=canary.talk).exclude(inbound=None).values_list("inbound", flat=True))
    assert kept == held | {unread.pk} and held
    # What was said stays in the conversation, and can still be answered.
    other = Conversation.objects.get(resident=canary.other)
    assert "Somebody else" in other.turns.get().text
    talk.answer(other, text="Thank you", by=canary.cast.author)


def test_codes_and_their_words_go_after_a_day(canary: Canary) -> None:
    Code.objects.update(made_at=days_ago(1.1))
    Mailing.objects.update(created_at=days_ago(1.1))
    assert run("codes") == 1 and not Code.objects.exists()
    assert run("code words") == 1
    for one in Mailing.objects.all():
        assert (one.content["text"] == "") == (one.authority_kind == "code")
    assert run("code words") == 0


def test_an_alerts_own_words_never_go(canary: Canary) -> None:
    Mailing.objects.update(created_at=days_ago(4000))
    retention.run_all()
    kinds = {one.authority_kind for one in Mailing.objects.all() if one.content["text"]}
    assert kinds == {"approval"}


def test_counts_go_after_ninety_days(canary: Canary) -> None:
    for days in (89, 91):
        CountAsked.objects.create(officer=canary.cast.author, at=days_ago(days), digest="x")
    assert run("counts") == 1 and CountAsked.objects.count() == 1


def test_who_left_a_year_ago_is_erased_like_anybody_who_asks(canary: Canary) -> None:
    Conversation.objects.update(state="closed")
    for person in (canary.resident, canary.other):
        resident_actions.leave(person, by=person, how="web")
    Resident.objects.filter(pk=canary.resident.pk).update(left_at=days_ago(366))
    assert run("left") == 1
    assert list(Resident.objects.values_list("pk", flat=True)) == [canary.other.pk]
    assert Entry.objects.filter(verb="erased", why="left long ago").count() == 1


def test_closed_conversations_go_by_whether_they_helped(canary: Canary) -> None:
    Conversation.objects.update(state="closed", last_in_at=days_ago(731), useful=None)
    Conversation.objects.filter(pk=canary.talk.pk).update(useful=True)
    opened = Conversation.objects.get(resident=canary.other)
    Conversation.objects.filter(pk=opened.pk).update(state="open")
    run("conversations")
    run("useful conversations")
    assert set(Conversation.objects.values_list("pk", flat=True)) == {canary.talk.pk, opened.pk}
    Conversation.objects.filter(pk=canary.talk.pk).update(last_in_at=days_ago(2191))
    held = actions.hold(
        canary.talk, person_key=None, reason="a court asked", review_on=today() + timedelta(5), by=canary.cast.dpo
    )
    assert run("useful conversations") == 0
    type(held).objects.update(released_at=clock.now())
    assert run("useful conversations") == 1


def _file(canary: Canary, state: str, *, days: float, folder: str = "") -> Upload:
    """A file that ended before its words went with it; `folder`: where its bytes lie."""
    now = days_ago(days)
    made = Upload.objects.create(
        sitting=1, alert=canary.alert, resident=canary.resident, way="link", name="canary.mp4",
        said_who="Canary Person", said_contact=EMAIL, said_where="canary road", length=3, offset=3,
        state=state, created_at=now, changed_at=now, expires_at=now,
    )  # fmt: skip
    if folder:
        path = {"incoming": store.incoming, "originals": store.original}[folder](made.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"abc")
        Piece.objects.create(upload=made, start=0, length=3, sha256="0" * 64)
    return made


def _there(upload: Upload) -> bool:
    return store.incoming(upload.key).exists() or store.original(upload.key).exists()


def test_files_that_never_arrived_lose_what_was_said_of_them(canary: Canary) -> None:
    old = [_file(canary, state, days=2).pk for state in ("dropped", "expired")]
    others = [_file(canary, "damaged", days=2), _file(canary, "dropped", days=0.5)]
    assert run("files that never arrived") == 2 and run("files that never arrived") == 0
    emptied = Upload.objects.filter(pk__in=old)
    assert set(emptied.values_list("name", "said_who", "said_contact", "said_where")) == {("erased", "", "", "")}
    assert all(Upload.objects.get(pk=one.pk).said_contact == EMAIL for one in [*others, canary.unfinished])


@pytest.mark.parametrize("folder", ["incoming", "originals"])
def test_damaged_files_go_after_thirty_days_unless_they_are_held(canary: Canary, folder: str) -> None:
    old, fresh, held = (_file(canary, "damaged", days=days, folder=folder) for days in (31, 29, 31))
    whole = _file(canary, "dropped", days=31)
    Restriction.objects.create(
        target_type="upload", target_key=str(held.key), reason="a court asked", review_on=today(), at=clock.now()
    )
    assert run("damaged files") == 1 and run("damaged files") == 0
    assert [_there(one) for one in (old, fresh, held)] == [False, True, True]
    old.refresh_from_db()
    assert (old.state, old.name, old.said_who, old.said_contact) == ("damaged", "erased", "", "")
    assert not old.pieces.exists() and fresh.pieces.exists()
    assert all(Upload.objects.get(pk=one.pk).said_contact == EMAIL for one in (fresh, held, whole))


def test_bytes_that_an_erasure_left_go_too(canary: Canary) -> None:
    left = _file(canary, "damaged", days=31, folder="incoming")
    Upload.objects.filter(pk=left.pk).update(name="erased", said_who="", said_contact="", said_where="", resident=None)
    assert run("damaged files") == 1 and not _there(left)


@pytest.mark.parametrize("folder", ["incoming", "originals"])
def test_an_erasure_deletes_damaged_files(canary: Canary, folder: str) -> None:
    Conversation.objects.update(state="closed", useful=None)
    damaged = _file(canary, "damaged", days=1, folder=folder)
    erase.erase(canary.resident, by=canary.resident, why="asked on the web")
    assert not _there(damaged)
    damaged.refresh_from_db()
    assert (damaged.name, damaged.said_contact, damaged.resident) == ("erased", "", None)


def test_sessions_that_are_over_go(canary: Canary) -> None:
    Session.objects.update(expire_date=days_ago(2))
    assert run("sessions") == 1 and not Session.objects.exists()


def test_a_run_is_bounded_and_goes_on_where_it_stopped(canary: Canary, monkeypatch: Any) -> None:
    for _ in range(5):
        CountAsked.objects.create(officer=canary.cast.author, at=days_ago(91), digest="x")
    small = retention.Rule("counts", "x.", 90, RULES["counts"].find, RULES["counts"].do, chunk=2)
    monkeypatch.setattr(retention, "RULES", (small,))
    assert [retention.run() for _ in range(4)] == [2, 2, 1, 0]
    entry = Entry.objects.get(verb="retention run")
    assert entry.facts["rows"] == 5 and entry.why == "counts"
    assert retention.run() == 0  # finished for the day
    RetentionRun.objects.update(finished_at=days_ago(1.1), began_at=days_ago(1.2))
    retention.run()
    assert Entry.objects.filter(verb="retention run").count() == 2


def test_the_command_looks_without_touching_and_then_does(canary: Canary, capsys: Any) -> None:
    Code.objects.update(made_at=days_ago(2))
    call_command("retention", dry_run=True)
    said = capsys.readouterr().out
    assert Code.objects.exists() and "1  after    1 days  One-time codes are deleted." in said
    assert not RetentionRun.objects.exists()
    call_command("retention")
    assert not Code.objects.exists()
