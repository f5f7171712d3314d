"""The `bell` command: Django's command runner with our settings."""

import os
import sys

from django.core.management import execute_from_command_line

from bell.cli import surroundings


def main() -> None:
    """Run `bell COMMAND` with settings from the environment (docs/running.md); a rehearsal makes its own."""
    if sys.argv[1:2] == ["rehearse"]:
        surroundings.prepare(sys.argv[2:])
    elif sys.argv[1:2] == ["bench"]:
        surroundings.prepare_bench(sys.argv[2:])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bell.config.settings")
    execute_from_command_line(["bell", *sys.argv[1:]])
