"""`bell restore FOLDER`: put a backup back into an empty installation. Nothing that waited in it is sent."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.cli.backup.manifest import BackupError
from bell.cli.backup.restoring import restore


class Command(BaseCommand):
    """Verifies first, and refuses a database or folders that hold anything."""

    help = "Restore a backup into an empty installation."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Which."""
        parser.add_argument("folder", type=Path, help="what `bell backup` made")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore and say what was held back."""
        try:
            done = restore(options["folder"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        held = done.held
        self.stdout.write(f"Restored what was made {done.manifest.made_at}; {done.checked} audit entries verified.")
        self.stdout.write(
            f"Held back: {held.messages} message(s) of {held.mailings} waiting mailing(s) count as uncertain and are "
            f"not sent; {held.stopped} alert(s) that were going out are stopped; {held.taken_back} that were about to "
            "wait for a person again. Look at each before you send it: it may have gone out after the backup."
        )
