"""`bell retention --dry-run`: what retention would do now; without it, every rule runs to its end."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from bell.privacy import retention


class Command(BaseCommand):
    """The worker does this daily in small parts; by hand it is for looking, or for catching up at once."""

    help = "Run the retention rules, or with --dry-run say what they would do."

    def add_arguments(self, parser: CommandParser) -> None:
        """Look only, or do."""
        parser.add_argument("--dry-run", action="store_true", help="count what is due and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a rule: rows, days, words."""
        counts = (
            {rule.name: retention.due(rule) for rule in retention.RULES} if options["dry_run"] else retention.run_all()
        )
        for rule in retention.RULES:
            self.stdout.write(f"{counts[rule.name]:>8}  after {rule.days:>4} days  {rule.words}")
