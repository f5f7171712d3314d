"""I7: the chain verifies from its beginning, and a changed, missing or reordered entry is named."""

import pytest
from django.db.models import F

from bell.audit.models import Entry
from bell.audit.record import record, seal, verify


@pytest.fixture
def chain(db):
    for number in range(5):
        record("tested", None, by="tester", number=number)
    seal()


def test_a_whole_chain_verifies(chain):
    record("later", None, by="tester")
    assert verify().checked == 5  # unsealed entries are not yet part of it
    assert seal() == 1
    verdict = verify()
    assert (verdict.checked, verdict.broken) == (6, "")
    assert seal() == 0


@pytest.mark.parametrize("change", [{"verb": "other"}, {"why": "because"}, {"facts": {"number": 9}}, {"by_type": "x"}])
def test_a_changed_entry_is_named(chain, change):
    Entry.objects.filter(position=3).update(**change)
    assert "entry 3" in verify().broken


def test_a_missing_entry_is_named(chain):
    Entry.objects.filter(position=2).delete()
    assert verify().broken == "entry 2 is missing"


def test_reordered_entries_are_named(chain):
    Entry.objects.filter(position=2).update(position=99)
    Entry.objects.filter(position=3).update(position=2)
    Entry.objects.filter(position=99).update(position=3)
    assert "entry 2" in verify().broken


def test_a_changed_time_is_named(chain):
    entry = Entry.objects.get(position=1)
    Entry.objects.filter(pk=entry.pk).update(at=entry.at.replace(year=2000))
    assert "entry 1" in verify().broken


def test_an_empty_chain_checked_nothing(db):
    assert verify().checked == 0


def test_entries_hold_keys_not_names(cast):
    person = cast.resident(email="someone.private@home.example")
    joined = Entry.objects.get(verb="joined", target_key=str(person.key))
    assert joined.target_type == "resident"
    words = " ".join(str(row) for row in Entry.objects.values_list())
    assert "someone.private" not in words
    assert Entry.objects.filter(position=F("id")).count() == 0
