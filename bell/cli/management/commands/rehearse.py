"""`bell rehearse`: the main job on a throw-away database, with the proof that it kept its promises.

Its surroundings (database, folders, ports, keys) are made by bell.cli.main before Django reads the settings.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from bell.cli import surroundings
from bell.cli.children import Child, ChildDied, Family, NotReady, answers, listens
from bell.cli.waiting import ending
from bell.proving.rehearse import checks, report, sabotage, world
from bell.proving.rehearse.story import Director, Doors, Story
from bell.proving.rehearse.visitor import NotTaken
from bell.proving.rehearse.waiting import Patience, TooLong

_WINDOW = 6.0  # seconds that an alert to everybody lasts at least: long enough to stop it and to opt out meanwhile
_FEWEST = 30


class Told(Exception):
    """The rehearsal was told to end."""


class Command(BaseCommand):
    """Builds a world, starts real processes, takes the story through, checks, reports."""

    help = "Rehearse the main job on a throw-away database and check that no promise was broken."

    def add_arguments(self, parser: CommandParser) -> None:
        """Written once, where the surroundings are made of them."""
        surroundings.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, report, exit with 0, 1 (broken) or 2 (not provable here)."""
        started = time.monotonic()
        told = ending()  # from the beginning, so that the folder is tidied away in any case
        if not (settings.DEMO and settings.INVENTED_ONLY):
            raise CommandError("Start a rehearsal as `bell rehearse`: it makes its own surroundings.")
        if options["residents"] < _FEWEST:
            raise CommandError(f"A rehearsal needs at least {_FEWEST} residents.")
        try:
            shape = world.read_files(areas_file=options["areas"], shape_file=options["shape"])
            world.check_throw_away()
            self._say(options, "Building the world…")
            world.prepare_database()
            made = world.build(
                seed=options["seed"],
                residents=options["residents"],
                areas_file=options["areas"],
                shape=shape,
                groups=options["group"],
            )
            for name, words in made.areas_refused:
                self.stderr.write(f"Area refused: {name}: {words}")
            self._say(options, "Sending, answering, opting out, stopping…")
            story = self._perform(made, options, told)
            if options["sabotage"]:
                sabotage.commit(options["sabotage"], story)
        except (world.Refused, ChildDied, NotReady, TooLong, NotTaken, sabotage.Impossible, Told) as error:
            raise CommandError(str(error)) from error
        self._report(story, options, started)

    def _perform(self, made: world.World, options: dict[str, Any], told: threading.Event) -> Story:
        """The story, with all children alive; they are ended in any case."""
        folder = Path(settings.VAR_DIR)
        doors = Doors(folder, own_relay=not options["smtp"], own_gateway=not options["gateway"])
        # What children say goes to the error stream: ours is for the report.
        family = Family(_children(doors, residents=options["residents"]), output=sys.stderr.fileno())
        connections.close_all()  # children of ours must not share a connection

        def alive() -> None:
            if told.is_set():
                raise Told("The rehearsal was told to end.")
            family.check()

        try:
            alive()
            family.start()
            family.wait_until_ready(told)
            return Director(made, doors, Patience(alive), seed=options["seed"]).run()
        finally:
            family.end()

    def _report(self, story: Story, options: dict[str, Any], started: float) -> None:
        """Check, print, exit."""
        evidence = checks.Evidence(story)
        verdicts, promises = checks.run(evidence), checks.promises(evidence)
        facts = {
            "residents": options["residents"],
            "seed": options["seed"],
            "database": connections["default"].vendor,
            "areas_repaired": story.world.areas_repaired,
        }
        seconds = time.monotonic() - started
        found = report.whole(story, evidence, verdicts, promises, seconds=seconds, facts=facts)
        self.stdout.write(json.dumps(found) if options["json"] else report.table(found, verdicts | promises))
        for words in report.troubles(verdicts | promises):
            self.stderr.write(words)
        self.stdout.flush()
        if code := report.status(found):
            sys.exit(code)

    def _say(self, options: dict[str, Any], words: str) -> None:
        """What goes on, for people who wait."""
        if not options["json"]:
            self.stdout.write(words)
            self.stdout.flush()


def _children(doors: Doors, *, residents: int) -> list[Child]:
    """The catchers, the practice catchers, the mail door, the web and the worker: each a real process."""
    slow = f"{_WINDOW / residents:.5f}"
    site, lmtp = _at(settings.SITE_URL), _at(f"//{settings.LMTP_LISTEN}")
    practice = (_at(f"//{settings.CATCHER_SMTP}"), _at(f"//{settings.CATCHER_HTTP}"))
    children = [_catch("practice", str(doors.practice), practice, "0")]
    if doors.own_relay or doors.own_gateway:
        # With one of the two foreign, its catcher listens where nobody sends to.
        relay = _at(settings.SMTP_URL) if doors.own_relay else ("127.0.0.1", 0)
        gateway = _at(settings.SMS_GATEWAY_URL) if doors.own_gateway else ("127.0.0.1", 0)
        children.append(_catch("catch", str(doors.spool), (relay, gateway), slow))
    web = [
        "-m", "gunicorn", "bell.config.wsgi", "--bind", f"{site[0]}:{site[1]}", "--workers", "1", "--threads", "4",
        "--no-control-socket", "--log-level", "warning",
    ]  # fmt: skip
    named = urlsplit(settings.SITE_URL).netloc
    return [
        *children,
        Child("lmtp", ["-m", "bell.cli", "lmtp"], lambda: listens(*lmtp)),
        Child("web", web, lambda: answers(*site, "/gateways/health/", named=named)),
        Child("worker", ["-m", "bell.cli", "worker"]),
    ]


def _catch(name: str, folder: str, at: tuple[tuple[str, int], tuple[str, int]], slow: str) -> Child:
    """One pair of catchers, for mail and for texts, with a spool of its own."""
    (mail, mail_port), (phones, phones_port) = at
    arguments = [
        "-m", "bell.cli", "catch", "--spool", folder, "--smtp", f"{mail}:{mail_port}",
        "--http", f"{phones}:{phones_port}", "--slow", slow,
    ]  # fmt: skip
    return Child(name, arguments, lambda: all(listens(*one) for one in at if one[1]))


def _at(url: str) -> tuple[str, int]:
    """Host and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 0
