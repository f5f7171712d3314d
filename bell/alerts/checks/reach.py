"""Checks of whom it reaches and what went out before: the same twice, tired people, everyone by accident."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q, QuerySet

from bell.alerts import audience, content
from bell.alerts.checks.finding import Finding, Level, Subject
from bell.alerts.models import PUBLISHED, Alert
from bell.alerts.models import State as AlertState
from bell.delivery.models import Delivery, State
from bell.lib import clock, keys, text
from bell.residents.models import Contact, Following

_NEAR = 0.55
_SAME_DAYS = timedelta(days=14)
_WAITING = (AlertState.SUBMITTED, AlertState.APPROVED, AlertState.SCHEDULED, AlertState.HELD)
_SHINGLE = 3
_WEEK = timedelta(days=7)
_MANY, _VERY_MANY = 4, 7
_TIRED_SHARE = 0.25
_ENOUGH = 5_000
EVERYONE_LEAST = 1_000
"""Under so many people nobody has to say that all of them are meant."""
EVERYONE_SHARE = 0.5


@dataclass(frozen=True)
class Reach:
    """Whom a frozen alert would reach, counted once for all checks."""

    rule: audience.Rule
    people: int


def duplicates(subject: Subject, reach: Reach) -> Iterator[Finding]:
    """An alert of the last fortnight that says nearly the same, sent or about to be; one that follows it up may."""
    mine = shingles(subject.frozen["title"], subject.frozen["body"])
    recent = Alert.objects.filter(
        organisation=subject.frozen["organisation"], state__in=PUBLISHED, practice=subject.frozen["practice"],
        sent_at__gte=clock.now() - _SAME_DAYS,
    ).exclude(reference=subject.frozen["reference"])  # fmt: skip
    for alert in recent.exclude(pk=subject.frozen.get("follows") or 0).order_by("-sent_at")[:500]:
        if likeness(mine, shingles(alert.title, alert.body)) >= _NEAR:
            words = (
                f"Nearly the same went out on {clock.local(alert.sent_at or clock.now()):%-d %B}: {alert.reference}."
            )
            yield Finding("duplicates", Level.CARE, f"{words} Should this be an update of it?", "body", alert.title)
            return
    if not subject.frozen.get("follows"):
        yield from _waits(subject, mine)


def _waits(subject: Subject, mine: set[tuple[str, ...]]) -> Iterator[Finding]:
    """The same that a colleague has just handed in. Only its reference is said: it is not public yet."""
    waiting = Alert.objects.filter(
        organisation=subject.frozen["organisation"], state__in=_WAITING, practice=subject.frozen["practice"],
        created_at__gte=clock.now() - _SAME_DAYS,
    ).exclude(reference=subject.frozen["reference"])  # fmt: skip
    for alert in waiting.order_by("-created_at")[:500]:
        if likeness(mine, shingles(alert.title, alert.body)) >= _NEAR:
            words = f"Nearly the same waits to go out: {alert.reference}. Does it need both?"
            yield Finding("duplicates", Level.NOTE, words, "body")
            return


def shingles(*texts: str) -> set[tuple[str, ...]]:
    """Every run of three words, in lower case."""
    words = re.findall(r"[a-z0-9]+", " ".join(texts).lower())
    return {tuple(words[place : place + _SHINGLE]) for place in range(max(1, len(words) - _SHINGLE + 1))}


def likeness(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    """How much two texts share: of all their runs of words, those in both (Jaccard's index)."""
    return len(one & other) / len(one | other) if one and other else 0.0


def fatigue(subject: Subject, reach: Reach) -> Iterator[Finding]:
    """How many of these people had how many alerts this week, from all organisations."""
    if not reach.people:
        return
    asked, people = _some(reach)
    meant = asked.values("resident__key")
    went = Q(state__in=(State.QUEUED, State.SENT, State.DELIVERED, State.UNCERTAIN))
    week = Delivery.objects.filter(
        went, recipient_key__in=meant, mailing__authority_kind="approval", mailing__practice=False,
        mailing__created_at__gte=clock.now() - _WEEK,
    )  # fmt: skip
    had = week.values("recipient_key").annotate(alerts=Count("mailing", distinct=True)).filter(alerts__gte=_MANY)
    counts = had.aggregate(many=Count("recipient_key"), very=Count("recipient_key", filter=Q(alerts__gte=_VERY_MANY)))
    for least, level, found in (
        (_VERY_MANY, Level.CARE, counts["very"]),
        (_MANY, Level.NOTE, counts["many"]),
    ):
        if found > _TIRED_SHARE * people:
            share = f"{min(100, round(100 * found / people))} in 100 of these people"
            words = f"{share} had {least} alerts or more in the last seven days. A smaller area keeps people with us."
            yield Finding("fatigue", level, words)
            return


def _some(reach: Reach) -> tuple[QuerySet[Contact], int]:
    """Contacts of the people meant, and how many people; of very many a sample, as their keys are random numbers."""
    found = audience.people(reach.rule)
    if reach.people <= _ENOUGH:
        return found, reach.people
    found = found.filter(resident__key__lt=int(keys.LARGEST * _ENOUGH / reach.people))
    return found, max(1, found.values("resident").distinct().count())


def everyone(subject: Subject, reach: Reach) -> Iterator[Finding]:
    """Half of all followers or more: whoever submits types their number (rules.problem_with_everyone)."""
    if is_everyone(reach):
        words = f"This goes to about {audience.hidden(reach.people):,} people, half of everyone who follows us or more."
        yield Finding("everyone", Level.SENIOR, words, "audience")


def is_everyone(reach: Reach) -> bool:
    """Whether so many are meant that it may be by accident."""
    if reach.people < EVERYONE_LEAST or (
        reach.rule.follows is not None and not reach.rule.areas and not reach.rule.shapes
    ):
        return False
    followers = Following.objects.filter(organisation=reach.rule.organisation, resident__left_at=None).count()
    return reach.people >= EVERYONE_SHARE * followers


def parts(subject: Subject, reach: Reach) -> Iterator[Finding]:
    """A text in several parts costs as often."""
    if subject.frozen["by_sms"]:
        count = text.segments(content.sms(dict(subject.frozen))).count
        if count > 1:
            words = f"The text message is sent in {count} parts, and each of them is paid for."
            yield Finding("parts", Level.NOTE, words, "sms_text")
