"""`bell backup FOLDER`: the database, footage and paper forms at one moment, with proof. `--verify` checks one."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.cli.backup.manifest import BackupError
from bell.cli.backup.taking import take
from bell.cli.backup.verifying import verify


class Command(BaseCommand):
    """Makes a backup, or looks at one. Exit status 1 when anything is not as it should be."""

    help = "Back up the database and all files, or verify a backup."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Where."""
        parser.add_argument("folder", type=Path, help="a new or empty folder, best on another machine's disk")
        parser.add_argument("--verify", action="store_true", help="check the backup in FOLDER; changes nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it or check it."""
        try:
            self._verify(options["folder"]) if options["verify"] else self._take(options["folder"])
        except BackupError as error:
            raise CommandError(str(error)) from error

    def _take(self, folder: Path) -> None:
        taken = take(folder)
        rows = sum(taken.manifest.tables.values())
        self.stdout.write(f"{rows} rows in {len(taken.manifest.tables)} tables, {len(taken.manifest.files)} files.")
        self.stdout.write(f"The audit record ends at {taken.manifest.chain_position} {taken.manifest.chain_seal}")
        self.stdout.write(f"SHA-256 of the manifest: {taken.seal}\nKeep that line elsewhere: it proves this backup.")
        if taken.wrong:
            raise CommandError(
                f"{len(taken.wrong)} original(s) of footage are missing or not what arrived, {taken.wrong[0]} for one. "
                "The backup is kept; find out what happened to them."
            )

    def _verify(self, folder: Path) -> None:
        manifest, wrong = verify(folder)
        if wrong:
            raise CommandError("This backup is not whole:\n" + "\n".join(f"  {one}" for one in wrong))
        rows = sum(manifest.tables.values())
        self.stdout.write(f"Whole: {len(manifest.files)} files, {rows} rows, made {manifest.made_at}.")
