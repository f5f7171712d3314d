"""What goes once an alert is over: its picture, and of an ended search the copies of its words in the post room.

Versions stay as they were approved, so that their hashes can be checked: a picture's SHA-256 and the day on which it
was deleted stay known, the picture does not. When is for `privacy.retention` to say.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from bell.alerts import expiry, find
from bell.alerts.models import PUBLISHED, Alert, Carrier, Picture, State, Version
from bell.audit.record import record
from bell.delivery import forget, post
from bell.delivery.models import Mailing
from bell.lib import clock
from bell.organisations import kinds
from bell.organisations.kinds import Kind

DELETED = "picture deleted"
_NEVER_SENT = (State.WITHDRAWN, State.REJECTED, State.EXPIRED)


def ended_at(alert: Alert) -> datetime | None:
    """Since when an alert is over, or None while it may still be of use. A search ends with its stand-down; an appeal
    when it is stopped or closed; what asks for nothing when it has gone out."""
    if alert.state in _NEVER_SENT:
        return max(at for at in (alert.created_at, alert.saved_at, alert.hold_until) if at is not None)
    if alert.state not in PUBLISHED or alert.state == State.SENDING or alert.sent_at is None:
        return None
    last = max(at for at in (alert.sent_at, alert.finished_at) if at is not None)
    if alert.practice:
        return last
    if find.first_of(alert).kind == Kind.MISSING:
        return _search_ended(alert)
    if alert.state == State.SENT and kinds.FACTS[alert.kind].answers and not alert.relation:
        return expiry.over_since(alert)
    return max(last, expiry.of(alert) or last)


def _search_ended(alert: Alert) -> datetime | None:
    line = find.line_of(alert)
    found = [one.sent_at for one in line if one.relation in find.ENDED and one.sent_at is not None]
    if found:
        return max(found)
    first = line[0]
    over = first.state in (State.STOPPED, State.CLOSED)
    return (first.finished_at or first.sent_at) if over else None


def is_search(alert: Alert) -> bool:
    """Whether an alert belongs to the search for a missing person."""
    return find.first_of(alert).kind == Kind.MISSING


def used_pictures(before: datetime, *, search: bool, held: Collection[int] = ()) -> QuerySet[Picture]:
    """Pictures that a version froze, all of whose alerts were over before a moment. `search`: only of searches, or only
    where something else has it too. `held`: alerts of which all is kept."""
    kept = Picture.objects.filter(deleted_at=None, made_at__lt=before)
    users: dict[str, set[int]] = {}
    frozen = Version.objects.filter(_names(kept.values("sha256"))).annotate(picture=_SHA256)
    for sha256, alert in frozen.order_by().values_list("picture", "alert").distinct():
        users.setdefault(sha256, set()).add(alert)
    for sha256, alert in Alert.objects.filter(picture__in=kept).order_by().values_list("picture__sha256", "pk"):
        if sha256 in users:
            users[sha256].add(alert)
    due = [sha256 for sha256, alerts in users.items() if _over(alerts, before, search=search, held=held)]
    return Picture.objects.filter(sha256__in=due, deleted_at=None)


_SHA256 = KeyTextTransform("sha256", KeyTransform("picture", "frozen"))


def _names(hashes: QuerySet[Picture, Any]) -> Q:
    """Versions that froze one of these pictures."""
    return Q(pk__in=Version.objects.filter(frozen__has_key="picture").annotate(named=_SHA256).filter(named__in=hashes))


def _over(alerts: set[int], before: datetime, *, search: bool, held: Collection[int]) -> bool:
    found = list(Alert.objects.filter(pk__in=alerts))
    if any(one.created_at >= before for one in found) or all(is_search(one) for one in found) is not search:
        return False
    if any(number in held for one in found for number in _line(one)):
        return False
    ends = [ended_at(one) for one in found]
    return all(end is not None and end < before for end in ends)


def _line(alert: Alert) -> set[int]:
    """An alert with all that it follows and that follows it."""
    return {alert.pk, *(one.pk for one in find.line_of(alert))}


def unused_pictures(before: datetime) -> QuerySet[Picture]:
    """Pictures made before a moment that no version froze and no alert has, but for drafts that were given up."""
    frozen = Version.objects.filter(frozen__has_key="picture").annotate(named=_SHA256)
    wanted = Alert.objects.filter(picture=OuterRef("pk")).exclude(state=State.WITHDRAWN)
    found = Picture.objects.filter(deleted_at=None, made_at__lt=before)
    return found.exclude(sha256__in=frozen.values("named")).exclude(Exists(wanted))


def delete_pictures(ids: Sequence[int]) -> int:
    """Delete pictures that `used_pictures` found, in the caller's transaction; how many.

    Their alerts lose them and the words for them; the post room's copies go too. A record at each alert says so.
    """
    now, done = clock.now(), 0
    for picture in Picture.objects.select_for_update().filter(pk__in=ids, deleted_at=None):
        versions = list(Version.objects.filter(frozen__picture__sha256=picture.sha256))
        with_it = Alert.objects.filter(Q(picture=picture) | Q(pk__in=[one.alert_id for one in versions]))
        if any(ended_at(one) is None for one in with_it):
            continue  # somebody put it into a draft while we waited for its row
        for alert in with_it:
            record(DELETED, alert, by=None, why="retention", sha256=picture.sha256)
        Alert.objects.filter(picture=picture).update(picture=None, picture_alt="")
        forget.drop_inline([one.pk for version in versions for one in version.mailings()])
        picture.data, picture.deleted_at = b"", now
        picture.save(update_fields=["data", "deleted_at"])
        done += 1
    return done


def drop_unused(ids: Sequence[int]) -> int:
    """Delete pictures that `unused_pictures` found, with all that was known of them; how many."""
    done = 0
    for picture in Picture.objects.select_for_update().filter(pk__in=ids):
        with_it = Alert.objects.filter(picture=picture)
        if with_it.exclude(state=State.WITHDRAWN).exists():
            continue  # as above
        with_it.update(picture=None, picture_alt="")
        picture.delete()
        done += 1
    return done


def search_mailings(before: datetime, held: Collection[int] = ()) -> QuerySet[Mailing]:
    """What went out in searches that were over before a moment, still has words, and of which nothing is to be sent."""
    due: list[int] = []
    for first in Alert.objects.filter(kind=Kind.MISSING, follows=None, sent_at__lt=before):
        line = _line(first)
        end = ended_at(first)
        if end is not None and end < before and not any(number in held for number in line):
            due += [one.pk for one in _with_words(line) if not post.waiting(one)]
    return Mailing.objects.filter(pk__in=due)


def _with_words(alerts: Iterable[int]) -> Iterator[Mailing]:
    versions = Version.objects.filter(alert__in=alerts)
    own = Q(pk__in=versions.exclude(mailing=None).values("mailing"))
    carried = Q(pk__in=Carrier.objects.filter(version__in=versions).exclude(mailing=None).values("mailing"))
    yield from forget.with_words(Mailing.objects.filter(own | carried))
