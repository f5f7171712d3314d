"""Who may approve a version, who has, and what is still missing. Different people count, not different accounts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from bell.alerts import practice, routes, rules
from bell.alerts.checks import Level
from bell.alerts.models import Alert, Approval, Ask, State, Version
from bell.lib import clock
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Grant, Officer, Role, Team

_NUMBERS = {1: "One", 2: "Two", 3: "Three"}


@dataclass(frozen=True)
class Standing:
    """What a version needs and the approvals that count; `senior_missing`: one for the whole force has yet to come."""

    needs: routes.Needs
    given: tuple[Approval, ...]
    senior_missing: bool

    @property
    def left(self) -> int:
        """How many approvals are still missing."""
        return max(self.needs.people - len(self.given), int(self.senior_missing))

    @property
    def done(self) -> bool:
        """Whether nothing is missing."""
        return self.left == 0


def writers(version: Version) -> list[Officer]:
    """Everybody whose words it may hold: author, everyone who ever edited it, who submitted it.

    Of what a partner asked us to send the partner's writers too, since it began as their words.
    """
    alert = version.alert
    wrote = {version.by_id, *_hands(alert)}
    if alert.on_behalf_of_id:
        for ask in Ask.objects.filter(made=alert).select_related("alert"):
            wrote |= {ask.by_id, *_hands(ask.alert)}
    return list(Officer.objects.filter(pk__in=wrote))


def _hands(alert: Alert) -> set[int]:
    return {alert.author_id, alert.last_editor_id, *alert.editors}


def wrote(officer: Officer, version: Version) -> str:
    """Why an officer counts as a writer of a version, by this account or another of theirs; or nothing."""
    for writer in writers(version):
        if writer.pk == officer.pk:
            return "You wrote, edited or submitted this alert, so a colleague must approve it."
        if organisation_rules.is_same_person(writer, officer):
            return "You wrote, edited or submitted this alert by another account, so a colleague must approve it."
    return ""


def barred(officer: Officer, version: Version) -> str:
    """Why no decision of this officer counts on this version, whoever else decided; or nothing (B5, I4)."""
    if words := wrote(officer, version):
        return words
    if not organisation_rules.may_approve(officer, version.alert.team):
        return "You are not an approver for this team."
    return practice.refusal(officer, version.alert)


def barred_from_approving(officer: Officer, version: Version) -> str:
    """Why this officer may not give the next approval, or nothing."""
    if words := barred(officer, version):
        return words
    now = standing(version)
    for one in now.given:
        if one.officer_id == officer.pk:
            return "You have approved this. It needs another person too."
        if organisation_rules.is_same_person(one.officer, officer):
            return "You have approved this by another account. It needs another person too."
    if now.senior_missing and now.left == 1 and officer.pk not in {one.pk for one in _seniors(version)}:
        if routes.gravest(version.checks) >= Level.SENIOR:
            return "The checks found something for which an approver of a team for the whole force must decide."
        return "An approver of a team for the whole force must decide on this."
    return ""


def standing(version: Version) -> Standing:
    """What is needed, what was given and counts, and what is missing.

    Where an organisation has nobody for the whole force but the writers, any other approver stands in (decision 12).
    """
    needs = routes.needs(version)
    given = _given(version)
    seniors = {one.pk for one in _seniors(version)} if needs.senior else set()
    missing = bool(seniors) and not any(one.officer_id in seniors for one in given)
    return Standing(needs, tuple(given), missing)


def _given(version: Version) -> list[Approval]:
    """Approvals of exactly this content, by those who may still approve it, each person once, none too old."""
    found: list[Approval] = []
    kept = version.approvals.filter(decision=Approval.Decision.APPROVE, digest=version.digest)
    for one in kept.select_related("officer"):
        twice = any(organisation_rules.is_same_person(one.officer, other.officer) for other in found)
        if not twice and not barred(one.officer, version) and clock.now() < counts_until(one.at, version.alert):
            found.append(one)
    return found


def _seniors(version: Version) -> list[Officer]:
    """Approvers for the whole force whose decision would count."""
    return [one for one in _holders(version.alert.team, senior=True) if not barred(one, version)]


def _holders(team: Team, *, senior: bool = False) -> list[Officer]:
    """Approvers of a team and of the teams for the whole force, or of the latter alone, in a fixed order."""
    grants = Grant.objects.filter(role=Role.APPROVER, team__organisation=team.organisation_id, officer__is_active=True)
    chosen = [
        grant.officer
        for grant in grants.select_related("officer", "team").order_by("officer", "pk")
        if grant.team.whole_force or (grant.team_id == team.pk and not senior)
    ]
    return list({one.pk: one for one in chosen}.values())


def able(version: Version) -> list[Officer]:
    """Everyone who may give the next approval."""
    return [one for one in _holders(version.alert.team) if not barred_from_approving(one, version)]


def approvers(version: Version) -> list[Officer]:
    """Those to ask for the next approval: everyone able who is on the duty list; with nobody on duty, everyone able."""
    found = able(version)
    return [one for one in found if one.on_duty] or found


def needs_reason(version: Version) -> bool:
    """Whether whoever approves must say why it may go all the same."""
    return routes.needs(version).reason


def is_approved(version: Version) -> bool:
    """Whether everything its route asks for was given, by different people, for exactly this content (I4, I5)."""
    return version.digest == rules.digest(version.frozen) and standing(version).done


def problem_with_route(version: Version) -> str:
    """Why a version would wait for ever, or nothing: too few different people could approve it."""
    people: list[Officer] = []
    for one in _holders(version.alert.team):
        if not barred(one, version) and not any(organisation_rules.is_same_person(one, other) for other in people):
            people.append(one)
    needs = routes.needs(version)
    if len(people) >= needs.people:
        return ""
    if not people:
        practising = " who is in practice mode too" if version.alert.practice else ""
        team = version.alert.team.name
        return f"Nobody{practising} may approve this for {team}. Ask an administrator to name an approver."
    names = " and ".join(str(one) for one in people)
    return f"{needs.words} Only {names} may. Ask an administrator to name another approver, or to change the rule."


def said(version: Version) -> str:
    """How far the approval is: "1 of 2 given: Ben Approver. One more needed, from the Media Team."."""
    now = standing(version)
    if now.done or (now.needs.people == 1 and not now.given):
        return ""
    who = f": {', '.join(str(one.officer) for one in now.given)}" if now.given else ""
    where = _from(version)
    more = f"{_NUMBERS[now.left]} more needed" if now.given else f"{_NUMBERS[now.left]} needed"
    return f"{len(now.given)} of {len(now.given) + now.left} given{who}. {more}{', from ' + where if where else ''}."


def _from(version: Version) -> str:
    """The teams of those who may give the next approval: "Heanor SNT or the Media Team"."""
    grants = Grant.objects.filter(role=Role.APPROVER, officer__in=able(version))
    teams = Team.objects.filter(grants__in=grants, organisation=version.alert.organisation_id).distinct()
    near = [one.name for one in teams if one.whole_force or one.pk == version.alert.team_id]
    return " or ".join(sorted(near))


def waits_until(version: Version) -> datetime:
    """Until when somebody must have decided on a version; then it goes back to its author."""
    alert = version.alert
    hours = settings.APPROVAL_HOURS_URGENT if alert.urgent else settings.APPROVAL_HOURS
    return version.at + timedelta(hours=hours)


def counts_until(given: datetime, alert: Alert) -> datetime:
    """How long an approval counts: some days from when it was given, or from the time for which it is scheduled."""
    start = max(given, alert.send_at) if alert.send_at else given
    return start + timedelta(days=settings.APPROVAL_DAYS)


def runs_out(version: Version) -> datetime | None:
    """When what stands now runs out: a wait for approval, or an approval that nobody sends; else None."""
    if version.alert.state == State.SUBMITTED:
        return waits_until(version)
    if version.alert.state != State.APPROVED:
        return None
    given = standing(version).given
    return min((counts_until(one.at, version.alert) for one in given), default=None)
