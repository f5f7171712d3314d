"""The demo county: drawn once, the same for a seed, all of it invented, and never among real people."""

import random
from datetime import date
from typing import Any

import pytest
import shapely
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from bell.alerts.models import Alert, State
from bell.conversations.models import Conversation
from bell.delivery.models import Channel, Delivery
from bell.delivery.models import State as Delivered
from bell.lib import emails, phones
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer, Organisation, Role, Route, Team
from bell.places.models import Area, Postcode
from bell.proving import county, towns
from bell.residents.models import Consent, Contact, Following, Group, Place, Resident

FEW = 60


@pytest.fixture
def drawn(db: None) -> county.Drawn:
    return county.draw(seed=7, residents=FEW)


def picture() -> list[Any]:
    """All that a seed decides, row by row."""
    return [
        list(Resident.objects.order_by("pk").values_list("key", "name", "email_kinds", "sms_kinds")),
        list(Contact.objects.order_by("pk").values_list("channel", "address")),
        list(Place.objects.order_by("pk").values_list("lon", "lat", "postcode", "label")),
        list(Group.objects.order_by("pk").values_list("slug", "members__resident__key")),
        list(Postcode.objects.order_by("code").values_list("code", "lon", "lat")),
        list(Area.objects.order_by("pk").values_list("kind", "code", "name", "boundary")),
        list(Officer.objects.order_by("pk").values_list("email", "name", "rank", "mobile", "on_duty")),
    ]


def test_the_ground_is_whole() -> None:
    outline = towns.outline()
    wards = towns.wards()
    assert all(ward.shape.is_valid and ward.shape.area > 0 for ward in wards)
    assert shapely.union_all([ward.shape for ward in wards]).symmetric_difference(outline).area < 1e-9
    overlap = sum(ward.shape.area for ward in wards) - outline.area
    assert abs(overlap) < 1e-9, "wards neither overlap nor leave gaps"
    assert all(outline.contains(shapely.Point(town.lon, town.lat)) for town in towns.TOWNS)


def test_postcodes_look_real_and_are_told_apart() -> None:
    spots = towns.postcodes(random.Random(3), 3000)
    assert len({spot.code for spot in spots}) == len(spots) > 2500
    assert all(spot.code.startswith(f"{spot.town.outward} ") for spot in spots)
    assert spots == towns.postcodes(random.Random(3), 3000)


def test_drawing_it_again_changes_nothing(drawn: county.Drawn) -> None:
    before = picture()
    again = county.draw(seed=7, residents=FEW)
    assert drawn.fresh and not again.fresh
    assert picture() == before
    assert (again.residents, again.alerts, again.officers) == (drawn.residents, drawn.alerts, drawn.officers)


def test_a_seed_always_draws_the_same_people(db: None) -> None:
    pictures = []
    for seed in (1, 1, 2):
        with transaction.atomic():
            county.draw(seed=seed, residents=FEW)
            pictures.append(picture())
            transaction.set_rollback(True)
    assert pictures[0] == pictures[1]
    assert pictures[0][1] != pictures[2][1]


def test_everyone_is_invented(drawn: county.Drawn) -> None:
    for channel, address in Contact.objects.values_list("channel", "address"):
        known = emails.is_invented(address) if channel == Channel.EMAIL else phones.is_invented(address)
        assert known, address
    for officer in Officer.objects.all():
        assert emails.is_invented(officer.email)
        assert not officer.mobile or phones.is_invented(officer.mobile)
    officers = set(Officer.objects.exclude(mobile="").values_list("mobile", flat=True))
    assert not officers & set(Contact.objects.values_list("address", flat=True)), "an officer's phone is nobody else's"
    for url in Route.objects.filter(sort=Route.Sort.SOCIAL).values_list("url", flat=True):
        assert url.split("/")[2].endswith(".example")


def test_the_first_thousand_mobiles_are_drama_numbers_and_all_others_only_the_simulator_knows() -> None:
    numbers = [county.people.mobile(number) for number in range(2000)]
    assert len(set(numbers)) == 2000
    assert all(phones.is_invented(number) for number in numbers)
    assert "+447700900100" not in numbers, "the number that we text from"
    assert all(number.startswith("+999") for number in numbers[900:])


def test_each_team_can_write_and_approve(drawn: county.Drawn) -> None:
    for team in Team.objects.all():
        assert Officer.objects.filter(grants__team=team, grants__role=Role.APPROVER, on_duty=True).exists()
        assert any(organisation_rules.may_write(officer, team) for officer in Officer.objects.filter(grants__team=team))
        assert team.whole_force or team.patch.exists()


def test_everyone_agreed_and_is_placed(drawn: county.Drawn) -> None:
    assert Resident.objects.count() == Consent.objects.count() == FEW
    placed = Place.objects.filter(memberships__area__kind="ward").distinct().count()
    assert placed >= Place.objects.count() - 2, "a door may stand just beyond the county's edge"


def test_the_personas_live_near_ilkeston_road(drawn: county.Drawn) -> None:
    found = county.personas()
    assert [one.name for one in found] == [one.name for one in county.PERSONAS]
    for person in found:
        place = person.places.get()
        assert abs(place.lon - -1.3462) < 0.005 and abs(place.lat - 53.0108) < 0.005
        assert place.memberships.filter(area__name="Heanor and Ripley").exists()
    assert found[0].memberships.filter(group__slug="cctv-owners").exists()


def test_history_was_never_sent_and_says_so(drawn: county.Drawn) -> None:
    past = Delivery.objects.filter(mailing__authority_kind="approval")
    assert set(past.values_list("state", "reason")) == {(Delivered.DELIVERED, "demo history")}
    waiting = Delivery.objects.filter(state=Delivered.QUEUED)
    assert set(waiting.values_list("mailing__authority_kind", flat=True)) == {"notice"}, "only the notice to approve"


def test_there_is_something_to_look_at(drawn: county.Drawn) -> None:
    states = set(Alert.objects.values_list("state", flat=True))
    assert {State.SENT, State.CLOSED, State.SUBMITTED, State.DRAFT} <= states
    assert Conversation.objects.filter(turns__direction="out").exists()
    sheds = Alert.objects.get(title__startswith="Sheds broken into")
    assert sheds.answers.count() >= 3
    recent_texts = Delivery.objects.filter(channel=Channel.SMS, mailing__authority_kind="approval")
    newest = recent_texts.order_by("-state_at")[0]
    assert (sheds.sent_at - newest.state_at).days >= 7, "or no answer by text would find a new alert"


def test_who_can_sign_in_really_can(drawn: county.Drawn, client: Any) -> None:
    people = county.who()
    assert len(people) == drawn.officers
    for words, email, password in people[:4]:
        officer = Officer.objects.get(email=email)
        assert officer.check_password(password) and str(officer) in words


def test_it_refuses_a_database_with_residents(db: None) -> None:
    Resident.objects.create(name="Somebody real")
    with pytest.raises(CommandError, match="holds residents"):
        call_command("demo")
    assert Resident.objects.count() == 1 and not Organisation.objects.exists()


def test_it_refuses_another_force(db: None) -> None:
    Organisation.objects.create(sort="force", name="A real force", slug="real")
    with pytest.raises(CommandError, match="holds an organisation"):
        call_command("demo")
    assert not Resident.objects.exists()


def test_it_refuses_outside_demo_mode(db: None, settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="BELL_DEMO=1"):
        call_command("demo")
    assert not Organisation.objects.exists()


def test_half_a_county_is_never_left(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no history today")

    monkeypatch.setattr(county.history, "write", fail)
    with pytest.raises(RuntimeError):
        county.draw(residents=FEW)
    assert not Organisation.objects.exists() and not Resident.objects.exists() and not Area.objects.exists()


def test_partners_have_agreements_officers_and_names_with_days(drawn: county.Drawn) -> None:
    partners = Organisation.objects.filter(sort="partner")
    assert partners.count() == 5 and set(partners) <= set(Organisation.objects.public())
    assert all("(demo)" in one.name and one.officers.count() >= 2 for one in partners)
    fraud = Organisation.objects.get(name="Report Fraud (demo)")
    assert organisation_rules.name_on(fraud, date(2025, 11, 30)) == "Action Fraud (demo)"
    old = Alert.objects.get(organisation=fraud)
    assert "Action Fraud" in Client().get(f"/a/{old.reference}/").content.decode()
    assert Following.objects.exclude(organisation__sort="force").exists()


def test_a_search_was_carried_by_three_and_nobody_got_two_copies(drawn: county.Drawn) -> None:
    search = Alert.objects.get(title__contains="Matlock", follows=None)
    end = search.followers.get()
    assert search.state == end.state == State.CLOSED and end.relation == "stand-down"
    for alert in (search, end):
        version = alert.versions.get()
        assert {one.decision for one in version.carriers.all()} == {"agreed"} and len(version.mailings()) == 4
        rows = Delivery.objects.filter(mailing__in=version.mailings())
        keys = list(rows.values_list("recipient_key", "channel"))
        assert len(keys) == len(set(keys)) > 0
    assert search.sent_at < end.sent_at


def test_groups_have_hours_and_the_scheme_a_coordinator(drawn: county.Drawn) -> None:
    assert Group.objects.get(slug="dog-walkers").active_hours
    scheme = Group.objects.get(scheme_team__isnull=False)
    assert scheme.by_approval and not scheme.scheme_team.whole_force
    assert set(scheme.members.values_list("state", flat=True)) == {"member", "asked"}
    coordinator = Officer.objects.get(grants__team=scheme.scheme_team, grants__role=Role.AUTHOR)
    assert coordinator.organisation == scheme.organisation
