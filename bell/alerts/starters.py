"""Templates (B3): approvers, the Media Team and administrators keep them, every writer may begin with one."""

from typing import Any

from django.db import IntegrityError, transaction

from bell.alerts import actions
from bell.alerts.models import Alert, Template
from bell.alerts.rules import BODY_MOST, TITLE_MOST, NotAllowed, Unfinished
from bell.audit.record import record
from bell.lib import clock
from bell.organisations import rules as organisation_rules
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer, Role, Team

NAME_MOST = 80
SMS_MOST = 1000
_KEEPERS = (Role.APPROVER, Role.MEDIA, Role.ADMINISTRATOR)
_TEXTS = ("name", "title", "body", "sms_text")
_MOST = {"name": NAME_MOST, "title": TITLE_MOST, "body": BODY_MOST, "sms_text": SMS_MOST}


def teams(officer: Officer) -> list[Team]:
    """The teams whose templates the officer may keep."""
    return organisation_rules.teams_as(officer, *_KEEPERS)


def may_keep_for_all(officer: Officer) -> bool:
    """Administrators, and who approves or speaks for a team of the whole force, keep templates for everyone."""
    return organisation_rules.may_administer(officer) or any(team.whole_force for team in teams(officer))


def may_keep(officer: Officer, template: Template) -> bool:
    """Whether the officer may change or delete a template."""
    if not officer.is_active or template.organisation_id != officer.organisation_id:
        return False
    if template.team_id is None:
        return may_keep_for_all(officer)
    return may_keep_for_all(officer) or template.team_id in {team.pk for team in teams(officer)}


@transaction.atomic
def keep(template: Template | None = None, *, by: Officer, team: Team | None, kind: str, **words: str) -> Template:
    """Make a template, or change one: name, title, body and sms_text. Raises NotAllowed, Unfinished with words."""
    new = Template(organisation=by.organisation, team=team)
    if (template is not None and not may_keep(by, template)) or not may_keep(by, new):
        raise NotAllowed("Templates are kept by approvers, the Media Team and administrators, each for their own team.")
    if team is not None and team.organisation_id != by.organisation_id:
        raise NotAllowed("This team is not of your organisation.")
    made = template or new
    made.team, made.kind = team, Kind(kind)
    for name in _TEXTS:
        setattr(made, name, words.get(name, "").strip())
    if found := _problems(made):
        raise Unfinished(found)
    made.changed_by, made.changed_at = by, clock.now()
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError:
        raise Unfinished({"name": "There is a template of this kind with this name. Choose another name."}) from None
    record("template changed" if template else "template made", made, by=by, kind=kind, team=team.pk if team else None)
    return made


def _problems(made: Template) -> dict[str, str]:
    found: dict[str, str] = {}
    if made.kind == Kind.OUTCOME:
        found["kind"] = "An outcome follows an earlier alert and begins there. Choose another kind."
    elif words := organisation_rules.why_not_begin(made.kind, made.organisation):
        found["kind"] = words
    if not made.name:
        found["name"] = "Enter a name."
    if not (made.title or made.body or made.sms_text):
        found["body"] = "Enter a title, a message or the words of a text message."
    for name, most in _MOST.items():
        if len(getattr(made, name)) > most:
            found[name] = f"Use {most:,} characters or fewer."
    return found


@transaction.atomic
def drop(template: Template, *, by: Officer) -> None:
    """Delete a template; drafts that began with it keep their words."""
    if not may_keep(by, template):
        raise NotAllowed("Templates are kept by approvers, the Media Team and administrators, each for their own team.")
    record("template deleted", template, by=by, kind=template.kind)
    template.delete()


def begin(template: Template, *, team: Team, by: Officer) -> Alert:
    """A draft with the words of a template. NotAllowed for one that is not for this team."""
    if not Template.objects.fit_for(team, template.kind).filter(pk=template.pk).exists():
        raise NotAllowed(f"{team.name} cannot use this template.")
    words: dict[str, Any] = {"title": template.title, "body": template.body, "sms_text": template.sms_text}
    return actions.draft(team=team, kind=template.kind, by=by, by_sms=bool(template.sms_text), **words)
