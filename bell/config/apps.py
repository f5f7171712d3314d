"""Registers the wiring with Django, so that its checks run at every start."""

from django.apps import AppConfig

from bell.config import checks


class ConfigConfig(AppConfig):
    """The room `config`."""

    name = "bell.config"
    label = "config"

    def ready(self) -> None:
        """The checks are registered by importing them."""
        assert checks.deployment and checks.signing and checks.provider
