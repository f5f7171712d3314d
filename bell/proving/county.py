"""The demo county: an invented force, its teams and officers, areas, postcodes, residents and a few live threads.

Everything comes from one seed, and all of it or nothing is written. Drawn twice, it changes nothing.
"""

import io
import json
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.db import transaction

from bell.audit.record import record
from bell.lib import clock
from bell.organisations import rules
from bell.organisations.models import ApprovalRoute, Grant, Officer, Organisation, Role, Route, Team
from bell.places import households, postcodes
from bell.places.models import Area, Postcode
from bell.proving import history, partners, people, towns
from bell.proving.people import Person, Point
from bell.residents import areas
from bell.residents.models import Group, Resident

SLUG = "derbyshire-alert-demo"
NAME = "Derbyshire Alert demo force"
PASSWORD = "heanor market place 1"
MEDIA = "Media Team"
POSTCODES = 3000

GROUPS = {
    "cctv-owners": ("CCTV owners", "You have a camera or a video doorbell that looks onto a street"),
    "dog-walkers": ("Dog walkers", "You walk a dog, early or in the evening"),
    "dash-cam-drivers": ("Dash-cam drivers", "You drive with a camera running"),
    "neighbourhood-watch": ("Neighbourhood Watch", "You belong to a watch scheme"),
    "church-watch": ("Church watch", "You look after a church or a place of worship"),
    "school-watch": ("School watch", "You work at a school, or live beside one"),
    "farm-watch": ("Farm watch", "You farm, or keep animals or machinery in the country"),
}

# When they are usually out, in London's hours.
_ACTIVE_HOURS = {"dog-walkers": [[6, 8], [17, 21]], "dash-cam-drivers": [[7, 9], [16, 18]],
                 "school-watch": [[8, 9], [15, 16]], "farm-watch": [[5, 8]], "church-watch": [[9, 11]]}  # fmt: skip

_ROUTES = [
    (Route.Sort.EMERGENCY, "Emergency", "999", "", "Emergency 999"),
    (Route.Sort.PHONE, "Not an emergency", "101", "", "Else 101"),
    (
        Route.Sort.ANONYMOUS,
        "Crimestoppers, anonymously",
        "0800 555 111",
        "https://crimestoppers-uk.org",
        "Anonymous 0800 555 111",
    ),
    (Route.Sort.SOCIAL, "Mastodon", "@derbyshire", "https://mastodon.example/@derbyshire", ""),
    (Route.Sort.SOCIAL, "Facebook", "Derbyshire Alert demo", "https://facebook.example/derbyshire", ""),
    (Route.Sort.SOCIAL, "Instagram", "derbyshire.demo", "https://instagram.example/derbyshire.demo", ""),
]

# Everybody's name is invented. A constable writes and a sergeant approves in each neighbourhood team.
_CONSTABLES = (
    "Alex Fernley", "Jo Marlow", "Sam Thorpe", "Robin Ashgate", "Charlie Denby", "Frankie Holt", "Lee Winster",
    "Ash Calver", "Jamie Rowsley", "Kit Hathers", "Morgan Tansley", "Drew Linton",
)  # fmt: skip
_SERGEANTS = (
    "Pat Wingfield", "Chris Oakerby", "Dana Millthorpe", "Terry Brackenfield", "Nell Ambergate", "Val Stanley-Moor",
    "Max Holmewood", "Bobbie Scarcliffe", "Rowan Apperknowle", "Ellis Chinley", "Sandy Youlgrave", "Reese Hartshorne",
)  # fmt: skip

# Residents of Ilkeston Road, Heanor, with addresses that are easy to type on the stage.
_ILKESTON_ROAD = Point(-1.3462, 53.0108, "DE75 7AB")
PERSONAS = (
    Person("Margaret Allsop", "margaret.heanor@home.example", "+447700900001", (), ("cctv-owners",), sms_kinds=255),
    Person("Imran Shah", "imran.heanor@home.example", "+447700900002", (), ("dog-walkers",), sms_kinds=255),
    Person("Joan Tomlinson", "joan.heanor@home.example", "", (), ("dog-walkers", "neighbourhood-watch")),
    Person("Tom Rowe", "", "+447700900003", (), ("dash-cam-drivers", "dog-walkers"), email_kinds=0, sms_kinds=255),
    Person("Priya Nair", "priya.heanor@home.example", "+447700900004", (), ("cctv-owners", "school-watch"),
           sms_kinds=255),
    Person("Walter Fearn", "walter.heanor@home.example", "", (), ("farm-watch", "church-watch")),
)  # fmt: skip


class Refused(Exception):
    """The demo county may not be drawn here; the message says why in plain words."""


@dataclass
class Drawn:
    """What stands in the database now; `fresh` is false when it stood there before."""

    fresh: bool
    areas: int = 0
    postcodes: int = 0
    teams: int = 0
    officers: int = 0
    residents: int = 0
    alerts: int = 0


@dataclass
class Force:
    """The invented force while it is being drawn."""

    organisation: Organisation
    groups: list[Group] = field(default_factory=list)
    teams: dict[str, Team] = field(default_factory=dict)


def who() -> list[tuple[str, str, str]]:
    """Who can sign in to the demo: (name and role, work email, password), the most useful first."""
    found = []
    for officer in Officer.objects.select_related("organisation").order_by("pk"):  # the force's first
        grants = officer.grants.select_related("team").order_by("pk")
        roles = ", ".join(dict.fromkeys(grant.get_role_display().lower() for grant in grants))
        team = grants[0].team.name if grants else ""
        team = team if officer.organisation.slug == SLUG else f"{team}, {officer.organisation}"
        found.append((f"{officer}, {roles}, {team}", officer.email, PASSWORD))
    return found


def personas() -> list[Resident]:
    """The named residents near Ilkeston Road, Heanor, for the stage."""
    addresses = [one.email or one.mobile for one in PERSONAS]
    return list(Resident.objects.filter(left_at=None, contacts__address__in=addresses).order_by("pk"))


@transaction.atomic
def draw(*, seed: int = 1, residents: int = 5000) -> Drawn:
    """Draw the county into an empty database, or say what stands there. Raises Refused, and then nothing changed."""
    if not Organisation.objects.filter(slug=SLUG).exists():
        check_empty()
        rng = random.Random(seed)
        draw_ground(rng)
        force = found_force()
        add_teams(force, {name: [name] for name in towns.TEAMS}, kind="team")
        _people(force, rng, residents)
        _spread_joining(random.Random(seed))
        administrator = rules.administrators(force.organisation)[0]
        others = partners.found(administrator=administrator, secret=make_password(PASSWORD))
        partners.follow(others, personas(), rng)
        # A neighbourhood team's alert to very many is looked at by its sergeant and by the Media Team.
        heard_by_many = {"team": force.teams[history.HEANOR], "from_people": 3_000, "people": 2, "senior": True}
        ApprovalRoute.objects.create(organisation=force.organisation, **heard_by_many)
        heanor = list(force.teams[history.HEANOR].patch.values_list("pk", flat=True))
        partners.write(others, force.teams[MEDIA], heanor)
        history.write(force.teams, force.groups, personas())
        record("demo county drawn", force.organisation, by="bell demo", seed=seed)
        return _drawn(fresh=True)
    return _drawn(fresh=False)


def check_empty() -> None:
    """Invented people never come among real ones (promises.md): refuse a database that holds any resident or force."""
    if Resident.objects.exists():
        raise Refused("This database holds residents. The demo only goes into a database without any.")
    if Organisation.objects.exists():
        raise Refused("This database holds an organisation. The demo only goes into an empty database.")


def _drawn(*, fresh: bool) -> Drawn:
    """Count what stands in the database."""
    force = Organisation.objects.get(slug=SLUG)
    return Drawn(
        fresh=fresh,
        areas=Area.objects.public().count(),
        postcodes=Postcode.objects.public().count(),
        teams=force.teams.count(),
        officers=Officer.objects.count(),
        residents=Resident.objects.filter(left_at=None).count(),
        alerts=force.alerts.count(),
    )


def draw_ground(rng: random.Random) -> None:
    """Import the invented areas and postcodes, through the importers that real ones use."""
    with tempfile.TemporaryDirectory() as folder:
        for kind, parent in (("force", ""), ("district", "force"), ("team", "district"), ("ward", "team")):
            file = Path(folder) / f"{kind}.geojson"
            file.write_text(json.dumps(towns.collections()[kind]))
            options = {"parent_property": "parent", "parent_kind": parent} if parent else {}
            areas.import_areas(file, by="bell demo", kind=kind, name_property="name", **options)
    postcodes.import_postcodes(io.StringIO(towns.directory(towns.postcodes(rng, POSTCODES))))
    draw_households()


def draw_households() -> None:
    """Invented households: each town's people shared among its wards, 2.3 to a household."""
    wards = towns.wards()
    of_town = Counter(ward.town.name for ward in wards)
    rows = [f"{ward.code},{round(ward.town.weight * 1000 / 2.3 / of_town[ward.town.name])}" for ward in wards]
    households.import_households(io.StringIO("\n".join(["code,households", *rows])), kind="ward")


def found_force() -> Force:
    """The invented force with its routes, groups and Media Team; `add_teams` brings the officers."""
    organisation = Organisation.objects.create(
        sort=Organisation.Sort.FORCE,
        name=NAME,
        slug=SLUG,
        reference_prefix="DA",
        strapline="An invented force, to show what the software does",
        postal_address="Derbyshire Alert demo\nNo Such House\nMarket Place\nHeanor\nDE75 7ZZ",
    )
    for position, (sort, label, value, url, words) in enumerate(_ROUTES):
        Route.objects.create(
            organisation=organisation, sort=sort, label=label, value=value, url=url, position=position,
            text_words=words,
        )  # fmt: skip
    force = Force(organisation)
    force.groups = [
        Group.objects.create(
            organisation=organisation,
            slug=slug,
            name=name,
            help=words,
            active_hours=_ACTIVE_HOURS.get(slug, []),
            by_approval=slug == "farm-watch",
        )
        for slug, (name, words) in GROUPS.items()
    ]
    force.teams[MEDIA] = Team.objects.create(organisation=organisation, name=MEDIA, slug="media", whole_force=True)
    return force


def add_teams(force: Force, patches: dict[str, list[str]], *, kind: str) -> None:
    """Neighbourhood teams by name, each with a patch of areas of a kind (by name), a constable and a sergeant."""
    secret = make_password(PASSWORD)  # once: hashing it for each officer would take longer than all the rest
    for number, (name, patch) in enumerate(patches.items()):
        slug = name.lower().replace(" ", "-")[:50]
        team = Team.objects.create(organisation=force.organisation, name=f"{name} SNT", slug=slug)
        team.patch.set(Area.objects.of_kind(kind).filter(name__in=patch))
        force.teams[name] = team
        constable, sergeant = _name(_CONSTABLES, number), _name(_SERGEANTS, number)
        _officer(force, constable, "PC", secret, 900 + 2 * number, {team: [Role.AUTHOR]})
        _officer(force, sergeant, "Sergeant", secret, 901 + 2 * number, {team: [Role.AUTHOR, Role.APPROVER]}, True)
        if number == 0:
            media = force.teams[MEDIA]
            _officer(force, "Mel Darley", "", secret, 980, {media: [Role.MEDIA]})
            _officer(force, "Noor Castleton", "Inspector", secret, 981, {media: [Role.MEDIA, Role.APPROVER]}, True)
            _officer(force, "Viv Longcliffe", "", secret, 982, {media: [Role.ADMINISTRATOR]})
            # A role takes two administrators.
            _officer(force, "Ira Tideswell", "", secret, 984, {media: [Role.ADMINISTRATOR]})
            _officer(force, "Dee Youlgreave", "", secret, 983, {media: [Role.DPO]})


def _name(names: tuple[str, ...], number: int) -> str:
    """The number-th invented name; a force with more teams than names numbers them."""
    again, at = divmod(number, len(names))
    return f"{names[at]} {again + 1}" if again else names[at]


def _officer(
    force: Force, name: str, rank: str, secret: str, drama: int, grants: dict[Team, list[Role]], on_duty: bool = False
) -> Officer:
    """One officer with a work email and, while they last, a drama number."""
    officer = Officer.objects.create(
        email=f"{name.lower().replace(' ', '.')}@derbyshire.example",
        name=name,
        rank=rank,
        password=secret,
        mobile=f"+447700900{drama:03}" if drama < 1000 else "",
        organisation=force.organisation,
        on_duty=on_duty,
    )
    for team, roles in grants.items():
        Grant.objects.bulk_create([Grant(officer=officer, team=team, role=role) for role in roles])
    return officer


def _people(force: Force, rng: random.Random, count: int) -> None:
    """The personas, then everyone else near a postcode of the county."""
    first = [
        Person(one.name, one.email, one.mobile, (_step_from(_ILKESTON_ROAD, rng),), one.groups, one.email_kinds,
               one.sms_kinds)
        for one in PERSONAS[:count]
    ]  # fmt: skip
    homes = [Point(row.lon, row.lat, row.code) for row in Postcode.objects.public().order_by("code")]
    others = [_step_from(rng.choice(homes), rng) for _ in range(count - len(first))]
    # The personas hold the first five mobiles.
    crowd = people.invent(rng, others, groups=list(GROUPS), first=len(first), mobiles=5)
    people.settle([*first, *crowd], force=force.organisation, groups=force.groups, rng=rng)


def _spread_joining(rng: random.Random) -> None:
    """Let people have joined over the last year, more of them lately, so that growth has something to show."""
    rows = list(Resident.objects.order_by("pk"))
    now = clock.now()
    for row in rows:
        row.joined_at = now - timedelta(days=round(380 * rng.random() ** 1.6), minutes=rng.randrange(600))
    Resident.objects.bulk_update(rows, ["joined_at"], batch_size=500)


def _step_from(spot: Point, rng: random.Random) -> Point:
    """A door some 40 metres from the middle of a postcode."""
    lon, lat = spot.lon + rng.gauss(0, 0.0006), spot.lat + rng.gauss(0, 0.00036)
    return Point(round(lon, 6), round(lat, 6), spot.postcode)
