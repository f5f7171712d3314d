"""The rehearsal's partner: an invented council with an agreement, and the residents who chose to hear from it."""

import random
from dataclasses import dataclass
from datetime import timedelta

from bell.lib import clock
from bell.organisations.models import Agreement, Grant, Officer, Organisation, Role, Team
from bell.residents.models import Following

_ONLY_THE_PARTNER = 0.10
_BOTH = 0.06
_FEWEST = 4  # of each, also in a very small county


@dataclass(frozen=True)
class Partner:
    """The organisation, and its officer who decides what it carries."""

    organisation: Organisation
    approver: Officer


def found(rng: random.Random, force: Organisation) -> Partner:
    """The council with its agreement and officer; a share of residents follows only it, another share both."""
    today = clock.local(clock.now()).date()
    organisation = Organisation.objects.create(
        sort=Organisation.Sort.PARTNER,
        name="Rehearsal County Council",
        slug="rehearsal-county-council",
        reference_prefix="RC",
        postal_address="No Such Hall\nHeanor",
    )
    Agreement.objects.create(
        organisation=organisation,
        what="Counts of people reached; never details",
        purpose="Safer streets",
        basis="Public task",
        starts=today - timedelta(days=1),
        ends=today + timedelta(days=365),
        document="DSA-REHEARSAL",
    )
    desk = Team.objects.create(organisation=organisation, name="Council desk", slug="desk", whole_force=True)
    approver = Officer.objects.create(
        email="cam.county@council.example", name="Cam County", organisation=organisation, on_duty=True
    )
    Grant.objects.create(officer=approver, team=desk, role=Role.APPROVER)
    _followers(rng, force, organisation)
    return Partner(organisation, approver)


def _followers(rng: random.Random, force: Organisation, partner: Organisation) -> None:
    """Seeded shares of the force's followers. In bulk, as the people themselves are written."""
    followers = Following.objects.filter(organisation=force, resident__left_at=None).order_by("resident")
    everyone = list(followers.values_list("resident", flat=True))
    only = rng.sample(everyone, min(len(everyone), max(_FEWEST, round(len(everyone) * _ONLY_THE_PARTNER))))
    rest = [number for number in everyone if number not in set(only)]
    both = rng.sample(rest, min(len(rest), max(_FEWEST, round(len(everyone) * _BOTH))))
    Following.objects.filter(organisation=force, resident__in=only).delete()
    Following.objects.bulk_create([Following(resident_id=number, organisation=partner) for number in [*only, *both]])
