"""What must never go out, tried in earnest: by the front door, and then past it, by changing rows behind our back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Model

from bell.alerts import actions, rules
from bell.alerts.models import PUBLISHED, Alert, Approval, State, Version
from bell.lib import clock
from bell.organisations.models import ApprovalRoute, Grant, Officer, Role
from bell.proving.rehearse.world import WARDS, World
from bell.residents.models import PlaceArea


@dataclass
class Tried:
    """One attempt. `refused` says whether the front door refused it; `mark` is a word that only this alert has."""

    name: str
    alert: Alert
    mark: str
    refused: bool = True
    practice: bool = False


def attempt(world: World, everywhere: list[int]) -> list[Tried]:
    """Try each wrong; the worker is running. `everywhere` are areas, so that nobody could miss a wrong message.

    Practice does go out, to its own catchers, so it goes to few.
    """
    return [
        _unapproved(world, everywhere),
        _self_approved(world, everywhere),
        _rejected(world, everywhere),
        _half_approved(world, everywhere),
        _one_person_twice(world, everywhere),
        _edited(world, everywhere),
        _tampered(world, everywhere, "changed while held", lambda one: _set(one.alert, body="Changed after approval.")),
        _tampered(world, everywhere, "version changed while held", _change_version),
        _practice(world, a_few(20)),
    ]


def a_few(people: int) -> list[int]:
    """The wards with the most places, as many as hold so many people."""
    lived_in = PlaceArea.objects.filter(area__kind=WARDS).values("area").annotate(n=Count("pk")).order_by("-n", "area")
    found: list[int] = []
    for row in lived_in:
        found.append(row["area"])
        people -= row["n"]
        if people <= 0:
            break
    return found


def gone_out(tried: Tried) -> bool:
    """Whether the alert got as far as being sent."""
    return Alert.objects.filter(pk=tried.alert.pk, state__in=PUBLISHED).exists()


def still_held(tried: list[Tried]) -> bool:
    """Whether the worker has yet to look at one of them."""
    return Alert.objects.filter(pk__in=[one.alert.pk for one in tried], state=State.HELD).exists()


def practice_going(tried: list[Tried]) -> bool:
    """Whether the practice alert is still on its way to the practice catchers."""
    ids = [one.alert.pk for one in tried if one.practice]
    return Alert.objects.filter(pk__in=ids).exclude(state=State.SENT).exists()


def _draft(world: World, everywhere: list[int], name: str, by: Officer) -> Tried:
    """A complete draft with a mark that no other message has."""
    mark = f"never-{name.replace(' ', '-')}"
    alert = actions.draft(
        team=world.team,
        kind=world.kind,
        by=by,
        title=f"Rehearsal {mark}",
        body=f"This must not arrive: {mark}.",
        sms_text=f"Must not arrive: {mark}.",
        by_sms=True,
        fields={"from_time": "1am", "to_time": "3am", "look_for": "Nothing"},
        audience={"areas": everywhere, "shapes": [], "groups": []},
    )
    return Tried(name, alert, mark)


def _refused(act: Callable[[], object]) -> bool:
    """Whether the rules refused an act."""
    try:
        act()
    except rules.NotAllowed:
        return True
    return False


def _set(row: Model, **values: object) -> None:
    """Change a row past all rules, as a fault or an intruder would."""
    type(row)._default_manager.filter(pk=row.pk).update(**values)


def _hold(alert: Alert) -> None:
    """Make an alert look as if its hold had ended."""
    _set(alert, state=State.HELD, hold_until=clock.now() - timedelta(seconds=1))


def _approved(world: World, tried: Tried) -> Version:
    """Submit and have a colleague approve, but leave no time for it to go before it is tampered with."""
    version = actions.submit(tried.alert, by=tried.alert.author)
    actions.approve(version, by=world.approver, digest=version.digest)
    _set(tried.alert, hold_until=clock.now() + timedelta(hours=1))
    return version


def _unapproved(world: World, everywhere: list[int]) -> Tried:
    """Submitted, approved by nobody, sent all the same."""
    tried = _draft(world, everywhere, "unapproved", world.author)
    actions.submit(tried.alert, by=world.author)
    tried.refused = _refused(lambda: actions.send(tried.alert, by=world.author))
    _hold(tried.alert)
    return tried


def _self_approved(world: World, everywhere: list[int]) -> Tried:
    """Approved by the one who wrote it; then with the approval's row forged."""
    tried = _draft(world, everywhere, "self-approved", world.both)
    version = actions.submit(tried.alert, by=world.both)
    tried.refused = _refused(lambda: actions.approve(version, by=world.both, digest=version.digest))
    Approval.objects.create(
        version=version, officer=world.both, decision=Approval.Decision.APPROVE, digest=version.digest, at=clock.now()
    )
    _hold(tried.alert)
    return tried


def _rejected(world: World, everywhere: list[int]) -> Tried:
    """Rejected by a colleague for good; then approved by the same colleague, edited and submitted again."""
    tried = _draft(world, everywhere, "rejected", world.author)
    version = actions.submit(tried.alert, by=world.author)
    actions.turn_back(version, by=world.approver, reason="This is not for us to say.", reject=True)
    tried.alert.refresh_from_db()
    after = (
        lambda: actions.approve(version, by=world.approver, digest=version.digest),
        lambda: actions.edit(tried.alert, by=world.author, body=f"Once more: {tried.mark}."),
        lambda: actions.submit(tried.alert, by=world.author),
        lambda: actions.send(tried.alert, by=world.author),
    )
    outcomes = [_refused(act) for act in after]  # each is tried, whatever became of those before
    tried.refused = all(outcomes)
    _hold(tried.alert)
    return tried


def _half_approved(world: World, everywhere: list[int]) -> Tried:
    """Two people must approve it, one did; and the rule was taken away since, which changes nothing."""
    rule = ApprovalRoute.objects.create(organisation=world.force.organisation, people=2)
    tried = _draft(world, everywhere, "half-approved", world.author)
    version = actions.submit(tried.alert, by=world.author)
    rule.delete()
    waits = actions.approve(version, by=world.approver, digest=version.digest, reason="One of two.")
    sent = _refused(lambda: actions.send(tried.alert, by=world.author))
    tried.refused = sent and waits.state == State.SUBMITTED
    _hold(tried.alert)
    return tried


def _one_person_twice(world: World, everywhere: list[int]) -> Tried:
    """Written by one account, approved by another of the same person; then with the approval's row forged."""
    tried = _draft(world, everywhere, "approved by another account", world.author)
    version = actions.submit(tried.alert, by=world.author)
    _set(world.author, person="4711")
    other = Officer.objects.create(
        email=f"again.{world.author.email}", name="Anna Again", organisation=world.force.organisation, person="4711"
    )
    Grant.objects.create(officer=other, team=world.team, role=Role.APPROVER)
    tried.refused = _refused(lambda: actions.approve(version, by=other, digest=version.digest))
    Approval.objects.create(
        version=version, officer=other, decision=Approval.Decision.APPROVE, digest=version.digest, at=clock.now()
    )
    _hold(tried.alert)
    return tried


def _edited(world: World, everywhere: list[int]) -> Tried:
    """Approved, taken back, edited, and sent on the old approval."""
    tried = _draft(world, everywhere, "edited after approval", world.author)
    _approved(world, tried)
    actions.take_back(tried.alert, by=world.author)
    tried.alert.refresh_from_db()
    actions.edit(tried.alert, by=world.author, body=f"Edited after approval: {tried.mark}.")
    tried.refused = _refused(lambda: actions.send(tried.alert, by=world.author))
    _hold(tried.alert)
    return tried


def _tampered(world: World, everywhere: list[int], name: str, change: Callable[[Tried], None]) -> Tried:
    """Approved and held, then changed in the database."""
    tried = _draft(world, everywhere, name, world.author)
    _approved(world, tried)
    change(tried)
    _hold(tried.alert)
    return tried


def _change_version(tried: Tried) -> None:
    """Change the frozen text under its approval."""
    version = tried.alert.versions.get()
    _set(version, frozen={**version.frozen, "body": "Changed under its approval."})
    _set(tried.alert, body="Changed under its approval.")


def _practice(world: World, everywhere: list[int]) -> Tried:
    """A practice alert, rightly approved: it may reach the practice catchers, and nothing else."""
    tried = _draft(world, everywhere, "practice", world.learner)
    tried.practice = True
    version = actions.submit(tried.alert, by=world.learner)
    refused = _refused(lambda: actions.approve(version, by=world.approver, digest=version.digest))
    tried.refused = refused and version.alert.practice  # who is not practising decides nothing here
    actions.approve(version, by=world.coach, digest=version.digest, reason="Practice.")
    return tried
