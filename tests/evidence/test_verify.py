"""`bell evidence verify`: every hash and every ledger again; what is broken is named, and the command ends with 1."""

from io import StringIO

import pytest
from django.core.management import call_command

from bell.audit import record
from bell.audit.models import Entry
from bell.evidence import actions, checking, custody, store
from bell.evidence.models import CustodyEntry, Exhibit
from tests.evidence.conftest import exhibit


def run():
    """(exit code, what it said)."""
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command("evidence", "verify", stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    return code, out.getvalue() + err.getvalue()


@pytest.fixture
def two(appeal, cast):
    found = [exhibit(appeal, b"first"), exhibit(appeal, b"second")]
    actions.look(found[0], by=cast.author)
    actions.triage(found[0], as_="keep", by=cast.author, why="van")
    record.seal()
    return found


def test_whole(two):
    code, said = run()
    assert code == 0 and "2 originals, 6 lines" in said and "nothing broken" in said


def harm_bytes(one):
    path = store.original(one.upload.key)
    path.chmod(0o600)
    path.write_bytes(b"fIrst")
    path.chmod(0o400)


def harm_size(one):
    path = store.original(one.upload.key)
    path.chmod(0o600)
    path.write_bytes(b"first and more")
    path.chmod(0o400)


def harm_hash(one):
    """The bytes and the row changed together: the ledger still seals the old hash."""
    harm_bytes(one)
    Exhibit.objects.filter(pk=one.pk).update(sha256=store.Hash(b"fIrst").hexdigest())


def harm_end(one):
    """The last line cut off: the chain that is left is whole, only the record knows better."""
    one.custody.last().delete()


def harm_all_lines(one):
    one.custody.all().delete()


def harm_rewritten(one):
    """A line replaced and every seal after it made anew: only the record gives it away."""
    before = ""
    fresh = Exhibit.objects.get(pk=one.pk)
    for entry in one.custody.order_by("position"):
        if entry.what == "viewed":
            entry.who = "nobody"
        entry.seal = before = checking.custody.rules.seal_of(entry, fresh, before)
        entry.save()


def harm_time(one):
    one.custody.filter(what="sealed").update(at=one.sealed_at.replace(year=2020))


def harm_facts(one):
    one.custody.filter(what="triaged").update(facts={"triage": "no"})


HARMS = {
    "the original was changed": harm_bytes,
    "has 14 bytes instead of 5": harm_size,
    "the original is missing": lambda one: store.original(one.upload.key).unlink(),
    "could be written to": lambda one: store.original(one.upload.key).chmod(0o644),
    "the ledger does not seal this SHA-256": harm_hash,
    "line 3 of the ledger (record viewed) was changed": lambda one: one.custody.filter(what="viewed").update(who="X"),
    "line 2 of the ledger (sealed) was changed": lambda one: one.custody.filter(what="sealed").update(
        at=one.sealed_at.replace(year=2020)
    ),
    "line 4 of the ledger (triaged) was changed": lambda one: one.custody.filter(what="triaged").update(
        facts={"triage": "no"}
    ),
    "line 2 of the ledger is missing": lambda one: one.custody.filter(position=2).delete(),
    "line 4 of the ledger is missing, but the record has it": harm_end,
    "the ledger is empty": harm_all_lines,
    "line 3 of the ledger is another in the record": harm_rewritten,
    "entry": lambda one: Entry.objects.filter(target_type="exhibit").update(why="because"),
}


@pytest.mark.parametrize("words", HARMS)
def test_what_is_broken_is_named(two, words):
    HARMS[words](two[0])
    code, said = run()
    assert code == 1 and words in said
    assert f"whole   {two[1].reference}" in said, said


def test_a_file_that_no_exhibit_knows_is_named(two):
    stray = store.original(7)
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"planted")
    code, said = run()
    assert code == 1 and "belongs to no exhibit" in said


def test_ledgers_do_not_take_each_others_lines(two):
    moved = two[0].custody.get(what="viewed")
    CustodyEntry.objects.filter(pk=moved.pk).update(exhibit=two[1], position=3)
    assert custody.verify(two[0]).broken and custody.verify(two[1]).broken
