"""From a due alert to a full outbox: resumable, one short transaction a step, never an object per person."""

from django.db import transaction

from bell.alerts import audience, content, rules
from bell.alerts.models import Alert, ShapePlace, State, Version
from bell.audit.record import record
from bell.delivery import post
from bell.delivery.models import Lane, Mailing
from bell.lib import cells, clock
from bell.residents.actions import stream

STEP = 20_000


def run_due() -> int:
    """One round: begin what is due, fill one step of each alert that is going out, note what has finished."""
    done = 0
    now = clock.now()
    for alert in Alert.objects.filter(state=State.HELD, hold_until__lte=now).order_by("-urgent", "hold_until"):
        done += begin(alert)
    for version in _filling():
        done += fill_step(version)
    for version in _unfinished():
        done += finish(version)
    return done


def _filling() -> list[Version]:
    """Versions whose fan-out goes on, urgent ones first."""
    going = Version.objects.filter(alert__state=State.SENDING, mailing__isnull=False, filled_at=None)
    return list(going.select_related("alert", "mailing").order_by("-alert__urgent", "pk"))


def _unfinished() -> list[Version]:
    """Filled versions whose alert is not yet marked as sent."""
    return list(
        Version.objects.filter(alert__state=State.SENDING, filled_at__isnull=False).select_related("alert", "mailing")
    )


def _rule(version: Version) -> audience.Rule:
    """The audience rule of a version."""
    follows = version.frozen["follows"]
    earlier = Version.objects.filter(alert=follows).exclude(mailing=None).last() if follows else None
    return audience.Rule.of(version.frozen, earlier.mailing_id if earlier else None)


@transaction.atomic
def begin(alert: Alert) -> bool:
    """Open the mailing of a held alert whose time has come. What is not approved as it stands goes nowhere (I4, I5)."""
    alert = Alert.objects.select_for_update(of=("self",)).get(pk=alert.pk)
    if alert.state != State.HELD or alert.hold_until is None or alert.hold_until > clock.now():
        return False
    version = alert.versions.last()
    if version is None or not rules.is_approved(version) or rules.digest(rules.snapshot(alert)) != version.digest:
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


def _open(version: Version) -> Mailing:
    """The content once, handed to the post room with the approval as its authority."""
    frozen = version.frozen
    return post.open_mailing(
        content.build(frozen),
        authority=post.Authority("approval", f"{version.pk}:{version.digest[:40]}"),
        stream=stream(frozen["organisation"], frozen["kind"]),
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
    people = audience.columns(audience.people(_rule(version), version=version))
    step = post.fill(version.mailing, people, after=version.filled_through, step=STEP)
    version.filled_through = step.after
    if step.finished:
        version.filled_at = clock.now()
        post.close(version.mailing)
    version.save(update_fields=["filled_through", "filled_at"])
    return True


@transaction.atomic
def finish(version: Version) -> bool:
    """Mark the alert as sent when nothing of it waits any more."""
    if version.mailing is None or post.waiting(version.mailing):
        return False
    changed = Alert.objects.filter(pk=version.alert_id, state=State.SENDING).update(
        state=State.SENT, finished_at=clock.now()
    )
    if changed:
        record("alert sent", version.alert, by=None, version=version.number)
    return bool(changed)
