"""The demo's other organisations: invented partners, their agreements, teams, officers, and who chose them.

Everything goes through the verbs that administrators and officers use; only who follows whom is written in bulk.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bell.alerts import actions, closing, dispatch, starters, together
from bell.alerts.models import Alert, Relation, State
from bell.lib import clock
from bell.organisations import actions as organisations
from bell.organisations.actions import Identity, Terms
from bell.organisations.kinds import Kind
from bell.organisations.models import Grant, Officer, Organisation, Role, Team
from bell.places.models import Area
from bell.proving.history import close_as_history
from bell.residents import groups
from bell.residents.models import Following, Group, GroupMember, Resident

LONG_AGO = date(2010, 1, 1)
REPORT_FRAUD_SINCE = date(2025, 12, 4)
_BEFORE = datetime(2025, 11, 18, 9, 30, tzinfo=UTC)
_A_YEAR = timedelta(days=365)
SCHEME = "Ilkeston Road Watch, Heanor"


@dataclass(frozen=True)
class _Plan:
    """A partner before there is one: names with days, what it does, who works there, how many residents follow it."""

    names: tuple[tuple[str, date], ...]
    prefix: str
    strapline: str
    desk: str
    author: str
    approver: str
    share: float


_PLANS = (
    _Plan((("Ashgate County Council (demo)", LONG_AGO),), "AC", "Roads, schools, libraries and flood warnings",
          "Council newsroom", "Tess Hollins", "Owen Barlow", 0.35),
    _Plan((("Action Fraud (demo)", LONG_AGO), ("Report Fraud (demo)", REPORT_FRAUD_SINCE)), "RF",
          "Where to report fraud and cyber crime", "Alerts desk", "Ines Calloway", "Hugh Penrose", 0.2),
    _Plan((("Crimestoppers (demo)", LONG_AGO),), "CS", "A charity that takes what you know without asking who you are",
          "Regional desk", "Gil Sanderby", "Ruth Amblecote", 0.2),
    _Plan((("Fire and Rescue (demo)", LONG_AGO),), "FR", "Fires, floods and safe-and-well visits",
          "Control room", "Pia Stonnal", "Karl Wexcombe", 0.3),
    _Plan((("Neighbourhood Watch (demo)", LONG_AGO),), "NW", "Neighbours who look out for one another",
          "Watch office", "Bea Thornhill", "Joss Merriden", 0.25),
)  # fmt: skip


def found(*, administrator: Officer, secret: str) -> list[Organisation]:
    """The partners with agreements of today, a desk each, and one who writes and one who approves."""
    today = clock.local(clock.now()).date()
    made = []
    for plan in _PLANS:
        (name, since), *later = plan.names
        identity = Identity(strapline=plan.strapline, reference_prefix=plan.prefix)
        partner = organisations.add_partner(name=name, since=since, identity=identity, by=administrator)
        for name, since in later:
            if since <= today:
                partner = organisations.rename(partner, name=name, since=since, by=administrator)
        terms = Terms(
            what="Counts of people reached; never who they are",
            purpose="Public safety",
            basis="Public task, UK GDPR article 6(1)(e)",
            starts=today - timedelta(days=90),
            ends=today + _A_YEAR,
            document=f"DSA-DEMO-{plan.prefix}",
        )
        organisations.agree(partner, terms, by=administrator)
        team = Team.objects.create(organisation=partner, name=plan.desk, slug="desk", whole_force=True)
        _officer(partner, plan.author, secret, {team: [Role.AUTHOR]})
        roles = [Role.AUTHOR, Role.APPROVER, Role.ADMINISTRATOR]
        _officer(partner, plan.approver, secret, {team: roles}, on_duty=True)
        made.append(partner)
    _scheme(made[-1], secret)
    return made


def _officer(
    partner: Organisation, name: str, secret: str, grants: dict[Team, list[Role]], *, on_duty: bool = False
) -> Officer:
    """One officer of a partner."""
    officer = Officer.objects.create(
        email=f"{name.lower().replace(' ', '.')}@{partner.slug}.example",
        name=name,
        password=secret,
        organisation=partner,
        on_duty=on_duty,
    )
    rows = [Grant(officer=officer, team=team, role=role) for team, roles in grants.items() for role in roles]
    Grant.objects.bulk_create(rows)
    return officer


def _scheme(watch: Organisation, secret: str) -> None:
    """A watch scheme in Heanor: a team of its own with a patch, a coordinator, and a group that they look after."""
    team = Team.objects.create(organisation=watch, name=SCHEME, slug="ilkeston-road", margin_m=0)
    team.patch.set(Area.objects.of_kind("team").filter(name="Heanor and Ripley"))
    _officer(watch, "Dot Aldercar", secret, {team: [Role.AUTHOR, Role.APPROVER]}, on_duty=True)
    keeper = Officer.objects.get(organisation=watch, grants__role=Role.ADMINISTRATOR)
    words = "You live on or near Ilkeston Road, and look out for your neighbours"
    terms = groups.Terms(SCHEME, help=words, by_approval=True, active_hours=[[17, 19]], scheme_team=team)
    groups.define(terms, by=keeper)


def follow(partners: Sequence[Organisation], personas: Sequence[Resident], rng: random.Random) -> None:
    """Let residents choose partners, each by chance; the personas choose the watch, and Walter asks to join it."""
    everyone = list(Resident.objects.order_by("pk").values_list("pk", flat=True))
    rows = [
        Following(resident_id=number, organisation=partner)
        for partner, plan in zip(partners, _PLANS, strict=True)
        for number in everyone
        if rng.random() < plan.share
    ]
    rows += [Following(resident=person, organisation=partners[-1]) for person in personas]
    Following.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    group = Group.objects.get(organisation=partners[-1], scheme_team__isnull=False)
    states = GroupMember.State
    GroupMember.objects.bulk_create(
        GroupMember(group=group, resident=person, state=states.ASKED if number == 5 else states.MEMBER)
        for number, person in enumerate(personas)
    )


def write(partners: Sequence[Organisation], media: Team, areas: Sequence[int]) -> None:
    """What they did before today: a search carried by three, its end, a warning of Action Fraud, a request."""
    council, fraud, _, fire, watch = partners
    author = Officer.objects.filter(grants__team=media, grants__role=Role.MEDIA).order_by("pk")[0]
    approver = Officer.objects.get(grants__team=media, grants__role=Role.APPROVER)
    _search([council, fire, watch], media, author, approver, areas)
    _fraud(fraud, areas)
    _notice(council, areas)
    _request(council, media.organisation, areas)


def _search(
    carriers: Sequence[Organisation], media: Team, author: Officer, approver: Officer, areas: Sequence[int]
) -> None:
    """A missing person whom four organisations looked for, and who was found."""
    at = clock.now() - timedelta(days=17)
    alert = actions.draft(
        team=media,
        kind=Kind.MISSING,
        by=author,
        title="Missing: a woman of 34, last seen near Matlock",
        body="She left for a walk on the hills yesterday and has not come home. Please look along the paths above the "
        "town, and in barns and shelters. If you see her, call 999.",
        fields={"description": "34, tall, short red hair, blue waterproof, small green rucksack"},
        audience={"areas": list(areas), "shapes": [], "groups": []},
        carriers=sorted(one.pk for one in carriers),
    )
    _went_out(alert, author, approver, at)
    after = actions.follow_up(alert, relation=Relation.STAND_DOWN, by=author)
    actions.edit(
        after,
        by=author,
        title="Found safe: thank you",
        body="The woman missing near Matlock was found safe. Thank you to everyone who looked.",
        fields={"description": "No longer needed"},
    )
    _went_out(after, author, approver, at + timedelta(hours=5))
    closing.close(alert, by=author)
    Alert.objects.filter(pk=after.pk, state=State.SENT).update(state=State.CLOSED)


def _went_out(alert: Alert, author: Officer, approver: Officer, at: datetime) -> None:
    """Submit, agree, approve and dispatch by the real verbs, then let it have happened at `at`."""
    version = actions.submit(alert, by=author)
    for carrier in version.carriers.filter(decision="asked"):
        heads = Officer.objects.filter(organisation=carrier.organisation_id, grants__role=Role.APPROVER)
        together.decide(carrier, by=heads.order_by("pk")[0], digest=version.digest, agree=True)
    held = actions.approve(version, by=approver, digest=version.digest)
    Alert.objects.filter(pk=held.pk).update(hold_until=at)
    dispatch.begin(held)
    while dispatch.fill_step(version):
        pass
    for carrier in version.carriers.all():
        while dispatch.carry_step(carrier):
            pass
    version.refresh_from_db()
    for mailing in version.mailings():
        close_as_history(mailing, at)
    dispatch.finish(version)
    version.approvals.update(at=at - timedelta(minutes=2))
    version.carriers.update(at=at - timedelta(minutes=4), filled_at=at)
    alert.versions.update(at=at - timedelta(minutes=9), filled_at=at)
    past: dict[str, Any] = {"created_at": at - timedelta(minutes=25), "finished_at": at + timedelta(minutes=1)}
    Alert.objects.filter(pk=alert.pk).update(sent_at=at, **past)
    alert.refresh_from_db()


def _fraud(fraud: Organisation, areas: Sequence[int]) -> None:
    """A warning of the days when Report Fraud was Action Fraud: its page still says so."""
    team = fraud.teams.get()
    author, approver = Officer.objects.filter(organisation=fraud).order_by("pk")
    alert = actions.draft(
        team=team,
        kind=Kind.SCAM,
        by=author,
        title="Parcels that nobody ordered",
        body="A text says that a parcel waits and asks for a small fee. The link takes your card number.\n\n"
        "- **Do not open the link.** Look your parcel up on the sender’s own site.\n- Forward the text to 7726.",
        audience={"areas": list(areas), "shapes": [], "groups": []},
    )
    _went_out(alert, author, approver, _BEFORE)


def _notice(council: Organisation, areas: Sequence[int]) -> None:
    """A road that the council closes, told to those who chose the council; and the template it begins with."""
    author, approver = Officer.objects.filter(organisation=council).order_by("pk")
    starters.keep(
        by=approver, team=None, kind=Kind.PARTNER, name="Road closed",
        title="[Road] is closed from [day] to [day]", body="We close **[road]** between [place] and [place] to [why].",
    )  # fmt: skip
    alert = actions.draft(
        team=council.teams.get(),
        kind=Kind.PARTNER,
        by=author,
        title="Heanor Road is closed for five nights",
        body="We close **Heanor Road** between the market place and the station bridge to lay a new surface. Buses go "
        "round by the hospital. Please allow ten minutes more.",
        fields={"dates": "Monday to Friday next week, 8pm to 6am", "find_out": "Call 0300 123 2040, 8am to 6pm"},
        audience={"areas": list(areas), "shapes": [], "groups": []},
    )
    _went_out(alert, author, approver, clock.now() - timedelta(days=2))


def _request(council: Organisation, force: Organisation, areas: Sequence[int]) -> None:
    """A draft that the council asks the force to send: it waits."""
    author = Officer.objects.filter(organisation=council).order_by("pk")[0]
    alert = actions.draft(
        team=council.teams.get(),
        kind=Kind.EVENT,
        by=author,
        title="Drop-in about safer walks to school",
        body="Come and tell us which crossings worry you. The council and the neighbourhood team are there together.",
        fields={"event_time": "Thursday, 4pm to 6pm", "event_place": "The library, Heanor"},
        audience={"areas": list(areas), "shapes": [], "groups": []},
    )
    together.ask(alert, to=force, by=author, note="Could you send this to everyone in Heanor? Few chose us yet.")
