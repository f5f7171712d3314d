"""`bell outbox`: watch the sending, stop a way out and let it go on, follow one alert (what it prints: cli/outbox)."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from bell.alerts.models import Alert
from bell.cli import outbox
from bell.cli.waiting import ending
from bell.delivery import control, health

BY = "command line"
WATCH_SECONDS = 2.0


class Command(BaseCommand):
    """Without a word: how everything is."""

    help = "Show what waits and how fast it goes; stop and resume sending; follow one alert."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        asked = parser.add_subparsers(dest="verb", metavar="WORD")
        stop = asked.add_parser("stop", help="stop a way out until somebody resumes it")
        stop.add_argument("name", help="email, sms, email:DOMAIN, sms:GATEWAY or mailing:NUMBER")
        stop.add_argument("--why", required=True, help="the reason, for whoever finds it stopped")
        resume = asked.add_parser("resume", help="let a way out go on")
        resume.add_argument("name")
        resume.add_argument("--why", default="", help="a reason, for the record")
        alert = asked.add_parser("alert", help="how far one alert is")
        alert.add_argument("reference")
        alert.add_argument("--watch", action="store_true", help="again every two seconds, until it is done")
        # Without a default of its own, so that --json before the word is not forgotten.
        alert.add_argument("--json", action="store_true", default=False, dest="json_after")
        asked.add_parser("uncertain", help="messages that may have arrived, by day and reason")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        try:
            {
                None: self._whole, "stop": self._stop, "resume": self._resume, "alert": self._alert,
                "uncertain": self._uncertain,
            }[options["verb"]](options)  # fmt: skip
        except control.BadWay as error:
            raise CommandError(f"{error}.") from error

    def _whole(self, options: dict[str, Any]) -> None:
        now = health.read()
        if options["json"]:
            self._print(outbox.whole_as_values(now))
        else:
            self.stdout.write("\n".join(outbox.whole(now)))

    def _stop(self, options: dict[str, Any]) -> None:
        held = control.hold(options["name"], options["why"], by=BY)
        self.stdout.write(f"{held.words} stopped. What waits, waits. Go on with: bell outbox resume {held.name}")

    def _resume(self, options: dict[str, Any]) -> None:
        if not control.resume(options["name"], by=BY, why=options["why"]):
            raise CommandError(f"{options['name']} is not stopped.")
        self.stdout.write(f"{control.said(options['name'])} may go on.")

    def _alert(self, options: dict[str, Any]) -> None:
        one = Alert.objects.filter(reference=options["reference"].strip().upper()).first()
        if one is None:
            raise CommandError(f"There is no alert {options['reference']}.")
        if options["json"] or options["json_after"]:
            self._print(outbox.alert_as_values(one))
            return
        told = ending() if options["watch"] else None
        while True:
            one.refresh_from_db()
            lines, over = outbox.alert(one)
            self.stdout.write("\n".join(lines))
            if over or told is None or told.wait(WATCH_SECONDS):
                return
            self.stdout.write("")

    def _uncertain(self, options: dict[str, Any]) -> None:
        found = outbox.uncertain()
        if options["json"]:
            self._print([{"day": day, "reason": reason, "messages": number} for day, reason, number in found])
            return
        lines = [f"{day}  {number:>8,}  {reason}" for day, reason, number in found]
        self.stdout.write("\n".join(lines) or "Nothing is uncertain.")

    def _print(self, values: Any) -> None:
        self.stdout.write(json.dumps(values, indent=2, cls=DjangoJSONEncoder))
