"""The worker: `bell worker`; sends what is due and reads what came in (worker/timetable.py says what and how often)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.cli.crew import Crew, orphaned
from bell.cli.waiting import ending
from bell.worker import loop
from bell.worker.timetable import TIMETABLE


class Command(BaseCommand):
    """Runs the loop until it is told to end."""

    help = "Send what is due and read what came in."

    def add_arguments(self, parser: CommandParser) -> None:
        """How much of it."""
        parser.add_argument("--once", action="store_true", help="do what is due now, then end")
        parser.add_argument(
            "--senders", type=int, default=2, help="how many batches travel at once in a process (default 2)"
        )
        parser.add_argument("--processes", type=int, default=1, help="how many processes send (default 1)")
        parser.add_argument("--only-send", action="store_true", help="send, and leave the timetable to other workers")
        parser.add_argument(
            "--child-of", type=int, default=0, help="end when this process is gone (set by --processes)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run once or until told."""
        if options["once"]:
            done = loop.once()
            for name, count in done.items():
                self.stdout.write(f"{name}: {'failed' if count is None else count}")
            if None in done.values():
                raise CommandError("Not everything could be done; the log says why")
            return
        senders = max(1, options["senders"])
        told = ending()
        if options["processes"] > 1:
            keeping = not options["only_send"]
            Crew(options["processes"], ["--senders", str(senders)], keeps_time=keeping).work(told)
            return
        if options["child_of"]:
            orphaned(told, options["child_of"])
        loop.run(told, senders=senders, timetable=() if options["only_send"] else TIMETABLE)
