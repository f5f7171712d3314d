"""What comes back as files: uploads on their way in, exhibits sealed, and the ledger of who held them when."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from bell.alerts.models import Alert
from bell.delivery.models import Delivery
from bell.lib import keys
from bell.organisations.models import Officer
from bell.residents.models import Resident


class Clock(models.TextChoices):
    """How far the sender trusts the time that the recording shows (E4)."""

    RIGHT = "right", "Yes, it was right"
    WRONG = "wrong", "No, it was wrong"
    UNKNOWN = "unknown", "I do not know"


class Upload(models.Model):
    """One file on its way in. `key` names its file on disk; the address of its page is signed, never stored."""

    class State(models.TextChoices):
        """Receiving, then received (whole, not yet sealed), then sealed; or an end without an exhibit."""

        RECEIVING = "receiving", "Arriving"
        RECEIVED = "received", "Arrived, being checked"
        SEALED = "sealed", "Sealed"
        DAMAGED = "damaged", "Damaged"
        DROPPED = "dropped", "Taken back"
        EXPIRED = "expired", "Never finished"

    class Way(models.TextChoices):
        """By which page it came."""

        LINK = "link", "The link in a person's message"
        PAGE = "page", "The public page"

    key = models.BigIntegerField(unique=True, default=keys.random_key, editable=False)
    sitting = models.BigIntegerField(db_index=True, help_text="The same for files that one person sent together")
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="uploads")
    resident = models.ForeignKey(Resident, null=True, blank=True, on_delete=models.SET_NULL, related_name="uploads")
    # The message whose link was used: proof of nothing but that someone held it. The receipt goes to its address.
    delivery = models.ForeignKey(Delivery, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    way = models.CharField(max_length=4, choices=Way.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVING)

    length = models.BigIntegerField(null=True, help_text="Bytes as declared; unknown only while a plain form arrives")
    offset = models.BigIntegerField(default=0, help_text="Bytes that are safe on disk")
    fence = models.PositiveIntegerField(default=0, help_text="Rises with each new writer: an earlier one is refused")

    name = models.CharField(max_length=255, help_text="The name as given, fit to be shown")
    name_given = models.CharField(max_length=1000, blank=True, help_text="Exactly as given, escaped, where it differs")
    said_who = models.CharField(max_length=120, blank=True)
    said_contact = models.CharField(max_length=254, blank=True)
    said_when = models.CharField(max_length=200, blank=True)
    said_where = models.CharField(max_length=200, blank=True)
    clock = models.CharField(max_length=8, choices=Clock.choices, default=Clock.UNKNOWN)
    clock_words = models.CharField(max_length=200, blank=True)

    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)
    receipt_at = models.DateTimeField(null=True, help_text="When the emailed receipt was handed to the post room")

    class Meta:
        """What is safe is never more than what was declared."""

        constraints = [
            models.CheckConstraint(
                name="upload_within_length",
                condition=Q(offset__gte=0) & (Q(length__isnull=True) | Q(offset__lte=F("length"))),
            ),
            models.CheckConstraint(
                name="upload_received_whole",
                condition=~Q(state__in=["received", "sealed"])
                | Q(received_at__isnull=False, length__isnull=False, offset=F("length")),
            ),
        ]
        indexes = [models.Index(fields=["state", "expires_at"], name="upload_state")]

    def __str__(self) -> str:
        return f"Upload {self.key}"


class Piece(models.Model):
    """What arrived in one go: its SHA-256 was taken from the bytes as they came, before they touched the disk."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="pieces")
    start = models.BigIntegerField()
    length = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        """One after the other, without gaps."""

        ordering = ["start"]
        constraints = [models.UniqueConstraint(fields=["upload", "start"], name="piece_start_once")]

    def __str__(self) -> str:
        return f"{self.upload_id} from {self.start}"


class Scan(models.TextChoices):
    """What the virus scanner said; never "clean" unless it looked at all of it."""

    WAITING = "waiting", "Waiting to be scanned"
    CLEAN = "clean", "Clean"
    INFECTED = "infected", "Infected"
    TOO_LARGE = "large", "Not scanned (too large)"
    DOWN = "down", "Not scanned (scanner down)"
    NONE = "none", "Not scanned (no scanner)"


class Preview(models.TextChoices):
    """The copy that is made to be looked at."""

    WAITING = "waiting", "Not made yet"
    MADE = "made", "Made"
    NONE = "none", "None can be made safely"


class Triage(models.TextChoices):
    """What an officer thinks of it."""

    NEW = "new", "Not looked at"
    KEEP = "keep", "Keep"
    ASK = "ask", "Ask for more"
    NOT_RELEVANT = "no", "Not relevant"


class ExhibitQuerySet(models.QuerySet["Exhibit"]):
    """Who may see which exhibit."""

    def visible_to(self, officer: Officer) -> ExhibitQuerySet:
        """Exhibits of alerts of the officer's own organisation that the officer may see; a carrier sees none."""
        seen = Alert.objects.visible_to(officer).filter(organisation_id=officer.organisation_id)
        return self.filter(alert__in=seen.values("pk"))


class Exhibit(models.Model):
    """A file sealed as it arrived. Its original is written once and never opened for writing again (I8)."""

    key = models.BigIntegerField(unique=True, default=keys.random_key, editable=False)
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="exhibits")
    number = models.PositiveIntegerField()
    upload = models.OneToOneField(Upload, on_delete=models.PROTECT, related_name="exhibit")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    content_type = models.CharField(max_length=60, help_text="By content, never by name or by what the sender said")
    sealed_at = models.DateTimeField()

    scan = models.CharField(max_length=8, choices=Scan.choices, default=Scan.WAITING)
    scan_words = models.CharField(max_length=200, blank=True, help_text="The scanner's own words")
    scan_at = models.DateTimeField(null=True)
    scan_due_at = models.DateTimeField(null=True, help_text="When it is tried (again); empty: never")
    preview = models.CharField(max_length=8, choices=Preview.choices, default=Preview.WAITING)
    preview_words = models.CharField(max_length=200, blank=True)
    preview_due_at = models.DateTimeField(null=True)
    triage = models.CharField(max_length=4, choices=Triage.choices, default=Triage.NEW)

    objects = ExhibitQuerySet.as_manager()

    class Meta:
        """Numbered from one under each alert."""

        ordering = ["alert", "number"]
        constraints = [models.UniqueConstraint(fields=["alert", "number"], name="exhibit_number_once")]
        indexes = [
            models.Index(fields=["scan_due_at"], name="exhibit_scan_due"),
            models.Index(fields=["preview_due_at"], name="exhibit_preview_due"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """As people write it: "DA-7K3PQ/1"."""
        return f"{self.alert.reference}/{self.number}"


class CustodyEntry(models.Model):
    """One line of an exhibit's continuity, linked to the one before by its hash. Nothing is ever edited."""

    class What(models.TextChoices):
        """What was done."""

        ARRIVED = "arrived", "Arrived"
        SEALED = "sealed", "Sealed"
        SCANNED = "scanned", "Scanned"
        PREVIEW = "preview", "Preview made"
        VIEWED = "viewed", "Record viewed"
        PREVIEWED = "previewed", "Preview looked at"
        DOWNLOADED = "downloaded", "Original downloaded"
        EXPORTED = "exported", "Exported"
        TRIAGED = "triaged", "Triaged"

    exhibit = models.ForeignKey(Exhibit, on_delete=models.PROTECT, related_name="custody")
    position = models.PositiveIntegerField()
    what = models.CharField(max_length=12, choices=What.choices)
    who = models.CharField(max_length=200, help_text="Rank, name and team as they were; the sender; the system")
    officer = models.ForeignKey(Officer, null=True, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()
    facts = models.JSONField(default=dict)
    seal = models.CharField(max_length=64)

    class Meta:
        """In order; each place once."""

        ordering = ["exhibit", "position"]
        constraints = [models.UniqueConstraint(fields=["exhibit", "position"], name="custody_position_once")]

    def __str__(self) -> str:
        return f"{self.what} {self.exhibit_id}"
