"""The tables of the post room: what is said once, to whom, in which unit of work, and what may not be sent."""

from django.db import models
from django.db.models import Q


class Lane(models.IntegerChoices):
    """Who goes first. A worker takes the smallest number that is due."""

    NOW = 0, "now"  # codes, officers' answers, notices
    URGENT = 1, "urgent"
    ROUTINE = 2, "routine"
    DIGEST = 3, "digest"


class Channel(models.TextChoices):
    """How a message travels."""

    EMAIL = "email", "email"
    SMS = "sms", "text message"


class State(models.TextChoices):
    """What became of one message to one address (promises.md: each person ends in exactly one end state)."""

    QUEUED = "queued", "waiting its turn"
    DEFERRED = "deferred", "refused for now, will be tried again"
    WAITING = "waiting", "kept for the digest"
    SENT = "sent", "accepted by the relay or gateway"
    DELIVERED = "delivered", "arrived"
    BOUNCED = "bounced", "came back"
    FAILED = "failed", "refused"
    SUPPRESSED = "suppressed", "not sent: not wanted"
    CANCELLED = "cancelled", "not sent: stopped"
    EXPIRED = "expired", "not sent: too late"
    UNCERTAIN = "uncertain", "may have arrived"


# Rows that a worker may still try. An uncertain row is tried once more only while it belongs to a batch.
PENDING = (State.QUEUED, State.DEFERRED, State.UNCERTAIN)

# Rows that somebody took back before a worker wrote what became of them.
TAKEN_BACK = (State.SUPPRESSED, State.CANCELLED, State.EXPIRED)

# Rows of which nobody knows yet what becomes of them: those, and what is kept for a digest.
OPEN = (*PENDING, State.WAITING)

AUTHORITIES = ("approval", "code", "receipt", "answer", "notice", "digest")


class Mailing(models.Model):
    """One text, once, whoever receives it; `content_hash` is what was approved."""

    stream = models.CharField(max_length=16)
    lane = models.SmallIntegerField(choices=Lane)
    practice = models.BooleanField(default=False)
    authority_kind = models.CharField(max_length=16)
    authority_key = models.CharField(max_length=64)
    reference = models.CharField(max_length=32, blank=True, default="")
    content = models.JSONField()
    content_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    filled_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="mailing_has_authority", condition=Q(authority_kind__in=AUTHORITIES)),
            models.CheckConstraint(name="mailing_names_its_authority", condition=~Q(authority_key="")),
            models.CheckConstraint(name="mailing_has_stream", condition=~Q(stream="")),
        ]
        indexes = [models.Index(name="mailing_by_authority", fields=["authority_kind", "authority_key"])]

    def __str__(self) -> str:
        return f"mailing {self.pk} ({self.stream})"


class Batch(models.Model):
    """The unit of work: deliveries of one mailing, channel and due time. Leasing it is one row."""

    class State(models.TextChoices):
        """Ready to be leased, leased to one worker, or done."""

        READY = "ready"
        LEASED = "leased"
        DONE = "done"

    mailing = models.ForeignKey(Mailing, on_delete=models.PROTECT, related_name="batches")
    channel = models.CharField(max_length=8, choices=Channel)
    lane = models.SmallIntegerField(choices=Lane)
    due_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State, default=State.READY)
    owner = models.CharField(max_length=64, blank=True, default="")
    # Grows with each lease and each recovery: a writer that holds an older number is refused.
    fence = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    # After a crash rows past this id are surely unsent; unsettled rows up to it are uncertain.
    begun_through = models.BigIntegerField(null=True, blank=True)
    size = models.IntegerField(default=0)
    attempts = models.IntegerField(default=0)

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(
                name="batch_lease_is_whole",
                condition=(Q(state="leased", lease_until__isnull=False) & ~Q(owner=""))
                | (~Q(state="leased") & Q(lease_until__isnull=True, owner="")),
            ),
        ]
        indexes = [
            models.Index(name="batch_next", fields=["lane", "due_at", "id"], condition=Q(state="ready")),
            models.Index(name="batch_leased", fields=["lease_until"], condition=Q(state="leased")),
        ]

    def __str__(self) -> str:
        return f"batch {self.pk} of mailing {self.mailing_id}"


class Delivery(models.Model):
    """One narrow row per mailing, recipient and channel. No body; its tokens are derived from the id."""

    # No constraint in the database on these two: each costs a trigger and a look-up a row, a third of filling's time.
    # Nothing deletes a mailing or a batch that has rows: PROTECT refuses it, and a rerun fill drops only empty batches.
    mailing = models.ForeignKey(
        Mailing, on_delete=models.PROTECT, related_name="deliveries", db_index=False, db_constraint=False
    )
    recipient_key = models.BigIntegerField()
    channel = models.CharField(max_length=8, choices=Channel)
    address = models.CharField(max_length=254)
    address_key = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=200, blank=True, default="")
    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries", db_constraint=False
    )
    attempts = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField()
    state_at = models.DateTimeField()
    # Which vendor took it, where there are several, and the vendor's own name for it, where it is needed later.
    provider = models.CharField(max_length=16, blank=True, default="", db_default="")
    provider_ref = models.CharField(max_length=64, blank=True, default="")
    # Which of the mailing's languages this person reads; "" is the mailing's own.
    language = models.CharField(max_length=12, blank=True, default="", db_default="")
    # The person's quiet hours, where they hold for it (quiet.py): minutes after midnight on London's clocks.
    quiet_from = models.SmallIntegerField(null=True, blank=True)
    quiet_until = models.SmallIntegerField(null=True, blank=True)
    # When the person complained about it as spam.
    complained_at = models.DateTimeField(null=True, blank=True)
    # True once an uncertain message was sent a second time: the one way to a second copy.
    retried = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(name="delivery_once_each", fields=["recipient_key", "mailing", "channel"]),
            models.UniqueConstraint(name="delivery_once_an_address", fields=["mailing", "channel", "address_key"]),
            models.CheckConstraint(
                name="delivery_keyless_only_if_suppressed",
                condition=Q(address_key__isnull=False) | Q(state="suppressed"),
            ),
            models.CheckConstraint(
                name="delivery_deferred_has_batch", condition=~Q(state="deferred") | Q(batch__isnull=False)
            ),
        ]
        # None on state, so that settling can be a heap-only update on PostgreSQL.
        indexes = [
            models.Index(name="delivery_by_address", fields=["address_key"]),
            # Only rows that a vendor named: the others are settled as before.
            models.Index(name="delivery_by_reference", fields=["provider_ref"], condition=~Q(provider_ref="")),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk} ({self.state})"


class DigestItem(models.Model):
    """One message that is kept for its person's digest, and the digest in which it went.

    The message's own row waits meanwhile, and then takes what became of the digest (delivery.digests).
    """

    # No constraint in the database on these two, as on Delivery's own.
    delivery = models.OneToOneField(
        Delivery, on_delete=models.PROTECT, primary_key=True, db_constraint=False, related_name="+"
    )
    due_at = models.DateTimeField()
    digest = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, null=True, blank=True, db_constraint=False, related_name="items"
    )
    # True once there is nothing more to do: the message has ended, in a digest or before one.
    over = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(name="digest_due", fields=["due_at"], condition=Q(digest__isnull=True, over=False)),
            models.Index(name="digest_open", fields=["digest"], condition=Q(digest__isnull=False, over=False)),
        ]

    def __str__(self) -> str:
        return f"item {self.pk} of digest {self.digest_id}"


class Suppression(models.Model):
    """The only truth about what may not be sent to an address. Stream "" means all streams."""

    address_key = models.BigIntegerField()
    channel = models.CharField(max_length=8, choices=Channel)
    stream = models.CharField(max_length=16, blank=True, default="")
    reason = models.CharField(max_length=200)
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="suppression_once", fields=["address_key", "channel", "stream"]),
        ]

    def __str__(self) -> str:
        return f"{self.channel} suppression ({self.stream or 'all'}): {self.reason}"


class Inbound(models.Model):
    """Raw bytes that came in, stored before anything reads them."""

    class Kind(models.TextChoices):
        """What the door says it is."""

        MAIL = "mail"
        SMS = "sms"
        RECEIPT = "receipt"

    class State(models.TextChoices):
        """New; early (of a message we do not know yet: tried again); settled, for the rooms above; done; unreadable."""

        NEW = "new"
        EARLY = "early"
        SETTLED = "settled"
        DONE = "done"
        UNREADABLE = "unreadable"

    class What(models.TextChoices):
        """What it turned out to be."""

        HUMAN = "human"
        AUTO = "auto"
        BOUNCE = "bounce"
        RECEIPT = "receipt"
        STOP = "stop"
        UNKNOWN = "unknown"

    gateway = models.CharField(max_length=32)
    external_id = models.CharField(max_length=128)
    kind = models.CharField(max_length=8, choices=Kind)
    raw = models.BinaryField()
    envelope_from = models.CharField(max_length=320, blank=True, default="")
    envelope_to = models.CharField(max_length=320, blank=True, default="")
    received_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State, default=State.NEW)
    what = models.CharField(max_length=8, choices=What, blank=True, default="")
    outcome = models.CharField(max_length=200, blank=True, default="")
    attempts = models.SmallIntegerField(default=0)
    # When an early one is looked at again.
    again_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="inbound_once", fields=["gateway", "external_id"]),
            models.CheckConstraint(
                name="inbound_settled_says_what", condition=~Q(state__in=["settled", "done"]) | ~Q(what="")
            ),
        ]
        indexes = [
            models.Index(name="inbound_open", fields=["state", "id"], condition=Q(state__in=["new", "settled"])),
            models.Index(name="inbound_early", fields=["again_at"], condition=Q(state="early")),
        ]

    def __str__(self) -> str:
        return f"inbound {self.pk} ({self.kind}, {self.state})"


class Limit(models.Model):
    """How fast one way out may be used, and whether it may be used at all: shared by all workers.

    `name`: a channel ("email", "sms"), a provider ("sms:kannel"), or a recipient domain ("email:example.com").
    """

    name = models.CharField(max_length=300, unique=True)
    # A slot is reserved by pushing this on; until then nobody sends here.
    next_free_at = models.DateTimeField()
    # Messages a second, learned down from "slow down" answers and up again; None: as fast as it goes.
    per_second = models.FloatField(null=True, blank=True)
    learned_at = models.DateTimeField(null=True, blank=True)
    # Slots given before this moment are void: they were given at a rate that turned out too high.
    slowed_at = models.DateTimeField(null=True, blank=True)
    # Refusals in a row that look like a fault of the way and not of one message.
    failures = models.IntegerField(default=0)
    # The breaker: open since then, tried again with one slice after `open_until`; None there: until a person closes it.
    open_since = models.DateTimeField(null=True, blank=True)
    open_until = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="limit_is_positive", condition=Q(per_second__isnull=True) | Q(per_second__gt=0)
            ),
            models.CheckConstraint(name="limit_open_says_why", condition=Q(open_since__isnull=True) | ~Q(why="")),
            models.CheckConstraint(
                name="limit_closed_has_no_end", condition=Q(open_since__isnull=False) | Q(open_until__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: next at {self.next_free_at}"


class Alarm(models.Model):
    """Something that a person must look at; open until `ended_at`. Words name no person and no address."""

    name = models.CharField(max_length=300)
    words = models.CharField(max_length=300)
    since = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.IntegerField(default=1)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="alarm_open_once", fields=["name"], condition=Q(ended_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.words}"


class Spend(models.Model):
    """What texts cost on one of London's days: booked before they are sent, less what was not."""

    day = models.DateField(unique=True)
    segments = models.BigIntegerField(default=0)
    millipence = models.BigIntegerField(default=0)  # thousandths of a penny

    def __str__(self) -> str:
        return f"{self.day}: {self.segments} segments"


class Heartbeat(models.Model):
    """When something was alive, or done, last: "worker", "backup"."""

    name = models.CharField(max_length=32, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.at}"


class Pulse(models.Model):
    """What went through one way in ten seconds, added up by everyone who sends. To be looked at, not to account by."""

    bucket = models.DateTimeField()  # its beginning
    channel = models.CharField(max_length=8, choices=Channel)
    provider = models.CharField(max_length=16, blank=True, default="")  # "": the relay, or the only gateway
    sent = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    deferred = models.IntegerField(default=0)
    uncertain = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="pulse_once", fields=["bucket", "channel", "provider"]),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.provider} at {self.bucket}: {self.sent}"
