"""No appeal closes without what came of it, by whatever way; who hears the outcome, and who a correction."""

import ast
import re
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from bell.alerts import actions, closing, dispatch, rules
from bell.alerts.models import Alert, State
from bell.alerts.rules import NotAllowed, Unfinished
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.kinds import ASKING, Kind
from tests.alerts.test_life import release
from tests.cast import IN_EAST

pytestmark = pytest.mark.django_db
BELL = Path(__file__).resolve().parents[2] / "bell"
FACTS = {"from_time": "1am", "to_time": "2am", "look_for": "A van", "description": "A man of 80"}


def out(cast, **changes):
    """An alert that everybody it means was sent."""
    alert, _ = cast.approved(**changes)
    release(alert)
    while dispatch.run_due():
        pass
    Delivery.objects.filter(mailing__reference=alert.reference, state="queued").update(state="sent")
    while dispatch.run_due():
        pass
    return Alert.objects.get(pk=alert.pk)


@pytest.mark.parametrize("state", [one for one in State.values if State.CLOSED in rules.MOVES[one]])
@pytest.mark.parametrize("kind", ASKING)
def test_every_appeal_from_every_state_needs_words(cast, kind, state):
    alert = out(cast, kind=kind, fields=FACTS)
    Alert.objects.filter(pk=alert.pk).update(state=state)
    for words in ("", "  \n "):
        with pytest.raises(Unfinished):
            closing.close(alert, by=cast.author, outcome=words)
    assert Alert.objects.get(pk=alert.pk).state == state
    closed = closing.close(alert, by=cast.author, outcome="Two men were charged.")
    assert (closed.state, closed.outcome_note) == (State.CLOSED, "Two men were charged.")


@pytest.mark.parametrize("state", [one for one in State.values if State.CLOSED not in rules.MOVES[one]])
def test_nothing_else_closes(cast, state):
    alert = cast.draft()
    Alert.objects.filter(pk=alert.pk).update(state=state, hold_until=clock.now(), outcome_note="Found.")
    with pytest.raises(NotAllowed):
        closing.close(Alert.objects.get(pk=alert.pk), by=cast.author, outcome="Done.")


@pytest.mark.parametrize("kind", Kind.values)
def test_the_table_itself_refuses_an_appeal_without_words(cast, kind):
    """A script, a shell, a face that forgets: whoever writes the state past our verbs."""
    alert = cast.draft(kind=kind)
    update = Alert.objects.filter(pk=alert.pk)
    if kind in ASKING:
        with pytest.raises(IntegrityError), transaction.atomic():
            update.update(state=State.CLOSED)
    update.update(state=State.CLOSED, outcome_note="Found." if kind in ASKING else "")


def test_one_verb_alone_writes_that_state():
    """In the code that runs in production, whatever assigns an alert's state `closed` stands in alerts.closing."""
    writes = []
    for path in BELL.rglob("*.py"):
        if "proving" in path.parts or "migrations" in path.parts or "State.CLOSED" not in path.read_text():
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            assigned = isinstance(node, ast.Assign) and "State.CLOSED" in ast.unparse(node.value)
            targets = ast.unparse(node.targets) if assigned else ""
            updated = isinstance(node, ast.Call) and re.search(
                r"\.(update|create)\(.*state=State\.CLOSED", ast.unparse(node)
            )
            if (assigned and ".state" in targets) or updated:
                writes.append(path.relative_to(BELL).as_posix())
    assert set(writes) == {"alerts/closing.py", "conversations/actions.py"}


def test_the_end_of_a_search_is_its_outcome(cast):
    search = out(cast, kind=Kind.MISSING, fields=FACTS)
    found = actions.follow_up(search, relation="stand-down", by=cast.author)
    found = actions.edit(found, by=cast.author, title="Found safe", body="Thank you for looking.")
    out(cast, alert=found)
    assert closing.close(search, by=cast.author).outcome_note == "Thank you for looking."


def followed(cast, alert, relation, **changes):
    draft = actions.follow_up(alert, relation=relation, by=cast.author)
    draft = actions.edit(draft, by=cast.author, title="What came of it", body="Thank you.", **changes)
    return out(cast, alert=draft)


def got(alert):
    return set(Delivery.objects.filter(mailing__reference=alert.reference).values_list("recipient_key", flat=True))


@pytest.mark.parametrize("walk", [False, True])
def test_an_outcome_reaches_who_was_asked_and_whoever_is_meant_today_where_that_is_ticked(cast, walk, monkeypatch):
    """Exactly: those who got it, moved away or not; newcomers only where asked; each once; nobody else."""
    monkeypatch.setattr(dispatch, "_is_wide", lambda version: walk)
    moved, stayed = cast.resident(), cast.resident()
    appeal = out(cast)
    moved.places.all().delete()
    newcomer, elsewhere = cast.resident(), cast.resident(IN_EAST)
    no_outcomes = cast.resident(kinds=("crime",))
    exactly = followed(cast, appeal, "outcome")
    assert got(exactly) == {moved.key, stayed.key}
    more = followed(cast, appeal, "outcome", audience=appeal.audience)
    assert got(more) == {moved.key, stayed.key, newcomer.key}
    assert {elsewhere.key, no_outcomes.key}.isdisjoint(got(more))
    version = more.versions.get()
    assert (version.people, version.emails) == (3, 3)
    assert Delivery.objects.filter(mailing=version.mailing).count() == 3


def test_a_group_and_a_shape_of_the_first_hold_for_newcomers_too(cast):
    circle = {
        "type": "Feature", "properties": {"radius_m": 900},
        "geometry": {"type": "Point", "coordinates": [-1.375, 53.02]},
    }  # fmt: skip
    asked = cast.resident(groups=(cast.cctv,))
    appeal = out(cast, audience={"areas": [], "shapes": [circle], "groups": [cast.cctv.pk]})
    newcomer = cast.resident(groups=(cast.cctv,))
    cast.resident()
    cast.resident(IN_EAST, groups=(cast.cctv,))
    assert got(followed(cast, appeal, "update", audience=appeal.audience)) == {asked.key, newcomer.key}


@pytest.mark.parametrize(("relation", "elsewhere"), [("update", True), ("correction", False), ("stand-down", False)])
def test_a_follow_up_takes_no_other_audience(cast, relation, elsewhere):
    cast.resident()
    appeal = out(cast, kind=Kind.MISSING, fields=FACTS)
    draft = actions.follow_up(appeal, relation=relation, by=cast.author)
    other = {"areas": [cast.east.pk], "shapes": [], "groups": []} if elsewhere else appeal.audience
    draft = actions.edit(draft, by=cast.author, title="x", body="y", audience=other)
    with pytest.raises(Unfinished, match="A follow-up goes to"):
        actions.submit(draft, by=cast.author)
