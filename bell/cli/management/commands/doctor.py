"""`bell doctor`: look at this installation and say what is right, what is wrong and what to do."""

import json
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from bell.cli.doctor import doors, house, names
from bell.cli.doctor.finding import Check, Finding, Tone, answers

_SIGNS = {Tone.RIGHT: "ok", Tone.NOTE: "note", Tone.UNKNOWN: "?", Tone.WRONG: "WRONG"}


class Command(BaseCommand):
    """Asks every question, whatever the answer to the one before. Exit status 1 when something is wrong."""

    help = "Check this installation and say what to do. Sends nothing."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """How to answer."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--address", default="", metavar="IP", help="the public address that your mail leaves from")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, print, end."""
        found = [one for check in checks(options["address"]) for one in answers(check)]
        wrong = sum(one.tone is Tone.WRONG for one in found)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not wrong, "findings": [asdict(one) for one in found]}, indent=2))
        else:
            self.stdout.write(_told(found))
            self.stdout.write(f"\n{wrong} thing(s) to put right." if wrong else "\nNothing is wrong.")
        if wrong:
            raise SystemExit(1)


def checks(address: str = "") -> list[Check]:
    """Every question, in the order in which one would put things right."""
    asked = [
        Check("settings", house.configuration),
        Check("database", house.database),
        Check("tables", house.tables, 20),
        Check("static files", house.static_files, 20),
        Check("folders", house.writable_folders),
        Check("clock", house.clocks),
        Check("worker", house.worker, 20),
        Check("sending", house.sending, 20),
        Check("relay", doors.relay, 20),
        Check("text gateway", doors.gateway),
        Check("mail door", doors.lmtp),
        Check("identity provider", doors.identity, 15),
        Check("virus scanner", doors.scanner),
        Check("mail names", names.mail, 60),
        Check("backup", house.backup),
    ]
    return [*asked, Check("sending address", partial(names.reverse, address), 20)] if address else asked


def _told(found: list[Finding]) -> str:
    """A line each, and what to do below it."""
    lines = []
    for one in found:
        lines.append(f"{_SIGNS[one.tone]:6} {one.about}: {one.words}")
        if one.todo:
            lines.append(f"{'':6} -> {one.todo}")
    return "\n".join(lines)
