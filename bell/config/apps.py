"""Registers the wiring with Django, so that its checks run at every start."""

from django.apps import AppConfig

from bell.config import checks
from bell.lib import cursors


class ConfigConfig(AppConfig):
    """The room `config`."""

    name = "bell.config"
    label = "config"

    def ready(self) -> None:
        """The checks are registered by importing them; connections are watched from before the first is opened."""
        assert checks.deployment and checks.signing and checks.provider
        cursors.install()
