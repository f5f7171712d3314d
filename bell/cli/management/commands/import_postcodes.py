"""Import postcodes: `bell import_postcodes FILE`, in the layout of the ONS Postcode Directory."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.places.postcodes import import_postcodes
from bell.places.reading import ImportRefused


class Command(BaseCommand):
    """Creates or updates postcodes; repeating it changes nothing."""

    help = "Import postcodes from the ONS Postcode Directory or Code-Point Open (CSV)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which file."""
        parser.add_argument("file")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, then name the rows that could not be used."""
        try:
            report = import_postcodes(options["file"])
        except ImportRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{report.created} new, {report.updated} moved, {report.unchanged} unchanged, "
            f"{report.skipped} without a place"
        )
        for row, words in report.errors:
            self.stderr.write(f"row {row}: {words}")
        if report.error_count > len(report.errors):
            self.stderr.write(f"and {report.error_count - len(report.errors)} more rows that cannot be used")
