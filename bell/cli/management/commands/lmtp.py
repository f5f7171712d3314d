"""The mail door: `bell lmtp`, for replies and bounces that a mail server hands over by LMTP."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.api.listening import host_and_port
from bell.api.lmtp import Door
from bell.cli.waiting import ending


class Command(BaseCommand):
    """Runs the door until it is told to end; messages that are being taken get their answer first."""

    help = "Take replies by LMTP and keep them for the worker."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen."""
        parser.add_argument("--listen", default=settings.LMTP_LISTEN, help="host:port")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, wait, stop."""
        told = ending()
        try:
            host, port = host_and_port(options["listen"])
            door = Door(host, port).start()
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Replies are taken by LMTP at {host}:{door.port}")
        told.wait()
        door.stop()
