"""Organisations together: carried by several, one copy each; asked of the force; passed on with its reach."""

from datetime import timedelta

import pytest

from bell.alerts import actions, dispatch, expiry, find, together
from bell.alerts.models import Alert, Ask, Carrier, Relation, State
from bell.alerts.rules import NotAllowed, Unfinished
from bell.conversations import rules as conversation_rules
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.organisations.models import Agreement, Grant, Organisation, Role
from bell.residents import actions as residents
from bell.staff import showing


@pytest.fixture
def council(cast):
    """The partner of the cast, with an agreement of today (the cast may have made one already)."""
    today = clock.local(clock.now()).date()
    Agreement.objects.get_or_create(
        organisation=cast.partner,
        starts__lte=today,
        ends__gte=today,
        defaults={
            "what": "counts",
            "purpose": "public safety",
            "basis": "public task",
            "starts": today,
            "ends": today + timedelta(days=30),
            "document": "DSA-1",
        },
    )
    return cast.partner


def end_agreements(organisation):
    yesterday = clock.local(clock.now()).date() - timedelta(days=1)
    Agreement.objects.filter(organisation=organisation).update(starts=yesterday, ends=yesterday)


def missing(cast, **changes):
    return cast.draft(kind=Kind.MISSING, fields={"description": "Red coat"}, **changes)


def go(alert):
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass


def arrived(alert):
    """{person's key: organisation whose stream it came by}, each row once."""
    rows = Delivery.objects.filter(mailing__reference=alert.reference, channel="email").exclude(state="suppressed")
    found = list(rows.values_list("recipient_key", "mailing__stream"))
    assert len(found) == len(dict(found)), "somebody has two copies"
    return {key: int(stream.split(".")[0]) for key, stream in found}


def everyone(cast, council):
    both = cast.resident(organisations=(cast.force, council))
    force_only = cast.resident(organisations=(cast.force,))
    council_only = cast.resident(organisations=(council,))
    return both, force_only, council_only


def test_one_alert_by_two_organisations_reaches_each_person_once(cast, council):
    both, force_only, council_only = everyone(cast, council)
    alert, version = cast.approved(missing(cast, carriers=[council.pk]))
    carrier = version.carriers.get()
    together.decide(carrier, by=cast.outsider, digest=version.digest, agree=True)
    go(alert)
    assert arrived(alert) == {both.key: cast.force.pk, force_only.key: cast.force.pk, council_only.key: council.pk}
    words = Delivery.objects.get(recipient_key=council_only.key, mailing__reference=alert.reference).mailing.content
    assert council.name in words["sender_name"] and "whom you chose to hear from" in words["text"]


def test_who_never_agreed_does_not_carry_and_holds_nothing_up(cast, council):
    both, force_only, _ = everyone(cast, council)
    alert, _ = cast.approved(missing(cast, carriers=[council.pk]))
    go(alert)
    assert set(arrived(alert)) == {both.key, force_only.key}
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent")
    dispatch.run_due()
    assert Alert.objects.get(pk=alert.pk).state == State.SENT


def test_agreeing_after_it_went_out_sends_to_those_who_have_no_copy(cast, council):
    *_, council_only = everyone(cast, council)
    alert, version = cast.approved(missing(cast, carriers=[council.pk]))
    go(alert)
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent")
    dispatch.run_due()
    assert council_only.key not in arrived(alert)
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    dispatch.run_due()
    assert arrived(alert)[council_only.key] == council.pk


@pytest.mark.parametrize("who", ["author", "approver", "stranger"])
def test_only_an_approver_of_the_partner_agrees(cast, council, who):
    version = actions.submit(missing(cast, carriers=[council.pk]), by=cast.author)
    with pytest.raises(NotAllowed):
        together.decide(version.carriers.get(), by=getattr(cast, who), digest=version.digest, agree=True)


def test_a_partner_agrees_to_the_words_it_saw_and_no_others(cast, council):
    alert = missing(cast, carriers=[council.pk])
    first = actions.submit(alert, by=cast.author)
    actions.take_back(alert, by=cast.author)
    actions.edit(alert, by=cast.author, body="Other words")
    actions.submit(alert, by=cast.author)
    with pytest.raises(NotAllowed, match="changed"):
        together.decide(first.carriers.get(), by=cast.outsider, digest=first.digest, agree=True)


def test_without_an_agreement_nothing_is_carried(cast, council):
    *_, council_only = everyone(cast, council)
    alert, version = cast.approved(missing(cast, carriers=[council.pk]))
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    end_agreements(council)
    go(alert)
    assert council_only.key not in arrived(alert)
    with pytest.raises(NotAllowed, match="agreement"):
        together.pass_on(Alert.objects.get(pk=alert.pk), by=cast.outsider)


def test_declining_is_final(cast, council):
    _, version = cast.approved(missing(cast, carriers=[council.pk]))
    carrier = together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=False)
    assert carrier.decision == Carrier.Decision.DECLINED
    with pytest.raises(NotAllowed):
        together.decide(carrier, by=cast.outsider, digest=version.digest, agree=True)


def test_a_reply_to_a_carried_copy_comes_to_the_alert(cast, council):
    *_, council_only = everyone(cast, council)
    alert, version = cast.approved(missing(cast, carriers=[council.pk]))
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    go(alert)
    copy = Delivery.objects.get(recipient_key=council_only.key, mailing__reference=alert.reference)
    assert conversation_rules.target_of(copy).alert == alert


def test_a_stand_down_reaches_everyone_who_got_the_first_by_whoever_brought_it(cast, council):
    both, force_only, council_only = everyone(cast, council)
    alert, version = cast.approved(missing(cast, carriers=[council.pk]))
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    go(alert)
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent")
    dispatch.run_due()
    over = actions.follow_up(Alert.objects.get(pk=alert.pk), relation=Relation.STAND_DOWN, by=cast.author)
    actions.edit(over, by=cast.author, body="Found safe. Thank you.")
    held, _ = cast.approved(over)
    go(held)
    assert arrived(held) == {both.key: cast.force.pk, force_only.key: cast.force.pk, council_only.key: council.pk}
    with pytest.raises(NotAllowed, match="over"):
        together.pass_on(Alert.objects.get(pk=alert.pk), by=cast.outsider)


def test_stop_stops_the_carried_copies_too(cast, council):
    everyone(cast, council)
    alert, version = cast.approved(missing(cast, carriers=[council.pk]))
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    go(alert)
    actions.stop(alert, by=cast.author)
    rows = Delivery.objects.filter(mailing__reference=alert.reference)
    assert set(rows.values_list("state", flat=True)) == {"cancelled"}


@pytest.mark.parametrize("filled", [False, True])
def test_what_everyone_of_ours_has_is_stopped_while_a_partner_brings_it(cast, council, filled):
    *_, council_only = everyone(cast, council)
    alert, version = cast.approved(missing(cast, carriers=[council.pk]))
    go(alert)
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent")
    dispatch.run_due()
    alert.refresh_from_db()
    with pytest.raises(NotAllowed, match="nothing to stop"):
        actions.stop(alert, by=cast.author)
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    if filled:
        dispatch.run_due()
    assert showing.doing(cast.author, alert, version).stop
    actions.stop(alert, by=cast.author)
    dispatch.run_due()
    states = Delivery.objects.filter(mailing__reference=alert.reference, recipient_key=council_only.key)
    assert list(states.values_list("state", flat=True)) == (["cancelled"] if filled else [])


@pytest.mark.parametrize("when", ["before it agrees", "before it is filled", "before it goes"])
def test_nothing_is_brought_of_what_is_over(cast, council, when, monkeypatch):
    *_, council_only = everyone(cast, council)
    until = clock.now() + timedelta(hours=1)
    alert, version = cast.approved(cast.draft(expires_at=until, carriers=[council.pk]))
    go(alert)
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent")
    dispatch.run_due()
    carrier = version.carriers.get()
    real = clock.now

    def pass_time():
        monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=3))

    if when == "before it agrees":
        pass_time()
        with pytest.raises(NotAllowed, match="over"):
            together.decide(carrier, by=cast.outsider, digest=version.digest, agree=True)
        return
    together.decide(carrier, by=cast.outsider, digest=version.digest, agree=True)
    if when == "before it is filled":
        pass_time()
    dispatch.run_due()
    pass_time()
    expiry.run_due()
    rows = Delivery.objects.filter(mailing__reference=alert.reference, recipient_key=council_only.key)
    assert list(rows.values_list("state", flat=True)) == (["expired"] if when == "before it goes" else [])
    assert not version.carriers.filter(filled_at=None).exists()
    assert expiry.run_due() == 0


@pytest.mark.parametrize("sent", [True, False])
def test_a_partner_that_was_half_way_when_it_was_over_ends_there(cast, council, sent, monkeypatch):
    everyone(cast, council)
    cast.resident(organisations=(council,))
    alert, version = cast.approved(cast.draft(expires_at=clock.now() + timedelta(hours=1), carriers=[council.pk]))
    go(alert)
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent")
    dispatch.run_due()
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    dispatch.carry_step(version.carriers.get(), step=1)
    rows = Delivery.objects.filter(mailing=version.carriers.get().mailing)
    rows.update(state="sent" if sent else "uncertain")  # its worker was lost: such a mail is tried once more
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=3))
    dispatch.run_due()
    expiry.run_due()
    assert rows.count() == 1 and (sent or rows.get().batch is None)
    assert find.progress(alert).sending.filled


def test_what_is_over_by_itself_is_not_passed_on(cast, council, monkeypatch):
    everyone(cast, council)
    alert, version = cast.approved(cast.draft(expires_at=clock.now() + timedelta(hours=1)))
    go(alert)
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=3))
    with pytest.raises(NotAllowed, match="This alert is over"):
        together.pass_on(Alert.objects.get(pk=alert.pk), by=cast.outsider)
    assert not version.carriers.exists()


def test_a_partner_passes_a_public_alert_on_to_its_own_followers(cast, council):
    *_, council_only = everyone(cast, council)
    alert, _ = cast.approved()
    with pytest.raises(NotAllowed):
        together.pass_on(alert, by=cast.outsider)  # it has not gone out
    go(alert)
    alert = Alert.objects.get(pk=alert.pk)
    together.pass_on(alert, by=cast.outsider)
    together.pass_on(alert, by=cast.outsider)
    dispatch.run_due()
    assert arrived(alert)[council_only.key] == council.pk
    for who in (cast.author, cast.approver):
        with pytest.raises(NotAllowed):
            together.pass_on(alert, by=who)


def test_unsubscribing_from_a_carried_copy_ends_the_carriers_kind(cast, council):
    *_, council_only = everyone(cast, council)
    residents.unsubscribe(recipient_key=council_only.key, stream=residents.stream(council.pk, Kind.MISSING), by="link")
    alert, version = cast.approved(missing(cast, carriers=[council.pk]))
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    go(alert)
    assert council_only.key not in arrived(alert)


def test_the_reach_of_a_partners_own_channels_is_recorded(cast, council):
    alert, _ = cast.approved()
    go(alert)
    alert = Alert.objects.get(pk=alert.pk)
    assert together.record_reach(alert, by=cast.outsider, way="Our newsletter", reach=1200).reach == 1200
    for way, reach in (("", 5), ("Newsletter", -1), ("Newsletter", 10**9)):
        with pytest.raises(Unfinished):
            together.record_reach(alert, by=cast.outsider, way=way, reach=reach)
    with pytest.raises(NotAllowed):
        together.record_reach(alert, by=cast.author, way="Ours", reach=1)


def council_draft(cast, **changes):
    team = cast.outsider.grants.first().team
    return cast.draft(by=cast.outsider, team=team, **changes)


def test_a_partner_writes_to_those_who_chose_it_only(cast, council):
    both, _, council_only = everyone(cast, council)
    team = cast.outsider.grants.first().team
    second = cast.officer("Pia Partner", team, Role.APPROVER)
    version = actions.submit(council_draft(cast), by=cast.outsider)
    held = actions.approve(version, by=second, digest=version.digest)
    go(held)
    assert set(arrived(held)) == {both.key, council_only.key}


def test_the_force_is_asked_and_takes_it_on_or_declines(cast, council):
    alert = council_draft(cast, title="Flood warning")
    made = together.ask(alert, to=cast.force, by=cast.outsider, note="For the whole town, please")
    with pytest.raises(NotAllowed, match="already"):
        together.ask(alert, to=cast.force, by=cast.outsider)
    draft = actions.take_on(made, team=cast.team, by=cast.author)
    assert (draft.title, draft.organisation, draft.on_behalf_of) == ("Flood warning", cast.force, council)
    assert draft.state == State.DRAFT and not draft.versions.exists()
    with pytest.raises(NotAllowed, match="already"):
        together.settle_ask(made, by=cast.author, reason="no")
    other = together.ask(council_draft(cast), to=cast.force, by=cast.outsider)
    with pytest.raises(Unfinished):
        together.settle_ask(other, by=cast.author, reason=" ")
    assert together.settle_ask(other, by=cast.author, reason="Not ours").decision == Ask.Decision.DECLINED


def test_a_request_is_seen_by_the_two_it_concerns(cast, council):
    made = together.ask(council_draft(cast), to=cast.force, by=cast.outsider)
    third = Organisation.objects.create(sort="partner", name="Third", slug="third")
    team = third.teams.create(name="Third desk", slug="third", whole_force=True)
    stranger = cast.officer("Thea Third", team, Role.APPROVER)
    assert made in Ask.objects.visible_to(cast.author) and made in Ask.objects.visible_to(cast.outsider)
    assert made not in Ask.objects.visible_to(stranger)
    with pytest.raises(NotAllowed):
        actions.take_on(made, team=team, by=stranger)


def test_partners_do_not_see_the_forces_conversations_or_alerts(cast, council):
    _, version = cast.approved(missing(cast, carriers=[council.pk]))
    assert version.alert not in Alert.objects.visible_to(cast.outsider)
    assert version.carriers.get() in Carrier.objects.visible_to(cast.outsider)
    assert not Carrier.objects.visible_to(cast.author).exists()
    Grant.objects.filter(officer=cast.outsider).delete()
    with pytest.raises(NotAllowed):
        together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)


def test_a_scheduled_alert_waits_and_may_be_taken_back(cast):
    cast.resident()
    later = clock.now() + timedelta(hours=3)
    alert, _ = cast.approved(send_at=later)
    assert alert.state == State.SCHEDULED and alert.hold_until == later
    assert not dispatch.run_due()
    assert actions.undo(alert, by=cast.author).state == State.APPROVED
    again = actions.send(alert, by=cast.author)
    assert again.state == State.SCHEDULED
    go(again)
    assert arrived(again)
