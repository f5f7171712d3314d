"""Registers the room with Django."""

from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """The room `worker`."""

    name = "bell.worker"
    label = "worker"
    default_auto_field = "django.db.models.BigAutoField"
