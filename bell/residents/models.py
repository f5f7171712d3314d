"""Who receives: residents, how to reach them, where they care about, and what they chose."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models
from django.db.models import F, Q

from bell.delivery.models import Channel
from bell.lib import keys
from bell.organisations.kinds import TICKED_BITS
from bell.organisations.models import Grant, Officer, Organisation, Role, Team
from bell.places.models import Area
from bell.residents.area_models import AreaChange, AreaFile, AreaImport
from bell.residents.paper_models import (
    Bundle,
    Confirmation,
    PaperForm,
    PendingJoin,
    PrintedForm,
    PrintRun,
    SourceCode,
)

__all__ = [
    "AreaChange", "AreaFile", "AreaImport", "Bundle", "Code", "Confirmation", "Consent", "Contact", "Following",
    "Group", "GroupMember", "PaperForm", "PendingJoin", "Place", "PlaceArea", "PrintRun", "PrintedForm", "Resident",
    "SourceCode",
]  # fmt: skip


class Often(models.TextChoices):
    """How often emails of routine kinds come."""

    AT_ONCE = "", "At once"
    DAILY = "daily", "Once a day"
    WEEKLY = "weekly", "Once a week"


class Resident(models.Model):
    """A person who joined. Known outside this room by a random key only; never a Django user."""

    key = models.BigIntegerField(unique=True, default=keys.random_key, editable=False)
    name = models.CharField(max_length=120, blank=True)
    # The kinds wanted by each channel, as bits of organisations.kinds: one narrow row a person, quick to filter.
    email_kinds = models.PositiveIntegerField(default=TICKED_BITS)
    sms_kinds = models.PositiveIntegerField(default=0)
    paused_until = models.DateTimeField(null=True, blank=True)
    # Quiet hours, in minutes after midnight in London (C6); they may go over midnight. Both empty: none.
    quiet_from = models.PositiveSmallIntegerField(null=True, blank=True)
    quiet_until = models.PositiveSmallIntegerField(null=True, blank=True)
    # The language chosen for alerts, by its tag (organisations.languages); "": English.
    language = models.CharField(max_length=12, blank=True, default="", db_default="")
    # When emails of routine kinds come: at once (empty), or once a day or a week in one (C7; residents.digests).
    digest = models.CharField(max_length=6, choices=Often.choices, blank=True, default="", db_default="")
    joined_at = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=40, blank=True, help_text="Where the sign-up came from")

    class Meta:
        """Quiet hours have a beginning, another end, and are said in half hours."""

        constraints = [
            models.CheckConstraint(
                name="resident_quiet_hours_are_whole",
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | (Q(quiet_from__lt=1440, quiet_until__lt=1440) & ~Q(quiet_from=F("quiet_until"))),
            ),
        ]

    def __str__(self) -> str:
        return f"Resident {self.key}"

    @property
    def quiet_hours(self) -> tuple[int, int] | None:
        """From and until, in minutes after midnight in London; None: no quiet hours."""
        return None if self.quiet_from is None or self.quiet_until is None else (self.quiet_from, self.quiet_until)


Row = TypeVar("Row", bound=models.Model)


class OwnQuerySet(models.QuerySet[Row]):
    """Rows that belong to one resident."""

    def of(self, resident: Resident) -> Self:
        """The resident's own."""
        return self.filter(resident=resident)


class Contact(models.Model):
    """A confirmed email address or mobile number: one of each a person, each of one person only."""

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="contacts")
    channel = models.CharField(max_length=5, choices=Channel.choices)
    address = models.CharField(max_length=254)
    address_key = models.BigIntegerField()
    verified_at = models.DateTimeField()

    objects = OwnQuerySet.as_manager()

    class Meta:
        """An address signs in one person."""

        constraints = [
            models.UniqueConstraint(fields=["channel", "address_key"], name="contact_address_once"),
            models.UniqueConstraint(fields=["resident", "channel"], name="contact_channel_once"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} of {self.resident_id}"


class Place(models.Model):
    """A place a resident cares about: home, work, a parent's house."""

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="places")
    label = models.CharField(max_length=40, default="Home")
    postcode = models.CharField(max_length=8, blank=True)
    lon = models.FloatField()
    lat = models.FloatField()
    cell = models.BigIntegerField(help_text="62-bit Morton code (lib.cells)")

    objects = OwnQuerySet.as_manager()

    class Meta:
        """A covering index: a shape's ranges are answered from the index alone (targeting.md), ids included."""

        indexes = [models.Index(fields=["cell", "lon", "lat", "resident", "id"], name="place_within")]

    def __str__(self) -> str:
        return f"{self.label} of {self.resident_id}"


class Camera(models.Model):
    """A camera that a resident registered, so that an appeal knows how long there is (E6). It stands at a place."""

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="cameras")
    place = models.ForeignKey(Place, on_delete=models.CASCADE, related_name="cameras")
    direction = models.PositiveSmallIntegerField(null=True, help_text="Where it looks, degrees from north; empty: all")
    days_kept = models.PositiveSmallIntegerField(help_text="After so many days it records over itself")
    note = models.CharField(max_length=80, blank=True)
    added_at = models.DateTimeField()

    objects = OwnQuerySet.as_manager()

    class Meta:
        """A direction lies on the compass."""

        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="camera_on_the_compass",
                condition=models.Q(direction__isnull=True) | models.Q(direction__lt=360),
            )
        ]

    def __str__(self) -> str:
        return f"Camera of {self.resident_id}"


class PlaceArea(models.Model):
    """Materialised: which areas a place lies in, refreshed when areas are imported or the place moves."""

    place = models.ForeignKey(Place, on_delete=models.CASCADE, related_name="memberships")
    area = models.ForeignKey(Area, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        """Found from either side."""

        constraints = [models.UniqueConstraint(fields=["area", "place"], name="place_area_once")]

    def __str__(self) -> str:
        return f"{self.place_id} in {self.area_id}"


class GroupQuerySet(models.QuerySet["Group"]):
    """Groups are public: residents choose among them."""

    def public(self) -> GroupQuerySet:
        """Those open to choose."""
        return self.filter(active=True)

    def visible_to(self, officer: Officer) -> GroupQuerySet:
        """Groups of the officer's own organisation, closed ones too."""
        return self.filter(organisation_id=officer.organisation_id) if officer.is_active else self.none()


class Group(models.Model):
    """An interest group: CCTV owners, dog walkers, farm watch."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=80)
    slug = models.SlugField(unique=True)
    help = models.CharField(max_length=160, blank=True)
    active = models.BooleanField(default=True)
    by_approval = models.BooleanField(default=False, help_text="The team decides who joins")
    # When these people are usually out: [[5, 8], [18, 21]] is 5-8am and 6-9pm, London's hours, each pair within a day.
    active_hours = models.JSONField(default=list, blank=True)
    scheme_team = models.ForeignKey(
        Team,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="schemes",
        help_text="A watch scheme's own team: it may write to this group only",
    )

    objects = GroupQuerySet.as_manager()

    class Meta:
        """By name."""

        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class GroupMemberQuerySet(OwnQuerySet["GroupMember"]):
    """Who belongs, and who asks to."""

    def members(self) -> Self:
        """Those who belong: only they are written to."""
        return self.filter(state=GroupMember.State.MEMBER)

    def visible_to(self, officer: Officer) -> Self:
        """Requests to join, for whoever decides on them; never the members, whom nobody lists."""
        if not officer.is_active:
            return self.none()
        asked = self.filter(state=GroupMember.State.ASKED, group__organisation=officer.organisation_id)
        grants = Grant.objects.filter(officer=officer)
        if grants.filter(role=Role.ADMINISTRATOR).exists():
            return asked
        return asked.filter(group__scheme_team__in=grants.filter(role=Role.APPROVER).values("team"))


class GroupMember(models.Model):
    """One resident in one group, or asking to join one that a team looks after."""

    class State(models.TextChoices):
        """A group by approval begins with a question."""

        MEMBER = "member", "Member"
        ASKED = "asked", "Asked to join"

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="members")
    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="memberships")
    state = models.CharField(max_length=6, choices=State.choices, default=State.MEMBER)

    objects = GroupMemberQuerySet.as_manager()

    class Meta:
        """Once each."""

        constraints = [models.UniqueConstraint(fields=["group", "resident"], name="group_member_once")]

    def __str__(self) -> str:
        return f"{self.resident_id} in {self.group_id}"

    @property
    def number(self) -> str:
        """What a team that decides sees of the person, who sees it on their own page too: "042 117"."""
        digits = f"{self.resident.key % 1_000_000:06}"
        return f"{digits[:3]} {digits[3:]}"


class Following(models.Model):
    """One organisation that a resident allows to write."""

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="following")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")

    objects = OwnQuerySet.as_manager()

    class Meta:
        """Once each."""

        constraints = [models.UniqueConstraint(fields=["resident", "organisation"], name="following_once")]

    def __str__(self) -> str:
        return f"{self.resident_id} hears {self.organisation_id}"


class Consent(models.Model):
    """The append-only ledger of what a resident agreed to, in the words they were shown."""

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="consents")
    what = models.CharField(max_length=40)
    given = models.BooleanField()
    wording = models.TextField()
    how = models.CharField(max_length=20, help_text="web, text, email, paper, door")
    at = models.DateTimeField()
    # The scan of the form that the person signed, where there is one.
    proof = models.ForeignKey(PaperForm, null=True, blank=True, on_delete=models.SET_NULL, related_name="consents")

    objects = OwnQuerySet.as_manager()

    class Meta:
        """In order."""

        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.what} of {self.resident_id}"


class Code(models.Model):
    """A one-time code sent to an address, kept as a keyed hash. The address itself lives only in the post room."""

    channel = models.CharField(max_length=5, choices=Channel.choices)
    address_key = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    class Meta:
        """Found by address, newest first."""

        indexes = [models.Index(fields=["address_key", "-made_at"], name="code_address")]

    def __str__(self) -> str:
        return f"Code {self.pk}"
