"""Import households: `bell import_households FILE.csv`, with the columns code and households."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.places.households import import_households
from bell.places.reading import ImportRefused


class Command(BaseCommand):
    """Creates or updates the number of households of areas; repeating it changes nothing."""

    help = "Import households of areas from a CSV file with the columns code and households."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which file, of which areas, counted when."""
        parser.add_argument("file")
        parser.add_argument("--kind", default="", help="the kind of the areas, where a code stands for several kinds")
        parser.add_argument("--as-of", type=date.fromisoformat, help="the day of the count, such as 2021-03-21")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, then name the rows that could not be used."""
        try:
            report = import_households(options["file"], kind=options["kind"], as_of=options["as_of"])
        except ImportRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{report.created} new, {report.updated} changed, {report.unchanged} unchanged")
        for row, words in report.errors:
            self.stderr.write(f"row {row}: {words}")
        if report.error_count > len(report.errors):
            self.stderr.write(f"and {report.error_count - len(report.errors)} more rows that cannot be used")
