"""`bell bench NAME`: run a benchmark on a throw-away database and print it beside its comparator."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.proving.bench import audience, measure
from bell.residents.models import Resident

BENCHMARKS = {"audience": audience.run}


class Command(BaseCommand):
    """One benchmark. Without --database-url the database is a temporary SQLite file (cli.surroundings)."""

    help = "Run a benchmark on a throw-away database."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Name and size."""
        parser.add_argument("name", choices=sorted(BENCHMARKS))
        parser.add_argument("--people", type=int, default=20_000, help="how many residents (default 20,000)")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--database-url", default="", help="an empty database (default: a temporary SQLite file)")
        parser.add_argument("--json", action="store_true", help="print one JSON object; a copy is kept under var/bench")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, run, print."""
        if options["people"] < 100:
            raise CommandError("A benchmark needs at least 100 people.")
        call_command("migrate", verbosity=0)
        if Resident.objects.exists():
            raise CommandError("This database holds residents. A benchmark runs on an empty one.")
        rows = BENCHMARKS[options["name"]](count=options["people"], seed=options["seed"])
        found = measure.as_json(options["name"], rows)
        kept = Path(settings.ROOT) / "var" / "bench" / f"{options['name']}.json"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(found)
        self.stdout.write(found if options["json"] else measure.as_table(options["name"], rows))
