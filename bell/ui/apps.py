"""Registers the room with Django."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    """The room `ui`."""

    name = "bell.ui"
    label = "ui"
    default_auto_field = "django.db.models.BigAutoField"
