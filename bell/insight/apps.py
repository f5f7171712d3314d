"""The room as Django knows it."""

from django.apps import AppConfig


class InsightConfig(AppConfig):
    """Figures about reach and response; it has no tables of its own and writes nothing."""

    name = "bell.insight"
    label = "insight"
