"""Organisations together: who carries an alert, who asks the force to send, who passed one on (G2-G4).

A partner sees the text and numbers, never people. What it agrees to is one version by its hash; a change asks again.
"""

from django.db import transaction

from bell.alerts import approving, expiry, find, practice, rules
from bell.alerts.models import PUBLISHED, Alert, Ask, Carrier, PassedOn, Relation, State, Version
from bell.alerts.rules import NotAllowed, Unfinished
from bell.audit.record import record
from bell.lib import clock
from bell.organisations import notices
from bell.organisations.models import Grant, Officer, Organisation, Role
from bell.organisations.rules import has_agreement

_ASKS = "An organisation asks you to carry an alert."
_STEPPED_DOWN = (Relation.STAND_DOWN,)


def invite(version: Version) -> None:
    """Ask the organisations named in a version; who carried the alert that it follows carries this too.

    A stand-down must not wait for anyone: it goes to whoever got the first, by the organisation that brought it.
    """
    if version.alert.follows is not None:
        told = find.told_by(version.alert.follows, version.frozen["relation"])
        carried = Carrier.objects.filter(version__alert__in=[one.pk for one in told]).exclude(mailing=None)
        for earlier in {one.organisation_id: one for one in carried.order_by("-pk")}.values():
            Carrier.objects.create(
                version=version,
                organisation=earlier.organisation,
                decision=Carrier.Decision.AGREED,
                officer=earlier.officer,
                reason="Carried the alert that this follows",
                digest=version.digest,
                at=clock.now(),
            )
        return
    for organisation in Organisation.objects.public().filter(pk__in=version.frozen.get("carriers", [])):
        carrier = Carrier.objects.create(version=version, organisation=organisation)
        for officer in approvers_of(organisation):
            if not practice.refusal(officer, version.alert):
                notices.notify(officer, _ASKS, key=f"carrier {carrier.pk}", practice=version.alert.practice)


def approvers_of(organisation: Organisation) -> list[Officer]:
    """Approvers of an organisation: those on duty, else all."""
    grants = Grant.objects.filter(role=Role.APPROVER, team__organisation=organisation, officer__is_active=True)
    able = list(Officer.objects.filter(pk__in=grants.values("officer")).order_by("pk"))
    return [one for one in able if one.on_duty] or able


@transaction.atomic
def decide(carrier: Carrier, *, by: Officer, digest: str, agree: bool, reason: str = "") -> Carrier:
    """Agree to carry exactly this version, or decline. Agreeing after it went out sends to our followers then."""
    carrier = Carrier.objects.select_for_update(of=("self",)).select_related("version__alert").get(pk=carrier.pk)
    alert = carrier.version.alert
    _may_carry(by, carrier.organisation)
    practice.check(by, alert)
    if agree and approving.wrote(by, carrier.version):
        raise NotAllowed("You wrote, edited or submitted this alert, so a colleague must decide whether you carry it.")
    if carrier.version.digest != digest or alert.versions.last() != carrier.version:
        raise NotAllowed("This alert has changed since you opened it. Look at the newest version.")
    if carrier.decision == Carrier.Decision.AGREED and agree:
        return carrier
    if carrier.decision != Carrier.Decision.ASKED:
        raise NotAllowed("This was decided already.")
    if agree:
        _still_wanted(alert)
    carrier.decision = Carrier.Decision.AGREED if agree else Carrier.Decision.DECLINED
    carrier.officer, carrier.at, carrier.reason, carrier.digest = by, clock.now(), reason.strip()[:500], digest
    carrier.save()
    record(f"carrier {carrier.decision}", alert, by=by, organisation=carrier.organisation_id)
    return carrier


@transaction.atomic
def pass_on(alert: Alert, *, by: Officer) -> Carrier:
    """Carry another organisation's public alert to those who follow us; who has it already gets no second copy."""
    _may_carry(by, by.organisation)
    if alert.organisation_id == by.organisation_id or alert.state not in PUBLISHED or alert.practice:
        raise NotAllowed("Only another organisation's public alert can be passed on.")
    practice.check(by, alert)
    _still_wanted(alert)
    latest = alert.versions.exclude(mailing=None).last()
    if latest is None:
        raise NotAllowed("This alert has not gone out.")
    version = Version.objects.select_for_update(of=("self",)).get(pk=latest.pk)
    if approving.wrote(by, version):
        raise NotAllowed("You wrote, edited or submitted this alert, so a colleague must decide whether you carry it.")
    carrier, made = Carrier.objects.get_or_create(
        version=version,
        organisation=by.organisation,
        defaults={
            "decision": Carrier.Decision.AGREED,
            "officer": by,
            "at": clock.now(),
            "digest": version.digest,
            "reason": "Passed on",
        },
    )
    if made:
        record("alert passed on", alert, by=by, organisation=by.organisation_id)
        return carrier
    return decide(carrier, by=by, digest=version.digest, agree=True)


def _may_carry(by: Officer, organisation: Organisation) -> None:
    """Refuse who is no approver of the organisation, and an organisation without an agreement."""
    if not rules.may_carry(by, organisation):
        raise NotAllowed("Only an approver of your organisation can decide what it carries.")
    if not has_agreement(organisation):
        raise NotAllowed(f"{organisation.name} has no data-sharing agreement for today.")


def is_wanted(alert: Alert) -> bool:
    """Whether an alert may still be carried: it is not stopped, closed or stood down, and its own time has not passed.

    Of a search that is over only what says so may go further.
    """
    over = alert.state in (State.STOPPED, State.CLOSED, State.WITHDRAWN, State.REJECTED, State.EXPIRED)
    if alert.relation not in find.ENDED and find.search_is_over(alert):
        return False
    if over or expiry.over_since(alert) is not None:
        return False
    return not alert.followers.filter(relation__in=_STEPPED_DOWN, state__in=PUBLISHED).exists()


def _still_wanted(alert: Alert) -> None:
    """Refuse to carry what is over."""
    if not is_wanted(alert):
        raise NotAllowed("This alert is over.")


@transaction.atomic
def record_reach(alert: Alert, *, by: Officer, way: str, reach: int) -> PassedOn:
    """Keep that we passed a public alert on by our own means, and how many people that reached (G3)."""
    if alert.organisation_id == by.organisation_id or alert.state not in PUBLISHED or alert.practice:
        raise NotAllowed("Only another organisation's public alert can be passed on.")
    if not by.is_active or not by.grants.exists():
        raise NotAllowed("You have no role in your organisation.")
    if not way.strip():
        raise Unfinished({"way": "Say how you passed it on, for example “our Facebook page”."})
    if not 0 <= reach <= 10_000_000:
        raise Unfinished({"reach": "Enter how many people it reached, as a whole number."})
    passed = PassedOn.objects.create(
        alert=alert, organisation=by.organisation, by=by, way=way.strip()[:120], reach=reach, at=clock.now()
    )
    record("reach recorded", alert, by=by, organisation=by.organisation_id, reach=reach)
    return passed


@transaction.atomic
def ask(alert: Alert, *, to: Organisation, by: Officer, note: str = "") -> Ask:
    """Ask the force to send what our organisation drafted (G4)."""
    if alert.organisation_id != by.organisation_id or not rules.may_edit(by, alert):
        raise NotAllowed("Only a draft of your own organisation can be offered to the force.")
    if alert.practice:
        raise NotAllowed("This is practice: the force is asked to send real alerts only.")
    if to.sort != Organisation.Sort.FORCE or to.pk == alert.organisation_id:
        raise NotAllowed("Only the force can be asked to send.")
    if alert.asks.filter(decision=Ask.Decision.WAITING).exists():
        raise NotAllowed("The force has this request already.")
    missing = {name: words for name, words in rules.problems(alert).items() if name in ("title", "body")}
    if missing:
        raise Unfinished(missing)
    made = Ask.objects.create(alert=alert, to=to, by=by, note=note.strip()[:500], at=clock.now())
    record("force asked to send", alert, by=by, to=to.pk)
    for officer in approvers_of(to)[:5]:
        notices.notify(officer, "A partner asks us to send an alert.", key=f"ask {made.pk}")
    return made


@transaction.atomic
def settle_ask(ask: Ask, *, by: Officer, made: Alert | None = None, reason: str = "") -> Ask:
    """Note the force's decision: the draft that was made of the request, or why it was declined."""
    ask = Ask.objects.select_for_update(of=("self",)).get(pk=ask.pk)
    if ask.to_id != by.organisation_id or not by.is_active or not by.grants.exists():
        raise NotAllowed("This request is not for your organisation.")
    if ask.decision != Ask.Decision.WAITING:
        raise NotAllowed("This was decided already.")
    if made is None and not reason.strip():
        raise Unfinished({"reason": "Say why, so that the partner can act on it."})
    ask.decision = Ask.Decision.ACCEPTED if made else Ask.Decision.DECLINED
    ask.decided_by, ask.decided_at, ask.reason, ask.made = by, clock.now(), reason.strip()[:500], made
    ask.save()
    record(f"ask {ask.decision}", ask.alert, by=by)
    words = "The force has taken on your alert." if made else "The force has declined your alert."
    notices.notify(ask.by, words, key=f"ask {ask.pk}")
    return ask
