"""The `bell` command: Django's command runner with our settings."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run `bell COMMAND`; settings come from the environment (docs/running.md)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bell.config.settings")
    execute_from_command_line(["bell", *sys.argv[1:]])
