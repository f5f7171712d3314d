"""Import boundaries: `bell import_areas FILE --kind ward --name-property name --parent-property district`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.places.reading import ImportRefused
from bell.residents.areas import import_areas


class Command(BaseCommand):
    """Creates or updates areas of one kind and places every resident again; repeating it changes nothing."""

    help = "Import areas (wards, districts, beats) from a GeoJSON or KML file."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which file, and which of its properties mean what."""
        parser.add_argument("file")
        parser.add_argument("--kind", required=True, help="ward, district, beat, force and so on")
        parser.add_argument("--name-property", required=True, help="the property that holds an area's name")
        parser.add_argument("--code-property", default="code", help="the property that never changes (default: code)")
        parser.add_argument("--parent-property", default="", help="the property that names the area it lies in")
        parser.add_argument("--parent-kind", default="district", help="the kind of those (default: district)")

        parser.add_argument("--whole", action="store_true", help="retire areas of the kind that the file does not name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, then say what became of each feature that was not simply taken."""
        names = ("kind", "name_property", "code_property", "parent_property", "parent_kind", "whole")
        try:
            report = import_areas(options["file"], by="operator", **{name: options[name] for name in names})
        except ImportRefused as error:
            raise CommandError(str(error)) from error
        made = f", {report.parents} made to hold others" if report.parents else ""
        gone = f", {report.retired} retired" if report.retired else ""
        self.stdout.write(f"{report.created} new, {report.changed} changed, {report.unchanged} unchanged{gone}{made}")
        for name, note in report.repaired:
            self.stdout.write(f"repaired  {name}: {note}")
        for name, words in report.refused:
            self.stderr.write(f"refused   {name}: {words}")
