"""Registers the room with Django."""

from django.apps import AppConfig


class PublicConfig(AppConfig):
    """The room `public`."""

    name = "bell.public"
    label = "public"
    default_auto_field = "django.db.models.BigAutoField"
