"""Paper and door: sign-up codes of posters and forms, bundles of forms that came back, people not yet confirmed."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models

from bell.delivery.models import Channel
from bell.lib import keys
from bell.organisations.models import Officer, Role, Team

# Roles that may work with paper. A whole-force team sees its own bundles only: these hold personal data.
WORKS = (Role.AUTHOR, Role.APPROVER, Role.MEDIA, Role.ADMINISTRATOR)

Row = TypeVar("Row", bound=models.Model)


class TeamsQuerySet(models.QuerySet[Row]):
    """Rows of one team each."""

    def visible_to(self, officer: Officer) -> Self:
        """Those of the teams in which the officer works."""
        if not officer.is_active:
            return self.none()
        works = officer.grants.filter(role__in=WORKS).values("team")
        return self.filter(team__in=works, team__organisation_id=officer.organisation_id)


class SourceCode(models.Model):
    """Where a sign-up came from: one poster, one QR code, one team's forms, one officer's doorsteps."""

    code = models.CharField(max_length=12, unique=True)
    label = models.CharField(max_length=80)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    officer = models.ForeignKey(Officer, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField()

    objects = TeamsQuerySet.as_manager()

    class Meta:
        """Newest first."""

        ordering = ["-made_at", "-id"]

    def __str__(self) -> str:
        return f"{self.label} ({self.code})"


class PrintRun(models.Model):
    """A number of sign-up forms printed at once, with the words that people agree to by signing them."""

    key = models.BigIntegerField(unique=True, default=keys.random_key, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    source = models.ForeignKey(SourceCode, on_delete=models.PROTECT, related_name="runs")
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    wording = models.TextField()

    objects = TeamsQuerySet.as_manager()

    class Meta:
        """Newest first."""

        ordering = ["-made_at", "-id"]

    def __str__(self) -> str:
        return f"Forms of {self.team_id}"


class PrintedForm(models.Model):
    """One printed form, known by the serial number on it."""

    run = models.ForeignKey(PrintRun, on_delete=models.PROTECT, related_name="forms")
    serial = models.CharField(max_length=8, unique=True)

    class Meta:
        """In the order of printing."""

        ordering = ["id"]

    def __str__(self) -> str:
        return self.serial


class Bundle(models.Model):
    """Forms that came back together."""

    key = models.BigIntegerField(unique=True, default=keys.random_key, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    received_on = models.DateField()
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    objects = TeamsQuerySet.as_manager()

    class Meta:
        """Newest first."""

        ordering = ["-made_at", "-id"]

    def __str__(self) -> str:
        return f"Bundle {self.key}"


class PaperForm(models.Model):
    """One form of a bundle: its scan and what became of it. What stood on it is kept in PendingJoin only."""

    class State(models.TextChoices):
        """Waiting forms are to be entered; the rest are done with."""

        WAITING = "waiting", "To be entered"
        SKIPPED = "skipped", "Skipped"
        KNOWN = "known", "Already joined"
        ENTERED = "entered", "Waiting for confirmation"
        JOINED = "joined", "Joined"
        REFUSED = "refused", "Not theirs"
        LAPSED = "lapsed", "Never confirmed"

    key = models.BigIntegerField(unique=True, default=keys.random_key, editable=False)
    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="forms")
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    printed = models.OneToOneField(PrintedForm, null=True, blank=True, on_delete=models.PROTECT, related_name="paper")
    # The scan lies under settings.PAPER_DIR by a random name: the proof of consent.
    scan_name = models.CharField(max_length=40, blank=True)
    scan_type = models.CharField(max_length=20, blank=True)
    scan_bytes = models.PositiveIntegerField(default=0)
    scan_sha256 = models.CharField(max_length=64, blank=True)
    resident = models.ForeignKey(
        "residents.Resident", null=True, blank=True, on_delete=models.SET_NULL, related_name="paper_forms"
    )

    class Meta:
        """Numbered from one in a bundle."""

        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["bundle", "number"], name="paper_form_number_once")]

    def __str__(self) -> str:
        return f"Form {self.number} of {self.bundle_id}"


class PendingJoin(models.Model):
    """Somebody who filled in a form, or said yes at the door, and has not confirmed it. Nothing is sent to them."""

    class How(models.TextChoices):
        """What Consent.how becomes."""

        PAPER = "paper", "Paper form"
        DOOR = "door", "At the door"

    key = models.BigIntegerField(unique=True, default=keys.random_key, editable=False)
    how = models.CharField(max_length=5, choices=How.choices)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    form = models.OneToOneField(PaperForm, null=True, blank=True, on_delete=models.CASCADE, related_name="pending")
    made_at = models.DateTimeField(db_index=True)
    wording = models.TextField()
    source = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=120, blank=True)
    postal = models.TextField(blank=True, help_text="Postal address, for a letter")
    postcode = models.CharField(max_length=8, blank=True)
    lon = models.FloatField()
    lat = models.FloatField()
    email = models.CharField(max_length=254, blank=True)
    email_key = models.BigIntegerField(null=True, blank=True)
    mobile = models.CharField(max_length=20, blank=True)
    mobile_key = models.BigIntegerField(null=True, blank=True)
    email_kinds = models.PositiveIntegerField(default=0)
    sms_kinds = models.PositiveIntegerField(default=0)
    groups = models.JSONField(default=list)
    organisations = models.JSONField(default=list)
    # Set once one of two addresses is confirmed: the other may follow.
    resident = models.ForeignKey("residents.Resident", null=True, blank=True, on_delete=models.CASCADE)

    class Meta:
        """Duplicates are found by address."""

        indexes = [
            models.Index(fields=["email_key"], name="pending_email"),
            models.Index(fields=["mobile_key"], name="pending_mobile"),
        ]

    def __str__(self) -> str:
        return f"PendingJoin {self.key}"


class Confirmation(models.Model):
    """The one message that asks a person to confirm: by email, text or letter. Its code is kept as a keyed hash."""

    POST = "post"

    # Nobody any more: it was used, replaced or forgotten. The row stays a while, because limits count it.
    pending = models.ForeignKey(
        PendingJoin, null=True, blank=True, on_delete=models.SET_NULL, related_name="confirmations"
    )
    channel = models.CharField(max_length=5, choices=[*Channel.choices, (POST, "Letter")])
    address_key = models.BigIntegerField(null=True, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    sent_at = models.DateTimeField()

    class Meta:
        """Limits count by address, newest first."""

        indexes = [models.Index(fields=["address_key", "-sent_at"], name="confirmation_address")]

    def __str__(self) -> str:
        return f"Confirmation {self.pk}"
