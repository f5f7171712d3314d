"""Organisations, their teams and patches, their officers and what each may do."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac

from bell.lib import clock, keys
from bell.organisations.kinds import Kind
from bell.organisations.sso_models import SignOnLink as SignOnLink
from bell.places.models import Area


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    """Organisations are public: residents choose among them."""

    def public(self) -> OrganisationQuerySet:
        """Those that residents may hear from: the force, and partners with an agreement of today."""
        today = clock.local(clock.now()).date()
        agreed = Agreement.objects.current(today).values("organisation")
        return self.filter(active=True).filter(Q(sort=Organisation.Sort.FORCE) | Q(pk__in=agreed))

    def visible_to(self, officer: Officer) -> OrganisationQuerySet:
        """The officer's own; every one for the force, which keeps them."""
        if not officer.is_active:
            return self.none()
        force = officer.organisation.sort == Organisation.Sort.FORCE
        return self.all() if force else self.filter(pk=officer.organisation_id)


class Organisation(models.Model):
    """A force or a partner. Everything that a deployment calls its own is data here, not code."""

    class Sort(models.TextChoices):
        """The force runs the system; partners write to those who chose them."""

        FORCE = "force", "Police force"
        PARTNER = "partner", "Partner"

    sort = models.CharField(max_length=10, choices=Sort.choices)
    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    reference_prefix = models.CharField(max_length=4, default="DA", help_text="First letters of an alert's reference")
    strapline = models.CharField(max_length=200, blank=True)
    postal_address = models.TextField(blank=True)
    active = models.BooleanField(default=True)

    objects = OrganisationQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class OrganisationName(models.Model):
    """A name and the day from which it holds: Action Fraud became Report Fraud, and old alerts keep the old name."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="names")
    name = models.CharField(max_length=120)
    since = models.DateField()

    class Meta:
        """In order; one name a day."""

        ordering = ["since", "id"]
        constraints = [models.UniqueConstraint(fields=["organisation", "since"], name="organisation_name_once_a_day")]

    def __str__(self) -> str:
        return f"{self.name} since {self.since}"


class AgreementQuerySet(models.QuerySet["Agreement"]):
    """Agreements are public: residents see who is bound by what."""

    def current(self, on: date) -> AgreementQuerySet:
        """Those that hold on a day, the first and the last day included."""
        return self.filter(starts__lte=on, ends__gte=on)

    def public(self) -> AgreementQuerySet:
        """Those of today, of organisations that are active."""
        return self.current(clock.local(clock.now()).date()).filter(organisation__active=True)

    def visible_to(self, officer: Officer) -> AgreementQuerySet:
        """Every agreement, also past ones, for the force's officers; a partner's own for a partner's."""
        if officer.organisation.sort == Organisation.Sort.FORCE:
            return self.all()
        return self.filter(organisation=officer.organisation_id)


class Agreement(models.Model):
    """A data-sharing agreement between the force and a partner. Ends are always set: nothing is agreed for ever."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="agreements")
    what = models.CharField(max_length=200, help_text='What is shared, e.g. "counts of people reached; never details"')
    purpose = models.CharField(max_length=200)
    basis = models.CharField(max_length=200, help_text="The lawful basis it names")
    starts = models.DateField()
    ends = models.DateField()
    document = models.CharField(max_length=80, help_text="Reference of the signed document")

    objects = AgreementQuerySet.as_manager()

    class Meta:
        """Newest first; an agreement ends no earlier than it starts."""

        ordering = ["-starts", "-id"]
        constraints = [models.CheckConstraint(name="agreement_has_days", condition=Q(ends__gte=models.F("starts")))]

    def __str__(self) -> str:
        return f"{self.document} with {self.organisation_id}"


class Route(models.Model):
    """Another way to reach the police or a partner: 101, 999, Crimestoppers, a social account."""

    class Sort(models.TextChoices):
        """How the route is shown: in every alert, or only on the contact page."""

        EMERGENCY = "emergency", "Emergency"
        PHONE = "phone", "Phone"
        ANONYMOUS = "anonymous", "Anonymous"
        ONLINE = "online", "Online"
        SOCIAL = "social", "Social account"

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="routes")
    sort = models.CharField(max_length=10, choices=Sort.choices)
    label = models.CharField(max_length=80)
    value = models.CharField(max_length=120)
    url = models.URLField(blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    in_alerts = models.BooleanField(default=True)
    text_words = models.CharField(
        max_length=40, blank=True, help_text='How a text message says it, e.g. "Emergency 999"; empty: not in texts'
    )

    class Meta:
        """In the order the organisation gave."""

        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.label}: {self.value}"


class TeamQuerySet(models.QuerySet["Team"]):
    """Who may see which team."""

    def visible_to(self, officer: Officer) -> TeamQuerySet:
        """Teams of the officer's own organisation."""
        return self.filter(organisation_id=officer.organisation_id)

    def public(self) -> TeamQuerySet:
        """Names and contact points of teams are public."""
        return self.filter(organisation__active=True)


class Team(models.Model):
    """A neighbourhood team with a patch of areas, or one that serves the whole force."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="teams")
    name = models.CharField(max_length=120)
    slug = models.SlugField()
    patch = models.ManyToManyField(Area, blank=True, related_name="teams")
    margin_m = models.PositiveIntegerField(default=500, help_text="How far beyond the patch the team may reach, metres")
    whole_force = models.BooleanField(default=False)
    practice = models.BooleanField(
        default=False, db_default=False, help_text="Everything that is drafted for this team is practice"
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        """A team's short name is its own within the organisation."""

        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "slug"], name="team_slug_once")]

    def __str__(self) -> str:
        return self.name


class OfficerManager(BaseUserManager["Officer"]):
    """Makes officers and asks for those a person may see."""

    def create_user(self, email: str, password: str | None = None, **facts: object) -> Officer:
        """An officer who signs in by work email."""
        officer = self.model(email=self.normalize_email(email).lower(), **facts)
        officer.set_password(password)
        officer.save(using=self._db)
        return officer

    def visible_to(self, officer: Officer) -> models.QuerySet[Officer]:
        """Colleagues of the same organisation."""
        return self.filter(organisation_id=officer.organisation_id)

    def of(self, administrator: Officer) -> models.QuerySet[Officer]:
        """Accounts whose person an administrator may name: their organisation's; for the force's, everybody's."""
        force = administrator.organisation.sort == Organisation.Sort.FORCE
        return self.all() if force else self.visible_to(administrator)


class Officer(AbstractBaseUser, PermissionsMixin):
    """Someone who works here; a Django user. Residents are never users."""

    key = models.BigIntegerField(unique=True, default=keys.random_key, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    rank = models.CharField(max_length=60, blank=True)
    mobile = models.CharField(max_length=20, blank=True, help_text="Work mobile, for notices")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="officers")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    on_duty = models.BooleanField(default=False, help_text="On the duty list: asked to approve")
    practice = models.BooleanField(default=False, help_text="Everything this officer drafts is practice")
    person = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text="The same in all accounts of one person, such as a collar number (organisations.approvals)",
    )
    joined_at = models.DateTimeField(auto_now_add=True)
    sessions_ended = models.PositiveIntegerField(
        default=0, db_default=0, help_text="How often all sessions were ended: each carries the number it began with"
    )
    told_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="Who told a password last"
    )
    told_at = models.DateTimeField(null=True, blank=True)
    must_choose = models.BooleanField(
        default=False, db_default=False, help_text="The password was told by somebody: choose one before anything else"
    )

    objects: ClassVar[OfficerManager] = OfficerManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    def __str__(self) -> str:
        return f"{self.rank} {self.name}".strip()

    def get_full_name(self) -> str:
        """Rank and name, as colleagues say it."""
        return str(self)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What each session of this officer must carry: it changes with the password, and when sessions are ended."""
        plain = str(super()._get_session_auth_hash(secret=secret))  # type: ignore[misc]  # Django keeps it, the stubs do not know it
        if not self.sessions_ended:
            return plain
        value = f"{plain} {self.sessions_ended}"
        return str(salted_hmac("officer sessions", value, secret=secret, algorithm="sha256").hexdigest())


class Role(models.TextChoices):
    """What a person may do in a team."""

    AUTHOR = "author", "Author"
    APPROVER = "approver", "Approver"
    MEDIA = "media", "Media Team"
    ADMINISTRATOR = "administrator", "Administrator"
    DPO = "dpo", "Data protection officer"


class Grant(models.Model):
    """One role of one officer in one team."""

    officer = models.ForeignKey(Officer, on_delete=models.CASCADE, related_name="grants")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=20, choices=Role.choices)

    class Meta:
        """Once each."""

        constraints = [models.UniqueConstraint(fields=["officer", "team", "role"], name="grant_once")]

    def __str__(self) -> str:
        return f"{self.officer_id} {self.role} {self.team_id}"


class GrantProposalQuerySet(models.QuerySet["GrantProposal"]):
    """Who may see which proposal."""

    def visible_to(self, officer: Officer) -> GrantProposalQuerySet:
        """Those about the officer's own organisation."""
        return self.filter(team__organisation_id=officer.organisation_id)

    def waiting(self) -> GrantProposalQuerySet:
        """Those that a second administrator may still decide on."""
        return self.filter(state=GrantProposal.State.WAITING, expires_at__gt=clock.now())


class GrantProposal(models.Model):
    """A role that one administrator wants to give. It is nothing until another one confirms it."""

    class State(models.TextChoices):
        """`expired` is written when somebody next proposes the same; until then the clock alone says it."""

        WAITING = "waiting", "Waiting"
        CONFIRMED = "confirmed", "Confirmed"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Taken back"
        EXPIRED = "expired", "Ran out"

    officer = models.ForeignKey(Officer, on_delete=models.CASCADE, related_name="proposals")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="proposals")
    role = models.CharField(max_length=20, choices=Role.choices)
    why = models.CharField(max_length=200)
    proposed_by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    decided_by = models.ForeignKey(Officer, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = GrantProposalQuerySet.as_manager()

    class Meta:
        """Newest first; the same is proposed once at a time; nobody confirms their own, nor what is about them."""

        ordering = ["-proposed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["officer", "team", "role"], name="proposal_waits_once", condition=Q(state="waiting")
            ),
            models.CheckConstraint(
                name="proposal_confirmed_by_another",
                condition=~Q(state="confirmed")
                | (
                    Q(decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(decided_by=models.F("proposed_by"))
                    & ~Q(decided_by=models.F("officer"))
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} in {self.team_id} for {self.officer_id}: {self.state}"


class ApprovalRouteQuerySet(models.QuerySet["ApprovalRoute"]):
    """Who may see which rule of approval."""

    def visible_to(self, officer: Officer) -> ApprovalRouteQuerySet:
        """Those of the officer's own organisation."""
        return self.filter(organisation_id=officer.organisation_id) if officer.is_active else self.none()


class ApprovalRoute(models.Model):
    """A rule of who must approve: what it is for, and what it asks for. Every rule that fits counts (alerts.routes)."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="approval_routes")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="approval_routes")
    kind = models.CharField(max_length=20, blank=True, choices=Kind.choices)
    from_people = models.PositiveIntegerField(default=0, help_text="For so many people or more; 0: any number")
    from_level = models.PositiveSmallIntegerField(
        default=0, help_text="For findings of the checks this grave or graver (alerts.checks.Level); 0: any"
    )
    people = models.PositiveSmallIntegerField(default=1, help_text="How many different people must approve")
    senior = models.BooleanField(default=False, help_text="One of them approves for a team for the whole force")
    reason = models.BooleanField(default=False, help_text="Each of them says why it may go")

    objects = ApprovalRouteQuerySet.as_manager()

    class Meta:
        """In the order they were made; at least one person, and no more than three."""

        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="approval_route_asks_for_people", condition=Q(people__gte=1, people__lte=3))
        ]

    def __str__(self) -> str:
        return f"{self.people} for {self.team_id or 'every team'}, {self.kind or 'every kind'}"
