"""One mail from standard input: `bell mail_in`, for a mail server that hands mails to a command (Postfix's pipe(8)).

Exit codes are those of sysexits.h that mail servers act on: 0 it is kept, 67 no such mailbox here, 65 it is too large,
75 for everything that is our own fault: the mail server keeps it and tries again (see cli.main, which turns whatever
goes wrong before and around this command into 75 too).
"""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from bell.api import lmtp
from bell.cli.sysexits import DATA, NO_USER, OK

GATEWAY = "pipe"


class Command(BaseCommand):
    """Keeps the mail once for each recipient of ours; one that comes again is kept once."""

    help = "Take one mail from standard input and keep it for the worker."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The envelope: recipients, and the sender ("" or MAILER-DAEMON for bounces); else from the environment."""
        parser.add_argument("recipients", nargs="*", help="as ${recipient} gives them, or RECIPIENT of the environment")
        parser.add_argument("--sender", help="as ${sender} gives it, or SENDER of the environment")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, keep, and say how it went by the exit code."""
        recipients = options["recipients"] or list(filter(None, [os.environ.get("RECIPIENT", "")]))
        ours = [one for one in recipients if lmtp.is_ours(one)]
        if not ours:
            self.stderr.write("No such mailbox here")
            sys.exit(NO_USER)
        raw = sys.stdin.buffer.read(lmtp.LARGEST + 1)
        if len(raw) > lmtp.LARGEST:
            self.stderr.write(f"Larger than {lmtp.LARGEST} bytes")
            sys.exit(DATA)
        sender = options["sender"] if options["sender"] is not None else os.environ.get("SENDER", "")
        # pipe(8) says MAILER-DAEMON for the empty sender unless it is told null_sender=.
        sender = "" if sender.strip("<>").upper() == "MAILER-DAEMON" else sender.strip("<>")
        for recipient in ours:
            lmtp.store(GATEWAY, raw, sender, recipient)
        sys.exit(OK)
