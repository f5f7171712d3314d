"""Registers the room with Django."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """The room `alerts`."""

    name = "bell.alerts"
    label = "alerts"
    default_auto_field = "django.db.models.BigAutoField"
