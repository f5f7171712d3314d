"""Finding what an officer may see; for everyone else it does not exist (404)."""

from django.http import Http404
from django.shortcuts import get_object_or_404

from bell.alerts.models import Alert, Version
from bell.conversations.models import Conversation
from bell.organisations.models import Officer

_WITH = ("team__organisation", "organisation", "author", "last_editor", "follows__team", "picture")
LARGEST_KEY = 2**63 - 1


def alert_of(officer: Officer, reference: str) -> Alert:
    """The alert with this reference."""
    return get_object_or_404(Alert.objects.visible_to(officer).select_related(*_WITH), reference=reference)


def version_of(alert: Alert) -> Version | None:
    """The newest frozen version."""
    return alert.versions.select_related("by", "alert__team", "mailing").last()


def conversation_of(officer: Officer, key: int) -> Conversation:
    """The conversation with this random key."""
    if key > LARGEST_KEY:
        raise Http404
    found = Conversation.objects.visible_to(officer).select_related("alert", "officer", "team", "resident")
    return get_object_or_404(found, key=key)
