"""The room as Django knows it."""

from django.apps import AppConfig


class SharingConfig(AppConfig):
    """Share kits and feeds; it has no tables of its own."""

    name = "bell.sharing"
    label = "sharing"
