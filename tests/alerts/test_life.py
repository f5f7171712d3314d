"""The life of an alert: who may do what, which moves are allowed, and what approval binds."""

import itertools
from datetime import timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist

from bell.alerts import actions, approving, dispatch, rules
from bell.alerts.actions import Changed
from bell.alerts.models import Alert, Relation, State
from bell.alerts.rules import NotAllowed, Unfinished
from bell.audit.models import Entry
from bell.delivery.models import Delivery, Mailing
from bell.lib import clock
from bell.organisations.kinds import FACTS, Kind
from tests.cast import FAR, IN_WEST


def circle(lon, lat, metres):
    point = {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "geometry": point, "properties": {"radius_m": metres}}


def release(alert):
    """Let the hold of an alert be over."""
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())


def alert_mailings():
    return Mailing.objects.filter(authority_kind="approval")


@pytest.mark.parametrize(("here", "there"), list(itertools.product(State.values, State.values)))
def test_every_pair_of_states_is_decided(cast, here, there):
    alert = cast.draft()
    alert.state = here
    if there in rules.MOVES[here]:
        rules.check_move(alert, there)
    else:
        with pytest.raises(NotAllowed):
            rules.check_move(alert, there)


def test_from_draft_to_people(cast):
    person = cast.resident(mobile="07700 900123")
    alert, version = cast.approved(by_sms=True)
    assert alert.state == State.HELD
    assert (version.people, version.emails, version.texts) == (1, 1, 1)
    assert dispatch.run_due() == 0  # the hold is not over
    release(alert)
    while dispatch.run_due():
        pass
    rows = Delivery.objects.filter(mailing__in=alert_mailings())
    assert {(row.recipient_key, row.channel) for row in rows} == {(person.key, "email"), (person.key, "sms")}
    alert.refresh_from_db()
    assert alert.state == State.SENDING
    rows.update(state="sent")
    dispatch.run_due()
    alert.refresh_from_db()
    assert alert.state == State.SENT


@pytest.mark.parametrize("who", ["author", "stranger", "outsider", "administrator"])
def test_who_may_not_approve(cast, who):
    version = actions.submit(cast.draft(), by=cast.author)
    with pytest.raises(NotAllowed):
        actions.approve(version, by=getattr(cast, who), digest=version.digest)


def test_an_approver_who_wrote_edited_or_submitted_is_barred(cast):
    edited = cast.draft()
    actions.edit(edited, by=cast.approver, title="Sheds broken into")
    version = actions.submit(edited, by=cast.author)
    with pytest.raises(NotAllowed, match="a colleague"):
        actions.approve(version, by=cast.approver, digest=version.digest)
    actions.approve(version, by=cast.second_approver, digest=version.digest)
    submitted = actions.submit(cast.draft(), by=cast.approver)
    with pytest.raises(NotAllowed, match="a colleague"):
        actions.approve(submitted, by=cast.approver, digest=submitted.digest)


def test_the_media_team_may_approve_for_any_team(cast):
    version = actions.submit(cast.draft(), by=cast.author)
    assert actions.approve(version, by=cast.media, digest=version.digest).state == State.HELD


def test_a_switched_off_approver_counts_no_more(cast):
    alert, version = cast.approved()
    cast.approver.is_active = False
    cast.approver.save()
    assert not approving.is_approved(version)
    release(alert)
    dispatch.run_due()
    assert not alert_mailings().exists()


def test_approving_twice_does_it_once(cast):
    alert, version = cast.approved()
    until = Alert.objects.get(pk=alert.pk).hold_until
    again = actions.approve(version, by=cast.approver, digest=version.digest)
    assert again.hold_until == until
    assert version.approvals.count() == 1


def test_only_the_version_that_was_looked_at_is_approved(cast):
    alert = cast.draft()
    first = actions.submit(alert, by=cast.author)
    actions.take_back(alert, by=cast.author)
    actions.edit(alert, by=cast.author, body="Other words")
    second = actions.submit(alert, by=cast.author)
    for version, digest in ((first, first.digest), (second, first.digest)):
        with pytest.raises(NotAllowed, match="has changed"):
            actions.approve(version, by=cast.approver, digest=digest)


def test_editing_voids_approval(cast):
    alert, _ = cast.approved()
    with pytest.raises(NotAllowed):
        actions.edit(alert, by=cast.author, body="Other words")
    actions.undo(alert, by=cast.author)
    actions.take_back(alert, by=cast.author)
    actions.edit(alert, by=cast.author, body="Other words")
    with pytest.raises(NotAllowed):
        actions.send(alert, by=cast.author)
    actions.submit(alert, by=cast.author)
    with pytest.raises(NotAllowed, match="approval first"):
        actions.send(alert, by=cast.author)


@pytest.mark.parametrize("where", ["alert", "version"])
def test_tampering_after_approval_sends_nothing(cast, where):
    cast.resident()
    alert, version = cast.approved()
    release(alert)
    if where == "alert":
        Alert.objects.filter(pk=alert.pk).update(body="Send money")
    else:
        version.frozen["body"] = "Send money"
        version.save()
    dispatch.run_due()
    alert.refresh_from_db()
    assert alert.state == State.DRAFT
    assert not alert_mailings().exists()


def test_undo_in_the_hold_and_send_again(cast):
    cast.resident()
    alert, _ = cast.approved()
    actions.undo(alert, by=cast.author)
    release(alert)
    dispatch.run_due()
    assert not alert_mailings().exists()
    actions.send(alert, by=cast.author)
    release(alert)
    dispatch.run_due()
    assert alert_mailings().count() == 1


def test_stop_cancels_what_has_not_left(cast):
    cast.resident()
    alert, _ = cast.approved()
    release(alert)
    dispatch.run_due()
    actions.stop(alert, by=cast.approver)
    assert set(Delivery.objects.filter(mailing__in=alert_mailings()).values_list("state", flat=True)) == {"cancelled"}
    with pytest.raises(NotAllowed):
        actions.stop(alert, by=cast.approver)


def test_a_fill_resumes_where_it_stopped(cast, monkeypatch):
    people = {cast.resident().key for _ in range(7)}
    monkeypatch.setattr(dispatch, "STEP", 2)
    monkeypatch.setattr(dispatch, "ROUND", 0)
    alert, _ = cast.approved()
    release(alert)
    steps = 0
    while dispatch.run_due():
        steps += 1
    assert steps >= 4
    rows = Delivery.objects.filter(mailing__in=alert_mailings())
    assert {row.recipient_key for row in rows} == people
    assert rows.count() == 7


def test_return_and_reject_need_a_reason_and_tell_the_author(cast):
    version = actions.submit(cast.draft(), by=cast.author)
    with pytest.raises(Unfinished):
        actions.turn_back(version, by=cast.approver, reason="  ")
    with pytest.raises(NotAllowed):
        actions.turn_back(version, by=cast.author, reason="mine")
    assert actions.turn_back(version, by=cast.approver, reason="Too long").state == State.RETURNED
    notices = Delivery.objects.filter(mailing__authority_kind="notice", address=cast.author.email)
    assert notices.exists()
    other = actions.submit(cast.draft(), by=cast.author)
    assert actions.turn_back(other, by=cast.approver, reason="No", reject=True).state == State.REJECTED


def test_submitting_asks_everyone_on_duty_without_content(cast):
    actions.submit(cast.draft(title="Secret words"), by=cast.author)
    notices = Delivery.objects.filter(mailing__authority_kind="notice").select_related("mailing")
    assert {one.address for one in notices} == {cast.approver.email, cast.second_approver.email}
    assert all("Secret" not in str(one.mailing.content) for one in notices)


def test_with_nobody_on_duty_everyone_who_may_is_asked(cast):
    for officer in (cast.approver, cast.second_approver):
        officer.on_duty = False
        officer.save()
    version = actions.submit(cast.draft(), by=cast.author)
    assert set(approving.approvers(version)) == {cast.approver, cast.second_approver, cast.media}


@pytest.mark.parametrize("kind", Kind.values)
def test_each_kind_asks_for_its_own_fields(cast, kind):
    alert = cast.draft(kind=kind, fields={})
    missing = set(FACTS[kind].fields) - set(FACTS[kind].optional) | ({"kind"} if kind == Kind.OUTCOME else set())
    assert set(rules.problems(alert)) == missing


def test_what_an_alert_must_have(cast):
    alert = cast.draft(title=" ", body="", by_email=False, audience={})
    with pytest.raises(Unfinished) as caught:
        actions.submit(alert, by=cast.author)
    assert set(caught.value.problems) == {"title", "body", "by_email", "audience"}


def test_a_neighbourhood_team_keeps_to_its_patch(cast):
    far = cast.draft(audience={"areas": [cast.far.pk]})
    assert "patch" in rules.problems(far)["audience"]
    near = circle(*IN_WEST, 300)
    assert not rules.problems(cast.draft(audience={"shapes": [near]}))
    wide = circle(*IN_WEST, 9000)
    assert "further" in rules.problems(cast.draft(audience={"shapes": [wide]}))["audience"]
    elsewhere = circle(*FAR, 300)
    assert rules.problems(cast.draft(audience={"shapes": [elsewhere]}))
    media = {"by": cast.media, "team": cast.media_team}
    assert not rules.problems(cast.draft(audience={"areas": [cast.far.pk]}, **media))
    assert not rules.problems(cast.draft(audience={"shapes": [elsewhere]}, **media))


@pytest.mark.parametrize(
    "drawn",
    [
        None,
        [],
        "x",
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [0]}, "properties": {"radius_m": 100}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-1.3, 53]}, "properties": None},
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [-1.3, 53]},
            "properties": {"radius_m": "NaN"},
        },
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-1.3, 53]}, "properties": {"radius_m": 1e12}},
        {"type": "Polygon", "coordinates": [[[-1.3, 53], [-1.2, 53.1], [-1.2, 53], [-1.3, 53.1], [-1.3, 53]]]},
    ],
)
def test_hostile_shapes_are_refused_in_words(cast, drawn):
    assert rules.problems(cast.draft(audience={"shapes": [drawn]}))["audience"]


def test_only_writers_of_the_team_draft_and_edit(cast):
    for who in (cast.administrator, cast.stranger, cast.outsider):
        with pytest.raises(NotAllowed):
            cast.draft(by=who)
        with pytest.raises(NotAllowed):
            actions.edit(cast.draft(), by=who, title="Mine")


def test_two_editors_notice_each_other(cast):
    alert = cast.draft()
    actions.edit(alert, by=cast.author, seen=0, title="One")
    with pytest.raises(Changed):
        actions.edit(alert, by=cast.approver, seen=0, title="Two")


def test_strangers_do_not_see_alerts(cast):
    alert = cast.draft()
    assert alert in Alert.objects.visible_to(cast.author)
    assert alert in Alert.objects.visible_to(cast.media)
    for who in (cast.stranger, cast.outsider):
        assert alert not in Alert.objects.visible_to(who)
    assert not Alert.objects.public().exists()


def test_a_follow_up_goes_to_those_who_were_sent_the_first(cast):
    reached, moved_in = cast.resident(), None
    alert, _ = cast.approved()
    release(alert)
    dispatch.run_due()
    Delivery.objects.filter(mailing__in=alert_mailings()).update(state="sent")
    dispatch.run_due()
    moved_in = cast.resident()
    alert.refresh_from_db()
    outcome = actions.follow_up(alert, relation=Relation.OUTCOME, by=cast.author)
    actions.edit(outcome, by=cast.author, body="Thank you: two people were charged.")
    version = actions.submit(outcome, by=cast.author)
    assert version.people == 1
    held = actions.approve(version, by=cast.approver, digest=version.digest)
    release(held)
    dispatch.run_due()
    keys = set(
        Delivery.objects.filter(mailing__in=alert_mailings(), state="queued").values_list("recipient_key", flat=True)
    )
    assert keys == {reached.key} and moved_in.key not in keys


def test_practice_officers_write_practice(cast):
    for one in (cast.author, cast.approver):
        one.practice = True
        one.save()
    alert = cast.draft()
    assert alert.practice
    cast.resident()
    held, _ = cast.approved(alert)
    release(held)
    dispatch.run_due()
    assert alert_mailings().get().practice
    assert not Alert.objects.public().exists()


def test_references_are_short_and_never_the_same(cast):
    references = {cast.draft().reference for _ in range(20)}
    assert len(references) == 20
    assert all(one.startswith("TP-") and len(one) == 8 for one in references)


def test_an_unknown_kind_is_refused(cast):
    with pytest.raises((ValueError, ObjectDoesNotExist)):
        cast.draft(kind="gossip")


@pytest.fixture
def waited(cast, monkeypatch):
    """An alert that was approved for ten people twenty minutes ago, and whose hold is over."""
    monkeypatch.setattr(dispatch, "FEW", 2)
    for _ in range(10):
        cast.resident()
    alert, version = cast.approved()
    version.approvals.update(at=clock.now() - timedelta(minutes=20))
    release(alert)
    return alert


def test_an_audience_that_grew_since_the_approval_is_approved_again(cast, waited):
    for _ in range(2):
        cast.resident()
    dispatch.run_due()
    waited.refresh_from_db()
    assert waited.state == State.DRAFT and not Delivery.objects.filter(mailing__in=alert_mailings()).exists()
    told = Mailing.objects.filter(authority_kind="notice").order_by("pk").last()
    assert "other people now than when it was approved" in str(told.content)
    assert Entry.objects.get(verb="alert refused at sending").facts == {"people": 12}


def test_a_tenth_more_or_a_few_people_are_no_other_audience(cast, waited, monkeypatch):
    cast.resident()
    dispatch.run_due()
    waited.refresh_from_db()
    assert waited.state == State.SENDING


def test_one_that_goes_at_once_is_not_counted_again(cast, waited):
    waited.versions.last().approvals.update(at=clock.now())
    for _ in range(5):
        cast.resident()
    dispatch.run_due()
    waited.refresh_from_db()
    assert waited.state == State.SENDING
