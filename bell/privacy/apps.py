"""Registers the room with Django."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """The room `privacy`."""

    name = "bell.privacy"
    label = "privacy"
    default_auto_field = "django.db.models.BigAutoField"
