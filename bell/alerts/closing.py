"""Closing: an appeal ends with an outcome, which goes to everyone who was sent it.

This is the one way to state `closed`. A constraint of the table refuses an appeal there without its outcome's words.
"""

from django.db import transaction

from bell.alerts import actions, digests, practice, rules, standing_down
from bell.alerts.find import ENDED
from bell.alerts.models import Alert, Relation, State
from bell.alerts.rules import NotAllowed, Unfinished
from bell.audit.record import record
from bell.lib import clock
from bell.organisations import kinds
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer

# An outcome that was handed in, or went further. One that is only begun, or was turned back, closes nothing.
_HANDED_IN = frozenset(
    set(State.values) - {State.DRAFT, State.RETURNED, State.REJECTED, State.WITHDRAWN, State.EXPIRED}
)


def outcome_of(alert: Alert) -> Alert | None:
    """The newest outcome of an alert, or end of a search, that was handed in for approval, or went out."""
    return alert.followers.filter(relation__in=ENDED, state__in=_HANDED_IN).order_by("pk").last()


def needs_outcome(alert: Alert) -> bool:
    """Whether people were asked to help, so that they are owed an outcome, and none was written yet."""
    return kinds.FACTS[alert.kind].answers and outcome_of(alert) is None


def may_close(officer: Officer, alert: Alert) -> bool:
    """Writers of the team close what went out and follows nothing."""
    return (
        alert.follows_id is None
        and State.CLOSED in rules.MOVES[alert.state]
        and organisation_rules.may_write(officer, alert.team)
    )


@transaction.atomic
def close(alert: Alert, *, by: Officer, title: str = "", outcome: str = "") -> Alert:
    """Close an alert that went out. An appeal needs an outcome: handed in before, or written here and submitted.

    The outcome is approved by a colleague like any alert, and goes to those who were sent the appeal. A search for a
    missing person is over at once (find.search_is_over), so its partners are told now, not when the outcome goes out.
    Raises Unfinished with words by field, NotAllowed; then nothing was changed.
    """
    fresh = Alert.objects.select_for_update(of=("self",)).select_related("team", "organisation").get(pk=alert.pk)
    if not may_close(by, fresh):
        rules.check_move(fresh, State.CLOSED)
        raise NotAllowed("You cannot close this alert.")
    practice.check(by, fresh)
    if needs_outcome(fresh):
        if not outcome.strip():
            raise Unfinished({"outcome": "Say what came of it. Everyone who was asked hears it."})
        draft = actions.follow_up(fresh, relation=Relation.OUTCOME, by=by)
        draft = actions.edit(draft, by=by, title=title.strip() or fresh.title, body=outcome.strip())
        actions.submit(draft, by=by)
    rules.check_move(fresh, State.CLOSED)
    digests.end(fresh)
    told = outcome_of(fresh)
    fresh.outcome_note = (told.body.strip() or told.title) if told else ""
    fresh.state, fresh.finished_at = State.CLOSED, clock.now()
    fresh.save(update_fields=["state", "finished_at", "outcome_note"])
    record("alert closed", fresh, by=by)
    standing_down.tell_partners(fresh)
    return fresh
