"""`bell audit verify`: walk the record's chain from its beginning, and compare it with the heads that were kept."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from bell.audit import heads, record


class Command(BaseCommand):
    """Ends with 1 when an entry was changed, is missing or moved, or a kept head is not in the chain any more."""

    help = "Verify the record."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do."""
        parser.add_argument("do", choices=["verify"])

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, say, end."""
        verdict = record.verify()
        broken = [verdict.broken] if verdict.broken else []
        kept = 0
        try:
            kept = len(heads.read())
            broken += heads.broken()
        except (OSError, ValueError) as error:
            broken.append(str(error))
        for words in broken:
            self.stderr.write(words)
        said = f"{len(broken)} broken" if broken else "nothing broken"
        self.stdout.write(f"{verdict.checked} entries, {kept} kept head(s): {said}")
        if broken:
            sys.exit(1)
