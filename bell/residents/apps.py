"""Registers the room with Django."""

from django.apps import AppConfig


class ResidentsConfig(AppConfig):
    """The room `residents`."""

    name = "bell.residents"
    label = "residents"
    default_auto_field = "django.db.models.BigAutoField"
