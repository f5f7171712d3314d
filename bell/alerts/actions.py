"""What is done to alerts. Each verb checks the rules, moves the state and writes its audit entry in one transaction."""

import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction

from bell.alerts import (
    approving,
    audience,
    checks,
    content,
    ending,
    find,
    practice,
    routes,
    rules,
    sittings,
    together,
    translations,
)
from bell.alerts.models import Alert, Approval, Ask, Relation, State, Version
from bell.alerts.rule import GROUP_KEYS, tidy
from bell.alerts.rules import NotAllowed, Unfinished
from bell.audit.record import record
from bell.delivery import post
from bell.lib import clock
from bell.organisations import kinds, notices
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer, Team

# Letters and digits that cannot be mistaken for one another when read out or copied from paper.
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_EDITED = (
    "title", "body", "sms_text", "languages", "by_email", "by_sms", "urgent", "fields", "audience", "carriers",
    "send_at", "expires_at",
)  # fmt: skip


class Changed(Exception):
    """Someone else saved this alert since the page was opened."""


def _reference(prefix: str) -> str:
    """A new short reference such as DA-7K3PQ."""
    while True:
        made = f"{prefix}-{''.join(secrets.choice(_LETTERS) for _ in range(5))}"
        if not Alert.objects.filter(reference=made).exists():
            return made


def _locked(alert: Alert) -> Alert:
    """The alert's row as it is now, locked until the transaction ends."""
    return Alert.objects.select_for_update(of=("self",)).select_related("team", "organisation").get(pk=alert.pk)


def _move(alert: Alert, to: str, *fields: str) -> None:
    """Change the state along the table of moves and save the named fields too."""
    rules.check_move(alert, to)
    alert.state = to
    alert.save(update_fields=["state", *fields])


@transaction.atomic
def draft(*, team: Team, kind: str, by: Officer, **content_fields: Any) -> Alert:
    """Begin an alert. What a practising officer or team drafts is practice for good."""
    if not organisation_rules.may_write(by, team):
        raise NotAllowed(f"You cannot write for {team.name}.")
    facts, behalf = kinds.FACTS[kinds.Kind(kind)], content_fields.get("on_behalf_of")
    if words := organisation_rules.why_not_begin(kind, team.organisation, behalf=behalf):
        raise NotAllowed(words)
    channels = {"by_email": "email" in facts.channels, "by_sms": "sms" in facts.channels}
    alert = Alert.objects.create(
        reference=_reference(team.organisation.reference_prefix),
        organisation=team.organisation,
        team=team,
        kind=kinds.Kind(kind),
        urgent=facts.urgent,
        practice=organisation_rules.practises(by, team),
        author=by,
        last_editor=by,
        created_at=clock.now(),
        **channels | content_fields,
    )
    record("alert drafted", alert, by=by, kind=kind)
    return alert


@transaction.atomic
def edit(
    alert: Alert, *, by: Officer, seen: int | None = None, sitting: str = "", quietly: bool = False, **changes: Any
) -> Alert:
    """Change a draft or a returned alert. `seen` is the edit number the page showed: Changed when it moved on.

    `sitting` names the page (alerts.sittings). `quietly`: it saved by itself; then what changes nothing is not saved,
    and not every save is an entry of the record.
    """
    fresh = _locked(alert)
    practice.check(by, fresh)
    if not rules.may_edit(by, fresh):
        raise NotAllowed("This alert can no longer be changed. Take it back to draft first.")
    if sittings.moved_on(fresh, seen, sitting):
        raise Changed(f"{fresh.last_editor} saved this alert while you had it open. Choose before you save yours.")
    if unknown := set(changes) - set(_EDITED):
        raise TypeError(f"{', '.join(sorted(unknown))}: not part of an alert's content")
    if quietly and not sittings.differs(fresh, changes):
        return fresh
    noted, now = sittings.needs_entry(fresh, by, quietly=quietly), clock.now()
    for name, value in changes.items():
        setattr(fresh, name, value)
    fresh.last_editor, fresh.edit, fresh.sitting, fresh.saved_at = by, fresh.edit + 1, sitting, now
    fresh.editors = sorted({*fresh.editors, by.pk})
    if noted:
        fresh.noted_at = now
        how: dict[str, Any] = {"by_itself": True} if quietly else {}
        record("alert edited", fresh, by=by, edit=fresh.edit, **how)
    fresh.save(update_fields=[*changes, "last_editor", "editors", "edit", "sitting", "saved_at", "noted_at"])
    return fresh


@transaction.atomic
def submit(alert: Alert, *, by: Officer, everyone: int | None = None) -> Version:
    """Freeze a version and ask every eligible colleague to approve it. Raises Unfinished with words by field.

    `everyone` is the number that was typed to say that really so many people are meant.
    """
    fresh = _locked(alert)
    if not organisation_rules.may_write(by, fresh.team):
        raise NotAllowed(f"You cannot write for {fresh.team.name}.")
    practice.check(by, fresh)
    if found := rules.problems(fresh):
        raise Unfinished(found)
    _move(fresh, State.SUBMITTED)
    frozen = rules.snapshot(fresh)
    try:
        content.build(frozen).check()
    except post.BadContent as error:  # found now, and not when its hold is over
        raise Unfinished({"title": f"This cannot be sent as it is: {error}."}) from error
    earlier = find.earlier_mailings(fresh.follows, fresh.relation, fresh.organisation_id)
    rule = audience.Rule.of(frozen, earlier)
    reached = audience.count(rule)
    reach = checks.Reach(rule, reached.people)
    if words := rules.problem_with_everyone(reach, everyone):
        raise Unfinished({"everyone": words})
    noticed = [one.as_json() for one in checks.run(frozen, reach)]
    needs = routes.asked(fresh, people=reached.people, level=routes.gravest(noticed))
    version = Version.objects.create(
        alert=fresh,
        number=fresh.versions.count() + 1,
        frozen=frozen,
        digest=rules.digest(frozen),
        by=by,
        at=clock.now(),
        people=reached.people,
        emails=reached.emails,
        texts=reached.texts,
        pence=translations.pence(frozen, rule, reached.texts),
        beyond=audience.beyond(rule, organisation_rules.patch_area_ids(fresh.team)),
        checks=noticed,
        route=needs.as_json(),
    )
    if words := approving.problem_with_route(version):
        raise Unfinished({"approval": words})
    record(
        "alert submitted", fresh, by=by,
        version=version.number, digest=version.digest, people=reached.people,
        checks=sorted({one["check"] for one in noticed}), approvals=needs.people, senior=needs.senior,
    )  # fmt: skip
    together.invite(version)
    _ask_to_approve(version)
    return version


@transaction.atomic
def approve(version: Version, *, by: Officer, digest: str, reason: str = "") -> Alert:
    """Approve exactly the version that was looked at. Pressing twice does it once.

    The hold starts when everything that its route asks for is given (alerts.approving). Where that asks for it `reason`
    says why it may go all the same; Unfinished without.
    """
    alert = version.alert = _locked(version.alert)
    latest = alert.versions.last()
    if latest is None or latest.pk != version.pk or version.digest != digest:
        raise NotAllowed("This alert has changed since you opened it. Look at the newest version.")
    if version.approvals.filter(officer=by, decision=Approval.Decision.APPROVE).exists():
        return alert
    if words := approving.barred_from_approving(by, version):
        raise NotAllowed(words)
    if alert.state != State.SUBMITTED:  # decided by someone else meanwhile: the hold is not begun again
        raise NotAllowed(f"This alert is {alert.get_state_display().lower()}, so that cannot be done now.")
    if clock.now() >= approving.waits_until(version):
        raise NotAllowed("This waited too long for approval. Its author must look at it and submit it again.")
    if approving.needs_reason(version) and not reason.strip():
        raise Unfinished({"reason": "Say why it may go as it is: your reason is kept with your approval."})
    _decide(version, by=by, decision=Approval.Decision.APPROVE, reason=reason)
    record("alert approved", alert, by=by, version=version.number, digest=digest)
    if not approving.standing(version).done:
        _ask_to_approve(version)
        return alert
    _move(alert, State.APPROVED)
    return _hold(alert, by=by)


def _ask_to_approve(version: Version) -> None:
    """Tell everyone who may give the next approval."""
    alert = version.alert
    words = "An urgent alert waits for your approval." if alert.urgent else "An alert waits for your approval."
    for colleague in approving.approvers(version):
        notices.notify(colleague, words, key=f"{alert.reference} v{version.number}", practice=alert.practice)


def _decide(version: Version, *, by: Officer, decision: str, reason: str = "") -> None:
    """Keep one colleague's decision; who approved first of two may still turn it back."""
    given = {"decision": decision, "reason": reason[:500], "digest": version.digest, "at": clock.now()}
    Approval.objects.update_or_create(version=version, officer=by, defaults=given)


def _hold(alert: Alert, *, by: Officer) -> Alert:
    """Start the wait in which *Undo* still stops everything; a schedule makes it longer."""
    soonest = clock.now() + timedelta(seconds=rules.hold_seconds(alert))
    later = alert.send_at is not None and alert.send_at > soonest
    alert.hold_until = alert.send_at if later else soonest
    _move(alert, State.SCHEDULED if later else State.HELD, "hold_until")
    record("alert scheduled" if later else "alert held", alert, by=by)
    return alert


@transaction.atomic
def send(alert: Alert, *, by: Officer) -> Alert:
    """Start the hold again after an undo."""
    fresh = _locked(alert)
    if not (organisation_rules.may_write(by, fresh.team) or organisation_rules.may_approve(by, fresh.team)):
        raise NotAllowed("You cannot send for this team.")
    practice.check(by, fresh)
    version = fresh.versions.last()
    if version is None or not approving.is_approved(version):
        raise NotAllowed("This alert needs a colleague's approval first.")
    return _hold(fresh, by=by)


@transaction.atomic
def undo(alert: Alert, *, by: Officer) -> Alert:
    """Take an alert back while it is held: nothing has left."""
    fresh = _locked(alert)
    if not (organisation_rules.may_write(by, fresh.team) or organisation_rules.may_approve(by, fresh.team)):
        raise NotAllowed("You cannot undo for this team.")
    if fresh.state not in (State.HELD, State.SCHEDULED):
        raise NotAllowed(f"This alert is {fresh.get_state_display().lower()}, so that cannot be done now.")
    _move(fresh, State.APPROVED)
    record("alert undone", fresh, by=by)
    return fresh


@transaction.atomic
def turn_back(version: Version, *, by: Officer, reason: str, reject: bool = False) -> Alert:
    """Return a version to its author with a reason, or reject it for good."""
    alert = version.alert = _locked(version.alert)
    if words := approving.barred(by, version):
        raise NotAllowed(words)
    if not reason.strip():
        raise Unfinished({"reason": "Say why, so that your colleague can act on it."})
    _move(alert, State.REJECTED if reject else State.RETURNED)
    decision = Approval.Decision.REJECT if reject else Approval.Decision.RETURN
    _decide(version, by=by, decision=decision, reason=reason)
    record(f"alert {alert.state}", alert, by=by, version=version.number)
    words, key = f"Your alert was {alert.state}.", f"{alert.reference} v{version.number}"
    notices.notify(alert.author, words, key=key, practice=alert.practice)
    return alert


@transaction.atomic
def take_back(alert: Alert, *, by: Officer) -> Alert:
    """Back to draft, so that it can be changed: approval, if any, no longer counts."""
    fresh = _locked(alert)
    if not organisation_rules.may_write(by, fresh.team):
        raise NotAllowed("You cannot change this team's alerts.")
    _move(fresh, State.DRAFT)
    record("alert taken back", fresh, by=by)
    return fresh


@transaction.atomic
def withdraw(alert: Alert, *, by: Officer) -> Alert:
    """Give up an alert that has not gone out."""
    fresh = _locked(alert)
    if not organisation_rules.may_write(by, fresh.team):
        raise NotAllowed("You cannot change this team's alerts.")
    _move(fresh, State.WITHDRAWN)
    record("alert withdrawn", fresh, by=by)
    return fresh


@transaction.atomic
def stop(alert: Alert, *, by: Officer) -> Alert:
    """Stop an alert that is going out: no attempt starts later than five seconds from now (I3)."""
    fresh = _locked(alert)
    if not (organisation_rules.may_write(by, fresh.team) or organisation_rules.may_approve(by, fresh.team)):
        raise NotAllowed("You cannot stop this team's alerts.")
    if fresh.state == State.SENT and not ending.still_goes(fresh):
        raise NotAllowed("Everyone has it already, so there is nothing to stop. Send a correction instead.")
    fresh.finished_at = clock.now()
    _move(fresh, State.STOPPED, "finished_at")
    version = fresh.versions.exclude(mailing=None).last()
    going = version.mailings() if version else []
    stopped = sum(post.stop(mailing, reason="stopped by an officer") for mailing in going)
    record("alert stopped", fresh, by=by, cancelled=stopped)
    return fresh


@transaction.atomic
def follow_up(alert: Alert, *, relation: str, by: Officer) -> Alert:
    """Draft an update, a stand-down, an outcome or a correction to the people who were sent this alert (B7)."""
    if alert.state not in (State.SENT, State.STOPPED, State.SENDING, State.CLOSED):
        raise NotAllowed("Only an alert that went out can be followed up.")
    if relation == Relation.CORRECTION and alert.state == State.SENDING:
        raise NotAllowed("This is still going out. Stop it, so that nobody else gets what is wrong; then correct it.")
    practice.check(by, alert)
    kind = kinds.Kind.OUTCOME if relation == Relation.OUTCOME else kinds.Kind(alert.kind)
    return draft(
        team=alert.team,
        kind=kind,
        by=by,
        follows=alert,
        relation=Relation(relation),
        title=alert.title,
        by_email=alert.by_email,
        by_sms=alert.by_sms,
        fields=alert.fields if kind == alert.kind and kinds.fields_of(kind, follows=True) else {},
        on_behalf_of=alert.on_behalf_of,
    )


@transaction.atomic
def take_on(ask: Ask, *, team: Team, by: Officer) -> Alert:
    """Make a draft of our own of what a partner asks us to send; it goes through our approval like any other."""
    source = ask.alert
    practice.check(by, source)
    if source.state == State.WITHDRAWN:
        raise NotAllowed(f"{source.organisation.name} has withdrawn this.")
    if organisation_rules.practises(by, team):
        raise NotAllowed(practice.IN_PRACTICE)
    made = draft(
        team=team,
        kind=source.kind,
        by=by,
        title=source.title,
        body=source.body,
        sms_text=source.sms_text,
        languages=source.languages,
        by_email=source.by_email,
        by_sms=source.by_sms,
        fields=source.fields,
        audience=tidy({key: value for key, value in source.audience.items() if key not in GROUP_KEYS}),
        on_behalf_of=source.organisation,
    )
    together.settle_ask(ask, by=by, made=made)
    return made
