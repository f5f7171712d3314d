"""The cast: a town, a force, a partner, officers who draft and approve, residents, one with no business here.

Everyone is made through the project's own verbs where there is one, so that tests use what the faces use.
"""

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shapely.geometry import box

from bell.alerts import actions as alert_actions
from bell.alerts import approving
from bell.alerts.models import Alert, Version
from bell.lib import clock, shapes
from bell.organisations.kinds import Kind
from bell.organisations.models import Agreement, Grant, Officer, Organisation, Role, Route, Team
from bell.places.models import Area, Postcode
from bell.residents import actions as resident_actions
from bell.residents import rules as resident_rules
from bell.residents.actions import Choices, Spot
from bell.residents.models import Group, Resident

PASSWORD = "a long enough password"

# The town of Heanor-on-Test: two wards side by side, a third beyond, all within one territory.
WEST, SOUTH, EAST, NORTH = -1.40, 53.00, -1.30, 53.04
MIDDLE = -1.35
IN_WEST = (-1.375, 53.02)
IN_EAST = (-1.325, 53.02)
FAR = (-1.20, 53.02)


def area(
    kind: str, code: str, name: str, bounds: tuple[float, float, float, float], parent: Area | None = None
) -> Area:
    """One rectangular area."""
    shape = box(*bounds)
    west, south, east, north = bounds
    return Area.objects.create(
        kind=kind,
        code=code,
        name=name,
        parent=parent,
        boundary=_text(shape),
        west=west,
        south=south,
        east=east,
        north=north,
        lon=(west + east) / 2,
        lat=(south + north) / 2,
        updated_at=clock.now(),
    )


def _text(shape: Any) -> str:
    """The boundary as it is stored."""
    return json.dumps(shapes.to_geojson(shape))


@dataclass
class Cast:
    """Everyone, by name."""

    territory: Area = field(init=False)
    west: Area = field(init=False)
    east: Area = field(init=False)
    far: Area = field(init=False)
    force: Organisation = field(init=False)
    partner: Organisation = field(init=False)
    agreement: Agreement = field(init=False)
    team: Team = field(init=False)
    other_team: Team = field(init=False)
    media_team: Team = field(init=False)
    author: Officer = field(init=False)
    approver: Officer = field(init=False)
    second_approver: Officer = field(init=False)
    media: Officer = field(init=False)
    administrator: Officer = field(init=False)
    dpo: Officer = field(init=False)
    stranger: Officer = field(init=False)
    outsider: Officer = field(init=False)
    dog_walkers: Group = field(init=False)
    cctv: Group = field(init=False)
    _count: int = 0

    def __post_init__(self) -> None:
        self._town()
        self._organisations()
        self._officers()
        self.dog_walkers = Group.objects.create(organisation=self.force, name="Dog walkers", slug="dog-walkers")
        self.cctv = Group.objects.create(organisation=self.force, name="CCTV owners", slug="cctv-owners")

    def _town(self) -> None:
        self.territory = area("force", "F1", "Testshire", (-1.5, 52.9, -1.1, 53.1))
        district = area("district", "D1", "Amber Test", (-1.45, 52.95, -1.25, 53.08), self.territory)
        self.west = area("ward", "W1", "West Ward", (WEST, SOUTH, MIDDLE, NORTH), district)
        self.east = area("ward", "W2", "East Ward", (MIDDLE, SOUTH, EAST, NORTH), district)
        self.far = area("ward", "W3", "Far Ward", (-1.22, SOUTH, -1.15, NORTH), self.territory)
        for code, (lon, lat) in {"DE75 7AB": IN_WEST, "DE75 7CD": IN_EAST, "S40 1AA": FAR}.items():
            Postcode.objects.create(code=code, lon=lon, lat=lat)

    def _organisations(self) -> None:
        self.force = Organisation.objects.create(
            sort=Organisation.Sort.FORCE, name="Testshire Police", slug="testshire", reference_prefix="TP",
            postal_address="Police House\nHeanor-on-Test",
        )  # fmt: skip
        self.partner = Organisation.objects.create(sort=Organisation.Sort.PARTNER, name="Test Council", slug="council")
        self.agreement = Agreement.objects.create(
            organisation=self.partner, what="Counts of people reached", purpose="Safer streets", basis="Public task",
            starts=date(2020, 1, 1), ends=date(2099, 12, 31), document="DSA-1",
        )  # fmt: skip
        for position, (sort, label, value, url, words) in enumerate(
            [
                (Route.Sort.EMERGENCY, "Emergency", "999", "", "Emergency 999"),
                (Route.Sort.PHONE, "Not an emergency", "101", "", "Or 101"),
                (Route.Sort.ANONYMOUS, "Crimestoppers", "0800 555 111", "https://crimestoppers.example/", ""),
                (Route.Sort.SOCIAL, "Mastodon", "@testshire", "https://social.example/@testshire", ""),
            ]
        ):
            Route.objects.create(
                organisation=self.force,
                sort=sort,
                label=label,
                value=value,
                url=url,
                text_words=words,
                position=position,
            )
        self.team = Team.objects.create(organisation=self.force, name="Heanor SNT", slug="heanor")
        self.team.patch.add(self.west, self.east)
        self.other_team = Team.objects.create(organisation=self.force, name="Far SNT", slug="far")
        self.other_team.patch.add(self.far)
        self.media_team = Team.objects.create(
            organisation=self.force, name="Media Team", slug="media", whole_force=True
        )

    def _officers(self) -> None:
        self.author = self.officer("Ana Author", self.team, Role.AUTHOR)
        self.approver = self.officer("Ben Approver", self.team, Role.APPROVER, on_duty=True)
        self.second_approver = self.officer("Cas Second", self.team, Role.APPROVER, on_duty=True)
        self.media = self.officer("Mo Media", self.media_team, Role.MEDIA, Role.APPROVER)
        self.administrator = self.officer("Ada Admin", self.team, Role.ADMINISTRATOR)
        self.dpo = self.officer("Dee Protection", self.media_team, Role.DPO)
        self.stranger = self.officer("Sam Stranger", self.other_team, Role.AUTHOR, Role.APPROVER)
        council = Team.objects.create(organisation=self.partner, name="Council desk", slug="desk", whole_force=True)
        self.outsider = self.officer("Olu Outsider", council, Role.AUTHOR, Role.APPROVER)

    def officer(self, name: str, team: Team, *roles: str, **facts: Any) -> Officer:
        """An officer with roles in one team."""
        slug = name.lower().replace(" ", ".")
        officer = Officer.objects.create_user(
            f"{slug}@police.example", PASSWORD, name=name, organisation=team.organisation, **facts
        )
        for role in roles:
            Grant.objects.create(officer=officer, team=team, role=role)
        return officer

    def resident(
        self,
        at: tuple[float, float] = IN_WEST,
        *,
        email: str | None = "",
        mobile: str | None = None,
        groups: tuple[Group, ...] = (),
        kinds: tuple[str, ...] = tuple(Kind.values),
        sms_kinds: tuple[str, ...] = tuple(Kind.values),
        organisations: tuple[Organisation, ...] | None = None,
    ) -> Resident:
        """Someone who joined, through the verb that joining uses. `email` None means none; "" makes one up."""
        self._count += 1
        reaches = []
        if email is not None:
            reaches.append(resident_rules.reach("email", email or f"resident{self._count}@home.example"))
        if mobile is not None:
            reaches.append(resident_rules.reach("sms", mobile or f"07700 900{self._count % 1000:03d}"))
        return resident_actions.join(
            contacts=reaches,
            places=[Spot(*at)],
            choices=Choices(
                email_kinds=list(kinds),
                sms_kinds=list(sms_kinds),
                groups=[group.pk for group in groups],
                organisations=[one.pk for one in (organisations if organisations is not None else (self.force,))],
            ),
            how="web",
        )

    def draft(self, **changes: Any) -> Alert:
        """A complete draft of a crime alert to the west ward."""
        facts = {
            "title": "Shed burglaries in Heanor",
            "body": "Two sheds were broken into **last night**. Did you see a white van?",
            "audience": {"areas": [self.west.pk], "shapes": [], "groups": []},
        } | changes
        kind = facts.pop("kind", Kind.CRIME)
        by, team = facts.pop("by", self.author), facts.pop("team", self.team)
        if kind == Kind.PARTNER and team.organisation == self.force:
            facts.setdefault("on_behalf_of", self.partner)  # the force never begins one of its own
        return alert_actions.draft(team=team, kind=kind, by=by, **facts)

    def approved(self, alert: Alert | None = None, **changes: Any) -> tuple[Alert, Version]:
        """A draft that was submitted by its author and approved by a colleague: now held."""
        alert = alert or self.draft(**changes)
        version = alert_actions.submit(alert, by=alert.author)
        why = "Looked at." if approving.needs_reason(version) else ""
        return alert_actions.approve(version, by=self.approver, digest=version.digest, reason=why), version
