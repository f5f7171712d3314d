"""Registers the room with Django."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """The room `conversations`."""

    name = "bell.conversations"
    label = "conversations"
    default_auto_field = "django.db.models.BigAutoField"
