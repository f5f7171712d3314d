"""Further acts, once the main job is done: an alert that was returned, quiet hours, a missing person who is found.

Each goes out by the same worker, relay and gateway, to few people, so that the main job stays what is measured.
"""

from dataclasses import dataclass, field
from datetime import datetime

from bell.alerts import actions
from bell.alerts.models import Relation, State
from bell.audit.models import Entry
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations import approvals, rules
from bell.organisations.kinds import Kind
from bell.places import find
from bell.places.models import Area
from bell.proving.rehearse import digested, expected, surveyed, wrongs
from bell.proving.rehearse.desk import AT_SEA, Desk, Sent
from bell.proving.rehearse.digested import Digested
from bell.proving.rehearse.spools import Copy
from bell.proving.rehearse.surveyed import Surveyed
from bell.proving.rehearse.verdict import Verdict
from bell.proving.rehearse.waiting import Patience
from bell.residents import actions as residents
from bell.residents.models import Resident

RETURNED = "never-as-first-written"
_ASLEEP = 12  # people at most who have quiet hours
_FEW = 40  # people, about, whom the missing person's alert is for


@dataclass(frozen=True)
class Slept:
    """One person with quiet hours: what the post room had for them when everyone else's routine copy was out."""

    key: int
    due_at: datetime


@dataclass
class Acts:
    """What the checks need to know of the acts."""

    slept: list[Slept] = field(default_factory=list)
    until: datetime | None = None
    """When the quiet hours end."""
    agreed_at: datetime | None = None
    """When the second of two people approved."""
    digested: Digested = field(default_factory=Digested)
    surveyed: Surveyed = field(default_factory=Surveyed)


def run(desk: Desk, patience: Patience) -> Acts:
    """All acts, in order."""
    acts = Acts()
    _returned(desk, patience)
    acts.agreed_at = _by_two(desk, patience)
    _quiet(desk, patience, acts)
    _missing(desk, patience)
    audience, people, _ = _everyone_in_group(desk)
    acts.digested = digested.run(desk, audience, people, patience)
    acts.surveyed = surveyed.run(desk, audience, people, patience)
    return acts


def _everyone_in_group(desk: Desk) -> tuple[dict[str, list[int]], dict[int, list[expected.Person]], expected.Everyone]:
    """The audience of the whole county and the small group; whom it means, before groups; everyone."""
    areas = list(Area.objects.filter(parent=None).order_by("pk"))
    everyone = expected.everyone()
    meant = expected.within(everyone, [find.shape(area) for area in areas])
    audience = {"areas": [area.pk for area in areas], "shapes": [], "groups": [desk.world.small.pk]}
    return audience, {desk.world.force.organisation.pk: meant}, everyone


def _returned(desk: Desk, patience: Patience) -> None:
    """A colleague returns what was written, with a reason; written anew and approved, the second version goes."""
    audience, people, everyone = _everyone_in_group(desk)
    world = desk.world
    alert = desk.draft("Returned and written anew", audience, by_sms=False, body=f"This must not arrive: {RETURNED}.")
    first = actions.submit(alert, by=world.author)
    actions.turn_back(first, by=world.approver, reason="Please say it in plain words.")
    alert.refresh_from_db()
    alert = actions.edit(alert, by=world.author, body="Please look at your cameras once more, and tell us either way.")
    sent = desk.send("returned", alert, people, everyone, groups=audience["groups"])
    patience.until(sent.over, "the alert that was returned to be sent")


def _by_two(desk: Desk, patience: Patience) -> datetime:
    """A rule asks for two people; with the approval of one nothing moves, with the second's it goes."""
    audience, people, everyone = _everyone_in_group(desk)
    world = desk.world
    administrator = rules.administrators(world.force.organisation)[0]
    rule = approvals.add_rule(approvals.Terms(kind=Kind.PREVENTION, people=2), by=administrator)
    alert = desk.draft(
        "Two colleagues looked at this", audience, by_sms=False, kind=Kind.PREVENTION, body="Lock your shed.", fields={}
    )
    sent = desk.submit("by two", alert, people, everyone, groups=audience["groups"])
    approvals.remove_rule(rule, by=administrator)  # what was submitted keeps what it was given
    version = sent.version
    waits = actions.approve(version, by=world.approver, digest=version.digest, reason="One of two.")
    if waits.state != State.SUBMITTED:
        raise RuntimeError("One approval of two was enough.")
    at = clock.now()
    actions.approve(version, by=world.both, digest=version.digest, reason="The other of two.")
    patience.until(sent.over, "the alert that two approved to be sent")
    return at


def _quiet(desk: Desk, patience: Patience, acts: Acts) -> None:
    """It is night for some: a routine alert waits for their morning, an urgent one does not."""
    acts.until = _put_to_bed(desk)
    audience, people, everyone = _everyone_in_group(desk)
    groups = audience["groups"]
    calm = desk.draft("In the morning will do", audience, by_sms=False)
    routine = desk.send("quiet", calm, people, everyone, groups=groups)
    asleep = set(Resident.objects.exclude(quiet_from=None).values_list("key", flat=True))

    def awake_have_it() -> bool:
        rows = Delivery.objects.filter(mailing__in=routine.mailings(), state__in=AT_SEA)
        return routine.filled() and not rows.exclude(recipient_key__in=asleep).exists()

    patience.until(awake_have_it, "those who are awake to have the routine alert")
    hot = desk.draft("Minutes matter", audience, by_sms=False, urgent=True)
    urgent = desk.send("urgent", hot, people, everyone, groups=groups)
    patience.until(urgent.over, "the urgent alert to be sent")
    rows = Delivery.objects.filter(mailing__in=routine.mailings(), recipient_key__in=asleep, state__in=AT_SEA)
    slept = rows.values_list("recipient_key", "due_at")
    acts.slept = [Slept(*row) for row in slept]
    # It is of no use in the morning any more: whoever is asleep never gets it. Then it is day for them.
    actions.stop(routine.version.alert, by=desk.world.approver)
    for resident in Resident.objects.exclude(quiet_from=None).order_by("pk"):
        residents.set_quiet(resident, hours=None, by=resident)


def _put_to_bed(desk: Desk) -> datetime:
    """Some members of the small group have quiet hours from now on, for between an hour and an hour and a half."""
    now = clock.local(clock.now())
    begins = (now.hour * 60 + now.minute) // 30 * 30
    ends = (begins + 90) % 1440
    members = Resident.objects.filter(left_at=None, memberships__group=desk.world.small, memberships__state="member")
    for resident in members.order_by("pk").distinct()[:_ASLEEP]:
        residents.set_quiet(resident, hours=(begins, ends), by=resident)
    over = clock.quiet_end(clock.now(), begins, ends)
    if over is None:
        raise RuntimeError("Quiet hours that begin now hold now.")
    return over


def _missing(desk: Desk, patience: Patience) -> None:
    """Somebody is missing, and found: the stand-down goes to exactly those who were asked to look."""
    areas = list(Area.objects.filter(pk__in=wrongs.a_few(_FEW)))
    everyone = expected.everyone()
    meant = expected.within(everyone, [find.shape(area) for area in areas])
    audience = {"areas": [area.pk for area in areas], "shapes": [], "groups": []}
    alert = desk.draft(
        "Have you seen Robin?",
        audience,
        kind=Kind.MISSING,
        urgent=True,
        body="Robin has not come home. Please look in your sheds and gardens.",
        sms_text="Robin is missing. Please look in sheds and gardens.",
        fields={"description": "Nine years old, red coat, green hat"},
    )
    first = desk.send("missing", alert, {desk.world.force.organisation.pk: meant}, everyone)
    patience.until(first.over, "the missing person's alert to be sent")
    found = actions.follow_up(first.version.alert, relation=Relation.STAND_DOWN, by=desk.world.author)
    found = actions.edit(
        found, by=desk.world.author, body="Found safe and well. Thank you for looking.", sms_text="Found."
    )
    everyone = expected.everyone()
    down = desk.send("stand-down", found, first.reached(everyone), everyone)
    patience.until(down.over, "the stand-down to be sent")


def quiet(acts: Acts, sent: dict[str, Sent], copies: list[Copy], *, provable: bool) -> Verdict:
    """Routine waited for the morning of whoever slept, urgent did not, and the record says for how many."""
    verdict = Verdict(provable=provable)
    if not provable:
        return verdict
    routine, urgent = sent["quiet"].version, sent["urgent"].version
    addresses = {key: due.address for (key, channel), due in sent["quiet"].expected.items() if channel == "email"}
    got = {copy.to for copy in copies if copy.reference == routine.alert.reference}
    woken = {copy.to for copy in copies if copy.reference == urgent.alert.reference}
    verdict.check(len(acts.slept) > 0, "nobody slept, so it proved nothing")
    for one in acts.slept:
        verdict.check(one.due_at == acts.until, f"person {one.key}'s copy is due at {one.due_at}, not at {acts.until}")
        verdict.check(addresses[one.key] not in got, f"person {one.key} was woken by a routine alert")
        verdict.check(addresses[one.key] in woken, f"person {one.key} never got the urgent alert")
    noted = Entry.objects.filter(verb="quiet hours broken", target_key=str(urgent.alert.pk)).order_by("pk").last()
    said = noted.facts.get("people") if noted else None
    verdict.check(said == len(acts.slept), f"the record says {said} people were woken, not {len(acts.slept)}")
    return verdict


def returned(sent: dict[str, Sent], copies: list[Copy], *, provable: bool) -> Verdict:
    """What was returned never arrived as it was first written; what was written anew did."""
    verdict = Verdict(provable=provable)
    version = sent["returned"].version
    decided = list(version.alert.versions.order_by("number").values_list("approvals__decision", flat=True))
    verdict.check(decided == ["return", "approve"], f"the versions were decided as {decided}")
    wrong = [copy for copy in copies if RETURNED in f"{copy.text}\n{copy.html}"]
    verdict.check(not wrong, f"{len(wrong)} copies of what was returned")
    verdict.check(version.alert.state in (State.SENT, State.SENDING), "what was written anew did not go")
    return verdict


def by_two(acts: Acts, sent: dict[str, Sent], copies: list[Copy], *, provable: bool) -> Verdict:
    """Two different people approved it, and nothing of it left before the second had."""
    verdict = Verdict(provable=provable)
    version = sent["by two"].version
    people = set(version.approvals.filter(decision="approve", digest=version.digest).values_list("officer", flat=True))
    verdict.check(len(people) == 2, f"{len(people)} people approved it, not two")
    verdict.check(acts.agreed_at is not None, "the second approval has no time")
    for copy in copies:
        if copy.reference == version.alert.reference and acts.agreed_at is not None:
            verdict.check(copy.at > acts.agreed_at, "a copy left before the second approval")
    return verdict


def stand_down(sent: dict[str, Sent], copies: list[Copy], *, provable: bool) -> Verdict:
    """Everyone who was asked to look, and nobody else, heard that it is over."""
    verdict = Verdict(provable=provable)
    if not provable:
        return verdict
    asked = {_where(copy) for copy in copies if copy.reference == sent["missing"].version.alert.reference}
    told = {_where(copy) for copy in copies if copy.reference == sent["stand-down"].version.alert.reference}
    verdict.check(len(asked) > 0, "nobody was asked to look")
    for place in asked ^ told:
        verdict.check(False, f"{'asked and never told' if place in asked else 'told and never asked'}: {place[0]}")
    verdict.checked += len(asked & told)
    return verdict


def _where(copy: Copy) -> tuple[str, str]:
    return copy.channel, copy.to
