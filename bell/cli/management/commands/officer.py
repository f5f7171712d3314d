"""`bell officer again EMAIL --by EMAIL --why TEXT`: open the account of an officer who lost every way in."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.organisations.actions import NotAllowed, open_again
from bell.organisations.models import Officer


class Command(BaseCommand):
    """Run by the administrator themself, who types their own password: whoever can open a shell is not yet one."""

    help = "Open an officer's account again, after you saw in person who they are."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, by whom, and how it was made sure."""
        parser.add_argument("verb", choices=["again"])
        parser.add_argument("email")
        parser.add_argument("--by", required=True, help="the administrator's email")
        parser.add_argument("--why", required=True, help="how you made sure who it is")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the administrator, do it, say the password once."""
        officer, by = _found(options["email"]), _found(options["by"])
        if not by.check_password(getpass.getpass(f"Password of {by.email}: ")):
            raise CommandError("That is not the administrator's password.")
        try:
            password = open_again(officer, by=by, why=options["why"])
        except NotAllowed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Tell {officer} by voice, and let them set up a second factor at once: {password}")


def _found(email: str) -> Officer:
    officer = Officer.objects.filter(email__iexact=email.strip()).first()
    if officer is None:
        raise CommandError(f"There is no officer {email}.")
    return officer
