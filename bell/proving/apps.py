"""Registers the room with Django."""

from django.apps import AppConfig


class ProvingConfig(AppConfig):
    """The room `proving`."""

    name = "bell.proving"
    label = "proving"
    default_auto_field = "django.db.models.BigAutoField"
