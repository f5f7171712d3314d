"""The rehearsal's world: areas, an invented force, residents by seed, and the shape the alert goes to."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.core.management import call_command
from django.db import connection
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from bell.lib import clock, shapes
from bell.organisations.kinds import Kind
from bell.organisations.models import Grant, Officer, Role, Team
from bell.places import find
from bell.places.models import Area
from bell.places.reading import ImportRefused
from bell.proving import county, people
from bell.proving.county import Force
from bell.proving.people import Point
from bell.proving.rehearse import partner
from bell.proving.rehearse.partner import Partner
from bell.residents import actions as residents
from bell.residents import areas
from bell.residents.models import Group, GroupMember, Resident

WARDS = "ward"
_SHARE_IN_SHAPE = 0.4
_SMALL = "neighbourhood-watch"


class Refused(Exception):
    """The rehearsal cannot begin; the message says why in plain words."""


@dataclass
class World:
    """Everything that stands before the first alert is written."""

    force: Force
    shape: BaseGeometry
    groups: list[Group]
    kind: Kind
    author: Officer
    approver: Officer
    both: Officer  # writes and approves: may not approve what is their own
    learner: Officer  # everything this officer drafts is practice
    coach: Officer  # practises too, and approves what the learner writes
    partner: Partner
    small: Group  # by approval: some belong to it, some have only asked to
    areas_repaired: int = 0
    areas_refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def team(self) -> Team:
        """The team that writes: the one that serves the whole force."""
        return self.force.teams[county.MEDIA]


def check_throw_away() -> None:
    """Refuse a database that holds residents: invented people never come among real ones (promises.md)."""
    tables = connection.introspection.table_names()
    for table in ("residents_resident", "organisations_organisation"):
        if table in tables:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")
                if cursor.fetchone():
                    raise Refused("This database is in use. A rehearsal needs an empty one that may be thrown away.")


def read_files(*, areas_file: str, shape_file: str) -> BaseGeometry | None:
    """The shape of its file, if one is given; files that cannot be used are refused before anything takes its time."""
    if areas_file and not Path(areas_file).exists():
        raise Refused(f"--areas: there is no file {areas_file}.")
    return _read(shape_file) if shape_file else None


def prepare_database() -> None:
    """All tables, the cache's table, and the static files that the web pages name."""
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def build(*, seed: int, residents: int, areas_file: str, shape: BaseGeometry | None, groups: Sequence[str]) -> World:
    """Import the areas, found the force, spread the people. Raises Refused with words for the operator."""
    rng = random.Random(seed)
    report = _ground(areas_file, rng)
    force = county.found_force()
    _teams(force)
    chosen = [_group(force, name) for name in groups]
    _people(force, rng, residents)
    council = partner.found(rng, force.organisation)
    ground, small = _on_our_ground(shape or _drawn(rng)), _by_approval(force, rng)
    officers = _officers(force.teams[county.MEDIA])
    return World(force, ground, chosen, Kind.FOOTAGE, *officers, council, small, *report)


def _ground(file: str, rng: random.Random) -> tuple[int, list[tuple[str, str]]]:
    """The areas of a file as wards of districts, or the demo county; how many were repaired, which were refused."""
    if not file:
        county.draw_ground(rng)
        return 0, []
    try:
        options = {"parent_property": "district"} if _has_district(file) else {}
        report = areas.import_areas(file, by="bell rehearse", kind=WARDS, name_property="name", **options)
    except ImportRefused as error:
        raise Refused(f"--areas: {error}") from error
    return len(report.repaired), report.refused


def _has_district(file: str) -> bool:
    """Whether the features of a GeoJSON file name their district."""
    try:
        found = json.loads(Path(file).read_bytes())["features"][0]["properties"]
    except (OSError, ValueError, LookupError, TypeError):
        return False  # the importer says what is wrong with it
    return isinstance(found, dict) and "district" in found


def _teams(force: Force) -> None:
    """One neighbourhood team a district; without districts, one for all wards."""
    districts = list(Area.objects.of_kind("district").order_by("name").values_list("name", flat=True))
    if districts:
        county.add_teams(force, {name: [name] for name in districts}, kind="district")
    else:
        names = list(Area.objects.of_kind(WARDS).values_list("name", flat=True))
        county.add_teams(force, {"County": names}, kind=WARDS)


def _group(force: Force, name: str) -> Group:
    """The group of that name; one that the demo has not is made."""
    for group in force.groups:
        if name.casefold() in (group.name.casefold(), group.slug):
            return group
    slug = "-".join(name.casefold().split())[:50]
    made = Group.objects.create(organisation=force.organisation, name=name[:80], slug=slug)
    force.groups.append(made)
    return made


def _by_approval(force: Force, rng: random.Random) -> Group:
    """One of the demo's groups, now by approval, so that a share of those who chose it have only asked to join."""
    group = _group(force, _SMALL)
    group.by_approval = True
    group.save(update_fields=["by_approval"])
    members = list(group.members.order_by("resident").values_list("pk", flat=True))
    asking = GroupMember.objects.filter(pk__in=rng.sample(members, len(members) // 3))
    asking.update(state=GroupMember.State.ASKED)
    return group


def _officers(media: Team) -> tuple[Officer, Officer, Officer, Officer, Officer]:
    """Who writes, who approves, who does both, and two who only practise."""
    approver = Officer.objects.get(grants__team=media, grants__role=Role.APPROVER)
    author = Officer.objects.exclude(pk=approver.pk).get(grants__team=media, grants__role=Role.MEDIA)
    made = []
    for name, roles, practice in (
        ("Kim Bothways", (Role.MEDIA, Role.APPROVER), False),
        ("Lou Learner", (Role.MEDIA,), True),
        ("Coco Coach", (Role.APPROVER,), True),
    ):
        address = f"{name.lower().replace(' ', '.')}@derbyshire.example"
        officer = Officer.objects.create(email=address, name=name, organisation=media.organisation, practice=practice)
        Grant.objects.bulk_create([Grant(officer=officer, team=media, role=role) for role in roles])
        made.append(officer)
    return author, approver, made[0], made[1], made[2]


def _people(force: Force, rng: random.Random, count: int) -> None:
    """Residents spread over the wards, each ward as likely as another; some paused, unsubscribed or left."""
    wards = [find.shape(area) for area in Area.objects.of_kind(WARDS).order_by("pk")]
    homes = points_in(wards, count, rng)
    crowd = people.invent(rng, homes, groups=[group.slug for group in force.groups], share=0.4)
    settled = people.settle(crowd, force=force.organisation, groups=force.groups, rng=rng, source="rehearsal")
    some = rng.sample(settled, min(len(settled), max(9, count // 60)))
    for resident in some[0::3]:
        residents.pause(resident, until=clock.now() + timedelta(days=14), by=resident)
    for resident in some[1::3]:
        stream = residents.stream(force.organisation.pk, Kind.FOOTAGE)
        residents.unsubscribe(recipient_key=resident.key, stream=stream, by="rehearsal")
    for resident in some[2::3]:
        residents.leave(resident, by=resident, how="web")


def points_in(wards: Sequence[BaseGeometry], count: int, rng: random.Random) -> list[Point]:
    """Points inside the wards: a ward at random for each, then a place at random within it."""
    numbers = np.random.default_rng(rng.getrandbits(32))
    wanted = np.bincount(numbers.integers(0, len(wards), count), minlength=len(wards))
    found: list[Point] = []
    for ward, people_here in zip(wards, wanted, strict=True):
        shapely.prepare(ward)
        west, south, east, north = ward.bounds
        left = int(people_here)
        while left > 0:
            lons = np.round(numbers.uniform(west, east, left * 3), 6)
            lats = np.round(numbers.uniform(south, north, left * 3), 6)
            inside = shapely.contains_xy(ward, lons, lats)
            hits = [Point(float(x), float(y)) for x, y in zip(lons[inside][:left], lats[inside][:left], strict=True)]
            found += hits
            left -= len(hits)
    rng.shuffle(found)
    return found


def _read(file: str) -> BaseGeometry:
    """The shape of a file, as one would upload it."""
    try:
        return shapes.read(Path(file).read_bytes())
    except OSError as error:
        raise Refused(f"--shape: {file} cannot be opened: {error.strerror}") from error
    except shapes.ShapeError as error:
        raise Refused(f"--shape: {error}") from error


def _drawn(rng: random.Random) -> Polygon:
    """A polygon as a hand draws it, round the middle of the people, about two fifths of them inside."""
    at = np.array(list(Resident.objects.filter(left_at=None).values_list("places__lon", "places__lat")), dtype=float)
    middle = np.median(at, axis=0)
    across = (at - middle) * [0.6, 1.0]  # a degree of longitude is about 0.6 of one of latitude here
    reach = float(np.quantile(np.hypot(across[:, 0], across[:, 1]), _SHARE_IN_SHAPE))
    corners = []
    for number in range(14):
        angle = 2 * np.pi * number / 14
        length = reach * rng.uniform(0.85, 1.2)
        corners.append((middle[0] + length * np.cos(angle) / 0.6, middle[1] + length * np.sin(angle)))
    return Polygon([(round(float(x), 6), round(float(y), 6)) for x, y in corners])


def _on_our_ground(shape: BaseGeometry) -> BaseGeometry:
    """The part of the shape on the force's ground: nobody lives beyond it here, and no team may send beyond it."""
    ground = find.territory()
    if ground is None or ground.covers(shape):
        return shape
    part = shapes.union([shapely.intersection(ground, shape)])
    if not ground.covers(part):
        part = shapes.union([part.buffer(-1e-9)])  # a tenth of a millimetre: what cutting loses to rounding
    if part.is_empty or not ground.covers(part):
        raise Refused("--shape: this shape lies outside the areas.")
    return part


def feature(shape: BaseGeometry) -> dict[str, Any]:
    """The shape as the map hands it over."""
    return {"type": "Feature", "properties": {}, "geometry": shapes.to_geojson(shape)}
