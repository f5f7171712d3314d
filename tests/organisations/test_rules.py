"""Roles, duty and ground: deny by default."""

import pytest
from django.contrib.auth import authenticate

from bell.config import checks
from bell.organisations import rules
from bell.organisations.models import Officer, Role, Team
from bell.organisations.signin import OfficerAdapter
from tests.cast import PASSWORD


@pytest.mark.parametrize(
    ("who", "writes", "approves", "administers"),
    [
        ("author", True, False, False),
        ("approver", True, True, False),
        ("media", False, True, False),
        ("administrator", False, False, True),
        ("stranger", False, False, False),
        ("outsider", False, False, False),
    ],
)
def test_who_may_do_what_in_the_team(cast, who, writes, approves, administers):
    officer = getattr(cast, who)
    assert rules.may_write(officer, cast.team) is writes
    assert rules.may_approve(officer, cast.team) is approves
    assert rules.may_administer(officer) is administers


def test_a_disabled_officer_may_nothing(cast):
    cast.approver.is_active = False
    cast.approver.save()
    assert not rules.may_write(cast.approver, cast.team)
    assert not rules.may_approve(cast.approver, cast.team)
    assert rules.teams_as(cast.approver, Role.APPROVER) == []


def test_the_ground_of_a_team(cast):
    assert rules.patch_area_ids(cast.team) == {cast.west.pk, cast.east.pk}
    assert rules.patch_area_ids(cast.media_team) is None
    ground = rules.patch_shape(cast.team)
    assert ground is not None and ground.bounds[0] < cast.west.west
    nowhere = Team.objects.create(organisation=cast.force, name="New", slug="new")
    assert rules.patch_shape(nowhere) is None and rules.patch_area_ids(nowhere) == set()


def test_officers_sign_in_by_email_and_nobody_signs_up(cast, rf):
    signed_in = authenticate(rf.post("/"), email=cast.author.email, password=PASSWORD)
    assert signed_in == cast.author
    assert not OfficerAdapter().is_open_for_signup(rf.get("/"))
    assert Officer.objects.visible_to(cast.outsider).filter(pk=cast.author.pk).count() == 0


def test_demo_mode_with_a_public_host_does_not_start(settings):
    settings.DEMO, settings.SITE_URL = True, "https://alert.police.example"
    assert {found.id for found in checks.deployment()} == {"bell.E002"}
    settings.SITE_URL, settings.ALLOWED_HOSTS = "http://localhost:8000", ["localhost", "192.0.2.1"]
    assert {found.id for found in checks.deployment()} == {"bell.E002"}
    settings.ALLOWED_HOSTS = ["*"]
    assert {found.id for found in checks.deployment()} == {"bell.E002"}
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    assert checks.deployment() == []


def test_a_public_site_needs_https_and_a_gateway_secret(settings):
    settings.DEMO, settings.SITE_URL, settings.HTTPS = False, "http://alert.police.example", False
    settings.SMS_GATEWAY_SECRET = ""
    assert {found.id for found in checks.deployment()} == {"bell.E003", "bell.E004"}
