"""`bell demo`: draw the demo county into an empty database."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.proving import county


class Command(BaseCommand):
    """Draws the invented county once; a second time it only says who can sign in."""

    help = "Draw the demo county (towns, teams, officers, residents, a few live threads). Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        """Seed and size."""
        parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same county (default 1)")
        parser.add_argument("--residents", type=int, default=5000, help="how many people live in it (default 5000)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Draw, then print what stands there and who can sign in."""
        if not settings.DEMO:
            raise CommandError("Demo mode is off. Set BELL_DEMO=1; a real installation has no demo county.")
        if options["residents"] < len(county.PERSONAS):
            raise CommandError(f"The demo county has at least {len(county.PERSONAS)} residents.")
        try:
            drawn = county.draw(seed=options["seed"], residents=options["residents"])
        except county.Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write("The demo county is drawn." if drawn.fresh else "The demo county is already there.")
        self.stdout.write(
            f"{drawn.areas} areas, {drawn.postcodes} postcodes, {drawn.teams} teams, {drawn.officers} officers, "
            f"{drawn.residents} residents, {drawn.alerts} alerts. Everyone in it is invented."
        )
        self.stdout.write("\nWho can sign in at /accounts/login/:")
        for words, email, password in county.who()[:6]:
            self.stdout.write(f"  {words}\n    {email}    {password}")
