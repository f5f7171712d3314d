"""The demo's mail catcher and phone simulator: `bell catch [--spool DIR] [--smtp host:port] [--http host:port]`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.api.listening import host_and_port
from bell.cli.waiting import ending
from bell.proving.mailcatcher import MailCatcher
from bell.proving.phones import Phones


class Command(BaseCommand):
    """Runs both until it is told to end."""

    help = "Catch mail and text messages on this machine instead of sending them anywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen, where to keep, whom to call back."""
        parser.add_argument("--spool", default=str(settings.VAR_DIR / "catcher"), help="the folder of the spools")
        parser.add_argument("--smtp", default=settings.CATCHER_SMTP, help="host:port of the mail catcher")
        parser.add_argument("--http", default=settings.CATCHER_HTTP, help="host:port of the phone simulator")
        parser.add_argument("--site", default=settings.SITE_URL, help="the site that gets receipts and texts")
        parser.add_argument("--lmtp", default=settings.LMTP_LISTEN, help="host:port of the site's mail door")
        parser.add_argument("--slow", type=float, default=0.0, help="seconds that each mail takes (default 0)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start both, wait, stop both."""
        told = ending()
        try:
            smtp, web = host_and_port(options["smtp"]), host_and_port(options["http"])
            mails = MailCatcher(*smtp, options["spool"], options["slow"])
            phones = Phones(*web, options["spool"], options["site"], settings.SMS_GATEWAY_SECRET, options["lmtp"])
            mails.start()
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        phones.start()
        self.stdout.write(f"Mail is caught at {smtp[0]}:{mails.port}, texts at http://{web[0]}:{phones.port}")
        told.wait()
        phones.stop()
        mails.stop()
