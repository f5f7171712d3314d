"""What is said: the alert, its frozen versions, and who approved them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, Value

from bell.alerts.picture_models import Picture
from bell.alerts.template_models import Template
from bell.delivery.models import Mailing
from bell.organisations.kinds import ASKING, Kind
from bell.organisations.models import Officer, Organisation, Team
from bell.residents.models import Place

__all__ = [
    "PUBLISHED", "Alert", "AlertQuerySet", "Approval", "Ask", "AskQuerySet", "Carrier", "CarrierQuerySet", "CountAsked",
    "PassedOn", "Picture", "Relation", "ShapePlace", "State", "Template", "Version",
]  # fmt: skip


class State(models.TextChoices):
    """The life of an alert (house.md, rule 6). Moves between states stand in alerts.rules.MOVES."""

    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Waiting for approval"
    RETURNED = "returned", "Returned"
    REJECTED = "rejected", "Rejected"
    APPROVED = "approved", "Approved"
    SCHEDULED = "scheduled", "Scheduled"
    HELD = "held", "About to send"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    STOPPED = "stopped", "Stopped"
    CLOSED = "closed", "Closed"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"


# States in which an alert's page may be read by anyone.
PUBLISHED = (State.SENDING, State.SENT, State.STOPPED, State.CLOSED)


class Relation(models.TextChoices):
    """How an alert follows an earlier one, to the people who got that."""

    UPDATE = "update", "Update"
    STAND_DOWN = "stand-down", "Stand-down"
    OUTCOME = "outcome", "Outcome"
    CORRECTION = "correction", "Correction"


class AlertQuerySet(models.QuerySet["Alert"]):
    """Who may see which alert."""

    def visible_to(self, officer: Officer) -> AlertQuerySet:
        """Alerts of the teams in which the officer holds a role; every team's for the whole-force teams."""
        if not officer.is_active:
            return self.none()
        own = self.filter(organisation_id=officer.organisation_id)
        if officer.grants.filter(team__whole_force=True).exists():
            return own
        return own.filter(team__in=officer.grants.values("team"))

    def public(self) -> AlertQuerySet:
        """Alerts that went out and are not practice."""
        return self.filter(state__in=PUBLISHED, practice=False)


class Alert(models.Model):
    """One thing to say, from draft to closed."""

    reference = models.CharField(max_length=12, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="alerts")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="alerts")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    urgent = models.BooleanField(default=False)
    practice = models.BooleanField(default=False)

    title = models.CharField(max_length=100, blank=True)
    body = models.TextField(blank=True)
    sms_text = models.TextField(blank=True)
    # One picture (alerts.pictures), and the words for those who cannot see it.
    picture = models.ForeignKey(Picture, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    picture_alt = models.CharField(max_length=300, blank=True, default="", db_default="")
    # {BCP 47 tag: {"title", "body", "sms_text", "fields"}}; see alerts.translations
    languages = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    by_email = models.BooleanField(default=True)
    by_sms = models.BooleanField(default=False)
    fields = models.JSONField(default=dict, help_text="The fields of its kind (organisations.kinds)")
    # {"areas": [id], "shapes": [GeoJSON feature], "groups": [id], ...}; see alerts.rule
    audience = models.JSONField(default=dict)
    # Organisations that are asked to carry it to those who follow them (G2): ids, sorted.
    carriers = models.JSONField(default=list)
    on_behalf_of = models.ForeignKey(
        Organisation,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who asked us to send",
    )
    send_at = models.DateTimeField(null=True, blank=True, help_text="Not before this; empty: at once after approval")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Over after this; empty: see alerts.expiry")
    follows = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="followers")
    relation = models.CharField(max_length=12, choices=Relation.choices, blank=True)

    author = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="drafted")
    last_editor = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    # Ids of everyone who ever changed it: none of them approves it (decision 17).
    editors = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    edit = models.PositiveIntegerField(default=0, help_text="Rises at each save, so that two editors notice each other")
    # Several hands on one draft (alerts.sittings): which page saved last, when, and when the record was last told.
    sitting = models.CharField(max_length=32, blank=True, default="", db_default="")
    saved_at = models.DateTimeField(null=True, blank=True)
    noted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    hold_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # What came of it, kept when it is closed (alerts.closing): nobody who was asked to help is left without a word.
    outcome_note = models.TextField(blank=True, default="", db_default="")

    objects = AlertQuerySet.as_manager()

    class Meta:
        """Newest first."""

        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="alert_held_has_an_end",
                condition=~Q(state__in=["held", "scheduled"]) | Q(hold_until__isnull=False),
            ),
            models.CheckConstraint(
                name="alert_asked_and_told_what_came_of_it",
                condition=~Q(state="closed", kind__in=ASKING, follows__isnull=True) | ~Q(outcome_note=""),
            ),
            models.CheckConstraint(
                name="alert_follows_in_some_way",
                condition=Q(follows__isnull=True, relation="") | (Q(follows__isnull=False) & ~Q(relation="")),
            ),
        ]
        indexes = [models.Index(fields=["state", "hold_until"], name="alert_state")]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}".strip()


class Version(models.Model):
    """What was submitted, frozen: the text, the audience rule, the channels, and one hash over all of it."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    frozen = models.JSONField()
    digest = models.CharField(max_length=64)
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    # Counted when submitted, exactly: people, and messages by channel.
    people = models.PositiveIntegerField(default=0)
    emails = models.PositiveIntegerField(default=0)
    texts = models.PositiveIntegerField(default=0)
    pence = models.FloatField(default=0, help_text="Expected cost of the texts, in pence")
    # Of these people, how many are meant by places outside the team's patch alone (A8).
    beyond = models.PositiveIntegerField(default=0, db_default=Value(0))
    # What the checks noticed when it was submitted (alerts.checks.Finding), gravest first.
    checks = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    # What approval it needs, fixed when it was submitted (alerts.routes.Needs); no part of the digest.
    route = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    # Where the fan-out stands, so that a crash resumes (delivery.md, Filling).
    mailing = models.OneToOneField(Mailing, null=True, on_delete=models.PROTECT, related_name="+")
    filled_through = models.BigIntegerField(default=0)
    filled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Numbered from one."""

        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["alert", "number"], name="version_number_once")]

    def __str__(self) -> str:
        return f"{self.alert_id} v{self.number}"

    def mailings(self) -> list[Mailing]:
        """Everything that went out for this version: its own mailing first, then its carriers'."""
        carried = Mailing.objects.filter(pk__in=self.carriers.exclude(mailing=None).values("mailing"))
        return ([self.mailing] if self.mailing else []) + list(carried.order_by("pk"))


class Approval(models.Model):
    """One colleague's decision on one version."""

    class Decision(models.TextChoices):
        """What was decided."""

        APPROVE = "approve", "Approved"
        RETURN = "return", "Returned"
        REJECT = "reject", "Rejected"

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="approvals")
    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    reason = models.CharField(max_length=500, blank=True)
    digest = models.CharField(max_length=64, help_text="The version's hash that this officer saw")
    at = models.DateTimeField()

    class Meta:
        """One decision an officer and version."""

        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["version", "officer"], name="approval_once")]

    def __str__(self) -> str:
        return f"{self.decision} by {self.officer_id}"


class ShapePlace(models.Model):
    """Places at the edge of a version's shapes that lie inside: fixed when its fan-out begins."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="shape_places")
    place = models.ForeignKey(Place, on_delete=models.CASCADE, related_name="+")
    part = models.CharField(
        max_length=4, default="in", db_default=Value("in"), help_text="Which shapes: in, not or also (alerts.rule)"
    )

    class Meta:
        """Once each in each part."""

        constraints = [models.UniqueConstraint(fields=["version", "part", "place"], name="shape_place_once_a_part")]

    def __str__(self) -> str:
        return f"{self.place_id} in shapes of {self.version_id}"


class SavedAudienceQuerySet(models.QuerySet["SavedAudience"]):
    """Who may see which saved audience."""

    def visible_to(self, officer: Officer) -> SavedAudienceQuerySet:
        """Those of the teams in which the officer holds a role: nobody else's, the Media Team's neither."""
        return self.filter(team__in=officer.grants.values("team")) if officer.is_active else self.none()


class SavedAudience(models.Model):
    """An audience that a team keeps by name, to use again (A6): a rule, never a list of people."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="saved_audiences")
    name = models.CharField(max_length=60)
    audience = models.JSONField(help_text="As Alert.audience")
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects = SavedAudienceQuerySet.as_manager()

    class Meta:
        """By name, which is the team's own."""

        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="saved_audience_name_once")]

    def __str__(self) -> str:
        return self.name


class CountAsked(models.Model):
    """One count while drawing: kept to limit and to show who counted what (targeting.md)."""

    officer = models.ForeignKey(Officer, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    digest = models.CharField(max_length=64, help_text="Hash of the audience rule that was counted")

    class Meta:
        """Asked by officer and time."""

        indexes = [models.Index(fields=["officer", "at"], name="count_asked")]

    def __str__(self) -> str:
        return f"count by {self.officer_id}"


class CarrierQuerySet(models.QuerySet["Carrier"]):
    """Who may see which invitation to carry."""

    def visible_to(self, officer: Officer) -> CarrierQuerySet:
        """Those of the officer's own organisation: a partner sees the text and numbers, never people."""
        return self.filter(organisation_id=officer.organisation_id) if officer.is_active else self.none()


class Carrier(models.Model):
    """An organisation that carries one version to those who follow it; each resident still gets one copy (G2)."""

    class Decision(models.TextChoices):
        """Asked until an approver of the organisation says yes or no."""

        ASKED = "asked", "Asked"
        AGREED = "agreed", "Carries it"
        DECLINED = "declined", "Declined"

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="carriers")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="carried")
    decision = models.CharField(max_length=10, choices=Decision.choices, default=Decision.ASKED)
    officer = models.ForeignKey(Officer, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    digest = models.CharField(max_length=64, blank=True, help_text="The version's hash that was agreed to")
    at = models.DateTimeField(null=True)
    mailing = models.OneToOneField(Mailing, null=True, on_delete=models.PROTECT, related_name="+")
    filled_through = models.BigIntegerField(default=0)
    filled_at = models.DateTimeField(null=True, blank=True)

    objects = CarrierQuerySet.as_manager()

    class Meta:
        """Once each."""

        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["version", "organisation"], name="carrier_once"),
            models.CheckConstraint(
                name="carrier_decision_is_someones",
                condition=Q(decision="asked") | Q(officer__isnull=False, at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id} carries {self.version_id}: {self.decision}"


class AskQuerySet(models.QuerySet["Ask"]):
    """Who may see which request."""

    def visible_to(self, officer: Officer) -> AskQuerySet:
        """Requests made by or to the officer's organisation."""
        if not officer.is_active:
            return self.none()
        ours = officer.organisation_id
        return self.filter(Q(alert__organisation=ours) | Q(to=ours))


class Ask(models.Model):
    """A partner asks the force to send what it drafted (G4)."""

    class Decision(models.TextChoices):
        """Waiting until an officer of the force takes it on or declines it."""

        WAITING = "waiting", "Waiting"
        ACCEPTED = "accepted", "Taken on"
        DECLINED = "declined", "Declined"

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="asks")
    to = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="asks")
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    decision = models.CharField(max_length=10, choices=Decision.choices, default=Decision.WAITING)
    decided_by = models.ForeignKey(Officer, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    made = models.OneToOneField(Alert, null=True, on_delete=models.PROTECT, related_name="asked_for")

    objects = AskQuerySet.as_manager()

    class Meta:
        """Newest first; one waiting request an alert."""

        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["alert"], condition=Q(decision="waiting"), name="ask_once_at_a_time")
        ]

    def __str__(self) -> str:
        return f"ask {self.pk}: {self.decision}"


class PassedOn(models.Model):
    """A partner passed a public alert on by its own means, and says how many people that reached (G3)."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="passed_on")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    way = models.CharField(max_length=120)
    reach = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        """In order."""

        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.organisation_id} passed on {self.alert_id}"
