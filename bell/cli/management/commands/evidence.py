"""`bell evidence verify`: recompute every hash and every ledger, name what is broken, end with 1 when something is."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from bell.evidence import checking


class Command(BaseCommand):
    """Reads every original from its first to its last byte: with much footage it takes its time."""

    help = "Verify the evidence: originals, ledgers and the record."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do."""
        parser.add_argument("do", choices=["verify"])
        parser.add_argument("--quiet", action="store_true", help="say only what is broken, and the sum")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, say, end."""
        report = checking.verify(tell=(lambda _: None) if options["quiet"] else self.stdout.write)
        for reference, words in report.broken:
            self.stderr.write(f"{reference}: {words}")
        self.stdout.write(
            f"{report.originals} originals, {report.lines} lines of ledgers, {report.record} entries of the record: "
            f"{len(report.broken) or 'nothing'} broken"
        )
        if report.broken:
            sys.exit(1)
