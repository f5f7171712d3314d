"""What an alert ends: a search, an appeal or an event is over, so what of it has not gone yet goes to nobody."""

from bell.alerts import digests, find
from bell.alerts.models import Alert, Carrier, State, Version
from bell.audit.record import record
from bell.delivery import post
from bell.delivery.models import State as Delivered
from bell.lib import clock

WHY = "it was over before this went"


def end_earlier(alert: Alert) -> bool:
    """End the alerts that this one ends, updates of them too; False while a worker still has some of it in hand.

    To be called in the transaction that begins a stand-down or an outcome, with nothing filled yet: whoever is in a
    worker's hand gets the first within seconds, and is then among those who are told that it is over.
    """
    if alert.follows is None or alert.relation not in find.ENDED:
        return True
    told = find.told_by(alert.follows, alert.relation)
    free = True
    for earlier in (one for one in told if one.state in (State.SENDING, State.SENT)):
        digests.end(earlier)
        for version in earlier.versions.exclude(mailing=None):
            free &= _end(version)
    return free


def still_goes(alert: Alert) -> bool:
    """Whether something of an alert can still go out, or be kept for a digest: then it can be stopped.

    Also of one that everybody has who was meant: a partner may have agreed to carry it since.
    """
    version = alert.versions.exclude(mailing=None).last()
    if version is None or alert.state not in (State.SENDING, State.SENT):
        return False
    unfilled = version.carriers.filter(decision=Carrier.Decision.AGREED, filled_at=None)
    going = any(one.stopped_at is None and post.waiting(one) for one in version.mailings())
    return alert.state == State.SENDING or going or unfilled.exists() or digests.keeps(alert)


def _end(version: Version) -> bool:
    """The same of one version, by its own mailing and its carriers'."""
    now = clock.now()
    carriers = version.carriers.filter(decision=Carrier.Decision.AGREED, filled_at=None).update(filled_at=now)
    filling = Version.objects.filter(pk=version.pk, filled_at=None).update(filled_at=now)
    mailings = version.mailings()
    going = [one for one in mailings if one.stopped_at is None and (carriers or filling or post.waiting(one))]
    ended = sum(post.stop(one, reason=WHY, as_=Delivered.EXPIRED) for one in going)
    if going or carriers or filling:
        record("alert ended early", version.alert, by=None, messages=ended)
    return not any(post.under_way(one) for one in mailings)
