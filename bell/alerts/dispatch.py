"""From a due alert to a full outbox: resumable, one short transaction a step, never an object per person.

An alert has a mailing of its own and one for each organisation that carries it (alerts.together); a carrier's goes to
those who follow it and have no copy yet.
"""

from django.db import transaction
from django.db.models import Q

from bell.alerts import audience, content, rules
from bell.alerts.models import Alert, Carrier, ShapePlace, State, Version
from bell.audit.record import record
from bell.delivery import post
from bell.delivery.models import Lane, Mailing
from bell.lib import cells, clock
from bell.organisations.models import Organisation
from bell.organisations.rules import has_agreement
from bell.residents.actions import stream

STEP = 20_000
# From so many people on an audience is read resident by resident in the order of their keys, each once, instead of
# being found anew at every step.
WIDE = 50_000


def run_due() -> int:
    """One round: begin what is due, fill one step of each alert that is going out, note what has finished."""
    done = 0
    now = clock.now()
    due = Alert.objects.filter(state__in=[State.HELD, State.SCHEDULED], hold_until__lte=now)
    for alert in due.order_by("-urgent", "hold_until"):
        done += begin(alert)
    for version in _filling():
        done += fill_step(version)
    for carrier in _carrying():
        done += carry_step(carrier)
    for version in _unfinished():
        done += finish(version)
    return done


def _filling() -> list[Version]:
    """Versions whose fan-out goes on, urgent ones first."""
    going = Version.objects.filter(alert__state=State.SENDING, mailing__isnull=False, filled_at=None)
    return list(going.select_related("alert", "mailing").order_by("-alert__urgent", "pk"))


def _carrying() -> list[Carrier]:
    """Carriers whose fan-out goes on: after the alert's own, so that nobody gets two copies, and one at a time."""
    agreed = Carrier.objects.filter(
        decision=Carrier.Decision.AGREED,
        filled_at=None,
        version__filled_at__isnull=False,
        version__alert__state__in=[State.SENDING, State.SENT],
    )
    first: dict[int, Carrier] = {}
    for carrier in agreed.select_related("version__alert", "organisation").order_by("-version__alert__urgent", "pk"):
        first.setdefault(carrier.version_id, carrier)
    return list(first.values())


def _unfinished() -> list[Version]:
    """Filled versions whose alert is not yet marked as sent."""
    filled = Version.objects.filter(alert__state=State.SENDING, filled_at__isnull=False)
    return list(filled.select_related("alert", "mailing"))


def _rule(version: Version, carrier: Carrier | None = None) -> audience.Rule:
    """The audience rule of a version, for its own organisation or for a carrier."""
    organisation = carrier.organisation_id if carrier else version.frozen["organisation"]
    follows = version.frozen["follows"]
    have = tuple(mailing.pk for mailing in version.mailings() if carrier and mailing.pk != carrier.mailing_id)
    return audience.Rule.of(
        version.frozen,
        rules.earlier_mailing(follows, organisation) if follows else None,
        carrier=carrier.organisation_id if carrier else None,
        but_not=have,
    )


@transaction.atomic
def begin(alert: Alert) -> bool:
    """Open the mailing of a held alert whose time has come. What is not approved as it stands goes nowhere (I4, I5)."""
    alert = Alert.objects.select_for_update(of=("self",)).get(pk=alert.pk)
    waiting = alert.state in (State.HELD, State.SCHEDULED)
    if not waiting or alert.hold_until is None or alert.hold_until > clock.now():
        return False
    version = alert.versions.last()
    if (
        version is None
        or not rules.is_approved(version)
        or rules.digest(rules.snapshot(alert)) != version.digest
        or not has_agreement(alert.organisation)
    ):
        rules.check_move(alert, State.DRAFT)
        alert.state = State.DRAFT
        alert.save(update_fields=["state"])
        record("alert refused at sending", alert, by=None, why="not approved as it stands")
        return False
    version.mailing = _open(version)
    version.save(update_fields=["mailing"])
    _fix_edges(version)
    alert.state, alert.sent_at = State.SENDING, clock.now()
    alert.save(update_fields=["state", "sent_at"])
    record("alert sending", alert, by=None, version=version.number, mailing=version.mailing.pk)
    return True


def _open(version: Version, carrier: Organisation | None = None) -> Mailing:
    """The content once, handed to the post room with the approval as its authority."""
    frozen = version.frozen
    return post.open_mailing(
        content.build(frozen, carrier=carrier),
        authority=post.Authority("approval", f"{version.pk}:{version.digest[:40]}"),
        stream=stream(carrier.pk if carrier else frozen["organisation"], frozen["kind"]),
        lane=Lane.URGENT if frozen["urgent"] else Lane.ROUTINE,
        practice=frozen["practice"],
        reference=frozen["reference"],
    )


def _fix_edges(version: Version) -> None:
    """Keep which places at the edge of the shapes lie inside, so that every step of the fill agrees."""
    shape = audience.geometry(_rule(version))
    if shape is None:
        return
    inside = audience.edge_places(shape, cells.cover(shape).edge)
    ShapePlace.objects.bulk_create([ShapePlace(version=version, place_id=number) for number in inside], batch_size=5000)


@transaction.atomic
def fill_step(version: Version) -> bool:
    """Put the next people into the outbox; the cursor moves in the same transaction, so a crash resumes."""
    version = Version.objects.select_for_update(of=("self",)).select_related("alert", "mailing").get(pk=version.pk)
    if version.alert.state != State.SENDING or version.filled_at or version.mailing is None:
        return False
    _fill(version, version.mailing, _rule(version), version)
    return True


@transaction.atomic
def carry_step(carrier: Carrier) -> bool:
    """The same for an organisation that carries the alert; its mailing is opened at the first step."""
    # One carrier of a version at a time, in every worker: the version's row is the lock.
    version = Version.objects.select_for_update(of=("self",)).select_related("alert").get(pk=carrier.version_id)
    carrier = Carrier.objects.select_related("organisation", "mailing").get(pk=carrier.pk)
    if version.alert.state not in (State.SENDING, State.SENT) or carrier.filled_at:
        return False
    if carrier.digest != version.digest or not has_agreement(carrier.organisation):
        carrier.filled_at = clock.now()
        carrier.save(update_fields=["filled_at"])
        record("carrier refused at sending", carrier, by=None, why="no agreement as it stands")
        return False
    if carrier.mailing is None:
        carrier.mailing = _open(version, carrier.organisation)
        carrier.save(update_fields=["mailing"])
        record("alert carried", version.alert, by=None, organisation=carrier.organisation_id)
    _fill(version, carrier.mailing, _rule(version, carrier), carrier)
    return True


def _fill(version: Version, mailing: Mailing, rule: audience.Rule, cursor: Version | Carrier) -> None:
    """One step of a fan-out; `cursor` keeps where it stands."""
    wide = version.people > WIDE
    people = audience.columns(audience.people(rule, version=version, walk=wide))
    step = post.fill(mailing, people, after=cursor.filled_through, step=STEP, walk=wide)
    # The cursor is a person's key: once it is of no use, it goes.
    cursor.filled_through = 0 if step.finished else step.after
    if step.finished:
        cursor.filled_at = clock.now()
        post.close(mailing)
    cursor.save(update_fields=["filled_through", "filled_at"])


@transaction.atomic
def finish(version: Version) -> bool:
    """Mark the alert as sent when nothing of it waits any more, its carriers' copies included."""
    agreed = version.carriers.filter(Q(decision=Carrier.Decision.AGREED) & Q(filled_at=None))
    if agreed.exists() or any(post.waiting(mailing) for mailing in version.mailings()):
        return False
    changed = Alert.objects.filter(pk=version.alert_id, state=State.SENDING).update(
        state=State.SENT, finished_at=clock.now()
    )
    if changed:
        record("alert sent", version.alert, by=None, version=version.number)
    return bool(changed)
