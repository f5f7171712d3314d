"""What comes back: conversations, their turns, and one-tap answers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bell.alerts.models import Alert
from bell.conversations.vote_models import Vote
from bell.delivery.models import Delivery, Inbound
from bell.lib import keys
from bell.organisations.models import Officer, Team
from bell.residents.models import Resident

__all__ = ["Answer", "Choice", "Conversation", "ConversationQuerySet", "Turn", "Vote"]


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Who may see which conversation."""

    def visible_to(self, officer: Officer) -> ConversationQuerySet:
        """Conversations of the teams in which the officer holds a role."""
        if not officer.is_active:
            return self.none()
        return self.filter(team__organisation_id=officer.organisation_id, team__in=officer.grants.values("team"))


class Conversation(models.Model):
    """One person's words about one alert, or to one team, and our answers."""

    class State(models.TextChoices):
        """Open waits for us; pending waits for them."""

        OPEN = "open", "Open"
        PENDING = "pending", "Waiting for them"
        CLOSED = "closed", "Closed"

    class Way(models.TextChoices):
        """How the person last reached us, and so how our answer goes back."""

        EMAIL = "email", "Email"
        SMS = "sms", "Text message"
        WEB = "web", "Web page"
        PHONE = "phone", "Phone"
        PERSON = "person", "In person"

    key = models.BigIntegerField(unique=True, default=keys.random_key, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="conversations")
    alert = models.ForeignKey(Alert, null=True, blank=True, on_delete=models.PROTECT, related_name="conversations")
    resident = models.ForeignKey(
        Resident, null=True, blank=True, on_delete=models.SET_NULL, related_name="conversations"
    )
    officer = models.ForeignKey(Officer, null=True, blank=True, on_delete=models.SET_NULL, related_name="conversations")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    way = models.CharField(max_length=6, choices=Way.choices)
    # Where our answer goes: empty where the person gave no way back.
    reply_channel = models.CharField(max_length=5, blank=True)
    reply_address = models.CharField(max_length=254, blank=True)
    who = models.CharField(max_length=120, blank=True, help_text="The name the person gave, if any")
    opened_at = models.DateTimeField()
    last_in_at = models.DateTimeField()
    waiting_since = models.DateTimeField(null=True, blank=True, help_text="Start of the 72-hour clock")
    useful = models.BooleanField(null=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        """The newest words first; one conversation a person and alert."""

        ordering = ["-last_in_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "resident"],
                condition=Q(alert__isnull=False, resident__isnull=False),
                name="conversation_once_an_alert",
            )
        ]
        indexes = [models.Index(fields=["team", "state", "-last_in_at"], name="conversation_inbox")]

    def __str__(self) -> str:
        return f"Conversation {self.key}"


class Turn(models.Model):
    """One thing said in a conversation. Nothing is ever edited."""

    class Direction(models.TextChoices):
        """From whom."""

        IN = "in", "From them"
        OUT = "out", "From us"
        NOTE = "note", "Internal note"

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    direction = models.CharField(max_length=4, choices=Direction.choices)
    way = models.CharField(max_length=6, choices=Conversation.Way.choices, blank=True)
    text = models.TextField()
    subject = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    officer = models.ForeignKey(Officer, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    inbound = models.OneToOneField(Inbound, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    delivery = models.ForeignKey(Delivery, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # True where the sender's address is the one the message went to (or the gateway's number): shown, never assumed.
    verified = models.BooleanField(default=False)

    class Meta:
        """In the order they were stored: never by the wall clock alone (I9)."""

        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.direction} {self.conversation_id}"


class Choice(models.TextChoices):
    """One-tap answers on an alert (D8)."""

    SAW = "saw", "I saw something"
    NOTHING = "nothing", "I checked, nothing there"
    FOOTAGE = "footage", "I have footage"


class Answer(models.Model):
    """A resident's one-tap answer to an alert; a later tap replaces an earlier one."""

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="answers")
    resident = models.ForeignKey(Resident, null=True, on_delete=models.SET_NULL, related_name="answers")
    choice = models.CharField(max_length=10, choices=Choice.choices)
    at = models.DateTimeField()

    class Meta:
        """One a person and alert."""

        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "resident"], condition=Q(resident__isnull=False), name="answer_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.choice} to {self.alert_id}"
