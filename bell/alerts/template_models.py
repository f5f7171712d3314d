"""Templates: words kept for alerts of one kind, with blanks to fill in."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bell.organisations.kinds import Kind
from bell.organisations.models import Officer, Organisation, Team


class TemplateQuerySet(models.QuerySet["Template"]):
    """Who may see and use which template."""

    def visible_to(self, officer: Officer) -> TemplateQuerySet:
        """Those of the officer's organisation for everyone, and of the teams in which the officer holds a role."""
        if not officer.is_active:
            return self.none()
        own = self.filter(organisation_id=officer.organisation_id)
        if officer.grants.filter(team__whole_force=True).exists():
            return own
        return own.filter(Q(team=None) | Q(team__in=officer.grants.values("team")))

    def fit_for(self, team: Team, kind: str) -> TemplateQuerySet:
        """Those with which an alert of this team and kind may begin."""
        return self.filter(Q(team=None) | Q(team=team), organisation_id=team.organisation_id, kind=kind)


class Template(models.Model):
    """Words with which an alert may begin: of one team, or of the whole organisation (no team)."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="templates")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="templates")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    name = models.CharField(max_length=80)
    title = models.CharField(max_length=100, blank=True)
    body = models.TextField(blank=True)
    sms_text = models.TextField(blank=True)
    changed_by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    objects = TemplateQuerySet.as_manager()

    class Meta:
        """By kind and name; a name once a team."""

        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "team", "kind", "name"], name="template_name_once"),
            models.UniqueConstraint(
                fields=["organisation", "kind", "name"], condition=Q(team=None), name="template_name_once_for_all"
            ),
        ]

    def __str__(self) -> str:
        return self.name
