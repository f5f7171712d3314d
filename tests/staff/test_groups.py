"""Groups at the desk: defining them, deciding who joins by number, and when their people are usually out."""

from datetime import UTC, datetime, timedelta

import pytest

from bell.audit.models import Entry
from bell.lib import clock
from bell.organisations.models import Role, Team
from bell.residents import groups
from bell.residents.groups import Terms
from bell.residents.models import Group, GroupMember, Resident


@pytest.fixture
def watch(cast):
    return groups.define(Terms("Farm watch", by_approval=True), by=cast.administrator)


def test_an_administrator_defines_changes_and_closes_a_group(cast, at_desk):
    client = at_desk("administrator")
    data = {"name": "Farm watch", "help": "You farm", "by_approval": "on", "active_hours": "18-21, 5-8"}
    assert client.post("/desk/groups/new/", data).url == "/desk/groups/"
    made = Group.objects.get(name="Farm watch")
    assert made.by_approval and made.active_hours == [[5, 8], [18, 21]] and made.organisation == cast.force
    page = client.get("/desk/groups/").content.decode()
    assert "5–8am and 6–9pm" in page and "By approval" in page
    path = f"/desk/groups/{made.pk}/"
    assert 'value="5-8, 18-21"' in client.get(path).content.decode()
    client.post(path, {"name": "Farm watch", "help": "", "active_hours": ""})
    made.refresh_from_db()
    assert not made.by_approval and made.active_hours == []
    for _ in range(2):
        client.post(path, {"do": "close"})
    made.refresh_from_db()
    assert not made.active and Entry.objects.filter(verb="group closed").count() == 1
    client.post(path, {"do": "open"})
    assert made in Group.objects.public()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": ""}, "Enter a name"),
        ({"name": "CCTV owners"}, "There is a group of this name already"),
        ({"name": "x" * 81}, "Use 80 characters or fewer"),
        ({"name": "Late", "active_hours": "22-6"}, "must begin before it ends"),
        ({"name": "Late", "active_hours": "<script>"}, "Enter hours like"),
        ({"name": "Late", "scheme_team": "999"}, "Select a valid choice"),
    ],
)
def test_what_is_no_group_is_said_in_words(data, words, cast, at_desk):
    page = at_desk("administrator").post("/desk/groups/new/", data).content.decode()
    assert words in page and "<script>" not in page.partition("<main")[2]
    assert Group.objects.count() == 2


def test_requests_are_decided_by_number_only(cast, watch, at_desk):
    person = cast.resident(email="canary.quill@home.example", groups=(watch,))
    Resident.objects.filter(pk=person.pk).update(name="Canary Quill")
    other = cast.resident(groups=(watch,))
    client = at_desk("administrator")
    page = client.get("/desk/groups/").content.decode()
    asked = GroupMember.objects.of(person).get()
    assert asked.number in page and "Quill" not in page and "canary" not in page and str(person.key) not in page
    for _ in range(2):
        client.post("/desk/groups/", {"do": f"approve:{asked.pk}"})
    client.post("/desk/groups/", {"do": f"refuse:{GroupMember.objects.of(other).get().pk}"})
    assert list(GroupMember.objects.filter(group=watch).values_list("resident", "state")) == [(person.pk, "member")]
    client.post("/desk/groups/", {"do": f"refuse:{asked.pk}"})
    assert GroupMember.objects.of(person).exists(), "a member is not refused afterwards"


@pytest.mark.parametrize(
    "do", ["", "approve", "approve:", "approve:-1", "approve:1e3", "approve:٣", "drop:1", "approve:" + "9" * 30]
)
def test_hostile_decisions_are_not_found(do, watch, at_desk):
    assert at_desk("administrator").post("/desk/groups/", {"do": do}).status_code == 404


@pytest.mark.parametrize("who", ["author", "approver", "media", "outsider"])
def test_nobody_else_sees_or_changes_groups(who, cast, watch, at_desk):
    client = at_desk(who)
    cast.resident(groups=(watch,))
    number = GroupMember.objects.get(group=watch).pk
    assert client.get("/desk/groups/").status_code == 403
    assert client.post("/desk/groups/", {"do": f"approve:{number}"}).status_code == 403
    assert client.post("/desk/groups/new/", {"name": "Mine"}).status_code == 403
    assert client.post(f"/desk/groups/{watch.pk}/", {"do": "close"}).status_code == 403
    assert "Groups</a>" not in client.get("/desk/").content.decode()
    assert GroupMember.objects.get(pk=number).state == "asked"


def test_groups_of_another_organisation_do_not_exist(cast, watch, at_desk):
    keeper = cast.officer("Kit Keeper", cast.outsider.grants.first().team, Role.ADMINISTRATOR)
    cast.resident(groups=(watch,))
    client = at_desk(keeper)
    assert client.get(f"/desk/groups/{watch.pk}/").status_code == 404
    client.post("/desk/groups/", {"do": f"approve:{GroupMember.objects.get().pk}"})
    assert GroupMember.objects.get().state == "asked"
    assert "Farm watch" not in client.get("/desk/groups/").content.decode()


def test_a_coordinator_decides_but_does_not_define(cast, at_desk):
    team = Team.objects.create(organisation=cast.partner, name="Ilkeston Road Watch", slug="ilkeston-road")
    team.patch.add(cast.west)
    coordinator = cast.officer("Coco Ordinator", team, Role.AUTHOR, Role.APPROVER)
    keeper = cast.officer("Kit Keeper", team, Role.ADMINISTRATOR)
    scheme = groups.define(Terms("Ilkeston Road Watch", by_approval=True, scheme_team=team), by=keeper)
    cast.resident(groups=(scheme,), organisations=(cast.partner,))
    client = at_desk(coordinator)
    assert "Let in" in client.get("/desk/groups/").content.decode()
    client.post("/desk/groups/", {"do": f"approve:{GroupMember.objects.get().pk}"})
    assert GroupMember.objects.get().state == "member"
    assert client.get("/desk/groups/new/").status_code == 403


def compose(alert, cast, **changes):
    return {"whole": "1", "seen": str(alert.edit), "title": "Kept words", "body": alert.body, "channels": ["email"],
            "areas": [str(cast.west.pk)], "groups": [str(cast.dog_walkers.pk)], **changes}  # fmt: skip


def test_the_composer_says_when_a_group_is_out_and_offers_that_hour(cast, at_desk, monkeypatch):
    Group.objects.filter(pk=cast.dog_walkers.pk).update(active_hours=[[5, 8], [18, 21]])
    noon = datetime(2026, 7, 1, 11, 0, tzinfo=UTC) + timedelta(days=3650)  # ahead of every schedule, in summer
    monkeypatch.setattr(clock, "now", lambda: noon)
    alert = cast.draft()
    client, path = at_desk("author"), f"/desk/alerts/{alert.reference}/edit/"
    assert "usually out" not in client.get(path).content.decode()
    fragment = client.post(f"/desk/alerts/{alert.reference}/count/", compose(alert, cast)).content.decode()
    assert "Dog walkers are usually out 5–8am and 6–9pm." in fragment and "Schedule for today at 6pm" in fragment
    local = f"{clock.local(noon):%Y-%m-%d}T18:00"
    assert f'value="schedule:{local}"' in fragment
    page = client.post(path, compose(alert, cast, do=f"schedule:{local}")).content.decode()
    assert f'value="{local}"' in page and "Kept words" in page
    alert.refresh_from_db()
    assert alert.send_at is None, "offered, not yet saved"
    client.post(path, compose(alert, cast, do="save", send_at=local))
    alert.refresh_from_db()
    assert clock.local(alert.send_at).hour == 18
    monkeypatch.setattr(clock, "now", lambda: noon + timedelta(hours=7))
    fragment = client.post(f"/desk/alerts/{alert.reference}/count/", compose(alert, cast)).content.decode()
    assert "They are usually out now" in fragment and "Schedule for" not in fragment


@pytest.mark.parametrize("iso", ["", "now", "2026-02-31T99:99", "<script>alert(1)</script>", "9" * 5000])
def test_a_hostile_schedule_is_refused_in_words(iso, cast, at_desk):
    alert = cast.draft()
    path = f"/desk/alerts/{alert.reference}/edit/"
    response = at_desk("author").post(path, compose(alert, cast, do=f"schedule:{iso}"))
    assert response.status_code == 200 and b"<script>alert" not in response.content
    alert.refresh_from_db()
    assert alert.send_at is None
