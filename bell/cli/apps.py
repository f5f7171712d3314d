"""Registers the room with Django."""

from django.apps import AppConfig


class CliConfig(AppConfig):
    """The room `cli`."""

    name = "bell.cli"
    label = "cli"
    default_auto_field = "django.db.models.BigAutoField"
