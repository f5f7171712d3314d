"""Groups: hours in words and as the next start; joining by approval; who may define, change and decide."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.alerts import actions as alert_actions
from bell.alerts import audience, find
from bell.alerts.rules import Unfinished
from bell.audit.models import Entry
from bell.lib import clock
from bell.organisations.models import Organisation, Role, Team
from bell.residents import actions, groups, hours
from bell.residents.actions import Choices
from bell.residents.groups import NotAGroup, NotAllowed, Terms
from bell.residents.models import Group, GroupMember

STATE = GroupMember.State


@pytest.mark.parametrize(
    ("text", "pairs", "words"),
    [
        ("5-8, 18-21", [[5, 8], [18, 21]], "5–8am and 6–9pm"),
        ("18 to 21, 5–8", [[5, 8], [18, 21]], "5–8am and 6–9pm"),
        ("9-17", [[9, 17]], "9am–5pm"),
        ("0-2, 11-12, 22-24", [[0, 2], [11, 12], [22, 24]], "midnight–2am, 11am–midday and 10pm–midnight"),
        ("", [], ""),
    ],
)
def test_hours_are_read_and_said(text, pairs, words):
    assert hours.read(text) == pairs and hours.said(pairs) == words
    assert hours.read(hours.typed(pairs)) == pairs


@pytest.mark.parametrize(
    "text",
    ["8-5", "5-5", "5-25", "five", "5", "-5-8", "5-8 18-21", "1-3, 2-4", "1-2,3-4,5-6,7-8,9-10", "٥-٨"],
)
def test_what_is_no_hours_is_refused_in_words(text):
    with pytest.raises(hours.HoursError) as refused:
        hours.read(text)
    assert str(refused.value)


@pytest.mark.parametrize("pairs", [None, "5-8", [[5]], [[5, 8.0]], [[True, 8]], [["5", "8"]], [[8, 5]], {}])
def test_hostile_hours_are_refused(pairs):
    with pytest.raises(hours.HoursError):
        hours.check(pairs)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
starts = st.lists(st.integers(0, 23), min_size=1, max_size=4, unique=True)


@given(moments, starts)
def test_the_next_start_is_the_soonest_and_always_ahead(now, begins):
    pairs = [[hour, hour + 1] for hour in begins]
    found = hours.next_start(pairs, now)
    assert found is not None and found.astimezone(UTC) > now
    assert (found.astimezone(UTC) - now).total_seconds() <= 25 * 3600


def test_they_are_out_now():
    at = datetime(2026, 7, 1, 17, 30, tzinfo=UTC)  # half past six in London's summer
    assert hours.is_now([[18, 21]], at) and not hours.is_now([[17, 18]], at)
    assert clock.local(hours.next_start([[18, 21]], at)).day == 2


@pytest.fixture
def watch(cast):
    """A group by approval."""
    return groups.define(Terms("Farm watch", by_approval=True, active_hours=[[5, 8]]), by=cast.administrator)


def chosen(*groups_, organisations=()):
    return Choices(email_kinds=["crime"], groups=[one.pk for one in groups_], organisations=list(organisations))


def test_choosing_a_group_by_approval_only_asks(cast, watch):
    person = cast.resident(groups=(watch, cast.cctv))
    states = dict(GroupMember.objects.of(person).values_list("group__name", "state"))
    assert states == {"Farm watch": STATE.ASKED, "CCTV owners": STATE.MEMBER}
    rule = find.rule(cast.draft(audience={"areas": [cast.west.pk], "shapes": [], "groups": [watch.pk]}))
    assert audience.count(rule).people == 0
    request = GroupMember.objects.visible_to(cast.administrator).get()
    assert request.resident == person and len(request.number) == 7
    for _ in range(2):
        groups.approve(request, by=cast.administrator)
    assert audience.count(rule).people == 1
    assert Entry.objects.filter(verb="group request approved").count() == 1
    actions.set_choices(person, chosen(watch, organisations=[cast.force.pk]), by=person)
    assert GroupMember.objects.of(person).get().state == STATE.MEMBER, "saving again asks no second time"


def test_refusing_forgets_the_request(cast, watch):
    person = cast.resident(groups=(watch,))
    request = GroupMember.objects.visible_to(cast.administrator).get()
    groups.refuse(request, by=cast.administrator)
    assert not GroupMember.objects.of(person).exists()
    with pytest.raises(NotAllowed):
        groups.refuse(request, by=cast.administrator)
    with pytest.raises(NotAllowed):
        groups.approve(request, by=cast.administrator)


@pytest.mark.parametrize("who", ["author", "approver", "media", "stranger", "outsider", "dpo"])
def test_nobody_else_decides_or_defines(who, cast, watch):
    officer = getattr(cast, who)
    cast.resident(groups=(watch,))
    request = GroupMember.objects.get()
    assert not GroupMember.objects.visible_to(officer).exists()
    for verb in (groups.approve, groups.refuse):
        with pytest.raises(NotAllowed):
            verb(request, by=officer)
    with pytest.raises(NotAllowed):
        groups.define(Terms("Mine"), by=officer)
    with pytest.raises(NotAllowed):
        groups.change(watch, Terms("Mine"), by=officer)
    with pytest.raises(NotAllowed):
        groups.set_open(watch, active=False, by=officer)


def test_an_administrator_of_another_organisation_decides_nothing_here(cast, watch):
    desk = cast.outsider.grants.first().team
    other = cast.officer("Oda Other", desk, Role.ADMINISTRATOR)
    cast.resident(groups=(watch,))
    assert not GroupMember.objects.visible_to(other).exists()
    with pytest.raises(NotAllowed):
        groups.approve(GroupMember.objects.get(), by=other)
    with pytest.raises(NotAllowed):
        groups.change(watch, Terms("Mine"), by=other)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(""), "name"),
        (Terms("x" * 81), "name"),
        (Terms("cctv OWNERS"), "name"),
        (Terms("Long", help="x" * 161), "help"),
        (Terms("Late", active_hours=[[20, 30]]), "active_hours"),
    ],
)
def test_what_is_no_group_is_refused_by_field(terms, field, cast):
    with pytest.raises(NotAGroup) as refused:
        groups.define(terms, by=cast.administrator)
    assert set(refused.value.problems) == {field}


def test_opening_a_group_lets_in_who_asked_and_closing_offers_it_to_nobody(cast, watch):
    person = cast.resident(groups=(watch,))
    groups.change(watch, Terms("Farm watch", active_hours=[[6, 7]]), by=cast.administrator)
    assert GroupMember.objects.of(person).get().state == STATE.MEMBER
    groups.set_open(watch, active=False, by=cast.administrator)
    assert watch not in Group.objects.public()
    assert Group.objects.get(pk=watch.pk).active_hours == [[6, 7]]


@pytest.fixture
def scheme(cast):
    """A watch scheme of its own organisation: a coordinator, a team with a patch, a group by approval."""
    team = Team.objects.create(organisation=cast.partner, name="Ilkeston Road Watch", slug="ilkeston-road")
    team.patch.add(cast.west)
    coordinator = cast.officer("Coco Ordinator", team, Role.AUTHOR, Role.APPROVER)
    keeper = cast.officer("Kit Keeper", team, Role.ADMINISTRATOR)
    group = groups.define(Terms("Ilkeston Road Watch", by_approval=True, scheme_team=team), by=keeper)
    return group, team, coordinator


def test_a_coordinator_writes_to_the_scheme_only(cast, scheme):
    group, team, coordinator = scheme
    other = Group.objects.create(organisation=cast.partner, name="Allotments", slug="allotments")
    area = [cast.west.pk]
    for chosen_ in ([], [other.pk], [group.pk, other.pk], [cast.cctv.pk]):
        rule = {"areas": area, "shapes": [], "groups": chosen_}
        draft = cast.draft(by=coordinator, team=team, audience=rule)
        with pytest.raises(Unfinished) as refused:
            alert_actions.submit(draft, by=coordinator)
        assert "can only write to its own scheme" in refused.value.problems["audience"]
    rule = {"areas": area, "shapes": [], "groups": [group.pk]}
    version = alert_actions.submit(cast.draft(by=coordinator, team=team, audience=rule), by=coordinator)
    assert version.people == 0, "nobody was let in yet"


def test_a_coordinator_decides_who_joins_the_scheme(cast, scheme):
    group, _, coordinator = scheme
    cast.resident(groups=(group,), organisations=(cast.partner,))
    request = GroupMember.objects.visible_to(coordinator).get()
    assert groups.approve(request, by=coordinator).state == STATE.MEMBER


def test_a_scheme_belongs_to_a_team_of_ones_own_with_a_patch(cast):
    council = Organisation.objects.get(pk=cast.partner.pk).teams.get()
    for team in (council, cast.media_team):
        with pytest.raises(NotAGroup):
            groups.define(Terms("Watch", scheme_team=team), by=cast.administrator)


def test_inactive_officers_decide_nothing(cast, watch):
    cast.resident(groups=(watch,))
    cast.administrator.is_active = False
    assert not GroupMember.objects.visible_to(cast.administrator).exists()
