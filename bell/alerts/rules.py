"""Who may do what to an alert, which states follow which, and what an alert must have. Nothing here writes."""

import hashlib
import json
from typing import Any

from django.conf import settings

from bell.alerts import ballots, blanks, checks, content, drawing, partner_notice, translations
from bell.alerts.audience import hidden
from bell.alerts.checks.reach import is_everyone
from bell.alerts.models import Alert, Carrier, Relation, State, Version
from bell.lib import clock, shapes, text
from bell.lib.problems import FieldProblems
from bell.organisations import kinds
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Grant, Officer, Organisation, Role
from bell.places import find as places
from bell.residents.models import Group

TITLE_MOST = 100
BODY_MOST = 4000
TEXT_SEGMENTS_MOST = 4

# The one table of allowed moves (house.md, rule 6). A test walks every pair.
MOVES: dict[str, frozenset[str]] = {
    State.DRAFT: frozenset({State.SUBMITTED, State.WITHDRAWN}),
    State.SUBMITTED: frozenset({State.APPROVED, State.RETURNED, State.REJECTED, State.DRAFT, State.WITHDRAWN}),
    State.RETURNED: frozenset({State.DRAFT, State.SUBMITTED, State.WITHDRAWN}),
    State.REJECTED: frozenset(),
    State.APPROVED: frozenset({State.HELD, State.SCHEDULED, State.DRAFT, State.WITHDRAWN, State.EXPIRED}),
    State.SCHEDULED: frozenset({State.APPROVED, State.SENDING, State.DRAFT, State.EXPIRED}),
    State.HELD: frozenset({State.APPROVED, State.SENDING, State.DRAFT, State.EXPIRED}),
    State.SENDING: frozenset({State.SENT, State.STOPPED}),
    # Stopped while some people still wait for it in their digest (actions.stop).
    State.SENT: frozenset({State.CLOSED, State.STOPPED}),
    State.STOPPED: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.EXPIRED: frozenset({State.DRAFT, State.WITHDRAWN}),
}
EDITABLE = (State.DRAFT, State.RETURNED)


class NotAllowed(Exception):
    """The person may not do this, or not now; the message says why in plain words."""


class Unfinished(FieldProblems):
    """The alert is not ready. `problems` maps a field of the composer to words."""


def check_move(alert: Alert, to: str) -> None:
    """Raise NotAllowed unless the alert may go from its state to another."""
    if to not in MOVES[alert.state]:
        raise NotAllowed(f"This alert is {alert.get_state_display().lower()}, so that cannot be done now.")


def digest(frozen: dict[str, Any]) -> str:
    """SHA-256 over canonical JSON of everything that is approved: text, area, audience rule, channels (I5)."""
    words = json.dumps(frozen, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(words.encode()).hexdigest()


def snapshot(alert: Alert) -> dict[str, Any]:
    """What would be approved and sent, as plain data. What came later is a key only where it is used: see `_later`."""
    return _later(alert) | {
        "reference": alert.reference,
        "organisation": alert.organisation_id,
        "team": alert.team_id,
        "kind": alert.kind,
        "urgent": alert.urgent,
        "practice": alert.practice,
        "title": alert.title,
        "body": alert.body,
        "sms_text": alert.sms_text,
        "by_email": alert.by_email,
        "by_sms": alert.by_sms,
        "fields": alert.fields,
        "audience": alert.audience,
        "carriers": alert.carriers,
        "on_behalf_of": alert.on_behalf_of_id,
        "send_at": alert.send_at.isoformat() if alert.send_at else None,
        "follows": alert.follows_id,
        "relation": alert.relation,
    }


def _later(alert: Alert) -> dict[str, Any]:
    """What an alert may have since versions were first frozen: left out while empty, so that their digests hold."""
    picture = alert.picture and {"sha256": alert.picture.sha256, "alt": alert.picture_alt}
    expires = alert.expires_at and alert.expires_at.isoformat()
    later = {"languages": alert.languages, "picture": picture, "expires_at": expires}
    return {name: value for name, value in later.items() if value}


def may_edit(officer: Officer, alert: Alert) -> bool:
    """Writers of the alert's team, while it is a draft or was returned; practice and real writers each their own."""
    return (
        alert.state in EDITABLE
        and organisation_rules.may_write(officer, alert.team)
        and organisation_rules.practises(officer, alert.team) == alert.practice
    )


def findings(version: Version) -> list[checks.Finding]:
    """What the checks noticed when this version was submitted, gravest first."""
    return [checks.Finding.from_json(one) for one in version.checks]


def problem_with_everyone(reach: checks.Reach, typed: int | None) -> str:
    """Half of all followers or more are meant: the number that was typed must be theirs, or words that ask for it.

    Within a tenth: people join and leave while somebody types.
    """
    if not is_everyone(reach) or (typed is not None and abs(typed - reach.people) <= reach.people / 10):
        return ""
    return (
        f"This would reach about {hidden(reach.people):,} people, half of everyone who follows you or more. If you "
        "mean all of them, type that number."
    )


def earlier_mailing(alert_id: int, organisation_id: int) -> int:
    """The mailing with which an earlier alert went to an organisation's people: its own, or the one it carried."""
    carried = Carrier.objects.filter(version__alert=alert_id, organisation=organisation_id).exclude(mailing=None)
    own = Version.objects.filter(alert=alert_id, alert__organisation=organisation_id).exclude(mailing=None)
    found = own.values_list("mailing", flat=True).last() or carried.values_list("mailing", flat=True).last()
    # An alert that was followed up before it had gone anywhere reaches nobody: no mailing has the number 0.
    return found or 0


def may_carry(officer: Officer, organisation: Organisation) -> bool:
    """Approvers of an organisation decide what it carries, while it has an agreement."""
    grants = Grant.objects.filter(officer=officer, role=Role.APPROVER, team__organisation=organisation)
    return officer.is_active and officer.organisation_id == organisation.pk and grants.exists()


def hold_seconds(alert: Alert) -> int:
    """How long an approved alert waits with *Undo* before it goes."""
    return settings.HOLD_SECONDS_URGENT if alert.urgent else settings.HOLD_SECONDS_ROUTINE


def problems_with_audience(alert: Alert) -> str:
    """Why the audience may not be used by this team, in words, or nothing."""
    rule = alert.audience
    if alert.follows_id:
        return _problem_with_more(alert)
    if words := _problem_with_scheme(alert):
        return words
    if not rule.get("areas") and not rule.get("shapes"):
        return "Choose at least one area, or draw one on the map."
    allowed = organisation_rules.patch_area_ids(alert.team)
    if allowed is not None and not set(rule.get("areas", [])) <= allowed:
        return f"{alert.team.name} can only choose areas of its own patch. Ask the Media Team to send further."
    ground = organisation_rules.patch_shape(alert.team)
    if words := _problem_with_narrowing(rule):
        return words
    for drawn in rule.get("shapes", []):
        try:
            shape = drawing.read(drawn)
        except shapes.ShapeError as error:
            return str(error)
        if ground is not None and not ground.covers(shape):
            return (
                f"The shape reaches further than {alert.team.name} may send ({alert.team.margin_m} metres beyond its "
                "patch). Make it smaller, or ask the Media Team to send it."
            )
        if ground is None and not alert.team.whole_force:
            return f"{alert.team.name} has no patch yet. An administrator must give it one."
    return ""


def may_reach_more(alert: Alert) -> bool:
    """Whether a follow-up may also go to those whom the first alert would mean today: news may, a stand-down and a
    correction are for exactly those who were told."""
    return alert.relation in (Relation.UPDATE, Relation.OUTCOME)


def _problem_with_more(alert: Alert) -> str:
    """A follow-up reaches whoever got the first and, where that was asked for, its audience of today: no other."""
    first = alert
    while first.follows is not None:
        first = first.follows
    if not alert.audience or (may_reach_more(alert) and alert.audience == first.audience):
        return ""
    return "A follow-up goes to the people who were sent the first alert, or also to that alert's audience of today."


def _problem_with_narrowing(rule: dict[str, Any]) -> str:
    """What is left out, and where people must have a place too, may lie anywhere: it only ever means fewer people."""
    try:
        for drawn in [*rule.get("not_shapes", []), *rule.get("also_shapes", [])]:
            drawing.read(drawn)
    except shapes.ShapeError as error:
        return str(error)
    out = places.under(rule.get("not_areas", []))
    if rule.get("areas") and not rule.get("shapes") and set(rule["areas"]) <= out:
        return "Every area that you chose is left out again. Take it away in one place."
    return ""


def _problem_with_scheme(alert: Alert) -> str:
    """A watch scheme's own team writes to its scheme only (F3); every other team is free to choose groups."""
    schemes = dict(Group.objects.filter(scheme_team=alert.team_id).values_list("pk", "name"))
    chosen = set(alert.audience.get("groups", []))
    crossed = {*alert.audience.get("also_groups", []), *alert.audience.get("not_groups", [])}
    if not schemes or (chosen and chosen | crossed <= set(schemes)):
        return ""
    names = " or ".join(sorted(schemes.values()))
    return f"{alert.team.name} can only write to its own scheme. Tick {names} under the groups, and no other."


def problems(alert: Alert) -> dict[str, str]:
    """Everything that stands in the way of submitting: composer field to words."""
    found: dict[str, str] = {}
    if not alert.title.strip():
        found["title"] = "Enter a title."
    elif len(alert.title) > TITLE_MOST:
        found["title"] = f"The title must be {TITLE_MOST} characters or fewer."
    elif not text.is_one_line(alert.title):
        found["title"] = "Write the title as one line, without tabs or line breaks."
    if not alert.body.strip():
        found["body"] = "Enter the message."
    elif len(alert.body) > BODY_MOST:
        found["body"] = f"The message must be {BODY_MOST} characters or fewer."
    if alert.expires_at is not None and alert.expires_at <= (alert.send_at or clock.now()):
        found["expires_at"] = "The alert would be over before it is sent. Choose a later time, or leave it empty."
    if not (alert.by_email or alert.by_sms):
        found["by_email"] = "Choose email, text message or both."
    facts = kinds.FACTS[alert.kind]
    for name in kinds.fields_of(alert.kind, follows=alert.follows_id is not None):
        if name not in facts.optional and not str(alert.fields.get(name, "")).strip():
            found[name] = _FIELD_MISSING[name]
    if facts.calm and alert.urgent:
        found["urgent"] = f"A {kinds.Kind(alert.kind).label.lower()} is never urgent. Take the tick away."
    found |= ballots.problems(alert) | partner_notice.problems(alert)
    if alert.by_sms and text.segments(content.sms(snapshot(alert))).count > TEXT_SEGMENTS_MOST:
        found["sms_text"] = f"The text message must fit into {TEXT_SEGMENTS_MOST} parts. Make it shorter."
    found |= translations.problems(snapshot(alert), title_most=TITLE_MOST, body_most=BODY_MOST)
    if alert.kind == kinds.Kind.OUTCOME and alert.relation != Relation.OUTCOME:
        found["kind"] = "An outcome follows an earlier alert. Open that alert and choose “Send an outcome”."
    if words := problems_with_audience(alert):
        found["audience"] = words
    return blanks.problems(snapshot(alert)) | found


_FIELD_MISSING = {
    "from_time": "Enter when the footage should start.",
    "to_time": "Enter when the footage should end.",
    "look_for": "Say what to look for.",
    "event_time": "Enter when the event is.",
    "event_place": "Enter where the event is.",
    "description": "Describe the person.",
    "choices": "Write what people may choose from, one choice on each line.",
    "find_out": "Enter where people can ask or find out more: a phone number or a page.",
}
