"""`bell bench NAME`: run a benchmark on a throw-away database and print it beside its comparator."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.proving.bench import audience, measure, page, signup
from bell.residents.models import Resident

BENCHMARKS = {"audience": audience.run, "signup": signup.run, "page": page.run}
USUAL = {"audience": 20_000, "signup": 30, "page": 300}
SERVED = ("signup", "page")


class Command(BaseCommand):
    """One benchmark. Without --database-url the database is a temporary SQLite file (cli.surroundings)."""

    help = "Run a benchmark on a throw-away database."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Name and size."""
        parser.add_argument("name", choices=sorted(BENCHMARKS))
        parser.add_argument("--people", type=int, help="residents (20,000), joins (30) or requests (300) a run")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--database-url", default="", help="an empty database (default: a temporary SQLite file)")
        parser.add_argument("--json", action="store_true", help="print one JSON object; a copy is kept under var/bench")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, run, print."""
        name = options["name"]
        people = options["people"] or USUAL[name]
        if people < (1 if name in SERVED else 100):
            raise CommandError("A benchmark needs at least 100 people.")
        call_command("migrate", verbosity=0)
        if name in SERVED:
            call_command("createcachetable", verbosity=0)
            call_command("collectstatic", interactive=False, verbosity=0)
        if Resident.objects.exists():
            raise CommandError("This database holds residents. A benchmark runs on an empty one.")
        rows = BENCHMARKS[name](count=people, seed=options["seed"])
        found = measure.as_json(name, rows)
        kept = Path(settings.ROOT) / "var" / "bench" / f"{name}.json"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(found)
        self.stdout.write(found if options["json"] else measure.as_table(name, rows))
