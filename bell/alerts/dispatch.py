"""From a due alert to a full outbox: resumable, one short transaction a step, never an object per person.

An alert has a mailing of its own and one for each organisation that carries it (alerts.together); a carrier's goes to
those who follow it and have no copy yet.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Max, Q

from bell.alerts import (
    approving,
    audience,
    content,
    digests,
    ending,
    expiry,
    find,
    pictures,
    rules,
    standing_down,
    waking,
)
from bell.alerts.models import Alert, Approval, Carrier, ShapePlace, State, Version
from bell.alerts.rule import Part
from bell.audit.record import record
from bell.delivery import post
from bell.delivery.models import Lane, Mailing
from bell.lib import cells, clock
from bell.organisations import notices
from bell.organisations.models import Organisation
from bell.organisations.rules import has_agreement
from bell.residents.actions import stream
from bell.residents.models import Resident

log = logging.getLogger(__name__)

STEP = 20_000
# The first step is small, so that its batches leave at once, and each step is so many times larger than the last.
FIRST, GROWTH = 1_000, 5
# An audience is found anew at each step (people x people / STEP), or all residents are asked in the order of their
# keys, each once. A resident asked takes some 2.5 times as long as a person found: so one costs as much as the other
# where people x people is this often the number of residents.
WIDE = 50_000
# An approval older than this is asked for again when the audience is another one by more than a tenth; of a few people
# nobody asks (A8).
LONG_AGO = timedelta(minutes=10)
OTHER_SHARE, FEW = 0.1, 20
# How long one round may go on, in seconds: then whatever else the worker does has its turn.
ROUND = 1.0
# SQLite has one writer, and one that waits looks every tenth of a second whether it may: a pause lets it in.
LET_IN = 0.12


def run_due() -> int:
    """One round: begin what is due, fill the outbox for a second or so, note what has finished."""
    until = time.monotonic() + ROUND
    sizes: dict[int, int] = {}
    done = _begin_due()
    while True:
        filled = _fill_once(sizes)
        done += filled
        if not filled or time.monotonic() >= until:
            break
        if connection.vendor == "sqlite" and not connection.in_atomic_block and _filling():
            time.sleep(LET_IN)
        done += _begin_due()
    for version in _unfinished():
        done += _apart(finish, version)
    return done


def _apart(act: Callable[..., bool], of: Alert | Version | Carrier, **how: Any) -> bool:
    """Do one alert's part of a round: what nobody foresaw in one alert is logged, and keeps no other waiting.

    A database that is away or in trouble is nobody's fault: that is raised, and the worker comes back later.
    """
    try:
        return act(of, **how)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("%s of %s %s failed", act.__name__, type(of).__name__.lower(), of.pk)
        return False


def _begin_due() -> int:
    """Begin the alerts whose time has come."""
    due = Alert.objects.filter(state__in=[State.HELD, State.SCHEDULED], hold_until__lte=clock.now())
    return sum(_apart(begin, alert) for alert in due.order_by("-urgent", "hold_until"))


def _fill_once(sizes: dict[int, int]) -> int:
    """One step of each fan-out that goes on, or of urgent alerts' alone; how many. `sizes`: of everyone's last step."""
    versions = _filling()
    urgent = any(version.alert.urgent for version in versions)
    done = 0
    for version in versions:
        if version.alert.urgent or not urgent:
            done += _apart(fill_step, version, step=_grown(sizes, version.pk, version))
    for carrier in _carrying():
        if carrier.version.alert.urgent or not urgent:
            done += _apart(carry_step, carrier, step=_grown(sizes, -carrier.pk, carrier))
    return done


def _grown(sizes: dict[int, int], key: int, cursor: Version | Carrier) -> int:
    """How large the next step is."""
    begun = sizes.get(key, STEP if cursor.filled_through else 0)
    sizes[key] = min(STEP, begun * GROWTH) if begun else min(STEP, FIRST)
    return sizes[key]


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
    follows = version.alert.follows if version.frozen["follows"] else None
    have = tuple(mailing.pk for mailing in version.mailings() if carrier and mailing.pk != carrier.mailing_id)
    return audience.Rule.of(
        version.frozen,
        find.earlier_mailings(follows, version.frozen["relation"], organisation),
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
    if expiry.expire(alert):
        return False
    version = alert.versions.last()
    if (
        version is None
        or not approving.is_approved(version)
        or rules.digest(rules.snapshot(alert)) != version.digest
        or not has_agreement(alert.organisation)
        or not pictures.intact(version.frozen)
    ):
        _refuse(alert, why="not approved as it stands")
        return False
    if (people := _changed(version)) is not None:
        _refuse(alert, why="the audience changed", people=people)
        words = "Your alert was not sent: it would reach other people now than when it was approved. Submit it again."
        _tell_authors(alert, version, words, "changed")
        return False
    if not ending.end_earlier(alert):
        return False  # a worker has some of the first in hand: in the next round it is known who got that
    try:
        version.mailing = _open(version)
    except post.BadContent as error:
        _refuse(alert, why=f"it cannot be sent: {error}")
        words = "Your alert was not sent: it has a sign that no message can carry. Submit it again to see where."
        _tell_authors(alert, version, words, "unsendable")
        return False
    version.save(update_fields=["mailing"])
    _fix_edges(version)
    alert.state, alert.sent_at = State.SENDING, clock.now()
    alert.save(update_fields=["state", "sent_at"])
    record("alert sending", alert, by=None, version=version.number, mailing=version.mailing.pk)
    standing_down.tell_partners(alert)
    return True


def _refuse(alert: Alert, **facts: Any) -> None:
    """An alert that may not go as it is becomes a draft again; the record says why."""
    rules.check_move(alert, State.DRAFT)
    alert.state = State.DRAFT
    alert.save(update_fields=["state"])
    record("alert refused at sending", alert, by=None, **facts)


def _tell_authors(alert: Alert, version: Version, words: str, what: str) -> None:
    """Tell who wrote an alert and who submitted it; once for each version and matter."""
    for colleague in {alert.author, version.by}:
        notices.notify(colleague, words, key=f"{alert.reference} v{version.number} {what}", practice=alert.practice)


def _changed(version: Version) -> int | None:
    """How many people it would reach now, where that is another number than the one that was approved; else None.

    Asked of what waited long enough for people to join, leave and move. A follow-up goes to exactly those who got the
    first, as far as they still want to hear from us.
    """
    approved = version.approvals.filter(decision=Approval.Decision.APPROVE).order_by("at").last()
    if approved is None or clock.now() - approved.at < LONG_AGO or version.frozen["follows"]:
        return None
    people = audience.count(_rule(version)).people
    difference = abs(people - version.people)
    return people if difference >= FEW and difference > OTHER_SHARE * version.people else None


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
    """Keep which places at the edge of each part's shapes lie inside, so that every step of the fill agrees."""
    rule = _rule(version)
    for part in Part:
        shape = audience.geometry(rule.ground(part))
        if shape is None:
            continue
        inside = audience.edge_places(shape, cells.cover(shape).edge)
        rows = [ShapePlace(version=version, place_id=number, part=part) for number in inside]
        ShapePlace.objects.bulk_create(rows, batch_size=5000)


@transaction.atomic
def fill_step(version: Version, *, step: int | None = None) -> bool:
    """Put the next people into the outbox; the cursor moves in the same transaction, so a crash resumes."""
    version = Version.objects.select_for_update(of=("self",)).select_related("alert", "mailing").get(pk=version.pk)
    if version.alert.state != State.SENDING or version.filled_at or version.mailing is None:
        return False
    _fill(version, version.mailing, _rule(version), version, step or STEP)
    return True


@transaction.atomic
def carry_step(carrier: Carrier, *, step: int | None = None) -> bool:
    """The same for an organisation that carries the alert; its mailing is opened at the first step."""
    # The alert's row first, as whoever stops it holds that: it is stopped with the mailing opened here, or not sent.
    Alert.objects.select_for_update(of=("self",)).get(pk=carrier.version.alert_id)
    # One carrier of a version at a time, in every worker: the version's row is the lock.
    version = Version.objects.select_for_update(of=("self",)).select_related("alert").get(pk=carrier.version_id)
    # And the carrier's, where a stand-down that begins ends it: it is ended with the rows filled here, or fills none.
    locked = Carrier.objects.select_for_update(of=("self",))
    carrier = locked.select_related("organisation", "mailing").get(pk=carrier.pk)
    if version.alert.state not in (State.SENDING, State.SENT) or carrier.filled_at:
        return False
    over = expiry.is_over(version.frozen, clock.now())
    if over or carrier.digest != version.digest or not has_agreement(carrier.organisation):
        carrier.filled_at = clock.now()
        carrier.save(update_fields=["filled_at"])
        if carrier.mailing is not None:
            post.close(carrier.mailing)  # it was half way: no more people come
        why = expiry.WHY if over else "no agreement as it stands"
        record("carrier refused at sending", carrier, by=None, why=why)
        return False
    if carrier.mailing is None:
        carrier.mailing = _open(version, carrier.organisation)
        carrier.save(update_fields=["mailing"])
        record("alert carried", version.alert, by=None, organisation=carrier.organisation_id)
    _fill(version, carrier.mailing, _rule(version, carrier), carrier, step or STEP)
    return True


def _fill(version: Version, mailing: Mailing, rule: audience.Rule, cursor: Version | Carrier, size: int) -> None:
    """One step of a fan-out; `cursor` keeps where it stands."""
    wide = _is_wide(version)
    urgent = bool(version.frozen["urgent"])
    people = digests.columns(audience.people(rule, version=version, walk=wide), version.frozen)
    step = post.fill(mailing, people, after=cursor.filled_through, step=size, walk=wide)
    # The cursor is a person's key: once it is of no use, it goes.
    cursor.filled_through = 0 if step.finished else step.after
    if step.finished:
        cursor.filled_at = clock.now()
        post.close(mailing)
        if urgent:
            waking.note(version, mailing)
    cursor.save(update_fields=["filled_through", "filled_at"])


def _is_wide(version: Version) -> bool:
    """Whether so many are meant that asking all residents in turn is quicker (see WIDE)."""
    residents = Resident.objects.aggregate(last=Max("pk"))["last"] or 0  # about how many: a count would read them all
    return version.people**2 > WIDE * residents


@transaction.atomic
def finish(version: Version) -> bool:
    """Mark the alert as sent when nothing of it waits any more, its carriers' copies included.

    What is kept for residents' digests may take a week, and is not waited for.
    """
    agreed = version.carriers.filter(Q(decision=Carrier.Decision.AGREED) & Q(filled_at=None))
    if agreed.exists() or any(post.waiting(mailing) for mailing in version.mailings()):
        return False
    changed = Alert.objects.filter(pk=version.alert_id, state=State.SENDING).update(
        state=State.SENT, finished_at=clock.now()
    )
    if changed:
        record("alert sent", version.alert, by=None, version=version.number)
        waking.note_late(version)
    return bool(changed)
