"""What ends an alert ends all of it, for everyone who was told; and one alert that cannot go keeps no other waiting."""

from datetime import timedelta

import pytest

from bell.alerts import actions, content, dispatch
from bell.alerts.models import Alert, Relation, State
from bell.alerts.rules import NotAllowed, Unfinished
from bell.delivery.models import Batch, Delivery
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.organisations.models import Team
from bell.staff.forms.compose import ComposeForm
from tests.alerts.test_life import release

pytestmark = pytest.mark.django_db
SEARCH = {"kind": Kind.MISSING, "fields": {"description": "A man of 80"}}


def rounds(times=4):
    for _ in range(times):
        dispatch.run_due()


def going(cast, **changes):
    """An alert whose messages are in the outbox."""
    alert, _ = cast.approved(**changes)
    release(alert)
    rounds()
    return Alert.objects.get(pk=alert.pk)


def followed(cast, alert, relation, **changes):
    """A follow-up of it, approved, its hold over."""
    made = actions.follow_up(alert, relation=relation, by=cast.author)
    actions.edit(made, by=cast.author, body="It is over: thank you all.", **changes)
    version = actions.submit(made, by=cast.author)
    held = actions.approve(version, by=cast.approver, digest=version.digest, reason="It is over")
    release(held)
    return held


def of(alert):
    """{recipient key: state} of the people of an alert."""
    rows = Delivery.objects.filter(mailing__reference=alert.reference)
    return dict(rows.values_list("recipient_key", "state"))


@pytest.mark.parametrize("relation", [Relation.STAND_DOWN, Relation.OUTCOME])
def test_what_is_over_reaches_nobody_any_more_and_all_who_had_it_hear(cast, relation):
    had, deferred = cast.resident(), cast.resident()
    search = going(cast, **SEARCH)
    Delivery.objects.filter(recipient_key=had.key).update(state="sent")
    Delivery.objects.filter(recipient_key=deferred.key).update(state="deferred")
    over = followed(cast, search, relation)
    rounds()
    assert of(search) == {had.key: "sent", deferred.key: "expired"}
    assert set(of(over)) == {had.key}
    search.refresh_from_db()
    assert search.state == State.SENT  # it does not go on sending for ever


def test_who_gets_the_first_at_this_very_moment_hears_that_it_is_over(cast):
    had, in_hand = cast.resident(), cast.resident()
    search = going(cast, **SEARCH)
    Delivery.objects.filter(recipient_key=had.key).update(state="sent")
    Batch.objects.filter(mailing__reference=search.reference).update(
        state="leased", owner="a worker", lease_until=clock.now() + timedelta(seconds=60)
    )
    over = followed(cast, search, Relation.STAND_DOWN)
    rounds()
    assert of(over) == {} and Alert.objects.get(pk=over.pk).state == State.HELD
    assert of(search)[in_hand.key] == "expired"  # nothing more begins meanwhile
    Delivery.objects.filter(recipient_key=in_hand.key).update(state="sent")  # the worker had begun, and writes it
    Batch.objects.filter(mailing__reference=search.reference).update(state="done", owner="", lease_until=None)
    rounds()
    assert set(of(over)) == {had.key, in_hand.key}


def test_who_was_told_by_an_update_alone_hears_that_it_is_over(cast):
    had = cast.resident()
    search = going(cast, **SEARCH)
    Delivery.objects.update(state="sent")
    rounds()
    newcomer = cast.resident()
    search.refresh_from_db()
    update = followed(cast, search, Relation.UPDATE, audience=search.audience)
    rounds()
    assert newcomer.key in of(update)
    Delivery.objects.update(state="sent")
    rounds()
    for page in (search, update):  # from whichever page it is made
        page.refresh_from_db()
        over = followed(cast, page, Relation.STAND_DOWN)
        assert over.versions.last().people == 2
        rounds()
        assert set(of(over)) == {had.key, newcomer.key}


def test_what_goes_out_is_stopped_before_it_is_corrected(cast):
    cast.resident()
    alert = going(cast)
    with pytest.raises(NotAllowed, match="Stop it"):
        actions.follow_up(alert, relation=Relation.CORRECTION, by=cast.author)
    Delivery.objects.update(state="sent")
    rounds()
    alert.refresh_from_db()
    assert actions.follow_up(alert, relation=Relation.CORRECTION, by=cast.author)


def test_a_title_is_one_line_whatever_is_pasted(cast):
    form = ComposeForm({"title": "Shed\tburglary\u2028in Mill\x0bLane "}, alert=cast.draft())
    form.is_valid()
    assert form.cleaned_data["title"] == "Shed burglary in Mill Lane"
    with pytest.raises(Unfinished) as refused:
        actions.submit(cast.draft(title="Shed\tburglary"), by=cast.author)
    assert "one line" in refused.value.problems["title"]
    languages = {"pl": {"title": "W\u0142amanie\u2028do", "body": "S\u0142owa", "sms_text": "", "fields": {}}}
    with pytest.raises(Unfinished) as refused:
        actions.submit(cast.draft(languages=languages), by=cast.author)
    assert "one line" in refused.value.problems["lang_pl_title"]


def test_one_that_cannot_be_sent_is_given_back_and_keeps_no_other_waiting(cast):
    cast.resident()
    bad, _ = cast.approved()
    Team.objects.filter(pk=bad.team_id).update(name="East\x0bSNT")  # as an import or a shell could write it
    release(bad)
    rounds()
    bad.refresh_from_db()
    assert bad.state == State.DRAFT
    told = Delivery.objects.filter(mailing__authority_kind="notice", mailing__authority_key__endswith="unsendable")
    assert {one.address for one in told} == {bad.author.email}
    with pytest.raises(Unfinished, match="one line"):
        actions.submit(bad, by=cast.author)


def test_what_nobody_foresaw_in_one_alert_keeps_no_other_waiting(cast, monkeypatch, caplog):
    person = cast.resident()
    broken, sound = cast.approved(**SEARCH)[0], cast.approved()[0]
    real = content.build

    def build(frozen, carrier=None):
        if frozen["reference"] == broken.reference:
            raise RuntimeError("nobody foresaw this")
        return real(frozen, carrier)

    monkeypatch.setattr(content, "build", build)
    release(broken)
    release(sound)
    rounds()
    assert of(sound) == {person.key: "queued"} and of(broken) == {}
    assert "nobody foresaw this" in caplog.text
    monkeypatch.setattr(content, "build", real)
    rounds()
    assert of(broken) == {person.key: "queued"}
