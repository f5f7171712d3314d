"""The chain's head is kept outside the database each day, and shows a chain that was changed or made anew."""

from datetime import timedelta

import pytest
from django.core.management import call_command

from bell.audit import heads
from bell.audit.models import Entry
from bell.audit.record import record, seal
from bell.lib import clock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.AUDIT_DIR = tmp_path / "audit"
    return settings.AUDIT_DIR


@pytest.fixture
def chain():
    for number in range(5):
        record("thing done", None, by="ann", number=number)
    seal()


def verified(capsys) -> tuple[int, str, str]:
    try:
        call_command("audit", "verify")
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_once_a_day_and_never_of_an_empty_record(chain, folder, monkeypatch):
    assert [heads.write_due(), heads.write_due()] == [1, 0]
    tomorrow = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert heads.write_due() == 1
    assert [(head.position, len(head.seal)) for head in heads.read()] == [(5, 64), (5, 64)]


def test_nothing_is_written_of_nothing(folder):
    assert heads.write_due() == 0 and not folder.exists()


def test_a_whole_chain_verifies(chain, capsys):
    heads.write_due()
    record("one more", None, by="ann")
    seal()
    assert verified(capsys) == (0, "6 entries, 1 kept head(s): nothing broken\n", "")


def test_a_changed_entry_is_named(chain, capsys):
    Entry.objects.filter(position=3).update(verb="nothing done")
    status, _, wrong = verified(capsys)
    assert status == 1 and "entry 3 (nothing done) was changed" in wrong


def test_a_chain_made_anew_as_a_whole_is_shown_by_the_kept_head(chain, capsys):
    heads.write_due()
    Entry.objects.filter(position=3).delete()
    Entry.objects.update(position=None, seal="")
    seal()  # it verifies in itself now
    status, _, wrong = verified(capsys)
    assert status == 1 and "entry 5, the head of" in wrong and "is missing" in wrong


def test_a_cut_off_end_is_shown_too(chain, capsys):
    heads.write_due()
    Entry.objects.filter(position=5).update(seal="0" * 64)
    status, _, wrong = verified(capsys)
    assert status == 1 and "has another seal" in wrong


def test_a_spoilt_file_is_said_in_words(chain, folder, capsys):
    heads.write_due()
    (folder / heads.NAME).write_text("2026-11-27 five x\n")
    status, _, wrong = verified(capsys)
    assert status == 1 and "line 1 of" in wrong and "is not a head" in wrong
