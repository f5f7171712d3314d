"""`bell bench NAME`: run a benchmark on a throw-away database and print it beside its comparator."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from shapely.geometry.base import BaseGeometry

from bell.lib.shapes import ShapeError
from bell.places.reading import ImportRefused
from bell.proving.bench import audience, email, fill, inbound, measure, page, signup, small_areas, text, urgent
from bell.proving.bench.measure import Row
from bell.residents.models import Resident


@dataclass(frozen=True)
class Benchmark:
    """What runs it, the size it has when nobody says, the least that means something; whether it serves pages, and
    whether it counts in areas of a file.
    """

    run: Callable[..., list[Row]]
    usual: int
    least: int = 100
    serves: bool = False
    areas: bool = False


BENCHMARKS = {
    "audience": Benchmark(audience.run, 20_000, areas=True),
    "fill": Benchmark(fill.run, 100_000),
    "email": Benchmark(email.run, 100_000),
    "inbound": Benchmark(inbound.run, 10_000, serves=True),
    "signup": Benchmark(signup.run, 30, least=1, serves=True),
    "text": Benchmark(text.run, 5_000),
    "urgent": Benchmark(urgent.run, 100_000, least=20_000),
    "page": Benchmark(page.run, 300, least=1, serves=True),
}


class Command(BaseCommand):
    """One benchmark. Without --database-url the database is a temporary SQLite file (cli.surroundings)."""

    help = "Run a benchmark on a throw-away database."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Name and size."""
        sizes = ", ".join(f"{name} {one.usual:,}" for name, one in sorted(BENCHMARKS.items()))
        parser.add_argument("name", choices=sorted(BENCHMARKS))
        parser.add_argument("--people", type=int, help=f"people, replies, joins or requests a run ({sizes})")
        parser.add_argument("--runs", type=int, default=measure.RUNS, help="counted runs of each side (5)")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--database-url", default="", help="an empty database (default: a temporary SQLite file)")
        parser.add_argument("--areas", type=Path, help="audience: a GeoJSON file of real small areas to count in")
        parser.add_argument("--json", action="store_true", help="print one JSON object; a copy is kept under var/bench")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, run, print."""
        name = options["name"]
        chosen = BENCHMARKS[name]
        people = chosen.usual if options["people"] is None else options["people"]
        if people < chosen.least:
            raise CommandError(f"This benchmark needs at least {chosen.least} people.")
        if options["runs"] < 1:
            raise CommandError("A benchmark needs at least one run.")
        more = {"areas": _areas(options["areas"], chosen)} if options["areas"] is not None else {}
        call_command("migrate", verbosity=0)
        if chosen.serves:
            call_command("createcachetable", verbosity=0)
            call_command("collectstatic", interactive=False, verbosity=0)
        if Resident.objects.exists():
            raise CommandError("This database holds residents. A benchmark runs on an empty one.")
        measure.count_runs(options["runs"])
        rows = chosen.run(count=people, seed=options["seed"], **more)
        found = measure.as_json(name, rows)
        kept = Path(settings.ROOT) / "var" / "bench" / f"{name}.json"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(found)
        self.stdout.write(found if options["json"] else measure.as_table(name, rows))


def _areas(file: Path, chosen: Benchmark) -> list[BaseGeometry]:
    """The areas of a file, for a benchmark that counts in them."""
    if not chosen.areas:
        raise CommandError("Only the benchmark audience counts in areas of a file.")
    try:
        return small_areas.read(file)
    except (ImportRefused, ShapeError) as error:
        raise CommandError(str(error)) from error
